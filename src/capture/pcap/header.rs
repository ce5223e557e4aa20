//! The header of a pcap file (draft-ietf-opsawg-pcap, section 4), which pcap-parser reads.

use pcap_parser::parse_pcap_header;

use crate::capture::ticks::Ticks;
use crate::capture::{Interface, LinkType};

/// Length of the file header.
pub(in crate::capture) const HEADER: usize = 24;

/// The order of the two lengths in a record.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(in crate::capture) enum Lengths {
    Normal,
    Swapped,
    /// Swapped where the captured length would exceed the wire length.
    Either,
}

/// What the file header says.
#[derive(Clone, Debug)]
pub(in crate::capture) struct Header {
    pub(in crate::capture) format: &'static str,
    pub(in crate::capture) link_type: LinkType,
    pub(in crate::capture) snaplen: u32,
    pub(in crate::capture) big: bool,
    pub(in crate::capture) modified: bool,
    pub(in crate::capture) nanoseconds: bool,
    pub(in crate::capture) lengths: Lengths,
}

impl Header {
    /// Reads the file header. `None`: not enough bytes.
    pub(in crate::capture) fn parse(bytes: &[u8]) -> Option<Self> {
        let mut bytes = *bytes.first_chunk::<HEADER>()?;
        // pcap-parser knows the modified magic only in little-endian files; the rest of the header
        // is that of the standard format.
        let swapped_modified = bytes[..4] == [0xa1, 0xb2, 0xcd, 0x34];
        if swapped_modified {
            bytes[2..4].copy_from_slice(&[0xc3, 0xd4]);
        }
        let (_, header) = parse_pcap_header(&bytes).ok()?;
        let modified = swapped_modified || header.is_modified_format();
        let nanoseconds = header.is_nanosecond_precision();
        let lengths = match (header.version_major, header.version_minor) {
            (543, _) | (2, 0..=2) => Lengths::Swapped,
            (2, 3) => Lengths::Either,
            _ => Lengths::Normal,
        };
        let network = header.network.0 & 0x0fff_ffff;
        Some(Self {
            format: match (modified, nanoseconds) {
                (true, _) => "pcap (modified)",
                (_, true) => "pcap (nanoseconds)",
                _ => "pcap",
            },
            link_type: LinkType((network & 0xffff) as u16),
            snaplen: header.snaplen,
            big: header.is_bigendian(),
            modified,
            nanoseconds,
            lengths,
        })
    }

    /// The one interface that the file has.
    pub(in crate::capture) fn interface(&self) -> Interface {
        Interface {
            name: None,
            description: None,
            link_type: self.link_type,
            snaplen: self.snaplen,
            frames: 0,
            dropped: None,
            received: None,
            ticks: Ticks::default(),
        }
    }
}
