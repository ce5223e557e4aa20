//! The real server that the director chose is not on the wire: nobody answers
//! its ARP or neighbour discovery, and the SYN cannot be sent.

use crate::diagnose::cause::{severity, syns_or_blind};
use crate::diagnose::decide::refusal::WhyMissing;
use crate::diagnose::facts::address::missing_neighbours::{Missing, failed, proofs};
use crate::diagnose::facts::state::port_reuse::forerunners;
use crate::diagnose::thresholds::MISSING_NEIGHBOURS_TOLD;
use crate::diagnose::words::commands::cluster;
use crate::diagnose::words::commands::ipvsadm::Server;
use crate::diagnose::words::commands::translator::{self, Translator};
use crate::diagnose::words::{agree, list, list_of, service_subject, share, spare};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Names, Proof, Subject};
use crate::topology::{HostId, Mode, Role, Service, ServiceId};
use crate::trace::ConnectionId;
use crate::trace::Trace;
use crate::wire::Ip;

pub(in crate::diagnose) const EXPLAINS: &[&str] =
    &["arp-unanswered", "icmp-unreachable", "syn-unanswered", "retransmission"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let mut findings: Vec<Finding> = facts
        .missing()
        .iter()
        .filter(|m| m.why() == WhyMissing::Down)
        .map(|m| finding(facts, m))
        .collect();
    // One server that is gone is one cause, of SYNs and of what stood before.
    for gone in super::gone_meanwhile::findings(facts) {
        let same = |f: &&mut Finding| {
            gone.addresses.iter().any(|ip| f.addresses.contains(ip))
                && gone
                    .connections
                    .iter()
                    .chain(&f.connections)
                    .all(|id| facts.service_of(*id) == facts.service_of(gone.connections[0]))
        };
        match findings.iter_mut().find(same) {
            Some(known) => known.connections.extend(gone.connections),
            None => findings.push(gone),
        }
    }
    Detection::from(findings, || {
        let blind = failed(facts).any(|(id, _)| {
            let service = facts.service(id);
            !service.directors.iter().any(|d| facts.is_captured(d.host))
        });
        if blind {
            return Detection::unchecked(
                "SYNs fail, and no director's own capture shows whom it asks for; capture on it with arp and icmp",
            );
        }
        syns_or_blind(facts)
    })
}

fn finding(facts: &Facts, missing: &Missing) -> Finding {
    let Missing { service, ids, targets, distinct, director, said, by_a_node, .. } = missing;
    let (service, distinct, director, said) = (*service, *distinct, *director, *said);
    let s = facts.topology.service(service);
    let names: Vec<String> = targets.iter().map(Ip::to_string).collect();
    let who = if targets.is_empty() { "a real server".to_owned() } else { list(&names) };
    let verb = if targets.len() > 1 { "are" } else { "is" };
    let title = format!(
        "{who} {verb} unreachable: nobody answers there, and SYNs for {} cannot be sent",
        s.name()
    );
    let share = share(facts, service, ids, "fail");
    let lost = if *by_a_node {
        format!("{share}.")
    } else {
        let who = if s.mode == Mode::Unknown { "whoever sends them there" } else { "the director" };
        format!("{share}; {who} goes on choosing that server until it is taken out.")
    };
    let mut explanation = explain(facts, s, director, &who, said, &lost);
    if targets.iter().any(|ip| ip.is_link_local()) {
        explanation.push_str(" A link-local address is one inside of this host, or on this very link: something here translated the connections to it.");
    }
    let mut finding = Finding::cause("rs-unreachable", title, explanation);
    finding.severity = severity(facts, ids);
    let reused = forerunners(facts, ids).len() == ids.len();
    let sure = said && distinct && !reused;
    finding.confidence = if sure { Confidence::Certain } else { Confidence::Likely };
    if reused {
        finding.candidate("ipvs-reuse-to-dead-backend", "then only connections from client ports that were used before fail, and 'ipvsadm -Ln' no longer lists the server");
    }
    if *by_a_node {
        at_a_node(&mut finding, facts, (s, ids), director, targets);
    } else {
        advise(&mut finding, facts, service, director, targets);
    }
    finding.proofs = proofs(facts, missing, facts.asks());
    let first = "the SYN for which it asks first; its repeat was sent elsewhere";
    finding.proofs.extend(missing.prompt.map(|at| Proof::at(at, first)));
    finding.subjects = targets
        .iter()
        .take(MISSING_NEIGHBOURS_TOLD)
        .map(|ip| Subject { role: Role::RealServer, address: Some(*ip), mac: None, port: None })
        .collect();
    if targets.is_empty() {
        finding.subjects.push(service_subject(s));
    }
    let role = if *by_a_node { Role::Router } else { Role::Director };
    finding.subjects.extend(director.map(|d| Names(facts).subject(role, d)));
    finding.connections = ids.clone();
    finding.addresses = targets.clone();
    finding
}

