//! Reads capture files: the only part of lbdiag that does.
//!
//! What comes out is [`Frame`]s in file order, numbered as Wireshark numbers them, and a
//! [`CaptureFile`] that says what the file was, what of it could not be read, and where its frames
//! lie, so that [`read_range`] can read any of them again.
//!
//! Formats: what tcpdump and tshark print ([`text`]), pcap (both byte orders, microseconds and nanoseconds, the "modified" variant of Alexey
//! Kuznetzov) and pcapng, each plain, gzip or zstd compressed. The type is decided by content,
//! never by name. Other capture formats are named and refused, with the command that converts them.
//!
//! Promises: no panic, whatever the bytes; no allocation from a length that the file merely claims;
//! a damaged file yields what is whole, with one [`Damage`] for each place where something is lost.

mod captured;
mod collect;
mod error;
mod expand;
mod gzip;
mod inputs;
mod known;
mod label;
mod link;
mod ng_blocks;
mod ng_packet;
mod ng_resync;
mod ng_sections;
mod pcap;
mod pcap_header;
mod pcap_resync;
mod pcapng;
mod peek;
mod read;
mod read_buffer;
mod rotate;
mod rows;
mod secrets;
mod sniff;
mod source;
mod spool;
mod stamp;
#[cfg(test)]
mod testkit;
pub mod text;
mod types;
mod utf16;

pub use captured::Capture;
pub use collect::Sink;
pub use error::CaptureError;
pub use inputs::{Input, Inputs, inputs, inputs_below};
pub use known::Known;
pub(crate) use label::printable;
pub use link::LinkType;
pub use peek::{Peek, is_packed, peek};
pub use read::{is_read_anywhere, lines, read, read_near, read_range};
pub use rows::{restore, store, tables};
pub use secrets::{Secrets, read_secrets};
pub use source::{Source, Unpacked};
pub use spool::Unkept;
pub use types::{CaptureFile, Damage, Frame, Interface, Timestamp};
