//! A NAT director gets the real server's answer and does not send it on.
//!
//! The way in needs no forwarding, since IPVS sends from the local input path
//! (`ip_vs_in` at `LOCAL_IN`); the answer must pass `FORWARD` (`ip_vs_out`). So
//! requests arrive and answers end here. Only the director's own capture of both
//! sides shows that, and no clock is compared. An answer that a director's other,
//! uncaptured interface may have sent is not called certain.

use crate::diagnose::cause::{each_service, needs_mode, severity};
use crate::diagnose::decide::way::WhyHeld;
use crate::diagnose::facts::held_answers::{Held, answers_in, held, proofs};
use crate::diagnose::facts::telling;
use crate::diagnose::words::commands::netfilter::Rule;
use crate::diagnose::words::commands::sysctl;
use crate::diagnose::words::{names, servers, share};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Fix, Names};
use crate::topology::{Mode, Role, ServiceId};
use crate::trace::{ConnectionId, Trace};

pub(in crate::diagnose) const EXPLAINS: &[&str] =
    &["syn-unanswered", "retransmission", "icmp-unreachable"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    // An answer that comes in by another interface is `rp-filter-drop`'s.
    let here = |id| held(facts, id).is_some_and(|h| h.why() == WhyHeld::NotForwarded);
    let hit = facts.requests().filter(|(id, _)| here(*id)).map(|(id, _)| id);
    let findings = each_service(facts, hit, |service, ids| finding(facts, service, ids));
    Detection::from(findings, || {
        if let Some(other) = needs_mode(facts, &[Mode::Nat]) {
            return other;
        }
        let nat =
            || facts.requests().filter(|(_, c)| c.protocol.is_tcp() && facts.is_translated(c));
        let passed = nat().any(|(_, c)| c.progress.established);
        Detection::clean_if(
            passed || nat().any(|(id, _)| answers_in(facts, id).next().is_some()),
            "no answer was captured where it enters the director; capture there with 'tcpdump -i any', which shows both sides",
        )
    })
}

fn finding(facts: &Facts, service: ServiceId, ids: Vec<ConnectionId>) -> Finding {
    let s = facts.topology.service(service);
    let subjects = servers(facts, &ids);
    let server = names(&subjects);
    let told = telling(facts, &ids).unwrap_or(ids[0]);
    let held: Vec<Held<'_>> = ids.iter().filter_map(|id| held(facts, *id)).collect();
    let director = held[0].director;
    let name = Names(facts).full(director);
    let passes = facts.requests_to(service).any(|(_, c)| c.progress.established);
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
        finding.candidate("packet-loss", "then the director sends the answers by an interface that was not captured, and they are lost beyond it");
    }
    finding.confirm(name.clone(), "sysctl net.ipv4.ip_forward; sysctl -a 2>/dev/null | grep '\\.rp_filter'; iptables -L FORWARD -nv; nft list ruleset; nstat -az TcpExtIPReversePathFilter", "ip_forward 0, a rule that counts, or a filter counter that grows with every answer: that one drops them");
    finding.fixes = fixes(facts, told, &name, passes);
    finding.proofs = proofs(facts, told);
    finding.concerning(vec![Names(facts).subject(Role::Director, director)], ids).also(subjects)
}

fn fixes(trace: &Trace, id: ConnectionId, director: &str, passes: bool) -> Vec<Fix> {
    let back = trace.connection(id).back.unwrap_or(trace.connection(id).front);
    let v4 = back.server.0.is_v4();
    let (ip, port) = back.server;
    let rule = Rule::filter(ip, "FORWARD", format!("-s {ip} -p tcp --sport {port} -j ACCEPT"));
    let switch = if v4 { "net.ipv4.ip_forward" } else { "net.ipv6.conf.all.forwarding" };
    let mut fixes = Vec::new();
    if !passes {
        fixes.push(sysctl::change(director.to_owned(), &[(switch, "1", "0")]));
    }
    fixes.push(
        Fix::safe(format!("{director}, if its firewall drops them"), rule.insert(), rule.delete())
            .or(),
    );
    fixes
}
