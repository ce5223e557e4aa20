//! A connection was used again after the director had forgotten it for being
//! idle.
//!
//! The same reset as from a director that lost its table; what tells them apart
//! is the silence before it, and that the same director had forwarded the
//! connection.

use crate::diagnose::cause::severity;
use crate::diagnose::cause::state::director_no_entry_rst::{Lost, lost, otherwise, proofs};
use crate::diagnose::words::commands::sysctl;
use crate::diagnose::words::{explained, share};
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
/// How much later than the timeout the next packet may come to point at it, in
/// parts of a hundred.
const NEAR_PERCENT: i64 = 2;

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let mut sets: BTreeMap<(ServiceId, HostId), Vec<Lost>> = BTreeMap::new();
    for lost in lost(facts).into_iter().filter(Lost::is_timeout) {
        let service = facts.topology.service_of[lost.at.id.0 as usize];
        sets.entry((service, lost.at.host)).or_default().push(lost);
    }
    let findings =
        sets.into_iter().map(|((service, host), set)| finding(facts, service, host, &set));
    Detection::from(findings.collect(), || otherwise(facts))
}

/// The usual timeout that a silence points at.
fn usual(idle_ns: i64) -> Option<i64> {
    USUAL_S.into_iter().find(|s| {
        let timeout = s * 1_000_000_000;
        (idle_ns - timeout).abs() <= timeout / 100 * NEAR_PERCENT
    })
}

fn finding(facts: &Facts, service: ServiceId, host: HostId, set: &[Lost]) -> Finding {
    let names = Names(facts);
    let s = facts.topology.service(service);
    let ids: Vec<ConnectionId> = set.iter().map(|l| l.at.id).collect();
    let idle = set.iter().filter_map(|l| l.idle_ns).min().unwrap_or(0);
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
    finding.candidates.push(Candidate {
        id: "director-no-entry-rst",
        tell_apart: "then connections that were never idle are reset as well, all at one moment"
            .to_owned(),
    });
    finding.to_confirm.push(ToConfirm {
        host: director.clone(),
        command: "ipvsadm -L --timeout; sysctl net.ipv4.vs.expire_nodest_conn".to_owned(),
        why: format!("a TCP timeout of {silence} or less: this is it"),
    });
    finding.fixes = vec![
        Fix {
            host: director,
            command: "ipvsadm --set 3600 120 300   # TCP, TCP after FIN, UDP, in seconds; keepalived: lvs_timeouts tcp 3600".to_owned(),
            disruptive: false,
            undo: "ipvsadm --set 900 120 300   # if 'ipvsadm -L --timeout' printed these".to_owned(),
        },
        Fix {
            host: "the clients or the real servers, where the timeout cannot be raised".to_owned(),
            command: explained(
                sysctl::set(&[("net.ipv4.tcp_keepalive_time", &keepalive(idle).to_string())]),
                "works for sockets that ask for keep-alives",
            ),
            disruptive: false,
            undo: sysctl::set(&[("net.ipv4.tcp_keepalive_time", "7200")]),
        },
    ];
    let shown = set.iter().find(|l| l.withheld && l.at.own).or_else(|| set.first());
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
