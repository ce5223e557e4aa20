//! A real server takes a distant client for a neighbour, since a route of its own (a
//! container bridge, a tunnel, a mask that is too wide) covers the client's address.
//!
//! Its own capture proves it: instead of an answer it sends ARP questions for the
//! client's address, which nobody answers. The client must be known to be elsewhere:
//! another real server of the pool answers it, or nobody claims its address on the link.

use crate::diagnose::cause::{clean_in, severity};
use crate::diagnose::decide::silence::WhySilent;
use crate::diagnose::facts::address::asks::for_client;
use crate::diagnose::facts::each_once;
use crate::diagnose::facts::silence::silent_servers::{self, Silent, SilentServers};
use crate::diagnose::words::{list_of, share};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Names, Proof};
use crate::topology::{Mode, Role};
use crate::wire::Ip;

pub(in crate::diagnose) const EXPLAINS: &[&str] =
    &["syn-unanswered", "arp-unanswered", "icmp-unreachable"];

/// The modes in which the real server sees the client's address.
const MODES: [Mode; 3] = [Mode::Nat, Mode::Dr, Mode::Tun];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let own = facts.silences().iter().filter(|s| s.why() == WhySilent::RouteOverlap);
    let findings = silent_servers::by_service(own).iter().map(|x| finding(facts, x)).collect();
    Detection::from(findings, || clean_in(facts, &MODES))
}

/// Whether another real server answers the same client.
fn served_elsewhere(facts: &Facts, silent: &Silent, clients: &[Ip]) -> bool {
    facts.requests_to(silent.service).any(|(id, c)| {
        c.progress.established
            && clients.contains(&c.front.client.0)
            && facts.server(id).and_then(|s| s.host).is_some_and(|h| h != silent.host)
    })
}

fn finding(facts: &Facts, of: &SilentServers<'_>) -> Finding {
    let names = Names(facts);
    let SilentServers { service, set, hosts, ids } = of;
    let s = facts.topology.service(*service);
    let who = names.hosts(hosts);
    let clients: Vec<Ip> = each_once(ids.iter().map(|id| facts.connection(*id).front.client.0));
    let texts = list_of(&clients);
    let shown = set[0].ids.iter().find_map(|id| for_client(facts, *id, set[0].host));
    let asker = shown.map_or_else(String::new, |(_, ask)| format!(" as {}", ask.asker));
    let title = format!("{who} looks for distant clients in a network of its own");
    let explanation = format!(
        "SYNs for {} arrive at {who}, and instead of an answer it asks for {texts} by ARP{asker}, which nobody answers: a route of its own covers these addresses, that of a container bridge, a tunnel or too wide a mask, so answers never take the way to the router. {} lost there.",
        s.name(),
        share(facts, *service, ids, "are")
    );
    let mut finding = Finding::cause("rs-route-overlap", title, explanation);
    finding.severity = severity(facts, ids);
    if !set.iter().all(|one| served_elsewhere(facts, one, &clients)) {
        finding.confidence = Confidence::Likely;
        finding.candidate(
            "rs-silent",
            "then the clients are on the real server's link and do not answer its ARP",
        );
    }
    for one in set {
        let server = names.place(one.host);
        let client = clients[0];
        finding.confirm(
            server.clone(),
            format!("ip route get {client}; ip -br addr"),
            "names the interface; it must be the one to the router",
        );
        let bits = if client.is_v4() { 32 } else { 128 };
        finding.fix(server, format!("ip route add {client}/{bits} via ROUTER   # at once, or the clients' whole prefix; for good move the bridge to another prefix (Docker: 'bip' and 'default-address-pools' in daemon.json)"), format!("ip route del {client}/{bits} via ROUTER"));
    }
    finding.proofs = silent_servers::proofs(facts, set[0]);
    finding.proofs.extend(shown.map(|(v, ask)| {
        Proof::on(
            v,
            ask.first,
            format!("it asks for {} on a link of its own; nobody answers", ask.target),
        )
    }));
    finding.subjects = names.subjects(Role::RealServer, hosts);
    finding.addresses = clients;
    finding.connections = ids.clone();
    finding
}
