//! The one pass: packets of one vantage in, [`Observations`] out.

use super::asked::Alone;
use super::embryo::Embryos;
use super::fragments::Fragments;
use super::hops::Hops;
use super::link::Sending;
use super::marked::Marks;
use super::stream_table::StreamTable;
use super::{
    Echo, Evicted, IcmpError, Key, Link, LinkId, Looker, Mark, Neighbors, Side, SideTables, Stream,
    StreamId, Tally, Unopened, UnopenedCounts, VrrpSpeaker,
};
use crate::capture::{Known, LinkType, Timestamp};
use crate::hashed::HashMap;
use crate::wire::{Body, Ip, IpPacket, Packet, Protocol, Stop, Tcp, Transport, Udp};
use foldhash::fast::RandomState;
use std::hash::BuildHasher;

/// A SYN that comes this long after its flow's last frame is no copy of it that passed another link,
/// nanoseconds: the least retransmission time-out that Linux lets a route set.
const SYN_AGAIN_NS: i64 = 200_000_000;

/// Bytes of a datagram's payload that go into its token.
const DATAGRAM_HEAD: usize = 128;
/// Bytes of TCP options that hold a maximum segment size and one more, padded.
const TWO_OPTIONS: usize = 8;
/// Connections that displaced one that had not ended, of which that is remembered.
const MAX_DISPLACED: usize = 4096;
/// No link carries a longer packet; a longer one was merged by offload.
const LINK_MTU: u32 = 9216;

/// Bytes of a payload that tell an answer from an error: a status line as far as its number
/// (RFC 9112, section 4), a TLS alert whole (RFC 8446, section 6).
const WORDS: usize = 12;

/// Whether none of a flow's other links had a frame shortly before: then this one is no copy of it that
/// passes another place.
#[cold]
fn is_alone(links: &[Link], first: LinkId, at: usize, mark: Mark) -> bool {
    let mut next = first;
    while let Some(link) = next.index() {
        if link != at && mark.since(links[link].last) < SYN_AGAIN_NS {
            return false;
        }
        next = links[link].next;
    }
    true
}

/// Whether a payload was captured too short to tell what it says.
fn is_mute(tcp: &Tcp<'_>) -> bool {
    tcp.payload.len() < WORDS.min(tcp.payload_len as usize)
}

/// Collects what one vantage sees.
#[derive(Debug)]
pub struct Observer {
    pub(super) link_type: LinkType,
    pub(super) tally: Tally,
    pub(super) unopened: UnopenedCounts,
    pub(super) start: Timestamp,
    pub(super) end: Timestamp,
    pub(super) streams: Vec<Stream>,
    pub(super) free_streams: Vec<StreamId>,
    pub(super) table: StreamTable,
    /// By stream: the one before it on its five-tuple, where that had not ended.
    displaced: HashMap<StreamId, StreamId>,
    hasher: RandomState,
    pub(super) links: Vec<Link>,
    pub(super) free_links: Vec<LinkId>,
    pub(super) hops: Hops,
    pub(super) neighbors: Neighbors,
    pub(super) errors: Vec<IcmpError>,
    pub(super) errors_dropped: u64,
    pub(super) echoes: Vec<Echo>,
    pub(super) echo_ids: HashMap<(Ip, Ip), u32>,
    pub(super) echoes_dropped: u64,
    pub(super) vrrp: Vec<VrrpSpeaker>,
    pub(super) vrrp_dropped: u64,
    pub(super) side_tables: SideTables,
    pub(super) fragments: Fragments,
    /// Link of a repeated SYN whose checksum is to be looked at.
    pub(super) doubted: Option<u32>,
    pub(super) embryos: Embryos,
    pub(super) evicted: Evicted,
}

impl Observer {
    /// An observer that has seen nothing.
    #[must_use]
    pub fn new(link_type: LinkType) -> Self {
        Self::with(link_type, Looker::default())
    }

    /// The same for frames that this looker may have looked at.
    #[must_use]
    pub fn with(link_type: LinkType, looker: Looker) -> Self {
        Self {
            link_type,
            tally: Tally::default(),
            unopened: UnopenedCounts::default(),
            start: Timestamp(i64::MAX),
            end: Timestamp(i64::MIN),
            streams: Vec::new(),
            free_streams: Vec::new(),
            table: StreamTable::new(looker),
            displaced: HashMap::default(),
            hasher: RandomState::default(),
            links: Vec::new(),
            free_links: Vec::new(),
            hops: Hops::new(),
            neighbors: Neighbors::default(),
            errors: Vec::new(),
            errors_dropped: 0,
            echoes: Vec::new(),
            echo_ids: HashMap::default(),
            echoes_dropped: 0,
            vrrp: Vec::new(),
            vrrp_dropped: 0,
            side_tables: SideTables::default(),
            fragments: Fragments::default(),
            doubted: None,
            embryos: Embryos::default(),
            evicted: Evicted::default(),
        }
    }

