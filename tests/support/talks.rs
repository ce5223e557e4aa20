//! Conversations through a proxy, written as captures of its hosts.

use super::bytes::Pcap;
use super::frames::{CLIENT_MAC, DIRECTOR_MAC, End, SERVER, SERVER_MAC, Segment, VIP};
use lbdiag::capture;
use lbdiag::load;
use lbdiag::topology::StatedRoles;
use lbdiag::trace::Trace;
use std::sync::atomic::AtomicU64;

/// The proxy's own address towards the servers.
pub const LOCAL: [u8; 4] = [10, 0, 0, 1];

/// A client of its own.
pub fn client(n: u8) -> End {
    ([198, 51, 100, n], 40_000)
}

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    Client,
    Server,
}

/// A TCP connection: when its SYN was sent and answered, what was said when, when it
/// ended; one that ends as it starts and says nothing is refused.
#[derive(Debug, Clone)]
pub struct Talk {
    pub client: End,
    pub server: End,
    pub start: u32,
    pub accepted: u32,
    pub says: Vec<(u32, Who, Vec<u8>)>,
    pub end: u32,
}

impl Talk {
    /// A client's to the proxy.
    pub fn front(n: u8, start: u32, end: u32) -> Self {
        Self { client: client(n), server: VIP, start, accepted: start, says: Vec::new(), end }
    }

    /// The proxy's to the server.
    pub fn back(port: u16, start: u32, end: u32) -> Self {
        Self {
            client: (LOCAL, port),
            server: SERVER,
            start,
            accepted: start,
            says: Vec::new(),
            end,
        }
    }

    pub fn says(mut self, at: u32, who: Who, what: impl AsRef<[u8]>) -> Self {
        self.says.push((at, who, what.as_ref().to_vec()));
        self
    }

    /// The frames, each at its millisecond.
    pub fn frames(&self) -> Vec<(u32, Segment)> {
        let (c, s) = (self.client, self.server);
        let isn = u32::from(c.1) << 16 | u32::from(c.0[3]) << 8;
        let (mut there, mut back) = (isn, isn ^ 0x5555_0000);
        let refused = self.says.is_empty() && self.end == self.start;
        let mut frames = vec![(self.start, Segment::syn(c, s, there))];
        there += 1;
        if refused {
            frames.push((self.start, Segment { rst: true, ..Segment::ack(s, c, 0, there) }));
            return self.carried(frames);
        }
        frames.push((self.accepted, Segment { ack: Some(there), ..Segment::syn(s, c, back) }));
        back += 1;
        frames.push((self.accepted, Segment::ack(c, s, there, back)));
        for (at, who, what) in &self.says {
            let len = what.len() as u32;
            if *who == Who::Client {
                frames.push((*at, Segment::data(c, s, there, back, what)));
                there += len;
            } else {
                frames.push((*at, Segment::data(s, c, back, there, what)));
                back += len;
            }
        }
        frames.push((self.end, Segment { fin: true, ..Segment::ack(c, s, there, back) }));
        frames.push((self.end, Segment { fin: true, ..Segment::ack(s, c, back, there + 1) }));
        frames.push((self.end, Segment::ack(c, s, there + 1, back + 1)));
        self.carried(frames)
    }

    fn carried(&self, frames: Vec<(u32, Segment)>) -> Vec<(u32, Segment)> {
        let ends = if self.client.0 == LOCAL {
            (DIRECTOR_MAC, SERVER_MAC)
        } else {
            (CLIENT_MAC, DIRECTOR_MAC)
        };
        let place = |(at, segment): (u32, Segment)| {
            let (from, to) = if segment.src == self.client { ends } else { (ends.1, ends.0) };
            (at, segment.on(from, to, 64))
        };
        frames.into_iter().map(place).collect()
    }
}

/// What lbdiag makes of captures, each of the connections that pass it; no record
/// holds more than `snap` bytes.
pub fn trace(captures: &[&[Talk]], snap: usize) -> Trace {
    let dir = tempfile::tempdir().unwrap();
    for (n, talks) in captures.iter().enumerate() {
        let mut frames: Vec<(u32, Segment)> = talks.iter().flat_map(Talk::frames).collect();
        frames.sort_by_key(|(at, _)| *at);
        let mut pcap = Pcap::new(1);
        for (at, segment) in frames {
            let bytes = segment.ethernet();
            let kept = &bytes[..bytes.len().min(snap)];
            pcap.record(at, kept.len() as u32, bytes.len() as u32, kept);
        }
        std::fs::write(dir.path().join(format!("{n}.pcap")), &pcap.bytes).unwrap();
    }
    let inputs = capture::inputs(&[dir.path().display().to_string()]).unwrap();
    let loaded = load::load(&inputs.inputs, &StatedRoles::default(), &AtomicU64::new(0));
    assert!(loaded.failures.is_empty(), "{:?}", loaded.failures);
    loaded.trace
}

/// The proxy's ports by the client that each is tied to, with the evidence in words.
pub fn ties(trace: &Trace) -> Vec<(u8, Vec<u16>, &'static str)> {
    let mut ties: Vec<_> = trace
        .pairs
        .backends
        .iter()
        .map(|(front, backs)| {
            let end = |at: &u32| trace.connections.list[*at as usize].front.client;
            let last = trace.connections.list[*front as usize].front.client.0;
            let n = last.to_string().rsplit('.').next().unwrap().parse().unwrap();
            let mut ports: Vec<u16> = backs.iter().map(|back| end(back).1).collect();
            ports.sort_unstable();
            (n, ports, trace.pairs.evidence[front].describe())
        })
        .collect();
    ties.sort_unstable();
    ties
}
