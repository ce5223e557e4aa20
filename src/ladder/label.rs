//! What stands on an arrow.

use super::arrow::Arrow;
use super::cast::Node;
use super::collect::{Seen, Sighting};
use super::packet::Sent;
use crate::diagnose::words::thousands;
use crate::wire::{Protocol, seq_gt, seq_lt};
use std::collections::{HashMap, HashSet};

/// Gaps of a direction that are kept.
const MAX_GAPS: usize = 64;

/// Names packets; knows which bytes were sent before.
pub(super) struct Labels {
    /// By direction, the client's first: the sequence number that counts as 0.
    base: [u32; 2],
    /// Packets named so far.
    named: HashSet<usize>,
    /// Direction, sequence number and length of what was sent so far; of SYNs also by whom, as
    /// a SYN proxy sends the client's on as its own first.
    sent: HashSet<(bool, u32, u32, Option<Node>)>,
    /// By direction: the highest sequence number sent, plus one.
    high: [Option<u32>; 2],
    /// By direction: ranges below it that nothing has shown yet, as segments overtake each other.
    gaps: [Vec<(u32, u32)>; 2],
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
            gaps: [Vec::new(), Vec::new()],
            repeats: HashMap::new(),
            datagrams: if protocol == Protocol::SCTP { "SCTP" } else { "UDP" },
        }
    }

    /// The label of one arrow of a packet: arrows come in order. `ports` are
    /// those of this hop, sender's first.
    pub(super) fn name(
        &mut self,
        arrow: &Arrow,
        packet: &Sent,
        first: &Sighting,
        ports: (u16, u16),
    ) -> String {
        let (at, shape) = (arrow.packet, &packet.shape);
        if self.named.insert(at) && shape.flags != 0 {
            self.note(arrow, packet);
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
    fn note(&mut self, arrow: &Arrow, packet: &Sent) {
        let (at, shape) = (arrow.packet, &packet.shape);
        let (flags, len) = (shape.flags(), shape.seq_len());
        let end = shape.seq.wrapping_add(len);
        let by = Some(arrow.from).filter(|_| flags.syn());
        let known = len > 0 && !self.sent.insert((packet.forward, shape.seq, len, by));
        let side = usize::from(!packet.forward);
        if flags.syn() || flags.rst() {
            if known && flags.syn() {
                self.repeats.insert(at, Repeat::Again);
            } else if flags.syn() {
                // What an older connection on these ports sent counts no more.
                self.high[side] = Some(end);
                self.gaps[side].clear();
            }
            return;
        }
        let fills = !known && fill(&mut self.gaps[side], (shape.seq, end));
        let high = &mut self.high[side];
        match *high {
            _ if fills => {}
            // Keep-alives and window probes lie one below what was sent.
            Some(high) if shape.len <= 1 && !flags.fin() && shape.seq == high.wrapping_sub(1) => {
                self.repeats.insert(at, Repeat::Probe);
            }
            Some(high) if len > 0 && (known || !seq_gt(end, high)) => {
                self.repeats.insert(at, Repeat::Again);
            }
            Some(old) if !seq_gt(end, old) => {}
            // An acknowledgment tells how far its sender has come.
            Some(old) if seq_gt(shape.seq, old) && self.gaps[side].len() < MAX_GAPS => {
                self.gaps[side].push((old, shape.seq));
                *high = Some(end);
            }
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

/// Whether a range lies in one of the gaps, which is then as much smaller.
fn fill(gaps: &mut Vec<(u32, u32)>, (from, to): (u32, u32)) -> bool {
    let holds = |gap: &(u32, u32)| from != to && !seq_gt(gap.0, from) && !seq_gt(to, gap.1);
    let Some(at) = gaps.iter().position(holds) else { return false };
    let (start, end) = gaps.swap_remove(at);
    gaps.extend([(start, from), (to, end)].into_iter().filter(|(a, b)| a != b));
    true
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

#[cfg(test)]
mod tests {
    use super::fill;

    #[test]
    fn what_overtook_leaves_a_gap_that_is_filled_once() {
        let mut gaps = vec![(u32::MAX - 9, 90)];
        assert!(!fill(&mut gaps, (90, 100)));
        assert!(fill(&mut gaps, (0, 40)));
        gaps.sort_unstable();
        assert_eq!(gaps, [(40, 90), (u32::MAX - 9, 0)]);
        assert!(!fill(&mut gaps, (0, 40)));
        assert!(!fill(&mut gaps, (50, 50)));
        assert!(fill(&mut gaps, (40, 90)));
        assert_eq!(gaps, [(u32::MAX - 9, 0)]);
    }
}