    /// Takes in one frame; `mark` numbers it through all files of the capture.
    #[inline]
    pub fn observe(&mut self, mark: Mark, packet: &Packet<'_>, cut: bool) {
        self.count_frame(mark, cut);
        if packet.known != Known::ALL {
            self.count_unknown(packet);
        }
        match packet.stop {
            Some(Stop::LinkType) => {
                self.tally.unsupported += 1;
                return;
            }
            // A header cut by the snapshot length still names its flow.
            Some(_) if !cut => self.tally.stopped += 1,
            _ => {}
        }
        if let Some(around) = packet.around {
            let outer = if let Body::Ip(ip) = &packet.body { ip.outer.as_ref() } else { None };
            self.neighbors.overlay(&packet.link, around, outer);
        }
        match &packet.body {
            Body::Ip(ip) => self.ip(mark, packet, ip),
            Body::Arp(arp) => {
                self.tally.neighbor += 1;
                self.neighbors.arp(mark, packet.vlan, &packet.link, arp, packet.known);
            }
            Body::Other(kind) => {
                self.tally.other += 1;
                if packet.stop.is_none() {
                    self.unopened.count(Unopened::ether_type(*kind));
                }
            }
        }
    }

    #[inline(always)]
    pub(super) fn count_frame(&mut self, mark: Mark, cut: bool) {
        self.tally.frames += 1;
        self.tally.cut += u64::from(cut);
        self.start = self.start.min(mark.at());
        self.end = self.end.max(mark.at());
    }

    #[inline(always)]
    pub(super) fn count_segment(&mut self, bytes: u32) {
        self.tally.tcp += 1;
        self.tally.oversize += u64::from(bytes > LINK_MTU);
    }

    /// Counts what a text does not print.
    #[cold]
    fn count_unknown(&mut self, packet: &Packet<'_>) {
        let untold = packet.link.src.is_none();
        self.tally.without_macs += u64::from(untold);
        let ttl = matches!(packet.body, Body::Ip(_)) && !packet.known.has(Known::TTL);
        self.tally.without_ttl += u64::from(ttl);
    }

    #[inline]
    fn ip(&mut self, mark: Mark, packet: &Packet<'_>, ip: &IpPacket<'_>) {
        match &ip.transport {
            Transport::Tcp(tcp) => {
                self.count_segment(tcp.payload_len);
                self.tcp(mark, packet, ip, tcp);
            }
            Transport::Udp(udp) => {
                self.tally.udp += 1;
                if let Some(tunnel) = Unopened::datagram(udp.dst_port) {
                    self.unopened.count(tunnel);
                }
                let ends = ((ip.src, udp.src_port), (ip.dst, udp.dst_port));
                let (key, side) =
                    Key::of(Protocol::UDP, ends.0, ends.1, packet.vlan, ip.outer.as_ref());
                let id = self.stream(key);
                self.fragments.begin(ip, id, side);
                self.alone(id, side, mark, udp);
                let link = self.link(id, side, packet.link, ip.ttl, mark);
                self.links[link].datagram(mark, ip.id);
                self.fragments.count(ip, link, mark);
                if ip.options {
                    self.side_tables.options.count(link, mark);
                }
                let first = !self.streams[id as usize].flow(side).data.is_set();
                let token = if first { self.datagram(ip, udp) } else { 0 };
                // Who is not answered asks the same again.
                let unheard = !self.streams[id as usize].flow(side.other()).seen();
                let payload = if unheard { self.payload(udp) } else { 0 };
                let flow = &mut self.streams[id as usize].flows[side.index()];
                if first {
                    flow.isn = token;
                    flow.last_ack = payload;
                }
                if unheard && flow.last_ack == payload {
                    flow.isns = flow.isns.saturating_add(1);
                    if !first {
                        let began = flow.data;
                        self.side_tables.asked.again(id, side, began, mark, udp);
                    }
                }
                flow.payload += u64::from(udp.payload_len);
                flow.data.set_once(mark);
                self.dns(id, mark, ip, udp, first);
                if first || super::spoken::goes_on(udp) {
                    self.side_tables.spoken.datagram(id, side, mark, udp);
                }
            }
            Transport::Icmp(icmp) => self.icmp(mark, packet, ip, icmp),
            Transport::Vrrp(vrrp) => {
                self.tally.other += 1;
                self.vrrp(mark, packet, ip, vrrp);
            }
            Transport::Other => self.continued(mark, packet, ip),
        }
    }

