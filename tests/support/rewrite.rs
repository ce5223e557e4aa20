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

/// A pcap file: its header and its records.
#[derive(Debug, Clone)]
pub struct Pcap {
    header: Vec<u8>,
    /// Nanoseconds of its unit.
    unit: u64,
    pub records: Vec<Record>,
}

impl Pcap {
    /// LINKTYPE_ETHERNET and the like.
    pub fn link(&self) -> u32 {
        word(&self.header, 20) & 0x0fff_ffff
    }

    pub fn write(&self, to: &Path) {
        let mut out = self.header.clone();
        for record in &self.records {
            let (second, part) = (record.ns / 1_000_000_000, record.ns % 1_000_000_000 / self.unit);
            for n in [second as u32, part as u32, record.data.len() as u32, record.wire] {
                out.extend(n.to_le_bytes());
            }
            out.extend(&record.data);
        }
        std::fs::write(to, out).unwrap();
    }
}

/// Reads a little-endian pcap; `None` for any other file.
pub fn read(capture: &Path) -> Option<Pcap> {
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
    Some(Pcap { header: bytes[..24].to_vec(), unit, records })
}

/// Writes a little-endian pcap again, with what `change` makes of its records; `None` for any
/// other file.
pub fn rewritten(
    capture: &Path,
    folder: &Path,
    change: impl FnOnce(&mut Vec<Record>),
) -> Option<PathBuf> {
    let mut pcap = read(capture)?;
    change(&mut pcap.records);
    let to = folder.join(capture.file_name()?);
    pcap.write(&to);
    Some(to)
}
