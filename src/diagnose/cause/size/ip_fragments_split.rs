//! Of datagrams that travel in fragments, only the first fragment gets through: the
//! others have no ports, and something on the way goes by ports.
//!
//! At the director it is seen: first fragments go out and no later one does. At a real
//! server it is seen that later ones are missing, not where they stayed; there it takes
//! the server's own word (reassembly time exceeded) and more than one datagram. The same
//! holds of answers where the client was captured, whatever forwards.

use crate::diagnose::cause::{by_address, each_service};
use crate::diagnose::facts::size::torn_datagrams::{Torn, judge, of_answers, told};
use crate::diagnose::thresholds::IP_FRAGMENTS_SPLIT_ENOUGH;
use crate::diagnose::words::{capture_line, list, share, tables};
use crate::diagnose::{
    Confidence, Detection, Facts, Finding, Fix, Names, Proof, Severity, Subject,
};
use crate::flow::IcmpErrorKind;
use crate::topology::{HostId, Role, Service, ServiceId};
use crate::trace::{ConnectionId, Trace};
use crate::wire::Ip;
use std::collections::BTreeMap;

pub(in crate::diagnose) const EXPLAINS: &[&str] = &["datagram-unanswered"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    if !facts.vantages.iter().any(|v| v.side_tables.has_pieces()) {
        return Detection::Clean;
    }
    let cut: BTreeMap<ConnectionId, Torn<'_>> = facts
        .requests()
        .filter_map(|(id, _)| Some((id, judge(facts, id).or_else(|| of_answers(facts, id))?)))
        .collect();
    let findings =
        each_service(facts, cut.keys().copied(), |service, ids| finding(facts, service, ids, &cut));
    Detection::from(findings, || Detection::Clean)
}

fn finding(
    facts: &Facts,
    service: ServiceId,
    ids: Vec<ConnectionId>,
    cut: &BTreeMap<ConnectionId, Torn<'_>>,
) -> Option<Finding> {
    let set: Vec<&Torn<'_>> = ids.iter().filter_map(|id| cut.get(id)).collect();
    let datagrams: u32 = set.iter().map(|c| c.left.1.firsts).sum();
    if datagrams < IP_FRAGMENTS_SPLIT_ENOUGH {
        return None;
    }
    let names = Names(facts);
    let s = facts.topology.service(service);
    let mut hosts: Vec<HostId> = set.iter().filter_map(|c| c.at).collect();
    by_address(facts, &mut hosts);
    let sure = set.iter().all(|c| c.at.is_some());
    let place = list(&hosts.iter().map(|h| names.full(*h)).collect::<Vec<_>>());
    let answers = set.iter().all(|c| c.answers);
    let whole = set.iter().all(|c| c.whole);
    let told = ids.iter().any(|id| told(facts, *id));
    let found = Found { answers, whole, at: sure.then_some(&*place), told };
    let explanation =
        format!("{} {} lost.", found.explained(s), share(facts, service, &ids, "are"));
    // A fragment that is merely lost, or too large for a link, ends alike.
    let confidence = match (sure, whole) {
        (true, _) => Confidence::Certain,
        (_, true) => Confidence::Possible,
        _ => Confidence::Likely,
    };
    let mut finding = Finding::cause("ip-fragments-split", found.title(s), explanation)
        .rated(Severity::Critical, confidence);
    let host = match (hosts.is_empty(), answers) {
        (true, true) => "each hop between server and client".to_owned(),
        (true, false) if whole => "each hop between client and server".to_owned(),
        (true, false) => "the director".to_owned(),
        (false, _) => place.clone(),
    };
    if !sure {
        finding.confirm(host.clone(), capture_line("director", &[s.vip], None), "without a port in the filter, or later fragments are not captured: shows whether they go out");
    }
    finding.confirm(host.clone(), format!("nft list ruleset; {} -L -nvx; nstat -az {}", tables(s.vip), if s.vip.is_v4() { "IpReasmFails IpFragFails" } else { "Ip6ReasmFails Ip6FragFails" }), "a rule that matches ports before fragments are joined, or a counter that grows with each such datagram");
    finding.fixes = fixes(&host, s.vip);
    finding.proofs = set.first().map(|c| proofs(facts, c)).unwrap_or_default();
    let error = ids
        .iter()
        .find_map(|id| facts.errors_of(*id).find(|(_, e)| e.kind == IcmpErrorKind::Reassembly));
    finding.proofs.extend(error.map(|(vantage, e)| {
        Proof::on(vantage, e.mark, format!("ICMP time exceeded in reassembly from {}", e.src))
    }));
    finding.subjects = names.subjects(Role::Director, &hosts);
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

/// What is told of all such datagrams of a service.
struct Found<'a> {
    /// They answer clients.
    answers: bool,
    /// All fragments leave who sent them.
    whole: bool,
    /// Where later fragments end, if that shows.
    at: Option<&'a str>,
    /// Who waits for them says so by ICMP.
    told: bool,
}

