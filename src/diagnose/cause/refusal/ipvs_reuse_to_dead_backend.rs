//! Client ports that were used before stick to a real server that is gone, while new
//! ports go to live ones.
//!
//! Taken from `rs-unreachable` where every failing connection has a forerunner on its
//! port, one of them was that server's, and enough new ports were sent elsewhere.

use crate::diagnose::cause::refusal::missing::{Missing, missing, proofs};
use crate::diagnose::cause::state::reuse::forerunners;
use crate::diagnose::cause::{needs_mode, severity};
use crate::diagnose::symptom::arp_unanswered;
use crate::diagnose::words::commands::sysctl;
use crate::diagnose::words::{explained, share};
use crate::diagnose::{
    Candidate, Confidence, Detection, Facts, Finding, Fix, Names, Subject, ToConfirm,
};
use crate::topology::{Mode, Role};
use crate::trace::{ConnectionId, Trace};
use crate::wire::Ip;

pub(in crate::diagnose) const EXPLAINS: &[&str] =
    &["arp-unanswered", "icmp-unreachable", "syn-unanswered"];

/// New ports that must have gone elsewhere: a server that is still in the table gets
/// its share of them.
const FRESH: usize = 3;
/// So many leave no doubt.
const SURE: usize = 6;

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let asks = arp_unanswered::unanswered(facts);
    let findings = missing(facts, &asks)
        .into_iter()
        .filter_map(|m| Some((pinned(facts, &m)?, m)))
        .map(|(pinned, m)| {
            let mut finding = finding(facts, &pinned, &m);
            finding.proofs = proofs(facts, &m.ids, &asks);
            let old = facts.end(pinned.forerunner).map(|at| crate::diagnose::Proof {
                at,
                note: format!(
                    "the last packet of an earlier connection on the same port, to {}",
                    pinned.server
                ),
            });
            finding.proofs.splice(0..0, old);
            finding.connections = m.ids;
            finding
        })
        .collect();
    Detection::from(findings, || {
        needs_mode(facts, &[Mode::Nat, Mode::Dr, Mode::Tun, Mode::FullNat])
            .unwrap_or(Detection::Clean)
    })
}

/// Ports that stick to a server.
pub(in crate::diagnose) struct Pinned {
    server: Ip,
    /// An earlier connection on one of the ports, which that server had.
    forerunner: ConnectionId,
    /// Connections on new ports that went elsewhere meanwhile.
    fresh: usize,
}

/// Whether connections to a server that is not on the wire are those of used ports.
pub(in crate::diagnose) fn pinned(trace: &Trace, m: &Missing) -> Option<Pinned> {
    let before = forerunners(trace, &m.ids);
    if m.ids.iter().any(|id| !before.contains_key(id)) {
        return None;
    }
    let had = |id: ConnectionId| trace.server(id).and_then(|s| s.address);
    let mut olds: Vec<ConnectionId> = before.values().copied().collect();
    olds.sort_unstable();
    let server = match m.targets[..] {
        [server] => server,
        // A question that was answered once, long ago, tells nothing: the forerunners do.
        [] => {
            let server = had(*olds.first()?)?;
            if olds.iter().any(|old| had(*old) != Some(server)) {
                return None;
            }
            server
        }
        _ => return None,
    };
    let forerunner = olds.into_iter().find(|old| had(*old) == Some(server))?;
    let start = |id: ConnectionId| trace.start(id).map(|at| trace.time(at));
    let first = m.ids.iter().filter_map(|id| start(*id)).min()?;
    let since: Vec<ConnectionId> = trace
        .requests()
        .map(|(id, _)| id)
        .filter(|id| trace.service_of(*id) == m.service)
        .filter(|id| !m.ids.contains(id) && start(*id).is_some_and(|t| t > first))
        .collect();
    // One that went there on a new port shows it is still in the table.
    let used = forerunners(trace, &since);
    let new = || since.iter().filter(|id| !used.contains_key(id));
    if new().any(|id| had(*id) == Some(server)) {
        return None;
    }
    let fresh = new().filter(|id| had(**id).is_some()).count();
    (fresh >= FRESH).then_some(Pinned { server, forerunner, fresh })
}

fn finding(facts: &Facts, pinned: &Pinned, m: &Missing) -> Finding {
    let names = Names(facts);
    let s = facts.topology.service(m.service);
    let server = pinned.server;
    let host = m.director.or_else(|| s.directors.first().map(|d| d.host));
    let director = host.map_or_else(|| "the director".to_owned(), |d| names.full(d));
    let title =
        format!("client ports that were used before are still sent to {server}, which is gone");
    let what = if m.targets.is_empty() {
        format!(
            "are not sent on by {director}, which tells the client that the host is unreachable"
        )
    } else {
        let told =
            if m.said { ", and it tells the client that the host is unreachable" } else { "" };
        format!("make {director} ask for {server} again; nobody answers{told}")
    };
    let explanation = format!(
        "SYNs to {} on ports that had carried a connection to {server} {what}. {} connections on new ports went to other real servers meanwhile, so the table no longer has it: the old entry of the port decides (conn_reuse_mode=0, or the entry was not closed). It lives for two minutes after the FINs, and each SYN renews it. {} connections fail.",
        s.name(),
        pinned.fresh,
        share(facts, m.service, &m.ids)
    );
    let mut finding = Finding::cause("ipvs-reuse-to-dead-backend", title, explanation);
    finding.severity = severity(facts, &m.ids);
    let sure = pinned.fresh >= SURE;
    finding.confidence = if sure { Confidence::Certain } else { Confidence::Likely };
    if !sure {
        finding.candidates.push(Candidate {
            id: "rs-unreachable",
            tell_apart: format!(
                "then 'ipvsadm -Ln' still lists {server}, and new ports are sent there too"
            ),
        });
    }
    finding.to_confirm.push(ToConfirm {
        host: director.clone(),
        command: format!("ipvsadm -Ln -t {}; ipvsadm -Lnc | grep {server}; sysctl net.ipv4.vs.conn_reuse_mode net.ipv4.vs.expire_nodest_conn", s.name()),
        why: format!("{server} is missing in the first list and named in the second: this is it"),
    });
    finding.fixes = vec![
        Fix {
            host: director.clone(),
            command: explained(
                sysctl::set(&[("net.ipv4.vs.expire_nodest_conn", "1")]),
                "entries of a removed server go with their next packet",
            ),
            disruptive: false,
            undo: sysctl::set(&[("net.ipv4.vs.expire_nodest_conn", "0")]),
        },
        Fix {
            host: format!("{director}, kernel 5.9 or later"),
            command: explained(
                sysctl::set(&[("net.ipv4.vs.conn_reuse_mode", "1")]),
                "a SYN on a closed entry is scheduled anew",
            ),
            disruptive: false,
            undo: sysctl::set(&[("net.ipv4.vs.conn_reuse_mode", "0")]),
        },
    ];
    finding.subjects = host.map(|d| names.subject(Role::Director, d)).into_iter().collect();
    finding.subjects.push(Subject {
        role: Role::RealServer,
        address: Some(server),
        mac: None,
        port: None,
    });
    finding.addresses = vec![server];
    finding
}
