//! The director resets connections that it, or the one before it, had
//! forwarded: it has no entry for them, and the VIP is its own address.
//!
//! Told from an idle timeout by how long the connection was silent, and from a
//! real server without a socket by the host that sends the reset.

use crate::diagnose::cause::state::forgotten::{Forgotten, Keeper, forgotten};
use crate::diagnose::cause::{needs_mode, severity};
use crate::diagnose::words::{share, to_capture};
use crate::diagnose::{
    Candidate, Confidence, Detection, Facts, Finding, Fix, Names, Proof, Subject, ToConfirm,
};
use crate::flow::Hop;
use crate::topology::{HostId, Mode, Role, ServiceId};
use crate::trace::{ConnectionId, Trace};
use std::collections::BTreeMap;

pub(in crate::diagnose) const EXPLAINS: &[&str] =
    &["rst-no-socket", "connection-reset", "retransmission"];

/// Silence from which on a timeout is the better explanation, nanoseconds: no
/// balancer forgets sooner by itself, and a hand-over takes less.
const LONG_NS: i64 = 5_000_000_000;

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let mut sets: BTreeMap<(ServiceId, HostId), Vec<Lost>> = BTreeMap::new();
    for lost in lost(facts).into_iter().filter(|l| !l.is_timeout()) {
        let service = facts.topology.service_of[lost.at.id.0 as usize];
        sets.entry((service, lost.at.host)).or_default().push(lost);
    }
    let findings =
        sets.into_iter().map(|((service, host), set)| finding(facts, service, host, &set));
    Detection::from(findings.collect(), || otherwise(facts))
}

/// What it means that none was found, for this cause and for the idle timeout.
pub(in crate::diagnose) fn otherwise(trace: &Trace) -> Detection {
    needs_mode(trace, &[Mode::Nat, Mode::Dr, Mode::Tun, Mode::FullNat]).unwrap_or(Detection::Clean)
}

/// A connection for which a director had no entry.
#[derive(Debug, Clone, Copy)]
pub(in crate::diagnose) struct Lost {
    /// The reset.
    pub at: Forgotten,
    /// The director's own capture shows that it did not send the segment on.
    pub withheld: bool,
    /// It never forwarded this connection: another director did.
    pub moved: bool,
    /// How long the connection was silent before, nanoseconds.
    pub idle_ns: Option<i64>,
}

/// All of them.
pub(in crate::diagnose) fn lost(trace: &Trace) -> Vec<Lost> {
    let by_director = forgotten(trace).into_iter().filter(|f| f.keeper == Keeper::Director);
    by_director
        .filter_map(|at| {
            let passage = at.passage(trace);
            // What it sent on it had an entry for.
            if passage.is_some_and(|p| !p.is_withheld(trace, at.id)) {
                return None;
            }
            // Only of a connection seen from its SYN on can this be said.
            let whole = trace.connection(at.id).progress.syn;
            let moved = whole && passage.is_some_and(|p| p.left.is_none());
            let withheld = passage.is_some();
            Some(Lost { at, withheld, moved, idle_ns: at.idle_ns(trace) })
        })
        .collect()
}

impl Lost {
    /// Whether it was silent for so long that the entry expired.
    pub fn is_timeout(&self) -> bool {
        !self.moved && self.idle_ns.is_some_and(|ns| ns >= LONG_NS)
    }
}

/// Who forwarded the connection before, where that was another director.
fn before(trace: &Trace, id: ConnectionId, host: HostId) -> Option<HostId> {
    let route = trace.route(id);
    let mut senders = route.forwarders().filter_map(|(_, out)| out.from);
    senders.find(|from| *from != host && trace.service(id).is_director(*from))
}

