//! The one pass: packets of one vantage in, [`Observations`] out.

use super::embryo::Embryos;
use super::fragments::Fragments;
use super::hops::Hops;
use super::stream_table::StreamTable;
use super::{
    Echo, Evicted, IcmpError, Key, Link, LinkId, Looker, Mark, Neighbors, SideTables, Stream,
    StreamId, Tally, Unopened, UnopenedCounts, VrrpSpeaker,
};
use crate::capture::{Known, LinkType, Timestamp};
use crate::hashed::HashMap;
use crate::wire::{Body, Ip, IpPacket, Packet, Protocol, Stop, TcpFlags, Transport};
use foldhash::fast::RandomState;

/// Connections that displaced one that had not ended, of which that is remembered.
const MAX_DISPLACED: usize = 4096;
/// No link carries a longer packet; a longer one was merged by offload.
const LINK_MTU: u32 = 9216;

/// Entries of a list from which on it is given room that the system maps by itself, and how much.
const LONG: usize = 1 << 12;
const ROOM: usize = 32 << 20;

/// Gives a list that grew long room for many times as much: the system moves what it mapped by itself without
/// copying it (glibc from 32 MiB on, `M_MMAP_THRESHOLD` in mallopt(3)), and what was not touched takes no memory.
#[inline(always)]
pub(super) fn grow<T>(list: &mut Vec<T>) {
    if list.len() == list.capacity() && (LONG..ROOM / size_of::<T>()).contains(&list.len()) {
        // Without so much the list grows as any does.
        let _ = list.try_reserve_exact(ROOM / size_of::<T>() + 1);
    }
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
    pub(super) displaced: HashMap<StreamId, StreamId>,
    pub(super) hasher: RandomState,
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
    pub(super) fn count_segment(&mut self, bytes: u32, flags: TcpFlags) {
        self.tally.tcp += 1;
        self.tally.pure_acks += u64::from(bytes == 0 && flags.only_acknowledges());
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
                self.count_segment(tcp.payload_len, tcp.flags);
                self.tcp(mark, packet, ip, tcp);
            }
            Transport::Udp(udp) => self.udp(mark, packet, ip, udp),
            Transport::Icmp(icmp) => self.icmp(mark, packet, ip, icmp),
            Transport::Vrrp(vrrp) => {
                self.tally.other += 1;
                self.vrrp(mark, packet, ip, vrrp);
            }
            Transport::Other => self.continued(mark, packet, ip),
        }
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

    pub(super) fn reopen(&mut self, old: StreamId, key: Key) -> StreamId {
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
        let id = match self.free_streams.pop() {
            Some(id) => {
                self.streams[id as usize] = Stream::BLANK;
                id
            }
            None => {
                grow(&mut self.streams);
                self.streams.push(Stream::BLANK);
                (self.streams.len() - 1) as StreamId
            }
        };
        // Written to where it stays: copied with the stream it would wait for itself.
        self.streams[id as usize].key = key;
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
