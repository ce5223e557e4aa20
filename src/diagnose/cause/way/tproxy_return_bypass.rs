//! A transparent proxy calls its real servers with the client's address, and their
//! answers go to the client instead of coming back to it.
//!
//! The client's capture proves it: a SYN-ACK from a real server to a port from which the
//! client sent nothing, and its RST. In `nat-return-bypasses-director` the client did
//! send that SYN, to the VIP. Who called in its name is told by the SYN, at the proxy's
//! capture or the real server's.

use crate::correlate::Leg;
use crate::diagnose::cause::severity;
use crate::diagnose::words::{agree, count, list};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Fix, Names, Proof, Subject};
use crate::topology::{HostId, Role};
use crate::trace::{ConnectionId, Trace};
use crate::wire::Ip;
use std::collections::{BTreeMap, HashMap, HashSet};

pub(in crate::diagnose) const EXPLAINS: &[&str] = &[
    "rst-no-socket",
    "syn-unanswered",
    "asymmetric-return-path",
    "http-5xx",
    "connection-reset",
    "l7-backend-timeout",
];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let mut sets: BTreeMap<HostId, Vec<ConnectionId>> = BTreeMap::new();
    let mut known: HashMap<(HostId, Ip), bool> = HashMap::new();
    for (id, c) in facts.iter() {
        // Nothing but a RST of the client's own stack makes it worth a look.
        if c.protocol.is_tcp()
            && c.progress.no_socket
            && c.back.is_none()
            && let Some((_, proxy)) = bypassed(facts, id)
            && *known
                .entry((proxy, c.front.client.0))
                .or_insert_with(|| accepts(facts, proxy, c.front.client.0))
        {
            sets.entry(proxy).or_default().push(id);
        }
    }
    let findings = sets.into_iter().map(|(proxy, ids)| finding(facts, proxy, ids)).collect();
    Detection::from(findings, || {
        if facts.shows_clients() {
            Detection::Clean
        } else {
            Detection::Unchecked(
                "no client was captured; what reaches it unasked shows in its own capture"
                    .to_owned(),
            )
        }
    })
}

/// The client's leg with an answer that it never asked for, and who asked in its name.
fn bypassed(trace: &Trace, id: ConnectionId) -> Option<(&Leg, HostId)> {
    let c = trace.connection(id);
    let client = trace.host_by_ip(c.front.client.0)?;
    let unasked = trace.legs(id).iter().find(|leg| {
        let (there, back) = (trace.forward(leg), trace.reply(leg));
        trace.host_of(leg) == Some(client)
            && back.accepted()
            && !there.opened()
            && there.rst.is_set()
            && trace.vantage(leg).start.0 < back.first.at().0
    })?;
    let proxy = trace.legs(id).iter().find_map(|leg| {
        let there = trace.forward(leg);
        let (_, hop) = trace.path(leg, there).find(|(link, _)| link.syns > 0)?;
        trace.host_by_mac(hop.link.src).filter(|h| *h != client && there.opened())
    })?;
    Some((unasked, proxy))
}

/// Whether a host accepted a connection of a client itself: a proxy, and no router.
fn accepts(trace: &Trace, proxy: HostId, client: Ip) -> bool {
    trace.iter().any(|(id, c)| {
        c.front.client.0 == client
            && c.progress.established
            && trace.route(id).replier() == Some(proxy)
    })
}

/// Connections of clients to a proxy that stand behind these.
fn fronts(trace: &Trace, proxy: HostId, ids: &[ConnectionId]) -> Vec<ConnectionId> {
    let clients: HashSet<Ip> = ids.iter().map(|id| trace.connection(*id).front.client.0).collect();
    trace
        .requests()
        .filter(|(id, c)| {
            clients.contains(&c.front.client.0) && trace.route(*id).replier() == Some(proxy)
        })
        .map(|(id, _)| id)
        .collect()
}

