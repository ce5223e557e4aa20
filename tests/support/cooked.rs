//! An Ethernet capture as `tcpdump -i any` on the same host would have it: no MAC of the
//! receiver, and which way each frame went (LINKTYPE_LINUX_SLL, LINKTYPE_LINUX_SLL2).

use std::path::{Path, PathBuf};

const ETHERNET: u32 = 1;

/// The two link types of `-i any`, of before and since tcpdump 4.99.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Any {
    Sll = 113,
    Sll2 = 276,
}

/// The MACs of a host in a report.
pub fn own_macs(host: &lbdiag::report::Host) -> Vec<[u8; 6]> {
    let mac = |text: &String| {
        let bytes: Vec<u8> =
            text.split(':').filter_map(|b| u8::from_str_radix(b, 16).ok()).collect();
        bytes.try_into().ok()
    };
    host.macs.iter().filter_map(mac).collect()
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

/// Converts a little-endian pcap of Ethernet frames, given its host's own MACs; `None` for
/// any other file.
pub fn cooked(capture: &Path, own: &[[u8; 6]], folder: &Path, any: Any) -> Option<PathBuf> {
    let bytes = std::fs::read(capture).unwrap();
    let magic = bytes.get(..4).map(|b| word(b, 0))?;
    if ![0xa1b2_c3d4, 0xa1b2_3c4d].contains(&magic) || word(&bytes, 20) & 0xffff != ETHERNET {
        return None;
    }
    let mut out = bytes[..20].to_vec();
    out.extend((any as u32).to_le_bytes());
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
        // Its header takes the place of the 12 bytes of MACs, before the EtherType or instead.
        let header = header(any, kind, src, frame.get(12..14)?);
        let longer = header.len() as u32 - 14;
        for length in [len as u32 + longer, word(&bytes, at + 12) + longer] {
            out.extend(length.to_le_bytes());
        }
        out.extend(header);
        out.extend(&frame[14..]);
        at += 16 + len;
    }
    let to = folder.join(capture.file_name()?);
    std::fs::write(&to, out).unwrap();
    Some(to)
}

fn header(any: Any, kind: u16, src: [u8; 6], ethertype: &[u8]) -> Vec<u8> {
    const ARPHRD_ETHER: u16 = 1;
    let mut out = Vec::new();
    match any {
        Any::Sll => {
            for half in [kind, ARPHRD_ETHER, 6] {
                out.extend(half.to_be_bytes());
            }
            out.extend(src);
            out.extend([0, 0]);
            out.extend(ethertype);
        }
        Any::Sll2 => {
            out.extend(ethertype);
            out.extend([0, 0]);
            // All frames are of one interface.
            out.extend(2u32.to_be_bytes());
            out.extend(ARPHRD_ETHER.to_be_bytes());
            out.extend([kind as u8, 6]);
            out.extend(src);
            out.extend([0, 0]);
        }
    }
    out
}
