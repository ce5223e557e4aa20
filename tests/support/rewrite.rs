//! A capture written again with its records changed.

use std::path::{Path, PathBuf};

/// A frame of a pcap file.
#[derive(Debug, Clone)]
pub struct Record {
    /// Nanoseconds since 1970.
    pub ns: u64,
    /// Its length on the wire.
    pub wire: u32,
    pub data: Vec<u8>,
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

/// Writes a little-endian pcap again, with what `change` makes of its records; `None` for any
/// other file.
pub fn rewritten(
    capture: &Path,
    folder: &Path,
    change: impl FnOnce(&mut Vec<Record>),
) -> Option<PathBuf> {
    let bytes = std::fs::read(capture).unwrap();
    let unit = match bytes.get(..4).map(|b| word(b, 0))? {
        0xa1b2_c3d4 => 1_000,
        0xa1b2_3c4d => 1,
        _ => return None,
    };
    let mut records = Vec::new();
    let mut at = 24;
    while at + 16 <= bytes.len() {
        let [second, part, len, wire] = [0, 4, 8, 12].map(|n| word(&bytes, at + n));
        let data = bytes.get(at + 16..at + 16 + len as usize)?.to_vec();
        let ns = u64::from(second) * 1_000_000_000 + u64::from(part) * unit;
        records.push(Record { ns, wire, data });
        at += 16 + len as usize;
    }
    change(&mut records);
    let mut out = bytes[..24].to_vec();
    for record in records {
        let (second, part) = (record.ns / 1_000_000_000, record.ns % 1_000_000_000 / unit);
        for n in [second as u32, part as u32, record.data.len() as u32, record.wire] {
            out.extend(n.to_le_bytes());
        }
        out.extend(record.data);
    }
    let to = folder.join(capture.file_name()?);
    std::fs::write(&to, out).unwrap();
    Some(to)
}
