//! A connection was used again after the director had forgotten it for being
//! idle.
//!
//! The same reset as from a director that lost its table; what tells them apart
//! is the silence before it, and that the same director had forwarded the
//! connection. Where no capture shows the director, the ends tell ([`expired`]).

use crate::diagnose::cause::severity;
use crate::diagnose::cause::state::expired::{self, After, Expired, Set};
use crate::diagnose::decide::reset::WhyReset;
use crate::diagnose::facts::lost_entries::proofs;
use crate::diagnose::facts::resets::Forgotten;
use crate::diagnose::thresholds::LB_IDLE_TIMEOUT_NEAR_PERCENT;
use crate::diagnose::words::commands::sysctl;
use crate::diagnose::words::{explained, service_subject, share, to_capture};
use crate::diagnose::{Candidate, Confidence, Detection, Facts, Finding, Fix, Names, ToConfirm};
use crate::topology::{HostId, Role, ServiceId};
use crate::trace::ConnectionId;
use std::collections::BTreeMap;

pub(in crate::diagnose) const EXPLAINS: &[&str] =
    &["rst-no-socket", "connection-reset", "retransmission"];

/// Idle timeouts that balancers come with, seconds: 60 nginx and classic ELB, 240
/// Azure, 350 AWS NLB, 600 Google, 900 IPVS and Aliyun; 75, 300 and 3600 are set
/// by hand.
const USUAL_S: [i64; 8] = [60, 75, 240, 300, 350, 600, 900, 3600];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let mut sets: BTreeMap<(ServiceId, HostId), Vec<Forgotten>> = BTreeMap::new();
    for lost in facts.resets().iter().filter(|one| one.why() == WhyReset::IdleTimeout) {
        sets.entry((facts.service_of(lost.id), lost.host)).or_default().push(*lost);
    }
    let findings =
        sets.into_iter().map(|((service, host), set)| finding(facts, service, host, &set));
    let unseen = expired::sets(facts);
    let findings = findings.chain(unseen.iter().map(|set| by_the_ends(facts, set)));
    Detection::from(findings.collect(), || super::no_entries(facts))
}

/// What only the ends show.
fn by_the_ends(facts: &Facts, set: &Set) -> Finding {
    let s = facts.topology.service(set.service);
    let ids: Vec<ConnectionId> = set.expired.iter().map(|e| e.id).collect();
    // Whole seconds, rounded down: what is said to be too long was.
    let silence = format!("{} s", set.least_ns() / 1_000_000_000);
    let after = set.expired.iter().map(|e| e.after).min();
    let then = match after {
        Some(After::Between) => {
            "are reset by something between the ends: neither of them sent the reset that comes in its name"
        }
        Some(After::Reset) => "are reset at their next segment",
        Some(After::Nothing) => "get no answer to their next segment any more",
        Some(After::Asked) | None => {
            "send nothing any more: their client's host asks for an address by ARP that none of their packets had, as it does when a balancer on that host no longer translates it"
        }
    };
    let alive = match set.outlived_ns {
        0 => String::new(),
        ns => format!(" Those that were silent for up to {} s live on.", ns / 1_000_000_000),
    };
    let known = usual(set.least_ns())
        .map_or_else(String::new, |s| format!(" A timeout of {s} s is usual in balancers."));
    let title =
        format!("connections to {} that are idle for {silence} are forgotten on the way", s.name());
    let explanation = format!(
        "Connections to {} that were silent for {silence} or longer {then}.{alive}{known} A balancer, firewall or NAT between the ends forgets idle connections. {} connections die of it; an end that is not told keeps its side open.",
        s.name(),
        share(facts, set.service, &ids)
    );
    let mut finding = Finding::cause("lb-idle-timeout", title, explanation);
    finding.severity = severity(facts, &ids);
    finding.confidence = if set.is_guess() { Confidence::Possible } else { Confidence::Likely };
    finding.candidates.extend(match after {
        // The captures of both ends leave none.
        Some(After::Between) => None,
        Some(After::Reset) => Some(Candidate {
            id: "rs-lost-socket",
            tell_apart: "then the real server's own capture shows the reset leave".to_owned(),
        }),
        Some(After::Nothing) => Some(Candidate {
            id: "packet-loss",
            tell_apart: "then connections that are not idle lose packets as well".to_owned(),
        }),
        Some(After::Asked) | None => Some(Candidate {
            id: "vip-unowned",
            tell_apart: "then connections that are not idle fail as well".to_owned(),
        }),
    });
    finding.to_confirm = vec![
        ToConfirm {
            host: "the balancer, firewall or NAT between the ends".to_owned(),
            command:
                "ipvsadm -L --timeout; sysctl net.netfilter.nf_conntrack_tcp_timeout_established"
                    .to_owned(),
            why: format!("a TCP idle timeout of {silence} or less: this is it"),
        },
        to_capture(
            "the balancer".to_owned(),
            "balancer",
            &[s.vip],
            s.port,
            "shows whether the next segment leaves it for the other end",
        ),
    ];
    finding.fixes = vec![
        keep_alive("either end", set.least_ns()),
        Fix::safe("the balancer, if it is IPVS", RAISE, LOWER).or(),
        Fix::safe(
            "the balancer or NAT, if it is a cloud's, in its own settings",
            CLOUD,
            "Set the old value again.",
        )
        .or(),
    ];
    let shown = set.expired.iter().min_by_key(|e| (e.after, e.id));
    finding.proofs = shown.map(Expired::proofs).unwrap_or_default();
    finding.subjects = vec![service_subject(s)];
    finding.connections = ids;
    finding
}