    #[inline]
    fn tcp(&mut self, mark: Mark, packet: &Packet<'_>, ip: &IpPacket<'_>, tcp: &Tcp<'_>) {
        let ends = ((ip.src, tcp.src_port), (ip.dst, tcp.dst_port));
        let (key, side) = Key::of(Protocol::TCP, ends.0, ends.1, packet.vlan, ip.outer.as_ref());
        let id = self.stream(key);
        let id = self.opened(id, side, key, tcp);
        self.fragments.begin(ip, id, side);
        self.side_tables.idles.see(id, side, mark, &self.streams[id as usize]);
        let at = self.link(id, side, packet.link, ip.ttl, mark);
        self.fragments.count(ip, at, mark);
        if ip.options {
            self.side_tables.options.count(at, mark);
        }
        if tcp.flags.syn() {
            self.side_tables.marked.see(at, Marks::of(ip));
        }
        self.segment((id, side), &key, at, mark, ip.id, tcp);
    }

    /// The stream of a segment, begun anew where its SYN says so. What goes on with the connection before it
    /// is that one's.
    #[inline(always)]
    pub(super) fn opened(
        &mut self,
        mut id: StreamId,
        side: Side,
        key: Key,
        tcp: &Tcp<'_>,
    ) -> StreamId {
        if tcp.flags.syn() {
            if self.streams[id as usize].is_reopened_by(side, tcp) {
                id = self.reopen(id, key);
            }
            let bare = tcp.flags.ack() && tcp.options.len() < TWO_OPTIONS && !tcp.header_cut;
            self.tally.bare_syn_acks += u64::from(bare);
        } else if !self.displaced.is_empty() {
            return self.displaced_by(id, side, key, tcp).unwrap_or(id);
        }
        id
    }

    /// The connection that another one displaced, where a segment with payload or a reset goes on with it.
    #[cold]
    fn displaced_by(&self, id: StreamId, side: Side, key: Key, tcp: &Tcp<'_>) -> Option<StreamId> {
        let old = *self.displaced.get(&id)?;
        let (before, now) = (self.streams.get(old as usize)?, &self.streams[id as usize]);
        let says = tcp.payload_len > 0 || tcp.flags.rst();
        (says && before.key == key && now.is_accepted() && before.goes_on_with(side, tcp, now))
            .then_some(old)
    }

    /// A segment of a side of a stream, on a link.
    #[inline(always)]
    pub(super) fn segment(
        &mut self,
        (id, side): (StreamId, Side),
        key: &Key,
        at: usize,
        mark: Mark,
        ip_id: Option<u16>,
        tcp: &Tcp<'_>,
    ) {
        let again = ip_id.is_none() && self.streams[id as usize].flow(side).says_again(tcp);
        let link = &mut self.links[at];
        if again {
            link.bare_again(mark);
        }
        let sending = link.segment(mark, tcp, ip_id, &mut self.side_tables.troubles);
        let (syns, repeats) = (link.syns, link.retransmissions);
        if syns > 1 && sending != Sending::Copy && tcp.flags.syn() && !tcp.flags.ack() {
            self.doubted = Some(at as u32);
        }
        let stream = &mut self.streams[id as usize];
        // A balancer names the client in the SYN, in the first ACK, or with the first payload.
        let first = tcp.payload_len > 0 && stream.flow(side).payload == 0;
        if (first || !stream.flow(side).acked) && tcp.may_name_client() {
            self.side_tables.name(id, tcp);
        }
        if first {
            self.tally.first_words += 1;
            self.tally.cut_words += u64::from(is_mute(tcp));
            self.side_tables.prefaces.see(id, side, mark, tcp);
            self.side_tables.first_requests.see(id, tcp.payload);
            self.side_tables.health.see(id, side, mark, key, tcp);
            self.side_tables.fill(id, stream, side, mark, tcp);
            if tcp.payload.first() == Some(&b'H') && self.side_tables.first_requests.asked_tls(id) {
                self.side_tables.spoken.answers_hello(id, side, mark, tcp.payload);
            }
            if stream.has_syn() {
                let greets = stream.flow(side.other()).payload == 0;
                self.side_tables.spoken.first(id, side, mark, tcp.payload, greets);
            }
        }
        let said = (tcp.seq, tcp.payload_len);
        self.side_tables.spoken.segment(id, side, mark, said, tcp.payload);
        // A host that chooses the way anew for each sends a SYN's repeat by another link.
        let elsewhere = tcp.flags.syn()
            && syns == 1
            && stream.flow(side).syns > 0
            && is_alone(&self.links, stream.flow(side).link, at, mark);
        let random = super::hello::random(stream.flow(side), tcp);
        stream.segment(side, mark, tcp);
        if !stream.has_syn() {
            self.side_tables.tokens.add(id, side, tcp);
        }
        match sending {
            Sending::New | Sending::Ahead | Sending::Late | Sending::Copy => {}
            Sending::Again => self.side_tables.repeat(at, mark, tcp),
        }
        self.side_tables.windows.follow(id, side, mark, stream, tcp);
        let flow = &mut stream.flows[side.index()];
        if sending != Sending::Copy {
            flow.syns = flow.syns.saturating_add(u16::from(elsewhere)).max(syns);
            flow.retransmissions = flow.retransmissions.max(repeats);
        }
        self.side_tables.hello(id, mark, random, &self.streams);
    }

