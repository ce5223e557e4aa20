//! A NAT director gets the real server's answer and does not send it on.
//!
//! The way in needs no forwarding, since IPVS sends from the local input path
//! (`ip_vs_in` at `LOCAL_IN`); the answer must pass `FORWARD` (`ip_vs_out`). So
//! requests arrive and answers end here. Only the director's own capture of both
//! sides shows that, and no clock is compared. An answer that a director's other,
//! uncaptured interface may have sent is not called certain.

use crate::capture::LinkType;
use crate::correlate::Leg;
use crate::diagnose::cause::{by_service, needs_mode, severity};
use crate::diagnose::facts::telling;
use crate::diagnose::words::commands::netfilter::Rule;
use crate::diagnose::words::commands::sysctl;
use crate::diagnose::words::{arrow, arrow_back, names, servers, share};
use crate::diagnose::{
    Candidate, Confidence, Detection, Facts, Finding, Fix, Names, Proof, ToConfirm,
};
use crate::flow::{Hop, Link};
use crate::topology::{HostId, Mode, Role, ServiceId};
use crate::trace::{ConnectionId, Trace};

pub(in crate::diagnose) const EXPLAINS: &[&str] =
    &["syn-unanswered", "retransmission", "icmp-unreachable"];

/// Transmissions of one SYN-ACK that must have come: one may be lost by chance.
const MIN_SENT: u16 = 2;

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    // An answer that comes in by another interface is `rp-filter-drop`'s.
    let here = |id: ConnectionId| held(facts, id).is_some_and(|h| !h.elsewhere);
    let hit = facts.requests().filter(|(id, _)| here(*id)).map(|(id, _)| id);
    let findings = by_service(facts, hit)
        .into_iter()
        .map(|(service, ids)| finding(facts, service, ids))
        .collect();
    Detection::from(findings, || {
        if let Some(other) = needs_mode(facts, &[Mode::Nat]) {
            return other;
        }
        let nat =
            || facts.requests().filter(|(_, c)| c.protocol.is_tcp() && facts.is_translated(c));
        let passed = nat().any(|(_, c)| c.progress.established);
        if passed || nat().any(|(id, _)| answers_in(facts, id).next().is_some()) {
            Detection::Clean
        } else {
            Detection::Unchecked(
                "no answer was captured where it enters the director; capture there with 'tcpdump -i any', which shows both sides"
                    .to_owned(),
            )
        }
    })
}

/// Answers of the real server that arrive at a director, by its own capture.
fn answers_in(trace: &Trace, id: ConnectionId) -> impl Iterator<Item = (HostId, &Leg, &Link)> {
    let service = trace.service(id);
    trace.back_legs(id).filter_map(move |leg| {
        let host = trace.host_of(leg).filter(|host| service.is_director(*host))?;
        let own = &trace.vantage(leg).own;
        let came = |(link, hop): &(&Link, &Hop)| link.syns > 0 && own.arrived(hop) == Some(true);
        let (link, _) = trace.path(leg, trace.reply(leg)).find(came)?;
        Some((host, leg, link))
    })
}

/// An answer that a director keeps.
pub(in crate::diagnose) struct Held<'a> {
    pub director: HostId,
    /// Where the request came in, and the answer should go out.
    front: &'a Leg,
    back: &'a Leg,
    /// The link on which the answer came.
    link: &'a Link,
    /// The capture shows all interfaces of the director.
    all: bool,
    /// It came by another interface than the request left by.
    pub elsewhere: bool,
}

pub(in crate::diagnose) fn held(trace: &Trace, id: ConnectionId) -> Option<Held<'_>> {
    let c = trace.connection(id);
    let fits = c.protocol.is_tcp()
        && c.outcome.failed()
        && !c.progress.established
        && c.progress.syns >= MIN_SENT
        && trace.service(id).mode == Mode::Nat
        && trace.is_translated(c)
        && !trace.is_self_access(c);
    // Translated back, it was sent; how far it came is another matter.
    if !fits || trace.legs(id).iter().any(|leg| leg.tuple == 0 && trace.reply(leg).seen()) {
        return None;
    }
    let (director, back, link) = answers_in(trace, id).find(|(.., l)| l.syns >= MIN_SENT)?;
    let front = trace.legs(id).iter().find(|leg| {
        let vantage = trace.vantage(leg);
        leg.tuple == 0
            && trace.host_of(leg) == Some(director)
            && vantage.shows.both_ways
            && trace
                .path(leg, trace.forward(leg))
                .any(|(_, hop)| vantage.own.arrived(hop) == Some(true))
    })?;
    let vantage = trace.vantage(front);
    let all = matches!(vantage.link_type, LinkType::LINUX_SLL | LinkType::LINUX_SLL2)
        && front.vantage == back.vantage;
    let came = vantage.hop(link).link.ifindex;
    let out =
        trace.path(back, trace.forward(back)).find(|(_, hop)| vantage.own.sent(hop) == Some(true));
    let elsewhere = all && out.is_some_and(|(_, hop)| came != 0 && hop.link.ifindex != came);
    Some(Held { director, front, back, link, all, elsewhere })
}