fn finding(facts: &Facts, service: ServiceId, host: HostId, set: &[Lost]) -> Finding {
    let names = Names(facts);
    let s = facts.topology.service(service);
    let vip = s.vip;
    let ids: Vec<ConnectionId> = set.iter().map(|l| l.at.id).collect();
    let director = names.full(host);
    let old = ids.iter().find_map(|id| before(facts, *id, host));
    let moved = set.iter().any(|l| l.moved);
    let title = format!(
        "the director {} resets open connections: it has no entry for them",
        names.host(host)
    );
    let history = match (moved, old) {
        (true, Some(old)) => format!(
            "They were forwarded by {} before; the VIP moved and their entries did not.",
            names.full(old)
        ),
        (true, None) => {
            "Another director had forwarded them; the VIP moved and their entries did not."
                .to_owned()
        }
        (false, _) => {
            "It had forwarded them before; its table was emptied, or the entries were dropped."
                .to_owned()
        }
    };
    let explanation = format!(
        "Segments of established connections to {} reach {director}, which sends them to no real server: without an entry IPVS schedules only SYNs, so its own kernel, which has {vip}, answers them with a bare RST. {history} {} connections are cut off.",
        s.name(),
        share(facts, service, &ids)
    );
    let mut finding = Finding::cause("director-no-entry-rst", title, explanation);
    finding.severity = severity(facts, &ids);
    let shown = set.iter().find(|l| l.withheld && l.at.own).or_else(|| set.first());
    let proven = set.iter().any(|l| l.withheld && l.at.own && (l.moved || l.idle_ns.is_some()));
    finding.confidence = if proven { Confidence::Certain } else { Confidence::Likely };
    if !proven {
        finding.candidates.push(Candidate {
            id: "lb-idle-timeout",
            tell_apart: "then each of these connections was silent for as long as the director's timeout ('ipvsadm -L --timeout')".to_owned(),
        });
        if !facts.is_captured(host) {
            finding.to_confirm.push(to_capture(
                director.clone(),
                "director",
                &[vip],
                s.port,
                "shows whether the segments leave it for a real server",
            ));
        }
    }
    finding.to_confirm.push(ToConfirm {
        host: director.clone(),
        command: "ipvsadm -Lnc; ipvsadm -L --daemon; ipvsadm -L --timeout".to_owned(),
        why: "the connections are not in the table; no daemon printed: nothing is synchronised"
            .to_owned(),
    });
    finding.fixes = fixes(facts, host, old, moved);
    if let Some(shown) = shown {
        finding.proofs = proofs(facts, shown);
    }
    finding.subjects = vec![names.subject(Role::Director, host)];
    finding.subjects.extend(old.map(|old| -> Subject { names.subject(Role::Director, old) }));
    finding.addresses = vec![vip];
    finding.connections = ids;
    finding
}

/// The last packet that was sent on, the segment, the reset.
pub(in crate::diagnose) fn proofs(trace: &Trace, lost: &Lost) -> Vec<Proof> {
    let id = lost.at.id;
    let mut proofs = Vec::new();
    if let Some(old) = before(trace, id, lost.at.host).filter(|_| lost.moved) {
        proofs.extend(
            trace.legs(id).iter().filter(|leg| trace.host_of(leg) == Some(old)).find_map(|leg| {
                let sent = |hop: &Hop| trace.vantage(leg).own.sent(hop) == Some(true);
                let note = "the connection begins: another director sends it on";
                trace.proof_on(leg, trace.forward(leg), sent, note)
            }),
        );
    }
    if let Some(passage) = lost.at.passage(trace) {
        proofs.extend(passage.proof_out(trace, id, "the last packet that the director sent on"));
    }
    proofs.extend(lost.at.proofs(
        trace,
        "a segment of the established connection comes to the director",
        "the director's own bare RST; nothing was sent to a real server",
    ));
    proofs
}

fn fixes(trace: &Trace, host: HostId, old: Option<HostId>, moved: bool) -> Vec<Fix> {
    let names = Names(trace);
    if !moved {
        return vec![Fix {
            host: names.place(host),
            command: "ipvsadm-save -n > /etc/ipvsadm.rules   # and load changes with 'ipvsadm -e' and '-a'; 'ipvsadm -C' and a restart empty the table".to_owned(),
            disruptive: false,
            undo: "rm /etc/ipvsadm.rules".to_owned(),
        }];
    }
    let other = old.map_or_else(|| "the other director".to_owned(), |old| names.host(old));
    let start = |host: String, role: &str| Fix {
        host,
        command: format!(
            "ipvsadm --start-daemon {role} --mcast-interface IFACE   # keepalived: lvs_sync_daemon IFACE INSTANCE"
        ),
        disruptive: false,
        undo: format!("ipvsadm --stop-daemon {role}"),
    };
    vec![start(names.host(host), "master"), start(other, "backup")]
}