fn explain(
    trace: &Trace,
    s: &Service,
    director: Option<HostId>,
    who: &str,
    said: bool,
    lost: &str,
) -> String {
    let Some(director) = director else {
        return format!(
            "Whoever has {} tells the client, seconds after the SYN, that the host is unreachable. It has the address itself, so it says so of a real server behind: its ARP or neighbour discovery stays without an answer. {lost}",
            s.vip
        );
    };
    let then = if said {
        "; after some seconds it tells the client that the host is unreachable"
    } else {
        ""
    };
    format!(
        "The SYNs come in at {}, which asks for {who} again and again, gets no answer and sends them nowhere{then}. The host is down, or on another network, or it is a gateway on the way there. {lost}",
        Names(trace).full(director)
    )
}

/// What settles it where nothing but its questions shows that a host sends connections on.
fn at_a_node(
    finding: &mut Finding,
    trace: &Trace,
    (s, ids): (&Service, &[ConnectionId]),
    node: Option<HostId>,
    targets: &[Ip],
) {
    finding.confidence = Confidence::Likely;
    let asked = list_of(targets);
    let client = ids.first().map(|id| trace.connection(*id).front.client.0);
    let client = client.map_or_else(|| "CLIENT".to_owned(), |ip| ip.to_string());
    finding.candidate("dr-vip-foreign-subnet-return", format!(
            "then {asked} is this host's own way to its clients ('ip route get {client}' names it), and the answers cannot leave"
        ));
    for target in targets.iter().take(MISSING_NEIGHBOURS_TOLD) {
        let tables = crate::diagnose::words::tables(*target);
        finding.confirm(node.map_or_else(|| "the node".to_owned(), |d| Names(trace).place(d)), format!(
                "ip neigh show {target}; ip route get {target}; ip route get {0}; conntrack -L -p tcp --orig-dst {0} 2>/dev/null | head; {tables}-save -t nat | grep -F {target}",
                s.vip
            ), format!(
                "FAILED or INCOMPLETE, and a route for {} by way of {target}: that next hop is gone; or translations of {} to {target}: whoever made them (kube-proxy, the cluster's network plugin) takes it for a neighbour of this host",
                s.vip,
                s.name()
            ));
    }
}

fn advise(
    finding: &mut Finding,
    facts: &Facts,
    service: ServiceId,
    director: Option<HostId>,
    targets: &[Ip],
) {
    let host = director.map_or_else(
        || "the director".to_owned(),
        |d| format!("the director {}", Names(facts).place(d)),
    );
    let s = facts.topology.service(service);
    let port = s.real_servers.first().map_or(s.port, |r| r.port);
    let in_cluster = cluster::is_clusters(facts, s);
    let told = &targets[..targets.len().min(MISSING_NEIGHBOURS_TOLD)];
    let by = Translator::of(facts, s);
    let why = match by {
        Translator::Cluster => {
            "FAILED or INCOMPLETE, and a rule that still translates to it: this is it"
        }
        Translator::Ipvs => "FAILED or INCOMPLETE, and listed with a weight above 0: this is it",
        Translator::Untold => {
            "FAILED or INCOMPLETE, and listed with a weight above 0, or in a rule that still translates to it: this is it"
        }
    };
    for target in told {
        let try_it = if in_cluster { "ip route get" } else { "ping -c 3" };
        finding.confirm(
            host.clone(),
            format!(
                "ip neigh show {target}; {try_it} {target}; {}",
                translator::lists(by, s, *target)
            ),
            why,
        );
    }
    let until = if in_cluster {
        "until its node and its place in the service are put right".to_owned()
    } else {
        format!("until {} {} up again", list_of(targets), agree(targets.len(), "is", "are"))
    };
    let servers = told.iter().map(|target| Server::at(*target, port)).collect();
    finding.fixes = spare(facts, service, servers, &until);
    if targets.is_empty() {
        finding.confirm(host, format!("tcpdump -i any -s 128 -w director.pcap 'arp or icmp or icmp6 or host {}'; ip neigh show nud failed nud incomplete", s.vip), "shows which address is asked for and does not answer");
    }
}
