//! What somebody says that he dropped of a finding's connections: a packet filter's log, pf, Cilium,
//! the kernel by its reasons, a cloud. It makes nothing surer, since such a line may be of another
//! moment; it names who to ask.

use super::say;
use crate::correlate::Tuple;
use crate::diagnose::settled::Settled;
use crate::diagnose::{Finding, Kind, words};
use crate::state::Dropped;
use crate::trace::Trace;
use crate::wire::{Ip, Protocol};

/// Connections that are asked for, and rows that are told.
const ASKED: usize = 64;
const MOST: usize = 3;

/// Adds what is said of them.
pub(in crate::diagnose) fn tell(trace: &Trace, finding: &mut Finding) {
    let none = trace.states.iter().all(|matched| matched.state.dropped.is_empty());
    if none || finding.kind == Kind::Note || !finding.severity.is_loud() {
        return;
    }
    let mut ends: Vec<(Protocol, Tuple)> = Vec::new();
    for id in finding.connections.iter().take(ASKED) {
        let c = trace.connection(*id);
        ends.push((c.protocol, c.front));
        ends.extend(c.back.map(|back| (c.protocol, back)));
    }
    let fits = |d: &Dropped| ends.iter().any(|(protocol, tuple)| is_of(d, *protocol, tuple));
    let known = std::mem::take(&mut finding.settled);
    let rows = trace.states.iter().flat_map(|matched| {
        matched.state.dropped.iter().map(move |dropped| (&matched.state, dropped))
    });
    for (state, d) in rows.filter(|(_, d)| fits(d)).take(MOST) {
        let end = |(ip, port): (Ip, Option<u16>)| match port {
            Some(port) => ip.with_port(port),
            None => ip.to_string(),
        };
        say(
            finding,
            Settled::Dropped {
                by: d.by.clone(),
                from: end(d.from),
                to: end(d.to),
                count: d.count,
                at: state.place(d.at),
            },
        );
    }
    words::tell(finding);
    finding.settled.splice(0..0, known);
}

/// Whether a line is about a connection's packets, either way.
fn is_of(d: &Dropped, protocol: Protocol, tuple: &Tuple) -> bool {
    let same = |(ip, port): (Ip, Option<u16>), end: (Ip, u16)| {
        ip == end.0 && port.is_none_or(|port| port == end.1)
    };
    (d.protocol == protocol || d.protocol == Protocol::ANY)
        && (same(d.from, tuple.client) && same(d.to, tuple.server)
            || same(d.from, tuple.server) && same(d.to, tuple.client))
}
