//! A director in NAT takes SYNs in and sends them nowhere, while the connections that it
//! has go on: there is no room for new ones.
//!
//! A rule that drops new connections looks alike on the wire, so this is never more than
//! possible; what is sure is that they end at the director. Where it asks for a real
//! server in vain, or says why it drops, another cause has it.

use crate::diagnose::cause::{needs_mode, severity};
use crate::diagnose::facts::passages::passage;
use crate::diagnose::thresholds::{NO_COINCIDENCE, TRANSMISSIONS};
use crate::diagnose::words::commands::sysctl;
use crate::diagnose::words::{explained, share};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Fix, Names, Proof};
use crate::flow::Mark;
use crate::topology::{HostId, Mode, Role, ServiceId};
use crate::trace::{At, ConnectionId};
use crate::wire::Ip;
use std::collections::HashSet;

pub(in crate::diagnose) const EXPLAINS: &[&str] = &["syn-unanswered"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let mut findings = Vec::new();
    for (i, service) in facts.topology.services.iter().enumerate() {
        if service.is_backend || service.mode != Mode::Nat || !service.protocol.is_tcp() {
            continue;
        }
        let id = ServiceId(i as u32);
        for host in service.directors.iter().map(|d| d.host) {
            findings.extend(look(facts, id, host).map(|full| finding(facts, id, host, &full)));
        }
    }
    Detection::from(findings, || {
        if let Some(other) = needs_mode(facts, &[Mode::Nat]) {
            return other;
        }
        let mut nat = facts.topology.services.iter().filter(|s| s.mode == Mode::Nat);
        if nat.any(|s| s.directors.iter().any(|d| facts.is_captured(d.host))) {
            return Detection::Clean;
        }
        Detection::Unchecked(
            "no director was captured; what it drops shows only in its own capture, 'tcpdump -i any'"
                .to_owned(),
        )
    })
}

/// SYNs that ended at a director.
struct Full {
    withheld: Vec<(ConnectionId, usize, Mark, Mark)>,
    /// A connection that it had, and one of its answers that passed meanwhile.
    goes_on: (ConnectionId, At),
}

fn look(facts: &Facts, service: ServiceId, host: HostId) -> Option<Full> {
    let of_service = || facts.requests_to(service).filter(|(_, c)| c.protocol.is_tcp());
    let mut withheld = Vec::new();
    let quiet = of_service().filter(|(_, c)| {
        c.outcome.failed()
            && c.progress.syn
            && !c.progress.answered
            && c.progress.syns >= TRANSMISSIONS
    });
    for (id, _) in quiet.filter(|(id, _)| facts.errors_of(*id).next().is_none()) {
        let Some(passage) = passage(facts, id, host).filter(|p| p.left.is_none()) else { continue };
        let Some(leg) = facts.legs(id).get(passage.came.leg) else { continue };
        let link = passage.came.link;
        if link.syns >= TRANSMISSIONS {
            withheld.push((id, usize::from(leg.vantage), link.first, link.last));
        }
    }
    let (_, vantage, first, _) = *withheld.iter().min_by_key(|w| w.2.frame())?;
    if withheld.len() < NO_COINCIDENCE || asks_in_vain(facts, host) {
        return None;
    }
    let mut sources: HashSet<Ip> = HashSet::new();
    let mut goes_on = None;
    for (id, c) in of_service().filter(|(_, c)| c.back.is_some() && c.progress.answered) {
        let legs = facts.legs(id).iter().filter(|leg| usize::from(leg.vantage) == vantage);
        for leg in legs.filter(|leg| leg.tuple == 0) {
            let (there, back) = (facts.forward(leg), facts.reply(leg));
            sources.insert(c.front.client.0);
            let open = there.first.frame() < first.frame() && back.last.frame() > first.frame();
            if open && goes_on.is_none() {
                goes_on = Some((id, facts.at(leg, back.last)));
            }
        }
    }
    // A rule against one source is none of the table's.
    let known = |id: &ConnectionId| sources.contains(&facts.connection(*id).front.client.0);
    withheld.retain(|(id, ..)| known(id));
    (withheld.len() >= NO_COINCIDENCE).then_some(Full { withheld, goes_on: goes_on? })
}

/// Whether a director asks for somebody who does not answer.
fn asks_in_vain(facts: &Facts, host: HostId) -> bool {
    facts.unanswered().iter().any(|(v, _)| facts.host_of_vantage(*v) == Some(host))
}

fn finding(facts: &Facts, service: ServiceId, host: HostId, full: &Full) -> Finding {
    let names = Names(facts);
    let s = facts.topology.service(service);
    let ids: Vec<ConnectionId> = full.withheld.iter().map(|w| w.0).collect();
    let director = names.full(host);
    let title = format!("new connections end at the director {}, old ones go on", names.host(host));
    let explanation = format!(
        "SYNs for {} come in at {director} again and again and nothing goes out for them, no answer and no error, while connections that it had before are served. That is what a full table of connections (conntrack) does, or a rule that drops new connections. {} connections get no answer.",
        s.name(),
        share(facts, service, &ids)
    );
    let mut finding = Finding::cause("conntrack-table-full", title, explanation);
    finding.severity = severity(facts, &ids);
    finding.confidence = Confidence::Possible;
    finding.candidate("node-without-local-endpoint", "then it is a Kubernetes node that has no pod of the service (externalTrafficPolicy: Local)");
    finding.confirm(director.clone(), "dmesg | grep 'nf_conntrack: table full'; sysctl net.netfilter.nf_conntrack_count net.netfilter.nf_conntrack_max; conntrack -S; nft list ruleset | grep -n drop; iptables -L -nvx | grep -i drop", "count at max, or 'table full': this is it; else a rule whose counter grows with each SYN");
    finding.fixes = vec![Fix::safe(
        director,
        explained(
            sysctl::set(&[("net.netfilter.nf_conntrack_max", "1048576")]),
            "about 300 bytes of memory each",
        ),
        explained(
            sysctl::set(&[("net.netfilter.nf_conntrack_max", "262144")]),
            "what sysctl printed before",
        ),
    )];
    if let Some((_, vantage, first, last)) = full.withheld.first() {
        let at = |mark| At { vantage: *vantage, mark };
        let note = "a SYN comes in and nothing goes out".to_owned();
        finding.proofs.push(Proof { at: at(*first), note });
        finding.proofs.push(Proof { at: at(*last), note: "and again".to_owned() });
    }
    let note = "an answer of a connection that was there before passes".to_owned();
    finding.proofs.push(Proof { at: full.goes_on.1, note });
    finding.subjects = vec![names.subject(Role::Director, host)];
    finding.connections = ids;
    finding
}
