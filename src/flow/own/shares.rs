//! What each MAC of a capture has to do with its frames.

use crate::flow::{Claim, Flow, Hop, Link, Neighbors, Side, Stream};
use crate::hashed::{HashMap, HashSet};
use crate::wire::{Ip, Mac};

/// A MAC's part.
#[derive(Debug, Clone)]
pub(super) struct Share {
    /// Unicast frames that it sent or got, leaving out those to MACs that never send.
    pub frames: u64,
    /// All of them.
    pub all: u64,
    /// Frames with packets that it originated, by their TTL.
    pub originated: u64,
    /// Frames with packets of others.
    pub relayed: u64,
    /// It sends from addresses that are not those that it claims on the link: a gateway,
    /// or a proxy in its clients' names.
    pub strange: bool,
    /// Others answer for all addresses that it sends from, on this very link.
    pub carrier: bool,
    /// The shortest time in which it was seen to answer or to pass on, nanoseconds.
    pub quickest_ns: i64,
    /// Flows that were seen to come to it and to leave it again.
    pub forwards: u32,
    /// Connections that were accepted towards it, and of which no SYN was seen.
    pub unasked: u32,
    /// Connections that it opened.
    pub asked: u32,
    /// Overlays end at it: it takes part in frames around others, too.
    pub tunnels: bool,
    /// Unicast frames that it sent to MACs that never send.
    pub beyond: u64,
    /// Addresses that it sends from, as many as are kept.
    pub sources: Vec<Ip>,
    /// Who opened connections with it, and to whom, as many as are kept.
    pub openers: Vec<(Ip, Ip)>,
    /// The only TTL that its packets have; 0 where there are several.
    pub ttl: Option<u8>,
}

impl Default for Share {
    fn default() -> Self {
        Self {
            frames: 0,
            all: 0,
            originated: 0,
            relayed: 0,
            strange: false,
            carrier: false,
            quickest_ns: i64::MAX,
            forwards: 0,
            unasked: 0,
            asked: 0,
            tunnels: false,
            beyond: 0,
            sources: Vec::new(),
            openers: Vec::new(),
            ttl: None,
        }
    }
}

/// Streams whose delays are looked at: the shortest repeats soon.
const SAMPLE: usize = 1 << 14;
/// Source addresses of a MAC that are kept.
const MAX_SOURCES: usize = 16;

/// All MACs' parts in one capture.
#[derive(Debug)]
pub(super) struct Shares {
    pub by_mac: HashMap<Mac, Share>,
    /// Unicast frames between MACs that both send.
    pub total: u64,
    /// All unicast frames.
    pub all: u64,
    /// More frames travel inside overlays than outside.
    pub overlay: bool,
}

