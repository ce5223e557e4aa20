//! Of datagrams that travel in fragments, only the first fragment gets through: the
//! others have no ports, and something on the way goes by ports.
//!
//! At the director it is seen: first fragments go out and no later one does. At a real
//! server it is seen that later ones are missing, not where they stayed; there it takes
//! the server's own word (reassembly time exceeded) and more than one datagram. The same
//! holds of answers where the client was captured, whatever forwards.

use crate::correlate::Leg;
use crate::diagnose::cause::by_service;
use crate::diagnose::thresholds::IP_FRAGMENTS_SPLIT_ENOUGH;
use crate::diagnose::words::{capture_line, list, share};
use crate::diagnose::{
    Confidence, Detection, Facts, Finding, Fix, Names, Proof, Severity, Subject,
};
use crate::flow::{Hop, IcmpErrorKind, Pieces};
use crate::topology::{HostId, Mode, Role, ServiceId};
use crate::trace::{At, ConnectionId, Trace};
use std::collections::BTreeMap;

pub(in crate::diagnose) const EXPLAINS: &[&str] = &[];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    if !facts.vantages.iter().any(|v| v.side_tables.has_pieces()) {
        return Detection::Clean;
    }
    let cut: BTreeMap<ConnectionId, Cut<'_>> = facts
        .requests()
        .filter_map(|(id, _)| Some((id, judge(facts, id).or_else(|| of_answers(facts, id))?)))
        .collect();
    let findings = by_service(facts, cut.keys().copied())
        .into_iter()
        .filter_map(|(service, ids)| finding(facts, service, ids, &cut))
        .collect();
    Detection::from(findings, || Detection::Clean)
}

/// A connection whose later fragments did not get through.
struct Cut<'a> {
    /// The director that took them in and did not send them on.
    at: Option<HostId>,
    came: Option<(&'a Leg, &'a Pieces)>,
    left: (&'a Leg, &'a Pieces),
    /// They are the server's answers.
    answers: bool,
}

/// Answers that came in first fragments alone.
fn of_answers(trace: &Trace, id: ConnectionId) -> Option<Cut<'_>> {
    let left = crate::breaks::torn(trace, id)?;
    Some(Cut { at: None, came: None, left, answers: true })
}

/// Fragments of what the client sent, on links that satisfy a test.
fn pieces<'a>(
    trace: &'a Trace,
    leg: &'a Leg,
    test: impl Fn(&Hop) -> bool,
) -> Option<(&'a Leg, &'a Pieces)> {
    let vantage = trace.vantage(leg);
    let mut of = vantage.fragments_of(trace.forward(leg));
    of.find(|(hop, _)| test(hop)).map(|(_, pieces)| (leg, pieces))
}

fn judge(trace: &Trace, id: ConnectionId) -> Option<Cut<'_>> {
    let service = trace.service(id);
    if service.mode == Mode::Unknown {
        return None;
    }
    for director in &service.directors {
        let legs = || trace.legs(id).iter().filter(|l| trace.host_of(l) == Some(director.host));
        let own = |leg: &Leg, hop: &Hop, arrived: bool| {
            let own = &trace.vantage(leg).own;
            (if arrived { own.arrived(hop) } else { own.sent(hop) }) == Some(true)
        };
        let came = legs().find_map(|leg| pieces(trace, leg, |hop| own(leg, hop, true)));
        let mut out = legs().filter_map(|leg| pieces(trace, leg, |hop| own(leg, hop, false)));
        if let (Some(came), Some(left)) = (came, out.next()) {
            // Later ones on any way out were sent on, if to another host.
            let whole = left.1.laters > 0 || got_whole(trace, id);
            let split = came.1.laters > 0 && left.1.firsts > 0 && !whole;
            return split.then_some(Cut {
                at: Some(director.host),
                came: Some(came),
                left,
                answers: false,
            });
        }
    }
    if !told(trace, id) {
        return None;
    }
    let server = trace.server(id)?.host?;
    let mut legs = trace.legs(id).iter().filter(|leg| trace.host_of(leg) == Some(server));
    let own = |leg: &Leg, hop: &Hop| trace.vantage(leg).own.arrived(hop) == Some(true);
    let left = legs.find_map(|leg| pieces(trace, leg, |hop| own(leg, hop)))?;
    (left.1.firsts > 0 && left.1.laters == 0).then_some(Cut {
        at: None,
        came: None,
        left,
        answers: false,
    })
}

/// Whether the real server shows that the others came: it answers, or its own capture has them.
fn got_whole(trace: &Trace, id: ConnectionId) -> bool {
    let server = trace.server(id).and_then(|s| s.host);
    let at_server =
        trace.legs(id).iter().filter(|leg| server.is_some() && trace.host_of(leg) == server);
    let mut later = at_server.filter(|leg| {
        let vantage = trace.vantage(leg);
        vantage.fragments_of(trace.forward(leg)).any(|(_, pieces)| pieces.laters > 0)
    });
    trace.connection(id).progress.response || later.next().is_some()
}

