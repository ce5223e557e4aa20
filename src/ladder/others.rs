//! Frames of no connection that prove the finding, as ARP and ICMP, beside the packets of one.
//!
//! What is of another of the finding's connections, or speaks of it, tells nothing of this one and is
//! left to the list of proofs.

use super::joined::Sheet;
use super::{Marked, Request};
use crate::report::ladder::{Step, StepKind};
use crate::second_pass::SecondPass;
use crate::topology::HostId;
use crate::trace::{ConnectionId, Trace};
use crate::wire::{self, Body, Ip, Packet, Transport};
use std::collections::HashSet;

/// Frames of no connection that are drawn.
const MAX_OTHERS: usize = 8;

/// A host by its MAC, and by its address.
type End = [Option<HostId>; 2];

/// Two ends of a stream; a port of 0 is not told.
type Ends = [(Ip, u16); 2];

/// What a frame shows of itself.
struct Read {
    from: End,
    to: End,
    about: Option<Ends>,
}

impl Sheet {
    /// Puts in frames of no connection that prove the finding.
    pub(super) fn others(&mut self, trace: &Trace, request: &Request<'_>) {
        let shown: HashSet<(String, u64)> =
            self.ladder.steps.iter().flat_map(|step| step.frames.clone()).collect();
        let last = self.next_packet();
        let mut steps = Vec::new();
        for mark in request.marked.iter().filter(|mark| !mark.label.is_empty()) {
            let frame = frame(trace, mark);
            if steps.len() >= MAX_OTHERS || shown.contains(&frame) {
                continue;
            }
            let Some(read) = read(trace, mark) else { continue };
            if read.about.is_some_and(|ends| is_anothers(trace, request, &ends)) {
                continue;
            }
            let of = |hosts: End| {
                let column = |host| self.hosts.iter().position(|own| *own == Some(host));
                hosts.into_iter().flatten().find_map(column)
            };
            let (from, to) = (of(read.from), of(read.to));
            let kind = match (from, to) {
                (Some(from), Some(to)) if from != to => StepKind::Arrow,
                _ => StepKind::Remark,
            };
            let uncertainty_ns = self.doubt(trace, mark);
            steps.push(Step {
                at_ns: trace.time(mark.at).0.saturating_sub(self.start),
                uncertainty_ns,
                packet: last + steps.len(),
                kind,
                from: from.or(to).unwrap_or(0),
                to: to.or(from).unwrap_or(0),
                label: mark.label.clone(),
                frames: vec![frame],
                rewrite: None,
                marked: true,
                remark: None,
            });
        }
        steps.sort_by_key(|step| step.at_ns);
        self.merge(steps);
    }

    /// How far a frame's time may be off the drawing's first; where nothing compares the two clocks, the
    /// drawing says so.
    fn doubt(&mut self, trace: &Trace, mark: &Marked) -> i64 {
        let capture = |at: usize| trace.captures.get(at).map_or("?", |c| c.label.as_str());
        let own = trace.vantages[mark.at.vantage.index()].capture;
        let Some(first) = self.clock.filter(|first| *first != own) else { return 0 };
        if let Some(error) = trace.timeline.uncertainty(first, own, trace.time(mark.at)) {
            return error;
        }
        let label = capture(own);
        if !self.ladder.time_note.contains(label) {
            let other = capture(first);
            self.note(&format!("the clock of {label} could not be compared with {other}'s"));
        }
        i64::MAX
    }
}

/// Vantage and number of a frame, as its capture counts it.
fn frame(trace: &Trace, mark: &Marked) -> (String, u64) {
    let vantage = &trace.vantages[mark.at.vantage.index()];
    let number = mark.at.mark.frame();
    let number = trace.captures.get(vantage.capture).map_or(number, |c| c.locate(number).1);
    (vantage.label.clone(), u64::from(number))
}

/// Who sent a frame, whom it was for, and what it is about; `None` where it cannot be read again.
fn read(trace: &Trace, mark: &Marked) -> Option<Read> {
    let again = SecondPass::new(trace, trace.vantages[mark.at.vantage.index()].capture)?;
    let number = mark.at.mark.frame();
    let mut found = None;
    again.frames(number..=number, |vantage, _, frame| {
        let packet = wire::decode(frame);
        let own = trace.host_of_vantage(vantage);
        let hop = crate::flow::Hop { link: packet.link, ttl: 0 };
        let seen = &trace.vantages[vantage.index()].own;
        let by = |mac| trace.host_by_mac(mac);
        let sent = by(hop.link.src).or(own.filter(|_| seen.sent(&hop) == Some(true)));
        let came = by(hop.link.dst).or(own.filter(|_| seen.arrived(&hop) == Some(true)));
        let (src, dst) = match &packet.body {
            Body::Ip(ip) => (trace.host_by_ip(ip.src), trace.host_by_ip(ip.dst)),
            _ => (None, None),
        };
        found = Some(Read { from: [sent, src], to: [came, dst], about: about(&packet) });
    });
    found
}

/// The stream that a frame is of, or that the packet is of which it quotes.
fn about(packet: &Packet<'_>) -> Option<Ends> {
    let Body::Ip(ip) = &packet.body else { return None };
    match &ip.transport {
        Transport::Tcp(tcp) => Some([(ip.src, tcp.src_port), (ip.dst, tcp.dst_port)]),
        Transport::Udp(udp) => Some([(ip.src, udp.src_port), (ip.dst, udp.dst_port)]),
        Transport::Icmp(icmp) => {
            icmp.quote().map(|quote| [(quote.src, quote.src_port), (quote.dst, quote.dst_port)])
        }
        _ => None,
    }
}

/// Whether these are the ends of another of the finding's connections, and not of this one.
fn is_anothers(trace: &Trace, request: &Request<'_>, ends: &Ends) -> bool {
    let of = |id: ConnectionId| {
        trace.legs(id).iter().any(|leg| {
            let key = leg.of(&trace.vantages).key;
            let [a, b] = [(key.ips[0], key.ports[0]), (key.ips[1], key.ports[1])];
            let fits = |told: &(Ip, u16), own: (Ip, u16)| {
                told.0 == own.0 && (told.1 == 0 || told.1 == own.1)
            };
            fits(&ends[0], a) && fits(&ends[1], b) || fits(&ends[0], b) && fits(&ends[1], a)
        })
    };
    let others = request.group.iter().filter(|id| **id != request.connection);
    !of(request.connection) && others.copied().any(of)
}