impl Shares {
    /// `None` where nothing unicast was seen.
    pub fn gather(
        streams: &[Stream],
        links: &[Link],
        hops: &[Hop],
        neighbors: &Neighbors,
        absent: &[Mac],
    ) -> Option<Self> {
        let mut by_mac: HashMap<Mac, Share> = HashMap::default();
        let (mut total, mut all) = (0u64, 0u64);
        // A frame to a MAC that never sends was flooded by a switch.
        let said = neighbors.bindings.iter().map(|b| b.mac);
        let senders: HashSet<Mac> =
            hops.iter().filter_map(|hop| hop.link.src).chain(said).collect();
        // Links are many, hops are few.
        let mut carried = vec![0u64; hops.len()];
        for link in links {
            carried[link.hop.index()] += u64::from(link.sent());
        }
        // Nor did one between two other hosts come here.
        let near = |hop: &Hop| {
            unicast(hop).filter(|(src, dst)| !(absent.contains(src) && absent.contains(dst)))
        };
        let answered = |hop: &Hop| near(hop).filter(|(_, dst)| senders.contains(dst));
        let overlay = is_mostly_overlay(hops, &carried, |hop| near(hop).is_some());
        for (hop, frames) in hops.iter().zip(carried) {
            let Some((src, dst)) = near(hop).filter(|_| hop.link.overlay == overlay) else {
                continue;
            };
            all += frames;
            let counted = if answered(hop).is_some() { frames } else { 0 };
            total += counted;
            let sender = by_mac.entry(src).or_default();
            sender.frames += counted;
            sender.all += frames;
            sender.beyond += frames - counted;
            sender.ttl =
                Some(sender.ttl.map_or(hop.ttl, |ttl| if ttl == hop.ttl { ttl } else { 0 }));
            if matches!(hop.ttl, 64 | 128 | 255) {
                // ICMP errors belong to no flow.
                sender.originated += frames.max(1);
            } else if hop.known_ttl().is_some() {
                sender.relayed += frames;
            }
            let receiver = by_mac.entry(dst).or_default();
            receiver.frames += counted;
            receiver.all += frames;
        }
        // Neighbours are those of the frames outside.
        let replies = neighbors.bindings.iter().filter(|b| b.claim == Claim::Reply);
        for binding in replies.filter(|b| !overlay && !absent.contains(&b.mac)) {
            let frames = u64::from(binding.count);
            total += frames;
            all += frames;
            let share = by_mac.entry(binding.mac).or_default();
            share.frames += frames;
            share.all += frames;
        }
        for ask in neighbors.asks.iter().filter(|a| !overlay && a.asker_mac != Mac::ZERO) {
            // The answer went to the asker, unicast.
            let share = by_mac.entry(ask.asker_mac).or_default();
            share.frames += u64::from(ask.answers);
            share.all += u64::from(ask.answers);
        }
        if all == 0 {
            return None;
        }
        by_mac.retain(|mac, _| !absent.contains(mac));
        let mut shares = Self { by_mac, total, all, overlay };
        let shown = Shown { links, hops };
        shares.streams(streams, &shown);
        shares.neighbors(neighbors);
        Some(shares)
    }

    /// A MAC was seen to be a router's.
    pub fn relays_of(&mut self, mac: Mac) {
        if let Some(share) = self.by_mac.get_mut(&mac) {
            share.relayed += 1;
        }
    }

    fn streams(&mut self, streams: &[Stream], shown: &Shown<'_>) {
        for stream in streams.iter().take(SAMPLE) {
            for side in [Side::A, Side::B] {
                self.relays(stream.flow(side), shown);
            }
            for side in [Side::A, Side::B] {
                self.ends(stream, side, shown);
            }
        }
    }

    /// A packet that comes in on one link and leaves on another shows who is in between,
    /// and how long it took there.
    fn relays(&mut self, flow: &Flow, shown: &Shown<'_>) {
        let mut before: Option<(&Link, &Hop)> = None;
        for (link, hop) in shown.path(flow) {
            if let Some((earlier, came)) = before
                && came.link.dst.is_some()
                && came.link.dst == hop.link.src
                && let Some(share) = hop.link.src.and_then(|mac| self.by_mac.get_mut(&mac))
            {
                share.quick(link.first.since(earlier.first));
                // One's own packet that comes back was sent on by the other.
                let returned = hop.link.dst == came.link.src;
                share.forwards += u32::from(!returned || !matches!(came.ttl, 64 | 128 | 255));
            }
            before = Some((link, hop));
        }
    }

    fn ends(&mut self, stream: &Stream, side: Side, shown: &Shown<'_>) {
        let flow = stream.flow(side);
        let Some((_, hop)) = shown.path(flow).next() else { return };
        if let Some(share) = hop.link.src.and_then(|mac| self.by_mac.get_mut(&mac)) {
            share.quick(flow.turnaround_ns.map_or(-1, |ns| i64::from(ns.get())));
            let ip = stream.key.ip(side);
            if share.sources.len() < MAX_SOURCES && !share.sources.contains(&ip) {
                share.sources.push(ip);
            }
        }
        if flow.opened()
            && let Some(share) = hop.link.src.and_then(|mac| self.by_mac.get_mut(&mac))
        {
            share.asked += 1;
            let pair = (stream.key.ip(side), stream.key.ip(side.other()));
            if share.openers.len() < MAX_SOURCES && !share.openers.contains(&pair) {
                share.openers.push(pair);
            }
        }
        if flow.accepted()
            && !stream.flow(side.other()).opened()
            && let Some(share) = hop.link.dst.and_then(|mac| self.by_mac.get_mut(&mac))
        {
            share.unasked += 1;
        }
    }