impl Found<'_> {
    fn title(&self, s: &Service) -> String {
        let name = s.name();
        if self.answers {
            format!("later fragments of the answers of {name} do not reach the clients")
        } else if self.at.is_some() {
            format!("later fragments of datagrams to {name} do not leave the director")
        } else if self.whole {
            format!("later fragments of datagrams to {name} do not arrive there")
        } else {
            format!("later fragments of datagrams to {name} do not reach the real servers")
        }
    }

    fn explained(&self, s: &Service) -> String {
        let end = match (self.answers, self.at) {
            (true, _) => "The clients get the first fragments of the answers and no other; where the others stay these captures do not show".to_owned(),
            (false, Some(place)) => format!("All fragments come in at {place}; the first ones go out and no other does"),
            (false, None) if self.whole => "All fragments leave the client; where the later ones stay these captures do not show".to_owned(),
            (false, None) => "The real servers get the first fragments and no other; where the others stay these captures do not show".to_owned(),
        };
        let who = match (self.answers, self.whole) {
            (true, _) => "The clients say that they".to_owned(),
            (_, true) => format!("{} says that it", s.vip),
            _ => "The real servers say that they".to_owned(),
        };
        let word = if self.told {
            format!(" {who} gave up waiting for the rest (ICMP time exceeded in reassembly).")
        } else {
            String::new()
        };
        let goes = if self.whole { "as where something" } else { "something there" };
        let which = if self.answers { "Answers of" } else { "Datagrams to" };
        format!(
            "{which} {} that are too long for one packet travel in fragments, and only the first has the ports. {end}: {goes} goes by ports, a rule or a table, without joining fragments before.{word}",
            s.name()
        )
    }
}

fn fixes(host: &str, vip: Ip) -> Vec<Fix> {
    let (family, cilium) = if vip.is_v4() { ("ip", "ipv4") } else { ("ip6", "ipv6") };
    vec![
        Fix::disruptive(
            format!("{host}, where it runs Linux"),
            format!(
                "nft add table {family} defrag\nnft add chain {family} defrag pre '{{ type filter hook prerouting priority raw; }}'\nnft add rule {family} defrag pre ct state new counter   # a rule that asks for a state has fragments joined before any rule or table sees them; connections are tracked from then on. In Cilium: --enable-{cilium}-fragment-tracking"
            ),
            format!("nft delete table {family} defrag"),
        ),
        Fix::safe(
            "the clients or the protocol",
            "# smaller datagrams: edns-udp-size 1232 (DNS), TCP for SIP",
            "Set the old size again.",
        )
        .or(),
    ]
}

fn proofs(trace: &Trace, cut: &Torn<'_>) -> Vec<Proof> {
    let (leg, left) = cut.left;
    let mut proofs = Vec::new();
    if let Some((leg, came)) = cut.came {
        proofs.extend(trace.proof(leg, came.first, "the first fragment comes in"));
        proofs.extend(trace.proof(leg, came.later, "a later fragment comes in"));
    }
    if cut.whole {
        proofs.extend(trace.proof(leg, left.first, "the first fragment leaves"));
        proofs.extend(trace.proof(leg, left.later, "a later fragment leaves"));
        return proofs;
    }
    let note = "the first fragment; no later one follows it here";
    proofs.extend(trace.proof(leg, left.first, note));
    proofs
}
