//! What it all comes to, and what to do where the captures do not suffice.

mod unshown;

use super::thresholds::{LACKING_FRAMES, LACKING_SHARE};
use super::{Checked, Coverage, Facts, Finding, Kind, Settled, Severity};
use super::{doubt, registry};
use crate::breaks::{Account, Fate, end_is_unseen};
use crate::diagnose::words::{agree, count, thousands};
use crate::flow::VantageId;
use crate::topology::{Mode, ServiceId};
use crate::trace::{ConnectionId, Trace};
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// The state of what was captured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// What these modes need was checked, and nothing is wrong.
    Healthy,
    /// Traffic suffers or is about to, and no client's connection failed; or only health checks fail.
    Degraded,
    /// Clients' connections fail, be it one of many.
    Failing,
    /// The captures cannot tell.
    Inconclusive,
}

/// The headline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The state.
    pub status: Status,
    /// One sentence.
    pub summary: String,
    /// A line for each loud finding that stands for itself, most harm first, each with the
    /// counts of the services that it concerns; empty where there is none or one.
    pub lines: Vec<String>,
    /// The finding of each line, by its index.
    pub findings: Vec<usize>,
}

/// Detectors that must have been able to look before a mode is called healthy.
const NAT_NEEDS: &[&str] = &["nat-return-bypasses-director", "syn-unanswered", "syn-refused"];
const DATAGRAM_NAT_NEEDS: &[&str] = &["nat-return-bypasses-director"];
const DR_NEEDS: &[&str] = &["dr-reply-via-director", "syn-unanswered", "syn-refused"];
const OTHER_NEEDS: &[&str] = &["syn-unanswered", "syn-refused"];
/// Beside them, where a text shows the traffic and may hide what these are told by.
const HIDDEN_NEEDS: &[(Mode, &str)] = &[(Mode::FullNat, "toa-not-inserted")];
/// Likewise on ports that mostly carry TLS (IANA: https, submissions, imaps, pop3s; 8443).
const TLS_PORTS: [u16; 5] = [443, 465, 993, 995, 8443];
const TLS_NEED: &str = "tls-refused";
/// Likewise on ports whose programs say what went wrong in a form of their own (IANA: ldap, mqtt,
/// postgresql; Redis).
const FAULT_PORTS: [u16; 4] = [389, 1883, 5432, 6379];
const FAULT_NEED: &str = "service-error";
/// Likewise on the port that gRPC's own examples use, in the clear.
const GRPC_PORT: u16 = 50_051;
const HTTP2_NEED: &str = "http2-refused";
/// The symptom that says no more of health checks than that they fail.
const CHECKS_FAIL: &str = "health-check-failing";

pub(super) fn judge(facts: &Facts, findings: &[Finding], coverage: &[Coverage]) -> Verdict {
    let explained: HashSet<usize> = findings.iter().flat_map(|f| &f.explains).copied().collect();
    let standing = |(i, f): &(usize, &Finding)| f.is_loud() && !explained.contains(i);
    let loud: Vec<(usize, &Finding)> = findings.iter().enumerate().filter(standing).collect();
    let all = facts.breaks.accounts.requests;
    if let Some(first) = findings.iter().find(|f| f.is_loud()) {
        let critical = findings.iter().any(|f| f.severity == Severity::Critical);
        let status = if critical { Status::Failing } else { Status::Degraded };
        let mut lines: Vec<String> = loud.iter().map(|(_, f)| line(facts, f)).collect();
        let mut numbers: Vec<usize> = loud.iter().map(|(at, _)| *at).collect();
        let mut summary = line(facts, first);
        match causes(&loud) {
            0 | 1 => {}
            n => summary.push_str(&format!(" ({} in all)", count(n, "cause"))),
        }
        if lines.len() < 2 {
            lines.clear();
            numbers.clear();
        }
        return Verdict { status, summary, lines, findings: numbers };
    }
    let (status, summary) = quiet(facts, findings, coverage, all);
    Verdict { status, summary, lines: Vec::new(), findings: Vec::new() }
}

/// How many different causes stand for themselves: one on several ports is one.
fn causes(loud: &[(usize, &Finding)]) -> usize {
    let causes = loud.iter().filter(|(_, f)| f.kind == Kind::Cause);
    let hosts =
        |f: &Finding| -> Vec<_> { f.subjects.iter().map(|s| (s.role, s.address, s.mac)).collect() };
    causes.map(|(_, f)| (f.id, hosts(f))).collect::<HashSet<_>>().len()
}

