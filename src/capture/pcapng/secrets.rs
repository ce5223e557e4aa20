//! Decryption Secrets Blocks of pcapng (draft-ietf-opsawg-pcapng, section 4.7), read
//! back as they lie in the file: keys of TLS sessions, for who opens an extract.
//!
//! Refuses to keep them: a pass notes where they are, no more.

use super::blocks::word;
use crate::capture::source;
use crate::capture::{CaptureError, CaptureFile};

/// Bytes of secrets that are read of a file; more is no key log.
const LIMIT: usize = 16 << 20;

/// One block of secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secrets {
    /// What they are: `0x544c534b` for a TLS key log.
    pub kind: u32,
    /// The secrets themselves.
    pub data: Vec<u8>,
}

/// Reads the secrets that a capture carries, in file order; the first 16 MiB.
///
/// # Errors
/// Where the file cannot be opened any more, or no longer holds what it held.
pub fn read_secrets(file: &CaptureFile) -> Result<Vec<Secrets>, CaptureError> {
    let Some(first) = file.secrets.first() else { return Ok(Vec::new()) };
    let changed = || source::gone(&file.handle, &file.path);
    let packed = file.compression.is_some();
    let mut window = source::reopen(&file.handle, &file.path, packed, first.offset)?;
    let mut all = Vec::new();
    let mut bytes = 0usize;
    for at in &file.secrets {
        bytes = bytes.saturating_add(at.size);
        if bytes > LIMIT {
            break;
        }
        if !window.skip_to(at.offset) || !window.fill(at.size) {
            return Err(changed());
        }
        let block = window.data().get(..at.size).unwrap_or_default();
        let length = word(block, 12, at.big).ok_or_else(changed)? as usize;
        let kind = word(block, 8, at.big).ok_or_else(changed)?;
        // A length beyond the block is a damaged block, which opens nothing.
        if let Some(data) = block.get(16..).and_then(|rest| rest.get(..length)) {
            all.push(Secrets { kind, data: data.to_vec() });
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::testkit::{Ng, Order, gzip, run};

    fn with_secrets(big: bool) -> Ng {
        let order = Order(big);
        let mut ng = Ng::new(big);
        ng.interface(1, 0, &[]);
        for (n, text) in [b"CLIENT_RANDOM a b".as_slice(), b"", b"more"].iter().enumerate() {
            let mut body = [order.u32(0x544c_534b), order.u32(text.len() as u32)].concat();
            body.extend(*text);
            body.resize(body.len().next_multiple_of(4), 0);
            ng.block(10, &body).enhanced(0, n as u64, b"frame");
        }
        ng
    }

    #[test]
    fn secrets_are_read_back_from_either_byte_order_packed_or_not() {
        for big in [false, true] {
            let ng = with_secrets(big);
            for bytes in [ng.bytes.clone(), gzip(&ng.bytes)] {
                let (file, seen) = run(&bytes).unwrap();
                assert_eq!((seen.len(), file.damage.len()), (3, 0));
                let texts: Vec<_> =
                    read_secrets(&file).unwrap().into_iter().map(|s| (s.kind, s.data)).collect();
                let wanted = [b"CLIENT_RANDOM a b".to_vec(), Vec::new(), b"more".to_vec()];
                assert_eq!(texts, wanted.map(|text| (0x544c_534b, text)));
            }
        }
    }

    #[test]
    fn a_block_that_claims_more_than_it_holds_gives_nothing() {
        let mut ng = Ng::new(false);
        ng.interface(1, 0, &[]).block(10, &[0, 0, 0, 0, 0xff, 0xff, 0xff, 0x7f, 1, 2, 3, 4]);
        let (file, _) = run(&ng.bytes).unwrap();
        assert_eq!(read_secrets(&file).unwrap(), []);
    }
}
