//! `healthcheck-source-blocked` from one server's capture: checks arrive and are not
//! answered, requests of others to the same address and port are.

use crate::breaks::{Group, Manner, Packet};
use crate::diagnose::facts::way::passing::clients;
use crate::diagnose::thresholds::NO_COINCIDENCE;
use crate::diagnose::words::commands::netfilter::let_in;
use crate::diagnose::words::commands::step;
use crate::diagnose::words::{count, list};
use crate::diagnose::{Confidence, Facts, Finding, Names, Proof, Severity};
use crate::topology::{HostId, Role};
use crate::trace::At;
use crate::wire::Ip;

pub(in crate::diagnose) fn findings(facts: &Facts) -> Vec<Finding> {
    let groups = facts.breaks.groups.iter();
    let kept = groups.filter(|g| g.packet == Packet::HealthCheck && g.manner == Manner::Swallowed);
    kept.filter_map(|group| finding(facts, group, group.last?.host?)).collect()
}

/// The answer to somebody else's request at the same endpoint.
fn answered(facts: &Facts, group: &Group) -> Option<At> {
    facts.requests_to(group.service).find_map(|(id, c)| {
        let leg = facts.legs(id).iter().find(|leg| facts.reply(leg).accepted())?;
        c.progress.established.then(|| facts.at(leg, facts.reply(leg).syn))
    })
}

fn finding(facts: &Facts, group: &Group, host: HostId) -> Option<Finding> {
    let s = facts.topology.service(group.service);
    let ids = &group.connections;
    let answer = answered(facts, group)?;
    if ids.len() < NO_COINCIDENCE {
        return None;
    }
    let names = Names(facts);
    let who = names.full(host);
    let sources: Vec<Ip> = clients(facts, ids.iter().copied()).into_iter().collect();
    let texts = list(&sources.iter().map(Ip::to_string).collect::<Vec<_>>());
    let title = format!("{who} does not answer the health checks of {}", s.name());
    let explanation = format!(
        "{} from {texts} arrive at {who} and get no answer, no refusal either; what others ask of {} is answered. A rule of the host's own firewall that leaves out the checks' sources looks so, and a route to them by another interface. Who asks takes the host for dead meanwhile.",
        count(ids.len(), "health check"),
        s.name(),
    );
    let mut finding =
        Finding::cause("healthcheck-source-blocked", title, explanation).naming_checks();
    finding.severity = Severity::Warning;
    finding.confidence = Confidence::Likely;
    finding.candidate("rp-filter-drop", "then 'nstat -az TcpExtIPReversePathFilter' grows with each: its route to the checks' sources is by another interface");
    let place = names.place(host);
    let tables = crate::diagnose::words::tables(s.vip);
    let counter = if s.vip.is_v4() { "; nstat -az TcpExtIPReversePathFilter" } else { "" };
    finding.confirm(
        place.clone(),
        format!("{tables} -L INPUT -nvx; nft list ruleset; ip route get {}{counter}", sources[0]),
        "a rule or counter that grows with every check",
    );
    finding.fixes.push(step::safe(
        format!("{place}; so for each of the checks' networks (Google Cloud documents 35.191.0.0/16 and 130.211.0.0/22, Azure 168.63.129.16)"),
        [let_in(s.vip, Some(sources[0]), s.port)],
    ));
    if let Some(last) = group.last {
        finding.proofs.push(Proof { at: last.at, note: "a check that nothing answers".to_owned() });
    }
    finding.proofs.push(Proof { at: answer, note: "another's request is answered".to_owned() });
    finding.subjects = vec![names.subject(Role::RealServer, host)];
    finding.connections.clone_from(ids);
    Some(finding)
}