const CLOUD: &str = "# raise its idle timeout, if it has one that can be set: AWS network balancers 350 s unless set (tcp.idle_timeout.seconds), NAT gateways 350 s always; Azure 4 minutes unless set; Google Cloud 600 s always";
const RAISE: &str = "ipvsadm --set 3600 120 300   # TCP, TCP after FIN, UDP, in seconds; keepalived: lvs_timeouts tcp 3600";
const LOWER: &str = "ipvsadm --set 900 120 300   # if 'ipvsadm -L --timeout' printed these";

fn keep_alive(host: &str, idle_ns: i64) -> Fix {
    Fix::safe(
        host.to_owned(),
        explained(
            sysctl::set(&[("net.ipv4.tcp_keepalive_time", &keepalive(idle_ns).to_string())]),
            "works for sockets that ask for keep-alives",
        ),
        sysctl::set(&[("net.ipv4.tcp_keepalive_time", "7200")]),
    )
}

/// The usual timeout that a silence points at.
fn usual(idle_ns: i64) -> Option<i64> {
    USUAL_S.into_iter().find(|s| {
        let timeout = s * 1_000_000_000;
        (idle_ns - timeout).abs() <= timeout / 100 * LB_IDLE_TIMEOUT_NEAR_PERCENT
    })
}

fn finding(facts: &Facts, service: ServiceId, host: HostId, set: &[Forgotten]) -> Finding {
    let names = Names(facts);
    let s = facts.topology.service(service);
    let ids: Vec<ConnectionId> = set.iter().map(|l| l.id).collect();
    let idle = set.iter().filter_map(|l| l.signs.idle_ns).min().unwrap_or(0);
    let silence = seconds(idle);
    let director = names.full(host);
    let title = format!(
        "the director {} forgets connections that are idle for {silence} or less",
        names.host(host)
    );
    let known = usual(idle)
        .map_or_else(String::new, |s| format!(" A timeout of {s} s is usual in balancers."));
    let explanation = format!(
        "The connections to {} were silent for {silence} or longer. Their next segment reaches {director}, which had forwarded them before: it sends nothing to a real server and answers with a bare RST, as its entry is gone.{known} {} connections are cut off; the real server is not told and keeps its side open.",
        s.name(),
        share(facts, service, &ids)
    );
    let mut finding = Finding::cause("lb-idle-timeout", title, explanation);
    finding.severity = severity(facts, &ids);
    // The table may have been emptied during the silence.
    finding.confidence = Confidence::Likely;
    finding.candidate(
        "director-no-entry-rst",
        "then connections that were never idle are reset as well, all at one moment".to_owned(),
    );
    finding.confirm(
        director.clone(),
        "ipvsadm -L --timeout; sysctl net.ipv4.vs.expire_nodest_conn",
        format!("a TCP timeout of {silence} or less: this is it"),
    );
    finding.fixes = vec![
        Fix::safe(director, RAISE.to_owned(), LOWER.to_owned()),
        keep_alive("the clients or the real servers, where the timeout cannot be raised", idle)
            .or(),
    ];
    let shown = set.iter().find(|l| l.is_withheld() && l.own).or_else(|| set.first());
    finding.proofs = shown.map(|l| proofs(facts, l)).unwrap_or_default();
    finding.subjects = vec![names.subject(Role::Director, host)];
    finding.addresses = vec![s.vip];
    finding.connections = ids;
    finding
}

/// Well below the silence that was too long, seconds.
fn keepalive(idle_ns: i64) -> i64 {
    (idle_ns / 2_000_000_000).clamp(1, 240)
}

/// "6.0 s", "15 min".
fn seconds(ns: i64) -> String {
    let tenths = ns / 100_000_000;
    match tenths {
        ..1200 => format!("{}.{} s", tenths / 10, tenths % 10),
        _ => format!("{} min", tenths / 600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_timeouts_are_recognised_within_two_percent() {
        assert_eq!(usual(352_000_000_000), Some(350));
        assert_eq!(usual(899_000_000_000), Some(900));
        assert_eq!(usual(330_000_000_000), None);
        assert_eq!(usual(6_000_000_000), None);
    }

    #[test]
    fn silence_is_told_in_a_fitting_unit() {
        assert_eq!(seconds(6_001_000_000), "6.0 s");
        assert_eq!(seconds(901_000_000_000), "15 min");
    }
}
