//! What kind of archive a file is, by its content.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

/// Where the magic of a tar header stands (POSIX ustar).
const USTAR: usize = 257;
/// Bytes of a tar header.
const HEADER: u64 = 512;
/// Memory that an xz stream may ask for, in KiB: what `xz -9` needs is 65 MiB.
pub(super) const XZ_KIB: u32 = 96 << 10;

/// A kind of archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Tar,
    TarGz,
    TarXz,
    /// One file, packed with xz.
    Xz,
    Zip,
}

/// The kind of a file; `None` where it is none of these, as a packed capture is.
pub(super) fn of(path: &Path) -> Option<Kind> {
    let begin = |reader: &mut dyn Read| {
        let mut bytes = Vec::new();
        // What cannot be unpacked is no archive here; reading it says why.
        let _ = reader.take(HEADER).read_to_end(&mut bytes);
        bytes
    };
    let open = || File::open(path).map(BufReader::new);
    let first = begin(&mut open().ok()?);
    let is_tar = |bytes: &[u8]| bytes.get(USTAR..USTAR + 5) == Some(b"ustar");
    if first.starts_with(b"PK\x03\x04") || first.starts_with(b"PK\x05\x06") {
        return Some(Kind::Zip);
    }
    if first.starts_with(&[0x1f, 0x8b]) {
        let inside = begin(&mut flate2::read::MultiGzDecoder::new(open().ok()?));
        return is_tar(&inside).then_some(Kind::TarGz);
    }
    if first.starts_with(&[0xfd, b'7', b'z', b'X', b'Z', 0]) {
        let inside = begin(&mut lzma_rust2::XzReader::new_mem_limit(open().ok()?, true, XZ_KIB));
        return Some(if is_tar(&inside) { Kind::TarXz } else { Kind::Xz });
    }
    is_tar(&first).then_some(Kind::Tar)
}