    /// A later fragment belongs to its datagram's flow; anything else to none.
    fn continued(&mut self, mark: Mark, packet: &Packet<'_>, ip: &IpPacket<'_>) {
        let found = self.fragments.of(ip).filter(|(id, side, _)| {
            // The stream may have been let go since.
            let key = &self.streams[*id as usize].key;
            (key.ip(*side), key.ip(side.other())) == (ip.src, ip.dst)
        });
        let Some((id, side, bytes)) = found else {
            self.tally.other += 1;
            if packet.stop.is_none() && !ip.protocol.is_read() {
                self.unopened.count(Unopened::Protocol(ip.protocol.0));
            }
            return;
        };
        match ip.protocol {
            Protocol::TCP => self.tally.tcp += 1,
            _ => self.tally.udp += 1,
        }
        let at = self.link(id, side, packet.link, ip.ttl, mark);
        self.links[at].carry(mark, bytes);
        self.fragments.count(ip, at, mark);
        let flow = &mut self.streams[id as usize].flows[side.index()];
        flow.payload += u64::from(bytes);
        flow.end_seq = flow.end_seq.wrapping_add(bytes);
    }

    /// What a datagram is recognised by on both sides of a rewrite: its payload
    /// and, in IPv4, its identification.
    pub(super) fn datagram(&self, ip: &IpPacket<'_>, udp: &Udp<'_>) -> u32 {
        let head = udp.payload.get(..DATAGRAM_HEAD).unwrap_or(udp.payload);
        self.hasher.hash_one((head, udp.payload_len, ip.id)) as u32
    }

    /// What a question is recognised by when it is asked again.
    fn payload(&self, udp: &Udp<'_>) -> u32 {
        let head = udp.payload.get(..DATAGRAM_HEAD).unwrap_or(udp.payload);
        self.hasher.hash_one((head, udp.payload_len)) as u32
    }

    /// Looks at a datagram of which the stream has seen both sides before, whether it follows a pause.
    #[inline]
    fn alone(&mut self, id: StreamId, side: Side, mark: Mark, udp: &Udp<'_>) {
        let stream = &self.streams[id as usize];
        let (before, theirs) = (stream.flow(side).last, stream.flow(side.other()).last);
        if !before.is_set() || !theirs.is_set() {
            return;
        }
        if before.frame() > theirs.frame() {
            if Alone::is_pause(mark.since(before)) {
                let digest = self.payload(udp);
                let one = Alone { before, mark, theirs, digest };
                self.side_tables.asked.alone(id, side, one, udp);
            }
        } else if !self.side_tables.asked.is_empty() && Alone::is_pause(mark.since(theirs)) {
            self.side_tables.asked.broken(id, side.other(), theirs, mark);
        }
    }

    /// The current incarnation of a key, begun if there was none.
    #[inline]
    pub(super) fn stream(&mut self, key: Key) -> StreamId {
        self.stream_by(self.table.hash(&key), key)
    }

    /// The same by the key's hash.
    #[inline]
    pub(super) fn stream_by(&mut self, hash: u32, key: Key) -> StreamId {
        if let Some(id) = self.table.find(hash, &key, &self.streams) {
            return id;
        }
        let id = self.allocate(key);
        self.table.insert(hash, id, self.streams.len());
        self.bound_embryos(id);
        id
    }

    fn reopen(&mut self, old: StreamId, key: Key) -> StreamId {
        let id = self.allocate(key);
        if self.displaced.len() < MAX_DISPLACED && self.streams[old as usize].is_in_use() {
            self.displaced.insert(id, old);
        } else {
            self.displaced.remove(&id);
        }
        self.table.replace(self.table.hash(&key), old, id);
        self.bound_embryos(id);
        id
    }

    fn allocate(&mut self, key: Key) -> StreamId {
        if let Some(id) = self.free_streams.pop() {
            self.streams[id as usize] = Stream::new(key);
            return id;
        }
        let id = self.streams.len() as StreamId;
        self.streams.push(Stream::new(key));
        id
    }

    /// Forgets which stream a key had, if it was this one.
    pub(super) fn forget_key(&mut self, key: &Key, id: StreamId) {
        self.table.remove(self.table.hash(key), id);
    }

    /// The current incarnation of a key, where there is one.
    pub(super) fn known(&mut self, key: &Key) -> Option<StreamId> {
        self.table.find(self.table.hash(key), key, &self.streams)
    }

    /// Frames taken in so far.
    #[must_use]
    pub fn frames(&self) -> u64 {
        self.tally.frames
    }
}
