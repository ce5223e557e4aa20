//! Frame by frame: whether it belongs to the extract.

use super::choose::Chosen;
use crate::capture::Frame;
use crate::flow::{Key, Mark, VantageId};
use crate::second_pass;
use crate::trace::Trace;
use crate::wire::{self, Body, Fragment, IcmpKind, Ip, Packet, Transport};
use std::collections::{HashMap, HashSet};

/// Frames of a stream that are taken from either end where not all were asked for.
const ENDS: u64 = 2_000;
/// Frames of a vantage that only say who has which address.
const MAX_CLAIMS: u32 = 2_000;

/// A stream of a chosen connection.
#[derive(Debug)]
struct Wanted {
    from: u32,
    to: u32,
    frames: u64,
    seen: u64,
}

/// Decides, and counts what it leaves out.
#[derive(Debug)]
pub(super) struct Picker<'a> {
    trace: &'a Trace,
    chosen: &'a Chosen,
    all: bool,
    streams: HashMap<(VantageId, Key), Vec<Wanted>>,
    /// ICMP errors about chosen connections.
    errors: HashSet<(VantageId, u32)>,
    /// Pairs of addresses between which a later fragment may travel.
    pairs: HashSet<(Ip, Ip)>,
    claims: Vec<u32>,
    /// Frames of chosen connections that were left out.
    pub left: u64,
}

impl<'a> Picker<'a> {
    pub(super) fn new(trace: &'a Trace, chosen: &'a Chosen, all: bool) -> Self {
        let mut picker = Self {
            trace,
            chosen,
            all,
            streams: HashMap::new(),
            errors: HashSet::new(),
            pairs: HashSet::new(),
            claims: vec![0; trace.vantages.len()],
            left: 0,
        };
        for id in &chosen.connections {
            for leg in trace.legs(*id) {
                let stream = leg.of(&trace.vantages);
                let [a, b] = stream.key.ips;
                picker.pairs.extend([(a, b), (b, a)]);
                let wanted = Wanted {
                    from: stream.first().frame(),
                    to: stream.last().frame(),
                    frames: stream.packets(),
                    seen: 0,
                };
                let of = (leg.vantage, stream.key);
                picker.streams.entry(of).or_default().push(wanted);
            }
            let errors = trace.errors_of(*id).map(|(v, error)| (v, error.mark.frame()));
            picker.errors.extend(errors);
        }
        picker
    }

    /// The frame's number through all files with what it proves, where it is taken.
    pub(super) fn pick(
        &mut self,
        vantage: VantageId,
        base: u32,
        frame: &Frame<'_>,
    ) -> Option<(Mark, Vec<String>)> {
        let mark = Mark::new(base.saturating_add(frame.number), frame.time);
        let place = (vantage, mark.frame());
        let packet = wire::decode(frame);
        let taken = self.is_of_stream(vantage, mark.frame(), &packet)
            || self.errors.contains(&place)
            || self.is_fragment(&packet)
            || self.is_claim(vantage, frame, &packet);
        (taken || self.chosen.proofs.contains(&place))
            .then(|| (mark, self.chosen.comments.get(&place).cloned().unwrap_or_default()))
    }

    fn is_of_stream(&mut self, vantage: VantageId, frame: u32, packet: &Packet<'_>) -> bool {
        let Some((key, _)) = second_pass::stream(packet) else { return false };
        let Some(streams) = self.streams.get_mut(&(vantage, key)) else { return false };
        let Some(stream) = streams.iter_mut().find(|s| (s.from..=s.to).contains(&frame)) else {
            return false;
        };
        stream.seen += 1;
        let near_an_end = stream.seen <= ENDS || stream.seen + ENDS > stream.frames;
        let taken = self.all || near_an_end;
        self.left += u64::from(!taken && !self.chosen.proofs.contains(&(vantage, frame)));
        taken
    }

    /// Later fragments have no ports.
    fn is_fragment(&self, packet: &Packet<'_>) -> bool {
        let Body::Ip(ip) = &packet.body else { return false };
        matches!(ip.fragment, Fragment::Later { .. }) && self.pairs.contains(&(ip.src, ip.dst))
    }

    /// ARP, neighbour discovery and VRRP of those who take part.
    fn is_claim(&mut self, vantage: VantageId, frame: &Frame<'_>, packet: &Packet<'_>) -> bool {
        let of = |ip: &Ip| self.chosen.addresses.contains(ip);
        let about = match &packet.body {
            Body::Arp(arp) => of(&arp.sender) || of(&arp.target),
            Body::Ip(ip) => match &ip.transport {
                Transport::Icmp(icmp) => match &icmp.kind {
                    IcmpKind::NeighborSolicitation { target, .. }
                    | IcmpKind::NeighborAdvertisement { target, .. } => of(target) || of(&ip.src),
                    _ => false,
                },
                Transport::Vrrp(_) => of(&ip.src),
                _ => false,
            },
            Body::Other(_) => false,
        };
        if !about {
            return false;
        }
        // What lies outside of the window that was asked for was not taken in.
        let seen = &self.trace.vantages[vantage.index()];
        if frame.time < seen.start || frame.time > seen.end {
            return false;
        }
        let count = &mut self.claims[vantage.index()];
        *count += 1;
        self.all || *count <= MAX_CLAIMS
    }
}
