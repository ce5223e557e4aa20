//! The second pass: the frames of one connection, read back from its captures.
//!
//! Work and memory are bounded: of a connection that spans more frames than
//! [`HEAD`] the beginning and the end are read, and of a long one the middle is
//! not kept. A capture that cannot be read any more is passed over.

use super::Request;
use super::says::Says;
use crate::capture::Frame;
use crate::correlate::Leg;
use crate::flow::{Key, Mark, Side, VantageId};
use crate::second_pass::{self, SecondPass};
use crate::trace::Trace;
use crate::wire::{
    self, Body, IpPacket, LinkHeader, Outer, Packet, TcpFlags, TcpOptions, Transport,
};
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::ops::RangeInclusive;

/// Frames of a capture that are read from the connection's first one on.
const HEAD: u32 = 2_000_000;
/// Frames that are read up to its last one, where it spans more.
const TAIL: u32 = 100_000;
/// Frames of a leg that are kept from either end.
const KEEP: usize = 2048;
/// Legs that are drawn; more is a loop over addresses.
const MAX_LEGS: usize = 64;
/// Marked frames that are read beyond the rest.
const MAX_MARKED: usize = 64;
/// Bytes that a connection is taken to send at most while an older one has its five-tuple.
const YOUNGER: u32 = 1 << 24;
/// Payload bytes that tell datagrams apart.
const DIGEST: usize = 16;

/// What makes two frames look like one packet, whatever was rewritten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Shape {
    /// TCP sequence number; 0 for UDP.
    pub seq: u32,
    /// TCP acknowledgment number, 0 without ACK.
    pub ack: u32,
    /// TCP control bits without the congestion ones, which routers set.
    pub flags: u8,
    /// Payload bytes.
    pub len: u32,
    /// Digest of the first payload bytes of a datagram; 0 for TCP, where the
    /// sequence number says more and a short snapshot length cuts nothing.
    pub digest: u64,
}

impl Shape {
    pub(super) fn flags(&self) -> TcpFlags {
        TcpFlags(self.flags)
    }

    /// Sequence space that it takes.
    pub(super) fn seq_len(&self) -> u32 {
        let flags = self.flags();
        self.len.saturating_add(u32::from(flags.syn()) + u32::from(flags.fin()))
    }
}

/// One frame of the connection at one vantage.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sighting {
    /// Index of the vantage.
    pub vantage: VantageId,
    /// Frame and time.
    pub mark: Mark,
    /// Which of the connection's five-tuples it has.
    pub tuple: u8,
    /// The client sent it.
    pub forward: bool,
    /// Link header.
    pub link: LinkHeader,
    /// Time to live.
    pub ttl: u8,
    /// IPv4 identification; `None` where absent or 0, which says nothing.
    pub id: Option<u16>,
    /// TSval (RFC 7323), which no stack sends again with another transmission; `None` where absent.
    pub stamp: Option<u32>,
    /// The outer header of a tunnelled packet.
    pub outer: Option<Outer>,
    /// What it looks like.
    pub shape: Shape,
    /// It advertises a window of 0.
    pub closed: bool,
    /// What its payload begins with.
    pub says: Option<Says>,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// By vantage and frame.
    pub sightings: Vec<Sighting>,
    /// Frames that were read and not kept, of the leg that lost most.
    pub dropped: usize,
    /// Vantage and frame of that leg from which on they were kept again.
    pub resumes: Option<(VantageId, u32)>,
    /// Something of the connection was not read: absence proves nothing.
    pub partial: bool,
}

struct Kept {
    leg: Leg,
    frames: RangeInclusive<u32>,
    /// Initial sequence numbers, by side, of those that took its five-tuple before it ended.
    younger: Vec<[u32; 2]>,
    head: Vec<Sighting>,
    tail: VecDeque<Sighting>,
    marked: Vec<Sighting>,
    dropped: usize,
}

pub(super) fn collect(trace: &Trace, request: &Request<'_>) -> Seen {
    let legs = trace.legs(request.connection);
    let mut by_capture: BTreeMap<usize, Vec<Kept>> = BTreeMap::new();
    for leg in legs.iter().take(MAX_LEGS) {
        let stream = leg.of(&trace.vantages);
        let frames = stream.first().frame()..=stream.last().frame();
        by_capture.entry(trace.vantage(leg).capture).or_default().push(Kept {
            leg: *leg,
            younger: younger(trace, leg),
            frames,
            head: Vec::new(),
            tail: VecDeque::new(),
            marked: Vec::new(),
            dropped: 0,
        });
    }
    let mut seen = Seen { partial: legs.len() > MAX_LEGS, ..Seen::default() };
    let marked: HashSet<(VantageId, u32)> =
        request.marked.iter().take(MAX_MARKED).map(|m| (m.at.vantage, m.at.mark.frame())).collect();
    for (at, mut kept) in by_capture {
        read(trace, at, &mut kept, &marked, &mut seen);
        for leg in kept {
            if leg.dropped > seen.dropped {
                seen.dropped = leg.dropped;
                seen.resumes = leg.tail.front().map(|s| (s.vantage, s.mark.frame()));
            }
            seen.partial |= leg.dropped > 0;
            seen.sightings.extend(leg.head.into_iter().chain(leg.marked).chain(leg.tail));
        }
    }
    seen.sightings.sort_unstable_by_key(|s| (s.vantage, s.mark.frame()));
    seen
}