/// Whether somebody gave up waiting for later fragments.
fn told(trace: &Trace, id: ConnectionId) -> bool {
    trace.errors_of(id).any(|(_, error)| error.kind == IcmpErrorKind::Reassembly)
}

fn finding(
    facts: &Facts,
    service: ServiceId,
    ids: Vec<ConnectionId>,
    cut: &BTreeMap<ConnectionId, Cut<'_>>,
) -> Option<Finding> {
    let set: Vec<&Cut<'_>> = ids.iter().filter_map(|id| cut.get(id)).collect();
    let datagrams: u32 = set.iter().map(|c| c.left.1.firsts).sum();
    if datagrams < IP_FRAGMENTS_SPLIT_ENOUGH {
        return None;
    }
    let names = Names(facts);
    let s = facts.topology.service(service);
    let mut hosts: Vec<HostId> = set.iter().filter_map(|c| c.at).collect();
    crate::diagnose::cause::by_address(facts, &mut hosts);
    let sure = set.iter().all(|c| c.at.is_some());
    let place = list(&hosts.iter().map(|h| names.full(*h)).collect::<Vec<_>>());
    let told = ids.iter().filter(|id| told(facts, **id)).count();
    let answers = set.iter().all(|c| c.answers);
    let title = if answers {
        format!("later fragments of the answers of {} do not reach the clients", s.name())
    } else if sure {
        format!("later fragments of datagrams to {} do not leave the director", s.name())
    } else {
        format!("later fragments of datagrams to {} do not reach the real servers", s.name())
    };
    let where_ = if answers {
        "The clients get the first fragments of the answers and no other; where the others stay these captures do not show".to_owned()
    } else if sure {
        format!("All fragments come in at {place}; the first ones go out and no other does")
    } else {
        "The real servers get the first fragments and no other; where the others stay these captures do not show".to_owned()
    };
    let word = if told > 0 {
        let who = if answers { "clients" } else { "real servers" };
        format!(
            " The {who} say that they gave up waiting for the rest (ICMP time exceeded in reassembly)."
        )
    } else {
        String::new()
    };
    let which = if answers { "Answers of" } else { "Datagrams to" };
    let explanation = format!(
        "{which} {} that are too long for one packet travel in fragments, and only the first has the ports. {where_}: something there goes by ports, a rule or a table, without joining fragments before.{word} {} connections are lost.",
        s.name(),
        share(facts, service, &ids)
    );
    let mut finding = Finding::cause("ip-fragments-split", title, explanation);
    finding.severity = Severity::Critical;
    finding.confidence = if sure { Confidence::Certain } else { Confidence::Likely };
    let host = match (hosts.is_empty(), answers) {
        (true, true) => "each hop between server and client".to_owned(),
        (true, false) => "the director".to_owned(),
        (false, _) => place,
    };
    if !sure {
        finding.confirm(host.clone(), capture_line("director", &[s.vip], None), "without a port in the filter, or later fragments are not captured: shows whether they go out");
    }
    finding.confirm(host.clone(), "nft list ruleset; iptables -L -nvx; nstat -az IpReasmFails IpFragFails", "a rule that matches ports before fragments are joined, or a counter that grows with each such datagram");
    finding.fixes = vec![
        Fix::safe(
            host.clone(),
            "modprobe nf_defrag_ipv4 nf_defrag_ipv6   # joins fragments before rules and tables see them; in Cilium: --enable-ipv4-fragment-tracking",
            "modprobe -r nf_defrag_ipv4 nf_defrag_ipv6",
        ),
        Fix::safe(
            "the clients or the protocol".to_owned(),
            "# smaller datagrams: edns-udp-size 1232 (DNS), TCP for SIP",
            "Set the old size again.",
        )
        .or(),
    ];
    finding.proofs = set.first().map(|c| proofs(facts, c)).unwrap_or_default();
    let error = ids
        .iter()
        .find_map(|id| facts.errors_of(*id).find(|(_, e)| e.kind == IcmpErrorKind::Reassembly));
    finding.proofs.extend(error.map(|(vantage, e)| Proof {
        at: At { vantage, mark: e.mark },
        note: format!("ICMP time exceeded in reassembly from {}", e.src),
    }));
    finding.subjects = hosts.iter().map(|h| names.subject(Role::Director, *h)).collect();
    if finding.subjects.is_empty() {
        finding.subjects.push(Subject {
            role: Role::Service,
            address: Some(s.vip),
            mac: None,
            port: Some(s.port),
        });
    }
    finding.connections = ids;
    Some(finding)
}

fn proofs(trace: &Trace, cut: &Cut<'_>) -> Vec<Proof> {
    let (leg, left) = cut.left;
    let mut proofs = Vec::new();
    if let Some((leg, came)) = cut.came {
        proofs.extend(trace.proof(leg, came.first, "the first fragment comes in"));
        proofs.extend(trace.proof(leg, came.later, "a later fragment comes in"));
    }
    let note = "the first fragment; no later one follows it here";
    proofs.extend(trace.proof(leg, left.first, note));
    proofs
}