fn finding(trace: &Trace, proxy: HostId, ids: Vec<ConnectionId>) -> Finding {
    let names = Names(trace);
    let mut servers: Vec<Ip> = ids.iter().map(|id| trace.connection(*id).front.server.0).collect();
    servers.sort_unstable();
    servers.dedup();
    let who = list(&servers.iter().map(Ip::to_string).collect::<Vec<_>>());
    let own = names.full(proxy);
    let fronts = fronts(trace, proxy, &ids);
    let verb = agree(servers.len(), "answers", "answer");
    let reset = |id: &ConnectionId| {
        bypassed(trace, *id).is_some_and(|(leg, _)| trace.forward(leg).rst.is_set())
    };
    let unexpected = if ids.iter().any(reset) { " and resets it" } else { "" };
    let title = format!("{who} {verb} the clients past the proxy {own}");
    let explanation = format!(
        "The proxy {own} calls {who} with its clients' addresses as source, and the SYN-ACKs leave for the clients instead of coming back to it. The client gets an answer on a port that it never used{unexpected}; the proxy's SYN stays unanswered, and so do the requests that wait for it. {} of the proxy to its real servers failed that way.",
        count(ids.len(), "connection")
    );
    let mut finding = Finding::cause("tproxy-return-bypass", title, explanation);
    finding.severity = severity(trace, &ids).max(severity(trace, &fronts));
    let seen = ids.iter().any(|id| originates(trace, *id, proxy));
    finding.confidence = if seen { Confidence::Certain } else { Confidence::Likely };
    let proxy_ip = names.address(proxy).map_or_else(|| "PROXY".to_owned(), |ip| ip.to_string());
    for server in &servers {
        let client = trace.connection(ids[0]).front.client.0;
        finding.confirm(
            server.to_string(),
            format!("ip route get {client} from {server}"),
            "names the gateway of its answers; it must be the proxy",
        );
        finding.fix_disruptive(
            server.to_string(),
            format!("ip route replace default via {proxy_ip}   # the proxy's address on this link"),
            "Restore the route that 'ip route show default' printed before.",
        );
    }
    finding.fixes.push(Fix::disruptive(format!("{own}, in place of that"), "# call the real servers with the proxy's own address, and name the client in a header:\n# haproxy: delete 'source ... usesrc clientip', add 'option forwardfor' or 'send-proxy-v2'\n# nginx: delete 'proxy_bind $remote_addr transparent'", "Restore the configuration.").or());
    if let Some(id) = ids.first() {
        finding.proofs = proofs(trace, *id, proxy);
    }
    finding.subjects = servers
        .iter()
        .map(|ip| {
            let host = trace.host_by_ip(*ip).map(|h| names.subject(Role::RealServer, h));
            Subject { role: Role::RealServer, address: Some(*ip), ..host.unwrap_or_default() }
        })
        .collect();
    finding.subjects.push(names.subject(Role::Director, proxy));
    // What counts as the proxy's own is nobody's request.
    let (own, requests): (Vec<_>, Vec<_>) =
        ids.into_iter().partition(|id| trace.ordinary(*id).is_some());
    finding.strays = own;
    finding.connections = requests.into_iter().chain(fronts).collect();
    finding.connections.sort_unstable();
    finding.connections.dedup();
    finding
}

/// Whether the proxy's own capture shows the SYN leave it without having come there.
fn originates(trace: &Trace, id: ConnectionId, proxy: HostId) -> bool {
    trace.legs(id).iter().filter(|leg| trace.host_of(leg) == Some(proxy)).any(|leg| {
        let own = &trace.vantage(leg).own;
        let mut path =
            trace.path(leg, trace.forward(leg)).filter(|(link, _)| link.syns > 0).peekable();
        path.peek().is_some() && path.all(|(_, hop)| own.sent(hop) == Some(true))
    })
}

fn proofs(trace: &Trace, id: ConnectionId, proxy: HostId) -> Vec<Proof> {
    let mut proofs = Vec::new();
    let legs = || trace.legs(id).iter();
    let of_proxy =
        legs().find(|leg| trace.host_of(leg) == Some(proxy) && trace.forward(leg).opened());
    if let Some(leg) = of_proxy {
        let note = "the proxy calls, with the client's address as source";
        proofs.extend(trace.proof(leg, trace.forward(leg).syn, note));
    }
    let server = trace.host_by_ip(trace.connection(id).front.server.0);
    if let Some(leg) = legs().find(|leg| server.is_some() && trace.host_of(leg) == server) {
        let to = trace.vantage(leg).first_hop(trace.reply(leg)).and_then(|hop| hop.link.dst);
        let to = to.map_or_else(String::new, |mac| format!(" for {mac}"));
        let note = format!("the real server's SYN-ACK leaves{to}, not the proxy");
        proofs.extend(trace.proof(leg, trace.reply(leg).first, note));
    }
    if let Some((leg, _)) = bypassed(trace, id) {
        let note = "it reaches the client, on a port from which it sent nothing";
        proofs.extend(trace.proof(leg, trace.reply(leg).first, note));
        proofs.extend(trace.proof(leg, trace.forward(leg).rst, "which resets it"));
    }
    proofs
}
