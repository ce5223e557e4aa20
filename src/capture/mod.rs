//! Reads capture files: the only part of lbdiag that does.
//!
//! What comes out is [`Frame`]s in file order, numbered as Wireshark numbers them, and a
//! [`CaptureFile`] that says what the file was, what of it could not be read, and where its frames
//! lie, so that [`read_range`] can read any of them again.
//!
//! Formats: what tcpdump and tshark print ([`text`]), pcap (both byte orders, microseconds and
//! nanoseconds, the "modified" variant of Alexey Kuznetzov) and pcapng, each plain, gzip or zstd
//! compressed. The type is decided by content, never by name. Other capture formats are named and
//! refused, with the command that converts them.
//!
//! Promises: no panic, whatever the bytes; no allocation from a length that the file merely claims;
//! a damaged file yields what is whole, with one [`Damage`] for each place where something is lost.

mod captured;
mod collect;
mod error;
mod inputs;
mod known;
mod link;
mod pcap;
mod pcapng;
mod peek;
mod read;
mod rows;
mod sniff;
mod source;
#[cfg(test)]
mod testkit;
pub mod text;
mod ticks;
mod types;

pub use captured::Capture;
pub use collect::Sink;
pub use error::CaptureError;
pub(crate) use inputs::printable;
pub use inputs::{Input, Inputs, inputs, inputs_below};
pub use known::Known;
pub use link::LinkType;
pub use pcapng::{Secrets, read_secrets};
pub use peek::{Peek, is_packed, peek};
pub use read::{is_read_anywhere, lines, read, read_near, read_range};
pub use rows::{restore, store, tables};
pub use source::{Source, Unkept, Unpacked};
pub use types::{CaptureFile, Damage, Frame, Interface, Timestamp};