fn read(
    trace: &Trace,
    at: usize,
    kept: &mut [Kept],
    marked: &HashSet<(VantageId, u32)>,
    seen: &mut Seen,
) {
    let Some(again) = SecondPass::new(trace, at) else { return };
    let first = kept.iter().map(|k| *k.frames.start()).min().unwrap_or(1);
    let last = kept.iter().map(|k| *k.frames.end()).max().unwrap_or(0);
    let mut ranges = vec![first..=last];
    if last.saturating_sub(first) > HEAD + TAIL {
        seen.partial = true;
        ranges = vec![first..=first + HEAD, last - TAIL..=last];
        let between = |frame: &u32| (first + HEAD + 1..last - TAIL).contains(frame);
        let here = marked.iter().filter(|(v, _)| again.has(*v));
        ranges.extend(here.map(|(_, frame)| *frame).filter(between).map(|f| f..=f));
        ranges.sort_by_key(|range| *range.start());
    }
    let mut index: HashMap<(VantageId, Key), Vec<usize>> = HashMap::new();
    for (i, k) in kept.iter().enumerate() {
        let key = k.leg.of(&trace.vantages).key;
        index.entry((k.leg.vantage, key)).or_default().push(i);
    }
    for range in ranges {
        seen.partial |= !again.frames(range, |vantage, base, frame| {
            take(frame, base, vantage, &index, kept, marked);
        });
    }
}

fn take(
    frame: &Frame<'_>,
    base: u32,
    vantage: VantageId,
    index: &HashMap<(VantageId, Key), Vec<usize>>,
    kept: &mut [Kept],
    marked: &HashSet<(VantageId, u32)>,
) {
    let packet = wire::decode(frame);
    let Some((key, side, shape, closed, ip)) = key_of(&packet) else { return };
    let Some(legs) = index.get(&(vantage, key)) else { return };
    let mark = Mark::new(base.saturating_add(frame.number), frame.time);
    for at in legs {
        let Some(kept) = kept.get_mut(*at) else { continue };
        if !kept.frames.contains(&mark.frame()) || kept.is_of_younger(side, &shape) {
            continue;
        }
        let sighting = Sighting {
            vantage,
            mark,
            tuple: kept.leg.tuple,
            forward: side == kept.leg.client,
            link: packet.link,
            ttl: ip.ttl,
            id: ip.id.filter(|id| *id != 0),
            stamp: stamp(ip),
            outer: ip.outer,
            shape,
            closed,
            says: first_word(ip),
        };
        kept.keep(sighting, marked.contains(&(vantage, mark.frame())));
        return;
    }
}

/// Initial sequence numbers of connections that took a stream's five-tuple before its last frame.
fn younger(trace: &Trace, leg: &Leg) -> Vec<[u32; 2]> {
    let own = leg.of(&trace.vantages);
    let (first, last) = (own.first().frame(), own.last().frame());
    let inside = |frame: u32| first < frame && frame < last;
    let others = trace.vantage(leg).streams.iter();
    others
        .filter(|s| s.key == own.key && s.key.protocol.is_tcp() && inside(s.first().frame()))
        .map(|s| s.flows.map(|flow| flow.isn))
        .collect()
}

impl Kept {
    /// Whether a segment is one of those: its number lies between theirs and where they came to.
    fn is_of_younger(&self, side: Side, shape: &Shape) -> bool {
        let from = |isn: u32| shape.seq.wrapping_sub(isn);
        self.younger.iter().any(|isns| from(isns[side.index()]) <= YOUNGER)
    }

    fn keep(&mut self, sighting: Sighting, marked: bool) {
        if self.head.len() < KEEP {
            self.head.push(sighting);
        } else if marked {
            self.marked.push(sighting);
        } else {
            if self.tail.len() >= KEEP {
                self.tail.pop_front();
                self.dropped += 1;
            }
            self.tail.push_back(sighting);
        }
    }
}

type Decoded<'a, 'b> = (Key, Side, Shape, bool, &'b IpPacket<'a>);

fn key_of<'a, 'b>(packet: &'b Packet<'a>) -> Option<Decoded<'a, 'b>> {
    let (key, side) = second_pass::stream(packet)?;
    let Body::Ip(ip) = &packet.body else { return None };
    let (shape, closed) = match &ip.transport {
        Transport::Tcp(tcp) => {
            let flags = tcp.flags.0 & 0x1f;
            let shape = Shape {
                seq: tcp.seq,
                ack: if tcp.flags.ack() { tcp.ack } else { 0 },
                flags,
                len: tcp.payload_len,
                digest: 0,
            };
            (shape, tcp.window == 0 && !tcp.flags.rst())
        }
        Transport::Udp(udp) => {
            let digest = fnv(udp.payload);
            (Shape { seq: 0, ack: 0, flags: 0, len: udp.payload_len, digest }, false)
        }
        _ => return None,
    };
    Some((key, side, shape, closed, ip))
}

fn stamp(ip: &IpPacket<'_>) -> Option<u32> {
    match &ip.transport {
        Transport::Tcp(tcp) => TcpOptions::parse(tcp.options).timestamps.map(|(value, _)| value),
        _ => None,
    }
}

fn first_word(ip: &IpPacket<'_>) -> Option<Says> {
    match &ip.transport {
        Transport::Tcp(tcp) => Says::of(tcp.payload),
        _ => None,
    }
}

/// FNV-1a of the first bytes.
fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().take(DIGEST).fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