/// What to say where nothing loud was found: by then nothing failed or suffered.
fn quiet(
    facts: &Facts,
    findings: &[Finding],
    coverage: &[Coverage],
    all: Account,
) -> (Status, String) {
    if all.all() == 0 {
        let checks = facts.breaks.accounts.checks;
        let checked = match checks.well {
            0 => String::new(),
            n => format!("; {} did well", count(n as usize, "health check")),
        };
        let unopened: u64 = facts
            .vantages
            .iter()
            .flat_map(|vantage| vantage.unopened.hiding())
            .map(|(_, frames)| frames)
            .sum();
        let unopened = match unopened {
            0 => String::new(),
            n => format!("; what is inside {} is not read", count(n as usize, "frame")),
        };
        let hidden = match facts.hides_segments() {
            true => {
                "; the text prints neither flags nor numbers of TCP (tcpdump -q), so its connections are not told"
            }
            false => "",
        };
        let standby = doubt::standby(facts).map_or_else(String::new, |said| format!("; {said}"));
        let summary = format!(
            "no connection of a client to a service was captured{checked}{unopened}{hidden}{standby}"
        );
        return (Status::Inconclusive, summary);
    }
    let unknown = needs(facts).into_iter().any(|id| {
        coverage.iter().any(|c| c.id == id && matches!(c.checked, Checked::Unchecked(_)))
    });
    let modes: Vec<&str> = known_modes(facts);
    let missing = unshown::director_missing(facts);
    let hidden = facts.unprinted();
    let doubt = doubt::doubt(facts);
    let n = all.all() as usize;
    let lacking = lacking(facts);
    let why = if !facts.pairs.unread.is_empty() {
        Some(
            "a capture could not be read again, so what proxies were asked and answered is not known",
        )
    } else if doubt.is_some() {
        doubt.as_deref()
    } else if hidden.hardware && (modes.is_empty() || unknown) {
        Some("the text prints no hardware addresses (tcpdump -e), by which forwarding is told")
    } else if modes.is_empty() {
        Some(agree(n, "nothing shows how it is forwarded", "nothing shows how they are forwarded"))
    } else if unshown::unanswered_service(facts) && !missing {
        Some(agree(
            n,
            "no answer to it was captured: the service sends none, or its answers take a way that no capture shows",
            "no answer to any of them was captured: the service sends none, or its answers take a way that no capture shows",
        ))
    } else if hidden_needs(facts).next().is_some() {
        Some("the text does not print what names the client to a real server (tcpdump -xx)")
    } else if ends_unseen(facts) {
        Some(match hidden.bytes {
            true => "the text does not print where answers that come in chunks end (tcpdump -x)",
            false => {
                "too few bytes of each packet were kept to show where answers that come in chunks end (tcpdump -s 0)"
            }
        })
    } else if facts.vantages.iter().any(|vantage| vantage.shows.one_way) {
        Some(
            "a capture holds frames of one direction alone (tcpdump -Q; a tap's two files are to be merged: mergecap)",
        )
    } else if facts.vantages.iter().any(|vantage| !vantage.shows.acks) {
        Some(
            "a capture's filter left out segments that only acknowledge, and what it keeps does not show whether each got what it asked for (leave tcp[tcpflags] and lengths out of the filter)",
        )
    } else if facts.words_are_cut() {
        Some("too few bytes of each packet were kept to show what was answered (tcpdump -s 128)")
    } else if unknown || missing || all.well == 0 || unshown::unheard_server(facts) {
        Some(agree(n, "part of its way was not captured", "part of their way was not captured"))
    } else if unshown::passed_no_director(facts) {
        Some(
            "some pass no director that was captured: another one that was not, or somebody hands them to a real server past it",
        )
    } else if unshown::strangers_reset(facts) {
        Some(
            "a kernel here resets segments of connections whose beginning no capture shows: they are over, or were opened by another way",
        )
    } else if unshown::neighbors_left_out(facts) {
        Some(
            "a filter left out by what neighbours find the VIP, so that who else answers for it does not show (leave 'arp or icmp6' in)",
        )
    } else if silent_server(facts) {
        Some("no answer of one of the real servers was captured")
    } else if let Some(coarse) = facts.coarse() {
        Some(super::untimed::why(coarse))
    } else {
        lacking.as_deref()
    };
    let well = count(all.well as usize, "connection");
    let untold = match (all.untold, all.well) {
        (0, _) => String::new(),
        (n, 0) => format!("what became of {} cannot be told", count(n as usize, "connection")),
        (n, _) => {
            format!(", what became of {} more cannot be told", count(n as usize, "connection"))
        }
    };
    let fine = if all.well > 0 {
        format!("{well} did well as far as these captures show{untold}")
    } else {
        untold.clone()
    };
    let left_out = unshown::vrrp_left_out(facts).unwrap_or_default();
    // Of what cannot be told nobody knows that it is not wrong.
    let (head, by) =
        if all.untold == 0 { ("nothing is wrong: ", "by") } else { ("", "did well by") };
    match why {
        Some(why) => (Status::Inconclusive, format!("{fine}, but {why}{left_out}")),
        None => (
            Status::Healthy,
            format!(
                "{head}{well} {by} {}, and all that {} was checked{untold}{}{}{left_out}",
                modes.join(" and "),
                agree(modes.len(), "this mode needs", "these modes need"),
                noted(findings),
                unshown::not_looked_at(facts).unwrap_or_default()
            ),
        ),
    }
}

