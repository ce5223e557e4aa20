//! What a cluster, a proxy or a proxy's log says of the servers and connections that a finding
//! names: whether they are endpoints of their service, how a proxy has them, and how it logged
//! a request. It makes nothing surer, since each is from another moment; it says where to look.

use super::say;
use crate::correlate::Connection;
use crate::diagnose::settled::Settled;
use crate::diagnose::{Finding, Kind, words};
use crate::state::{HostState, ProxyServer};
use crate::topology::{Role, Service};
use crate::trace::{ConnectionId, Trace};
use crate::wire::Ip;
use std::collections::BTreeSet;

/// Servers of a finding of which something is said, and connections that are asked for.
const MOST: usize = 4;
const ASKED: usize = 64;
/// What a proxy's log says something of: findings of requests that it answered itself, or passed
/// on.
const LOGGED: &[&str] = &[
    "connection-refused",
    "connection-reset",
    "http-5xx",
    "l7-backend-refused",
    "l7-backend-tls-refused",
    "l7-backend-silent",
    "l7-backend-timeout",
    "l7-keepalive-race",
    "l7-request-held",
    "no-greeting",
    "request-unanswered",
    "rs-silent",
    "rst-no-socket",
    "slow-answer",
    "slow-real-server",
    "syn-refused",
    "syn-unanswered",
    "zero-window",
];

/// Adds what is said of them.
pub(in crate::diagnose) fn tell(trace: &Trace, finding: &mut Finding) {
    let Some(first) = finding.connections.first() else { return };
    if trace.states.is_empty() || finding.kind == Kind::Note {
        return;
    }
    let service = trace.service(*first);
    let known = std::mem::take(&mut finding.settled);
    for (ip, port) in servers(trace, finding).into_iter().take(MOST) {
        let states = || trace.states.iter().map(|matched| &matched.state);
        if let Some(settled) = states().find_map(|state| endpoint(state, service, (ip, port))) {
            say(finding, settled);
        }
        if let Some(settled) = states().find_map(|state| proxied(state, (ip, port))) {
            say(finding, settled);
        }
    }
    if LOGGED.contains(&finding.id.as_str())
        && let Some(settled) = logged(trace, &finding.connections)
    {
        say(finding, settled);
    }
    words::tell(finding);
    finding.settled.splice(0..0, known);
}

/// The real servers that a finding names, by address and port.
fn servers(trace: &Trace, finding: &Finding) -> BTreeSet<(Ip, u16)> {
    let named = finding.subjects.iter().filter(|s| s.role == Role::RealServer);
    let named: BTreeSet<Ip> = named.filter_map(|s| s.address).collect();
    let ids = finding.connections.iter().take(ASKED);
    let asked = ids.filter_map(|id| trace.server(*id)).filter_map(|s| Some((s.address?, s.port)));
    asked.filter(|(ip, _)| named.is_empty() || named.contains(ip)).collect()
}

fn endpoint(state: &HostState, service: &Service, server: (Ip, u16)) -> Option<Settled> {
    let cluster = &state.cluster;
    let is = |s: &&crate::state::ClusterService| {
        let own = s.port == service.port && s.addresses.contains(&service.vip);
        s.protocol == service.protocol && (own || s.node_port == Some(service.port))
    };
    let stated = cluster.services.iter().find(is)?;
    let of = |e: &&crate::state::Endpoint| {
        let port = e.port_name.as_ref().is_none_or(|name| *name == stated.port_name);
        e.service == stated.name && port
    };
    // Who lists none of any service lists no endpoints.
    if cluster.endpoints.is_empty() {
        return None;
    }
    let found = cluster.endpoints.iter().filter(of).find(|e| e.address == server);
    let (namespace, name) = &stated.name;
    let (of, server) = (format!("{namespace}/{name}"), server.0.with_port(server.1));
    Some(match found {
        Some(e) => Settled::Endpoint { server, of, ready: e.ready, at: state.place(e.at) },
        None => {
            let listed = cluster.endpoints.iter().filter(|e| e.service == stated.name).count();
            Settled::NoEndpoint { server, of, listed, at: state.place(stated.at) }
        }
    })
}

fn proxied(state: &HostState, server: (Ip, u16)) -> Option<Settled> {
    let row = state.proxy_servers.iter().find(|s| s.address == Some(server))?;
    let how = how(row)?;
    Some(Settled::Proxied { name: row.name.clone(), how, at: state.place(row.at) })
}

fn how(row: &ProxyServer) -> Option<&'static str> {
    Some(match (row.maintenance, row.up, row.weight) {
        (true, ..) => "in maintenance",
        (_, Some(false), _) => "down",
        (_, _, Some(0)) => "up with a weight of 0",
        (_, Some(true), _) => "up",
        _ => return None,
    })
}

/// The line of a proxy's log about one of some connections, by the client's address and port.
fn logged(trace: &Trace, ids: &[ConnectionId]) -> Option<Settled> {
    // What a proxy opened is logged with the client whose request it carried.
    let carried = |id: &ConnectionId| {
        let fronts = trace.pairs.clients.get(&id.0).into_iter().flatten();
        std::iter::once(*id).chain(fronts.map(|front| ConnectionId(*front))).collect::<Vec<_>>()
    };
    ids.iter().take(ASKED).flat_map(carried).find_map(|id| {
        let c: &Connection = trace.connection(id);
        let (ip, port) = c.front.client;
        trace.logged(id).map(|said| {
            let (state, row) = (said.state, said.value);
            let mut tries: Vec<String> = row
                .upstream
                .iter()
                .map(|((ip, port), status)| match status {
                    0 => ip.with_port(*port),
                    status => format!("{} ({status})", ip.with_port(*port)),
                })
                .collect();
            tries.extend(row.server.clone());
            Settled::Logged {
                client: ip.with_port(port),
                status: row.status,
                tries,
                ended: row.ended.clone().filter(|ended| !ended.bytes().all(|b| b == b'-')),
                waits: row.waits,
                at: state.place(row.at),
            }
        })
    })
}
