//! What stands on an arrow.

use super::collect::{Seen, Sighting};
use super::packet::Sent;
use crate::diagnose::words::thousands;
use crate::wire::{Protocol, seq_gt, seq_lt};
use std::collections::{HashMap, HashSet};

/// Names packets; knows which bytes were sent before.
pub(super) struct Labels {
    /// By direction, the client's first: the sequence number that counts as 0.
    base: [u32; 2],
    /// Packets named so far.
    named: HashSet<usize>,
    /// Direction, sequence number and length of what was sent so far.
    sent: HashSet<(bool, u32, u32)>,
    /// By direction: the highest sequence number sent, plus one.
    high: [Option<u32>; 2],
    repeats: HashMap<usize, Repeat>,
    /// What its datagrams are of.
    datagrams: &'static str,
}

/// What a packet has in common with those before it.
#[derive(Debug, Clone, Copy)]
enum Repeat {
    /// It sends bytes again.
    Again,
    /// It asks for an answer only.
    Probe,
}

impl Labels {
    pub(super) fn new(seen: &Seen, protocol: Protocol) -> Self {
        Self {
            base: [base(&seen.sightings, true), base(&seen.sightings, false)],
            named: HashSet::new(),
            sent: HashSet::new(),
            high: [None; 2],
            repeats: HashMap::new(),
            datagrams: if protocol == Protocol::SCTP { "SCTP" } else { "UDP" },
        }
    }

    /// The label of one arrow of a packet: arrows come in order. `ports` are
    /// those of this hop, sender's first.
    pub(super) fn name(
        &mut self,
        at: usize,
        packet: &Sent,
        first: &Sighting,
        ports: (u16, u16),
    ) -> String {
        let shape = &packet.shape;
        if self.named.insert(at) && shape.flags != 0 {
            self.note(at, packet);
        }
        let mut label = if shape.flags == 0 && shape.seq == 0 {
            format!("{} {} bytes", self.datagrams, thousands(shape.len.into()))
        } else {
            self.segment(packet, first, ports)
        };
        match self.repeats.get(&at) {
            Some(Repeat::Again) => label.push_str("  again"),
            Some(Repeat::Probe) => label.push_str("  probe"),
            None => {}
        }
        label
    }

    /// What a packet repeats of those before it.
    fn note(&mut self, at: usize, packet: &Sent) {
        let shape = &packet.shape;
        let (flags, len) = (shape.flags(), shape.seq_len());
        let end = shape.seq.wrapping_add(len);
        let known = len > 0 && !self.sent.insert((packet.forward, shape.seq, len));
        if flags.syn() || flags.rst() {
            if known && flags.syn() {
                self.repeats.insert(at, Repeat::Again);
            }
            return;
        }
        let high = &mut self.high[usize::from(!packet.forward)];
        match *high {
            // Keep-alives and window probes lie one below what was sent.
            Some(high) if shape.len <= 1 && !flags.fin() && shape.seq == high.wrapping_sub(1) => {
                self.repeats.insert(at, Repeat::Probe);
            }
            Some(high) if len > 0 && (known || !seq_gt(end, high)) => {
                self.repeats.insert(at, Repeat::Again);
            }
            Some(old) if !seq_gt(end, old) => {}
            // An acknowledgment tells how far its sender has come.
            _ => *high = Some(end),
        }
    }

    fn segment(&self, packet: &Sent, first: &Sighting, (from, to): (u16, u16)) -> String {
        let (shape, flags) = (&packet.shape, packet.shape.flags());
        let start = shape.seq.wrapping_sub(self.base[usize::from(!packet.forward)]);
        let bytes = || {
            let end = start.wrapping_add(shape.len);
            match first.says {
                Some(says) => format!("{}  {start}:{end}", says.name()),
                None => format!("{} bytes  {start}:{end}", thousands(shape.len.into())),
            }
        };
        let mut label = match (flags.syn(), flags.rst(), flags.fin(), shape.len) {
            (true, _, _, 0) if flags.ack() => "SYN-ACK".to_owned(),
            (true, _, _, 0) => format!("SYN  {from} > {to}"),
            (true, _, _, len) => format!("{}  {} bytes", flags.name(), thousands(len.into())),
            (_, true, ..) => flags.name().to_owned(),
            (_, _, true, 0) => "FIN,ACK".to_owned(),
            (_, _, true, _) => format!("FIN,ACK  {}", bytes()),
            (.., 0) => flags.name().to_owned(),
            _ => bytes(),
        };
        if first.closed {
            label.push_str("  window 0");
        }
        label
    }
}

/// The SYN's sequence number, or one below the lowest that was seen.
fn base(sightings: &[Sighting], forward: bool) -> u32 {
    let own = || sightings.iter().filter(move |s| s.forward == forward && s.shape.flags != 0);
    if let Some(syn) = own().find(|s| s.shape.flags().syn()) {
        return syn.shape.seq;
    }
    // The other side's SYN-ACK acknowledges it.
    let echoed = sightings.iter().find(|s| s.forward != forward && s.shape.flags().syn());
    if let Some(s) = echoed.filter(|s| s.shape.flags().ack()) {
        return s.shape.ack.wrapping_sub(1);
    }
    own()
        .filter(|s| !s.shape.flags().rst())
        .map(|s| s.shape.seq)
        .reduce(|a, b| if seq_lt(b, a) { b } else { a })
        .map_or(0, |seq| seq.wrapping_sub(1))
}
