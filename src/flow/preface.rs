//! Streams that begin with a PROXY header, and what the other side said first to it:
//! a server that does not expect the header takes it for a broken request.
//!
//! Looked at in the first payload of each side alone; bounded, what does not fit is
//! counted.

use super::{Mark, Side, StreamId};
use crate::hashed::HashMap;
use crate::wire::{Tcp, http};

/// Streams that are kept.
const MAX_PREFACES: usize = 1 << 13;
/// Signature of version 2 (haproxy, doc/proxy-protocol.txt, section 2.2).
const V2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// Version 2 and the command `LOCAL` (haproxy, doc/proxy-protocol.txt, section 2.2).
const LOCAL: u8 = 0x20;
/// Content type of a TLS alert (RFC 8446, section 5.1).
const ALERT: u8 = 21;

/// What the other side said first to a PROXY header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FirstReply {
    /// Nothing was seen.
    #[default]
    None,
    /// An HTTP response with this status.
    Status(u16),
    /// A TLS alert.
    Alert,
    /// Anything else.
    Other,
}

/// A stream that begins with a PROXY header.
#[derive(Debug, Clone, Copy)]
pub struct Preface {
    /// The side that sent the header.
    pub side: Side,
    /// The segment that begins with it.
    pub mark: Mark,
    /// Version, 1 or 2.
    pub version: u8,
    /// It names nobody: the sender opened the connection for itself, as a balancer does for
    /// its health checks (haproxy, doc/proxy-protocol.txt, section 2.2, `LOCAL`).
    pub own: bool,
    /// Another header follows it in the same segment.
    pub twice: bool,
    /// What the other side said first.
    pub reply: FirstReply,
    /// When it did.
    pub replied: Mark,
}

/// Those of one vantage.
#[derive(Debug, Clone, Default)]
pub(super) struct Prefaces {
    pub(super) by_stream: HashMap<StreamId, Preface>,
    pub dropped: u64,
}

impl Prefaces {
    /// Takes in the first payload of a side.
    pub fn see(&mut self, id: StreamId, side: Side, mark: Mark, tcp: &Tcp<'_>) {
        if let Some(version) = version(tcp.payload) {
            if self.by_stream.len() >= MAX_PREFACES {
                self.dropped += 1;
                return;
            }
            let begun = Preface {
                side,
                mark,
                version,
                own: version == 2 && tcp.payload.get(V2.len()) == Some(&LOCAL),
                twice: behind(tcp.payload, version)
                    .is_some_and(|rest| self::version(rest).is_some()),
                reply: FirstReply::None,
                replied: Mark::NONE,
            };
            self.by_stream.entry(id).or_insert(begun);
        } else if !self.by_stream.is_empty()
            && let Some(preface) = self.by_stream.get_mut(&id)
            && preface.side != side
            && preface.reply == FirstReply::None
        {
            preface.reply = match tcp.payload {
                [ALERT, 3, ..] => FirstReply::Alert,
                payload => http::status(payload).map_or(FirstReply::Other, FirstReply::Status),
            };
            preface.replied = mark;
        }
    }

    pub fn of(&self, id: StreamId) -> Option<&Preface> {
        self.by_stream.get(&id)
    }

    pub fn is_empty(&self) -> bool {
        self.by_stream.is_empty()
    }

    /// Forgets a stream that is let go.
    pub fn forget(&mut self, id: StreamId) {
        self.by_stream.remove(&id);
    }
}

/// The version of the PROXY header that a payload begins with, those that name nobody
/// (`UNKNOWN`, `LOCAL`) included.
fn version(payload: &[u8]) -> Option<u8> {
    match payload.first()? {
        b'P' => {
            let known = [&b"PROXY TCP4 "[..], b"PROXY TCP6 ", b"PROXY UNKNOWN"];
            known.iter().any(|head| payload.starts_with(head)).then_some(1)
        }
        b'\r' => payload.starts_with(V2).then_some(2),
        _ => None,
    }
}

/// What follows a PROXY header.
fn behind(payload: &[u8], version: u8) -> Option<&[u8]> {
    let len = if version == 1 {
        payload.iter().position(|byte| *byte == b'\n')? + 1
    } else {
        let size = payload.get(V2.len() + 2..V2.len() + 4)?;
        V2.len() + 4 + usize::from(u16::from_be_bytes([size[0], size[1]]))
    };
    payload.get(len..)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::Timestamp;

    #[test]
    fn the_header_and_the_first_word_to_it_are_kept() {
        let mut all = Prefaces::default();
        let mark = |n| Mark::new(n, Timestamp(0));
        all.see(1, Side::B, mark(9), &Tcp::example(b"HTTP/1.1 200 OK\r\n"));
        all.see(1, Side::A, mark(1), &Tcp::example(b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n"));
        all.see(2, Side::A, mark(2), &Tcp::example(b"GET / HTTP/1.1\r\n"));
        all.see(3, Side::A, mark(3), &Tcp::example(b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"));
        all.see(1, Side::B, mark(4), &Tcp::example(b"HTTP/1.1 400 Bad Request\r\n"));
        all.see(1, Side::B, mark(5), &Tcp::example(b"HTTP/1.1 200 OK\r\n"));
        all.see(3, Side::B, mark(6), &Tcp::example(&[ALERT, 3, 3, 0, 2, 2, 40]));
        let first = all.of(1).unwrap();
        assert_eq!((first.version, first.reply), (1, FirstReply::Status(400)));
        assert_eq!(first.replied, mark(4));
        assert!(all.of(2).is_none());
        let second = all.of(3).unwrap();
        assert_eq!((second.version, second.reply), (2, FirstReply::Alert));
        assert!(second.own && !first.own);
        assert!(!second.twice && !first.twice);
    }

    #[test]
    fn a_header_behind_a_header_is_told() {
        let mut all = Prefaces::default();
        let mark = |n| Mark::new(n, Timestamp(0));
        let v1 = b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n";
        let v2 = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0";
        let each = [[&v1[..], v2], [v2, v1], [v1, b"GET / HTTP/1.1\r\n"]];
        for (at, said_first) in each.into_iter().enumerate() {
            all.see(at as u32, Side::A, mark(1), &Tcp::example(&said_first.concat()));
        }
        let twice: Vec<bool> = (0..3).map(|at| all.of(at).unwrap().twice).collect();
        assert_eq!(twice, [true, true, false]);
    }
}
