//! The values that this module gives to the others: frames, interfaces, files and their damage.

use super::pcap::header::Header;
use super::source::Handle;
use super::text::{Facts, Timing};
use super::ticks::Ticks;
use super::{Known, LinkType, Unkept};

/// Nanoseconds since the Unix epoch, UTC.
///
/// Captures carry coarser or finer clocks; finer ones (pcapng `if_tsresol` above 9) are cut to
/// whole nanoseconds, values beyond the range (years 1677 to 2262) are clamped to it.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Hash)]
pub struct Timestamp(pub i64);

/// One record of a capture, as it lies in the file.
#[derive(Copy, Clone, Debug)]
pub struct Frame<'a> {
    /// Number within the file, from 1, as Wireshark numbers it.
    pub number: u32,
    /// When the frame was captured. 0 for a pcapng Simple Packet Block, which has no time.
    pub time: Timestamp,
    /// Index into [`CaptureFile::interfaces`] (whole file, sections flattened).
    pub interface: u32,
    /// Link type of that interface, which says how `data` begins.
    pub link_type: LinkType,
    /// Length on the wire, in bytes; never less than `data.len()`, even where the file says so.
    pub wire_len: u32,
    /// The bytes that were captured.
    pub data: &'a [u8],
    /// Which of its fields are known: all, unless it comes from a text.
    pub known: Known,
}

/// One capture interface: a pcapng Interface Description Block, or the one that a pcap file implies.
#[derive(Clone, Debug)]
pub struct Interface {
    /// `if_name` (pcapng only), at most 256 bytes of it.
    pub name: Option<String>,
    /// `if_description` (pcapng only), at most 256 bytes of it.
    pub description: Option<String>,
    /// How each of its frames begins.
    pub link_type: LinkType,
    /// Bytes kept of each frame, as the capturing program stated it; 0 is no limit.
    pub snaplen: u32,
    /// Frames read from this interface.
    pub frames: u64,
    /// Frames that the interface or the operating system dropped: `isb_ifdrop` plus `isb_osdrop` of
    /// the last Interface Statistics Block. `None`: the file does not say.
    pub dropped: Option<u64>,
    /// Frames that the interface received: `isb_ifrecv`. `None`: the file does not say.
    pub received: Option<u64>,
    /// How the interface counts time.
    pub(super) ticks: Ticks,
}

/// What could not be read, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// Offset of the first lost byte; in the decompressed stream where the file is compressed.
    pub byte: u64,
    /// Number of the last frame before it, 0 where there is none.
    pub frame_after: u32,
    /// One plain sentence that ends in what was kept.
    pub what: String,
}

/// What one pass over a capture learnt of it.
#[derive(Debug)]
pub struct CaptureFile {
    /// The path as the user gave it, for display (`standard input` for `-`).
    pub path: String,
    /// `pcap`, `pcapng`, for pcap variants `pcap (nanoseconds)` or `pcap (modified)`, and `text`.
    pub format: &'static str,
    /// `gzip`, `zstd` or nothing.
    pub compression: Option<&'static str>,
    /// Frames read. They are numbered from 1 to this, but for pcapng files with custom blocks,
    /// journal entries or system events: Wireshark numbers these too, so frames skip their numbers.
    pub frames: u32,
    /// All interfaces, in file order; a pcap file has one.
    pub interfaces: Vec<Interface>,
    /// Time of the earliest frame that has one.
    pub start: Option<Timestamp>,
    /// Time of the latest frame that has one.
    pub end: Option<Timestamp>,
    /// Frames without a time (pcapng Simple Packet Blocks).
    pub untimed: u64,
    /// What could not be read, in file order; the first 32 places.
    pub damage: Vec<Damage>,
    /// Damaged places beyond those in `damage`.
    pub damage_omitted: u64,
    /// Bytes of the file that were read (compressed bytes where it is compressed).
    pub bytes: u64,
    /// Number of the last frame.
    pub last: u32,
    /// Of a text: what its lines do not print.
    pub text: Option<Facts>,
    /// How records are to be read.
    pub(super) layout: Layout,
    /// Where every 1,024th frame begins, for [`super::read_range`].
    pub(super) index: Vec<Mark>,
    /// Where to read the bytes again.
    pub(super) handle: Handle,
    /// Where its secrets lie, for [`super::read_secrets`].
    pub(super) secrets: Vec<SecretsAt>,
}

/// A Decryption Secrets Block of a pcapng file.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct SecretsAt {
    /// Offset of the block in the unpacked stream.
    pub(super) offset: u64,
    /// Bytes of the block.
    pub(super) size: usize,
    /// Whether its section is big-endian.
    pub(super) big: bool,
}

impl CaptureFile {
    /// The part of a stream that cannot be read again; `None` where all can be.
    #[must_use]
    pub fn unkept(&self) -> Option<Unkept> {
        self.handle.unkept()
    }

    /// Whether only what was observed of it is here, and its frames are where it was indexed.
    #[must_use]
    pub fn is_elsewhere(&self) -> bool {
        matches!(self.handle, Handle::Elsewhere)
    }
}

/// How the records of a file are read.
#[derive(Clone, Debug)]
pub(super) enum Layout {
    /// As the file header says.
    Pcap(Header),
    PcapNg,
    /// Lines of tcpdump or tshark, and how they tell times.
    Text(Timing),
}

/// Where a frame begins, and what a decoder has to know to begin there.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Mark {
    /// Offset in the unpacked stream.
    pub(super) offset: u64,
    /// pcapng: the interfaces of all sections so far.
    pub(super) interfaces: u32,
    /// pcapng: the first of them that is of the current section.
    pub(super) section: u32,
    /// pcapng: whether the current section is big-endian.
    pub(super) big: bool,
}