/// What a capture that lacks many frames cannot show: that nothing is wrong.
fn lacking(trace: &Trace) -> Option<String> {
    let (vantage, missed) = trace.most_missed()?;
    let all = VantageId::all(&trace.vantages).map(|v| trace.missed(v).lacking).sum::<u64>();
    let shown = all >= LACKING_FRAMES && missed.share() >= LACKING_SHARE;
    let label = &trace.vantages[vantage.index()].label;
    shown.then(|| {
        format!(
            "{label} lacks about {} of 100 frames that must have passed it, and what went wrong may be among them",
            missed.percent()
        )
    })
}

/// Whether a server closed after an answer of which no capture shows how it ends.
fn ends_unseen(facts: &Facts) -> bool {
    let untold = |id: &ConnectionId| facts.breaks.fate(*id) == Fate::Untold;
    let spoke = facts.vantages.iter().any(|vantage| vantage.side_tables.has_spoken());
    spoke && facts.requests().map(|(id, _)| id).filter(untold).any(|id| end_is_unseen(facts, id))
}

/// Whether a real server was asked and all that became of it cannot be told: what ends
/// before it could answer is no sign that it does.
fn silent_server(facts: &Facts) -> bool {
    let mut servers: BTreeMap<(ServiceId, u16), bool> = BTreeMap::new();
    for (id, c) in facts.requests() {
        let Some(server) = facts.topology.server_of[id.0 as usize] else { continue };
        let told = facts.breaks.fate(id) != Fate::Untold;
        let asked = c.progress.syn && !c.progress.answered;
        if told || asked {
            *servers.entry((facts.service_of(id), server)).or_default() |= told;
        }
    }
    servers.values().any(|told| !told)
}

/// One finding with the counts of the services that it concerns.
fn line(facts: &Facts, finding: &Finding) -> String {
    let services: BTreeSet<ServiceId> =
        finding.connections.iter().map(|id| facts.service_of(*id)).collect();
    let dropped_by = finding.settled.iter().find_map(|settled| match settled {
        Settled::Dropped { by, .. } => Some(by),
        _ => None,
    });
    let why = match dropped_by {
        _ if finding.kind != Kind::Symptom => String::new(),
        Some(by) => format!("; a log that was given says that {by} dropped packets of theirs"),
        None if names_its_maker(facts, finding) => String::new(),
        None => "; these captures do not show why".to_owned(),
    };
    let title = &finding.title;
    if services.is_empty() {
        return format!("{title}{why}");
    }
    let names: Vec<String> = services.iter().map(|id| facts.topology.service(*id).name()).collect();
    let to = super::words::list(&names);
    let requests = |id: &&ConnectionId| facts.ordinary(**id).is_none();
    let fate = |wanted: Fate| {
        let own = finding.connections.iter().filter(requests);
        own.filter(|id| facts.breaks.fate(**id) == wanted).count() as u64
    };
    let of: u64 =
        services.iter().map(|id| facts.breaks.accounts.services[id.0 as usize].all()).sum();
    let (failed, suffered) = (fate(Fate::Failed), fate(Fate::Suffered));
    let all = finding.connections.len() as u64;
    // Health checks are of another service than clients' requests, or not counted there.
    let of = of.max(all);
    let (n, verb) = match (failed, suffered) {
        (0, 0) if finding.connections.iter().all(|id| facts.ordinary(*id).is_some()) => {
            let checks = count(finding.connections.len(), "health check");
            if finding.id == CHECKS_FAIL {
                return format!(
                    "{checks} of {to} {}{why}",
                    if all == 1 { "fails" } else { "fail" }
                );
            }
            // Who says it of the checks need not be told so first.
            return match finding.names_checks {
                true => format!("{title} ({checks}){why}"),
                false => format!("{checks} of {to}: {title}{why}"),
            };
        }
        (0, 0) => (all, if all == 1 { "is affected" } else { "are affected" }),
        (0, n) => (n, if n == 1 { "suffers" } else { "suffer" }),
        (n, _) => (n, if n == 1 { "fails" } else { "fail" }),
    };
    let n = thousands(n);
    format!("{n} of {} to {to} {verb}: {title}{why}", count(of as usize, "connection"))
}

