//! A transparent proxy calls its real servers with the client's address, and their
//! answers go to the client instead of coming back to it.
//!
//! The client's capture proves it: a SYN-ACK from a real server to a port from which the
//! client sent nothing, and its RST. In `nat-return-bypasses-director` the client did
//! send that SYN, to the VIP. Who called in its name is told by the SYN, at the proxy's
//! capture or the real server's.

use crate::diagnose::cause::severity;
use crate::diagnose::facts::each_once;
use crate::diagnose::facts::way::unasked_answers::{accepts, bypassed, fronts, originates, proofs};
use crate::diagnose::words::commands::{ip::Answers, step};
use crate::diagnose::words::{agree, count, list_of};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Fix, Names, Subject};
use crate::topology::{HostId, Role};
use crate::trace::{ConnectionId, Trace};
use crate::wire::Ip;
use std::collections::{BTreeMap, HashMap};

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
        Detection::clean_if(
            facts.shows_clients(),
            "no client was captured; what reaches it unasked shows in its own capture",
        )
    })
}

fn finding(trace: &Trace, proxy: HostId, ids: Vec<ConnectionId>) -> Finding {
    let names = Names(trace);
    let servers: Vec<Ip> = each_once(ids.iter().map(|id| trace.connection(*id).front.server.0));
    let who = list_of(&servers);
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
        let c = trace.connection(ids[0]);
        let client = c.front.client.0;
        finding.confirm(
            server.to_string(),
            format!("ip route get {client} from {server}"),
            "names the gateway of its answers; it must be the proxy",
        );
        let answers = Answers {
            from: server.to_string(),
            protocol: c.protocol,
            port: c.front.server.1,
            v4: server.is_v4(),
        };
        let steps = answers.leave_by(&proxy_ip, "the proxy's address on this link");
        finding.fixes.push(step::safe(server.to_string(), steps));
    }
    finding.fixes.push(
        Fix::disruptive(
            format!("{own}, in place of that"),
            "# call the real servers with the proxy's own address, and name the client in a header:\n# haproxy: delete 'source ... usesrc clientip', add 'option forwardfor' or 'send-proxy-v2'\n# nginx: delete 'proxy_bind $remote_addr transparent'",
            "Restore the configuration.",
        )
        .or(),
    );
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
