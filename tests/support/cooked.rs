//! An Ethernet capture as `tcpdump -i any` on the same host would have it: no MAC of the
//! receiver, and which way each frame went (LINKTYPE_LINUX_SLL).

use std::path::{Path, PathBuf};

const ETHERNET: u32 = 1;
const SLL: u32 = 113;

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

/// Converts a little-endian pcap of Ethernet frames, given its host's own MACs; `None` for
/// any other file.
pub fn cooked(capture: &Path, own: &[[u8; 6]], folder: &Path) -> Option<PathBuf> {
    let bytes = std::fs::read(capture).unwrap();
    let magic = bytes.get(..4).map(|b| word(b, 0))?;
    if ![0xa1b2_c3d4, 0xa1b2_3c4d].contains(&magic) || word(&bytes, 20) & 0xffff != ETHERNET {
        return None;
    }
    let mut out = bytes[..20].to_vec();
    out.extend(SLL.to_le_bytes());
    let mut at = 24;
    while at + 16 <= bytes.len() {
        let len = word(&bytes, at + 8) as usize;
        let frame = bytes.get(at + 16..at + 16 + len)?;
        let (dst, src): ([u8; 6], [u8; 6]) =
            (frame.get(..6)?.try_into().unwrap(), frame.get(6..12)?.try_into().unwrap());
        let kind: u16 = if own.contains(&src) {
            4
        } else if dst == [0xff; 6] {
            1
        } else if dst[0] & 1 == 1 {
            2
        } else if own.contains(&dst) {
            0
        } else {
            3
        };
        out.extend(&bytes[at..at + 8]);
        for length in [len as u32 + 2, word(&bytes, at + 12) + 2] {
            out.extend(length.to_le_bytes());
        }
        for half in [kind, 1, 6] {
            out.extend(half.to_be_bytes());
        }
        out.extend(src);
        out.extend([0, 0]);
        out.extend(&frame[12..]);
        at += 16 + len;
    }
    let to = folder.join(capture.file_name()?);
    std::fs::write(&to, out).unwrap();
    Some(to)
}
