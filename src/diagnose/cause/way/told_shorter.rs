//! The director itself told the real server, by an ICMP redirect, that the client is its neighbour. Part of
//! `nat-same-subnet-client`.

use crate::diagnose::cause::severity;
use crate::diagnose::facts::way::shorter_ways::{ShorterWay, proofs, shorter_ways};
use crate::diagnose::words::commands::{step, sysctl};
use crate::diagnose::words::{self, count, servers, share};
use crate::diagnose::{Confidence, Facts, Finding, Fix, Names};
use crate::topology::Role;

pub(super) fn findings(facts: &Facts) -> Vec<Finding> {
    shorter_ways(facts).iter().map(|way| finding(facts, way)).collect()
}

fn finding(facts: &Facts, way: &ShorterWay) -> Finding {
    let ShorterWay { service, server, client, director, .. } = *way;
    let ids = way.since.clone();
    let title = format!("the director told {server} to answer its neighbour {client} directly");
    let explanation = format!(
        "{director} sends {server} {} about answers for {client}: that one is on the link itself. Answers came by the director until then, and none since. A server that heeds it sends them to {client}, which has no connection with {server}. {} no answer.",
        count(way.times, "ICMP redirect"),
        share(facts, service, &ids, "get")
    );
    let mut finding = Finding::cause("nat-same-subnet-client", title, explanation)
        .rated(severity(facts, &ids), Confidence::Likely);
    finding.proofs = proofs(facts, way);
    finding.confirm(
        server.to_string(),
        format!("ip route get {client}; sysctl net.ipv4.conf.all.accept_redirects; tcpdump -ni any -e -c 4 'tcp and host {client}'"),
        "'cache <redirected>', or answers that leave for another MAC than the director's: it heeds them. No answer leaves: it is silent for another reason",
    );
    finding.candidate("rs-silent", "then no SYN-ACK leaves the real server at all");
    finding.fixes.extend(send_none(&director.to_string(), &server.to_string()));
    let subjects = servers(facts, &ids);
    let host = facts.host_by_ip(client);
    finding
        .concerning(subjects, ids)
        .also(host.map(|h| Names(facts).subject(Role::Client, h)))
        .also(words::directors(facts, service))
}

/// That the one sends no redirects, and the other forgets those that it got and takes none.
pub(super) fn send_none(director: &str, server: &str) -> [Fix; 2] {
    let send = sysctl::step(&[
        ("net.ipv4.conf.all.send_redirects", "0", "1"),
        ("net.ipv4.conf.IFACE.send_redirects", "0", "1"),
    ])
    .because("IFACE: the interface of that link; what one of the two allows is sent");
    let accept = sysctl::step(&[
        ("net.ipv4.conf.all.accept_redirects", "0", "1"),
        ("net.ipv4.conf.IFACE.accept_redirects", "0", "1"),
    ]);
    let forget = step::Step::look("ip route flush cache   # forgets what it was told");
    [step::safe(director.to_owned(), [send]), step::safe(server.to_owned(), [forget, accept])]
}