    fn neighbors(&mut self, neighbors: &Neighbors) {
        let mut repliers: HashMap<Ip, Mac> = HashMap::default();
        for binding in neighbors.bindings.iter().filter(|b| b.claim == Claim::Reply) {
            repliers.entry(binding.ip).or_insert(binding.mac);
        }
        for ask in neighbors.asks.iter().filter(|a| a.answers > 0) {
            let replier = repliers.get(&ask.target);
            if let Some(share) = replier.and_then(|mac| self.by_mac.get_mut(mac)) {
                share.quick(ask.quickest_ns);
            }
        }
        for end in neighbors.overlay_ends.iter().filter(|_| !self.overlay) {
            if let Some(share) = self.by_mac.get_mut(&end.outer) {
                share.tunnels = true;
            }
        }
        let mut claimed: HashMap<Mac, Vec<Ip>> = HashMap::default();
        let mut owners: HashMap<Ip, Mac> = HashMap::default();
        for binding in &neighbors.bindings {
            owners.entry(binding.ip).or_insert(binding.mac);
            if self.by_mac.contains_key(&binding.mac) {
                claimed.entry(binding.mac).or_default().push(binding.ip);
            }
        }
        for (mac, share) in &mut self.by_mac {
            let own = claimed.get(mac);
            share.strange = own.is_some_and(|own| share.sources.iter().any(|ip| !own.contains(ip)));
            share.carrier = !share.sources.is_empty()
                && share.sources.iter().all(|ip| owners.get(ip).is_some_and(|owner| owner != mac));
        }
    }
}

impl Share {
    /// Callers of different networks call one address with it: a host takes one source for one
    /// destination, so it is a gateway.
    pub fn stands_for_many(&self) -> bool {
        self.openers.iter().enumerate().any(|(i, (src, dst))| {
            self.openers[..i].iter().any(|(s, d)| d == dst && s.network() != src.network())
        })
    }

    fn quick(&mut self, delay: i64) {
        if delay >= 0 {
            self.quickest_ns = self.quickest_ns.min(delay);
        }
    }
}

/// Where flows passed.
struct Shown<'a> {
    links: &'a [Link],
    hops: &'a [Hop],
}

impl<'a> Shown<'a> {
    fn path(&self, flow: &Flow) -> impl Iterator<Item = (&'a Link, &'a Hop)> + use<'a> {
        let (links, hops) = (self.links, self.hops);
        let mut next = flow.link;
        std::iter::from_fn(move || {
            let link = links.get(next.index()?)?;
            next = link.next;
            Some((link, &hops[link.hop.index()]))
        })
    }
}

/// Whether more frames travel inside overlays than outside of them.
fn is_mostly_overlay(hops: &[Hop], carried: &[u64], counts: impl Fn(&Hop) -> bool) -> bool {
    let both = hops.iter().zip(carried).filter(|(hop, _)| counts(hop));
    let (inside, outside): (Vec<_>, Vec<_>) = both.partition(|(hop, _)| hop.link.overlay);
    let sum = |of: Vec<(&Hop, &u64)>| of.iter().map(|(_, frames)| **frames).sum::<u64>();
    sum(inside) > sum(outside)
}

fn unicast(hop: &Hop) -> Option<(Mac, Mac)> {
    let (src, dst) = (hop.link.src?, hop.link.dst?);
    (src.is_unicast() && dst.is_unicast()).then_some((src, dst))
}
