//! The look at the beginning of a capture: what it is, and when its first frame was taken.

use std::io;
use std::sync::atomic::AtomicU64;

use super::collect::Collector;
use super::pcap;
use super::pcapng;
use super::pcapng::Sections;
use super::sniff::{self, Format, LOOK};
use super::source::ReadBuffer;
use super::source::{self, Opened};
use super::text::{self, Form, Look};
use super::{CaptureError, Damage, Frame, LinkType, Source, Timestamp};

/// Bytes in memory for a look, to begin with.
const PEEK: usize = 16 << 10;
/// Unpacked bytes in which the first frame must be.
const PEEK_LIMIT: u64 = 4 << 20;

/// What the beginning of a capture tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peek {
    /// `pcap`, `pcapng`, `text`, or `text in part` where packets stand in a page of something else.
    pub format: &'static str,
    /// Link type of the first frame, or of the file where it has none.
    pub link_type: Option<LinkType>,
    /// Time of the first frame; `None` where there is no frame, or it has no time.
    pub first: Option<Timestamp>,
}

/// Whether a file is compressed; what can be read only once is not looked into.
#[must_use]
pub fn is_packed(source: &Source) -> bool {
    let progress = AtomicU64::new(0);
    let packed = || source::open(source, &progress, PEEK).is_ok_and(|o| o.compression.is_some());
    source.is_regular() && packed()
}

/// Looks at the beginning of a capture, up to its first frame.
///
/// # Errors
/// As [`super::read`]. Something that can be read only once is refused, because the look would take its
/// beginning away from [`super::read`].
pub fn peek(source: &Source) -> Result<Peek, CaptureError> {
    let name = source.name();
    let there = source.path().is_none_or(std::path::Path::exists);
    if there && !source.is_regular() {
        let source = io::Error::new(io::ErrorKind::Unsupported, "not a regular file");
        return Err(CaptureError::Io { path: name, source });
    }
    let progress = AtomicU64::new(0);
    let Opened { mut window, compression, .. } = source::open(source, &progress, PEEK)?;
    window.limit(PEEK_LIMIT);
    let kind = begin(&mut window, &name, compression, None)?;
    let mut link_type = None;
    let mut sink = |frame: &Frame<'_>| link_type = Some(frame.link_type);
    let mut collector = Collector::range(&mut sink, 0, 1, 1);
    let (format, stated) = match kind {
        Kind::Pcap => {
            let header = pcap::open(&mut window, &name)?;
            pcap::records(&mut window, &header, &mut collector);
            ("pcap", Some(header.link_type))
        }
        Kind::PcapNg => {
            pcapng::open(&mut window, &name)?;
            let mut sections = Sections::new();
            pcapng::blocks(&mut window, &mut sections, &mut collector);
            ("pcapng", sections.interfaces.first().map(|i| i.link_type))
        }
        Kind::Text(look) => {
            let format = if look.mostly { "text" } else { "text in part" };
            let walked = text::walk(&mut window, look.timing, &mut collector, None);
            if walked.facts.packets == 0 {
                return Err(no_packet(name, &collector.damage, walked.facts.form()));
            }
            if walked.facts.without_date > 0 {
                // A time of no known day comes neither before nor after another.
                return Ok(Peek { format, link_type, first: None });
            }
            (format, None)
        }
    };
    let (first, _) = collector.times();
    Ok(Peek { format, link_type: link_type.or(stated), first })
}

/// What a stream is.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Pcap,
    PcapNg,
    Text(Look),
}

/// A text whose lines hold no packet, with the first line that looks like one.
pub(super) fn no_packet(path: String, damage: &[Damage], form: Option<Form>) -> CaptureError {
    let unread = damage.first().map(|d| d.what.split(';').next().unwrap_or("").to_owned());
    CaptureError::Text { path, unread, form }
}

/// Says what a stream is; `near` is a moment for texts that have no date.
pub(super) fn begin(
    window: &mut ReadBuffer<'_>,
    name: &str,
    compression: Option<&'static str>,
    near: Option<Timestamp>,
) -> Result<Kind, CaptureError> {
    window.fill(LOOK);
    let path = name.to_owned();
    if window.data().is_empty() {
        return Err(match (window.take_fault(), compression) {
            (Some(source), Some(compression)) => CaptureError::Unpack { path, compression, source },
            (Some(source), None) => CaptureError::Io { path, source },
            _ => CaptureError::Empty { path },
        });
    }
    match sniff::format(window.data()) {
        Format::Pcap => Ok(Kind::Pcap),
        Format::PcapNg => Ok(Kind::PcapNg),
        Format::Other(format) => Err(CaptureError::OtherFormat { path, format }),
        Format::Text => match text::look(window, near.map(|near| near.0)) {
            Some(look) => Ok(Kind::Text(look)),
            None => Err(no_packet(path, &[], text::form(window.data()))),
        },
        Format::Unknown => Err(CaptureError::Unknown { path }),
    }
}

#[cfg(test)]
mod tests {
    use super::peek;
    use crate::capture::testkit::{Ng, Pcap, gzip, run, run_path};
    use crate::capture::{CaptureError, LinkType, Peek, Source, Timestamp};

    #[test]
    fn what_is_no_capture_is_named() {
        let error = |bytes: &[u8]| run(bytes).unwrap_err().to_string();
        assert!(error(b"").contains("the file is empty"));
        assert!(error(b"hello, this is text\n").contains("a text without a packet"));
        assert!(error(b"snoop\0\0\0\0\0\0\x02\0\0\0\x04").contains("editcap -F pcap"));
        assert!(error(b"BZh91AY&SY").contains("bzip2 -dk"));
        assert!(error(&gzip(b"")).contains("the file is empty"));
        assert!(error(&gzip(b"hello\n")).contains("a text without a packet"));
        assert!(error(&[0x1f, 0x8b, 8]).contains("gzip -t"));
        assert!(error(&[0x28, 0xb5, 0x2f, 0xfd, 1]).contains("zstd -t"));
        assert!(error(b"\x7fELF\x02\x01\x01\0\0\0").contains("no capture format"));
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("no.pcap");
        assert!(run_path(&missing).unwrap_err().to_string().contains("no such file"));
        assert!(matches!(run_path(folder.path()), Err(CaptureError::Io { .. })));
    }

    #[test]
    fn a_peek_sees_the_first_frame() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        let look = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            peek(&Source::Path(path.clone())).unwrap()
        };
        let mut pcap = Pcap::new();
        let empty = look(&pcap.bytes);
        assert_eq!(
            empty,
            Peek { format: "pcap", link_type: Some(LinkType::ETHERNET), first: None }
        );
        pcap.frames(2);
        let first = Some(Timestamp(1_700_000_000_000_000_000));
        assert_eq!(look(&gzip(&pcap.bytes)).first, first);
        let mut ng = Ng::new(true);
        ng.interface(1, 0, &[]).interface(113, 0, &[]).enhanced(1, 5, b"x");
        let peek = look(&ng.bytes);
        assert_eq!(
            (peek.link_type, peek.first),
            (Some(LinkType::LINUX_SLL), Some(Timestamp(5000)))
        );
    }
}