/// Who answers with an error is named; the reason is in that host's log.
fn names_its_maker(facts: &Facts, finding: &Finding) -> bool {
    registry::names_culprit(finding.id, facts, &finding.connections)
}

/// Small things that cost nothing are still said.
fn noted(findings: &[Finding]) -> String {
    let seen: Vec<String> = findings
        .iter()
        .filter(|f| f.kind == Kind::Symptom)
        .map(|f| format!("{} in {}", f.id, count(f.connections.len(), "connection")))
        .collect();
    if seen.is_empty() { String::new() } else { format!("; seen: {}", super::words::list(&seen)) }
}

fn known_modes(trace: &Trace) -> Vec<&'static str> {
    let mut modes: Vec<&str> = trace
        .topology
        .services
        .iter()
        .filter(|s| !s.is_backend && s.mode != Mode::Unknown)
        .map(|s| s.mode.name())
        .collect();
    modes.sort_unstable();
    modes.dedup();
    modes
}

/// What the modes need that a text hides.
fn hidden_needs(trace: &Trace) -> impl Iterator<Item = &'static str> {
    let unprinted = trace.unprinted();
    let hidden = HIDDEN_NEEDS.iter().filter(move |(mode, id)| {
        super::rests_on::rests_on((*id).into()).common(unprinted).any()
            && trace.topology.services.iter().any(|s| s.mode == *mode)
    });
    let tls = |s: &crate::topology::Service| s.protocol.is_tcp() && TLS_PORTS.contains(&s.port);
    let encrypted = super::rests_on::rests_on(TLS_NEED.into()).common(unprinted).any()
        && trace.topology.services.iter().any(tls);
    let grpc = |s: &crate::topology::Service| s.protocol.is_tcp() && s.port == GRPC_PORT;
    let begun = super::rests_on::rests_on(HTTP2_NEED.into()).common(unprinted).any()
        && trace.topology.services.iter().any(grpc);
    let own = |s: &crate::topology::Service| s.protocol.is_tcp() && FAULT_PORTS.contains(&s.port);
    let faults = super::rests_on::rests_on(FAULT_NEED.into()).common(unprinted).any()
        && trace.topology.services.iter().any(own);
    let words =
        [encrypted.then_some(TLS_NEED), begun.then_some(HTTP2_NEED), faults.then_some(FAULT_NEED)];
    hidden.map(|(_, id)| *id).chain(words.into_iter().flatten())
}

fn needs(trace: &Trace) -> Vec<&'static str> {
    let mut needs: Vec<&str> = trace
        .topology
        .services
        .iter()
        .filter(|s| !s.is_backend)
        .flat_map(|s| match s.mode {
            Mode::Nat if !s.protocol.is_tcp() => DATAGRAM_NAT_NEEDS,
            _ if !s.protocol.is_tcp() => &[],
            Mode::Nat => NAT_NEEDS,
            Mode::Dr => DR_NEEDS,
            Mode::Unknown => &[],
            _ => OTHER_NEEDS,
        })
        .copied()
        .collect();
    needs.extend(hidden_needs(trace));
    needs.sort_unstable();
    needs.dedup();
    needs
}