fn finding(facts: &Facts, service: ServiceId, ids: Vec<ConnectionId>) -> Finding {
    let s = facts.topology.service(service);
    let subjects = servers(facts, &ids);
    let server = names(&subjects);
    let told = telling(facts, &ids).unwrap_or(ids[0]);
    let held: Vec<Held<'_>> = ids.iter().filter_map(|id| held(facts, *id)).collect();
    let director = held[0].director;
    let name = Names(facts).full(director);
    let passes =
        facts.requests().any(|(id, c)| facts.service_of(id) == service && c.progress.established);
    let why = if passes {
        "Other answers pass, so it is a rule of its firewall, the reverse path filter of one interface, or packets that it takes for invalid."
    } else {
        "Forwarding is off (net.ipv4.ip_forward), a rule of its firewall drops it (FORWARD), or the reverse path filter of the real servers' interface does."
    };
    let title = format!("the director {name} does not send the answers of {server} on");
    let explanation = format!(
        "The director sends the SYNs for {} to {server} and gets their SYN-ACKs back, again and again, but nothing leaves it for the client. {why} The way in works all the same, since IPVS sends requests from the local input path and only answers are forwarded. {} connections get no answer.",
        s.name(),
        share(facts, service, &ids)
    );
    let mut finding = Finding::cause("nat-director-not-forwarding", title, explanation);
    finding.severity = severity(facts, &ids);
    if !held.iter().any(|h| h.all) {
        finding.confidence = Confidence::Likely;
        finding.candidates.push(Candidate {
            id: "packet-loss",
            tell_apart: "then the director sends the answers by an interface that was not captured, and they are lost beyond it".to_owned(),
        });
    }
    finding.to_confirm.push(ToConfirm {
        host: name.clone(),
        command: "sysctl net.ipv4.ip_forward; sysctl -a 2>/dev/null | grep '\\.rp_filter'; iptables -L FORWARD -nv; nft list ruleset; nstat -az TcpExtIPReversePathFilter".to_owned(),
        why: "ip_forward 0, a rule that counts, or a filter counter that grows with every answer: that one drops them".to_owned(),
    });
    finding.fixes = fixes(facts, told, &name, passes);
    finding.proofs = proofs(facts, told);
    finding.subjects = vec![Names(facts).subject(Role::Director, director)];
    finding.subjects.extend(subjects);
    finding.connections = ids;
    finding
}

fn fixes(trace: &Trace, id: ConnectionId, director: &str, passes: bool) -> Vec<Fix> {
    let back = trace.connection(id).back.unwrap_or(trace.connection(id).front);
    let v4 = back.server.0.is_v4();
    let (ip, port) = back.server;
    let rule = Rule::filter(ip, "FORWARD", format!("-s {ip} -p tcp --sport {port} -j ACCEPT"));
    let switch = if v4 { "net.ipv4.ip_forward" } else { "net.ipv6.conf.all.forwarding" };
    let mut fixes = Vec::new();
    if !passes {
        fixes.push(Fix {
            host: director.to_owned(),
            command: sysctl::set(&[(switch, "1")]),
            disruptive: false,
            undo: sysctl::set(&[(switch, "0")]),
        });
    }
    fixes.push(Fix {
        host: format!("{director}, if its firewall drops them"),
        command: rule.insert(),
        disruptive: false,
        undo: rule.delete(),
    });
    fixes
}

pub(in crate::diagnose) fn proofs(trace: &Trace, id: ConnectionId) -> Vec<Proof> {
    let Some(held) = held(trace, id) else { return Vec::new() };
    let connection = trace.connection(id);
    let back = connection.back.unwrap_or(connection.front);
    let (front_syn, back_syn) = (trace.forward(held.front).syn, trace.forward(held.back).syn);
    let mut proofs = Vec::new();
    proofs.extend(trace.proof(held.front, front_syn, format!("{}  SYN", arrow(&connection.front))));
    let note = format!("{}  the same SYN, sent to the real server", arrow(&back));
    proofs.extend(trace.proof(held.back, back_syn, note));
    let note = format!("{}  its SYN-ACK comes back to the director", arrow_back(&back));
    proofs.extend(trace.proof(held.back, held.link.first, note));
    if held.link.last != held.link.first {
        let note = "and comes again: nothing was sent on to the client";
        proofs.extend(trace.proof(held.back, held.link.last, note));
    }
    proofs
}
