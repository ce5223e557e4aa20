//! The hops of a connection, and what was rewritten before each.

use super::Hop;
use crate::correlate::Tuple;
use crate::topology::{HostId, Mode, Step};
use crate::trace::{ConnectionId, Trace};
use crate::wire::Ip;

/// The hops of a connection one way; `node` names a host's node.
pub(super) fn hops(
    trace: &Trace,
    id: ConnectionId,
    forward: bool,
    node: impl Fn(Option<HostId>) -> Option<String>,
) -> Vec<Hop> {
    let route = trace.route(id);
    let all = if forward { &route.forward } else { &route.back };
    let opening = all.iter().any(|step| step.opening);
    let taken = || all.iter().filter(|step| step.opening || !opening);
    let rewritten = taken().any(|step| Some(step.tuple) != taken().next().map(|s| s.tuple));
    let tuples = if rewritten { tuples(trace, id) } else { Vec::new() };
    let mut hops: Vec<Hop> = Vec::new();
    let mut before: Option<&Step> = None;
    for step in taken() {
        let changed = before.filter(|before| before.tuple != step.tuple);
        let rewrite = changed.and_then(|before| {
            let tuple = |at: u8| tuples.get(usize::from(at));
            Some(rewrite(tuple(before.tuple)?, tuple(step.tuple)?, forward))
        });
        let rewrite = rewrite.or_else(|| {
            let passed_on = before.is_some_and(|b| b.to.is_some() && b.to == step.from);
            if passed_on { passed_on_as(trace, id, step) } else { None }
        });
        before = Some(step);
        hops.push(Hop {
            from: node(step.from),
            to: node(step.to),
            arrived: step.arrived,
            over_lo: step.loopback,
            rewrite,
        });
    }
    hops.dedup();
    hops
}

/// What a director does that rewrites no address.
fn passed_on_as(trace: &Trace, id: ConnectionId, step: &Step) -> Option<String> {
    let service = trace.service(id);
    if !service.is_director(step.from?) {
        return None;
    }
    match service.mode {
        Mode::Dr => {
            let mac = trace.topology.hosts.get(step.to?).macs.first()?;
            Some(format!("to MAC {mac}, addresses unchanged"))
        }
        Mode::Tun => Some("in a tunnel".to_owned()),
        _ => None,
    }
}

fn tuples(trace: &Trace, id: ConnectionId) -> Vec<Tuple> {
    let mut tuples = vec![trace.connection(id).front];
    for leg in trace.legs(id) {
        let at = usize::from(leg.tuple);
        if tuples.len() <= at {
            tuples.resize(at + 1, tuples[0]);
        }
        tuples[at] = Tuple::of(leg.of(&trace.vantages), leg.client);
    }
    tuples
}

/// Without the client's ports, which differ from connection to connection.
fn rewrite(old: &Tuple, new: &Tuple, forward: bool) -> String {
    let server = (old.server != new.server).then(|| {
        let text = |end: (Ip, u16)| end.0.with_port(end.1);
        format!("{} > {}", text(old.server), text(new.server))
    });
    let client = (old.client.0 != new.client.0).then(|| {
        if forward {
            format!("client > {}", new.client.0)
        } else {
            format!("{} > client", old.client.0)
        }
    });
    let said: Vec<String> = server.into_iter().chain(client).collect();
    if said.is_empty() { "client's port".to_owned() } else { said.join(", ") }
}
