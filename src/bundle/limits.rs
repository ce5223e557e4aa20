//! How much bundles may hold, all of one run together.

/// Bytes that are unpacked.
const BYTES: u64 = 64 << 30;
/// Files.
const FILES: u32 = 1 << 16;
/// Archives around an archive.
pub(super) const DEPTH: u32 = 3;
/// Folders below each other.
pub(super) const FOLDERS: usize = 24;
/// Bytes from which on an archive may not have grown beyond [`GROWTH`]: small ones of logs may.
const FROM: u64 = 256 << 20;
/// Times its size to which an archive may grow. Captures and logs grow to ten times; what is built
/// to fill disks to a thousand and more (deflate's most is 1,032).
const GROWTH: u64 = 100;

/// What is left of it.
#[derive(Debug)]
pub(super) struct Budget {
    bytes: u64,
    files: u32,
}

impl Default for Budget {
    fn default() -> Self {
        Self { bytes: BYTES, files: FILES }
    }
}

impl Budget {
    /// One file more.
    pub(super) fn file(&mut self) -> Result<(), String> {
        self.files =
            self.files.checked_sub(1).ok_or_else(|| format!("it holds more than {FILES} files"))?;
        Ok(())
    }

    /// Bytes more, of an archive of `size` bytes that has given `given` with them.
    pub(super) fn bytes(&mut self, more: u64, given: u64, size: u64) -> Result<(), String> {
        if given > FROM && given / GROWTH > size {
            return Err(format!(
                "it unpacks to more than {GROWTH} times its {size} bytes, as what is built to fill disks does"
            ));
        }
        self.bytes = self
            .bytes
            .checked_sub(more)
            .ok_or_else(|| format!("it unpacks to more than {} GiB", BYTES >> 30))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bound_is_met() {
        let mut budget = Budget::default();
        assert!(budget.bytes(FROM, FROM, 1).is_ok(), "small ones may grow");
        assert!(budget.bytes(1, FROM + 1, FROM / GROWTH / 2).unwrap_err().contains("times"));
        assert!(budget.bytes(1, FROM + 1, FROM / GROWTH * 2).is_ok());
        assert!(budget.bytes(BYTES, BYTES, BYTES).unwrap_err().contains("GiB"));
        let mut files = Budget::default();
        assert!((0..FILES).all(|_| files.file().is_ok()) && files.file().is_err());
    }
}
