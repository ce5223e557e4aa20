//! The director resets connections that it, or the one before it, had
//! forwarded: it has no entry for them, and the VIP is its own address.
//!
//! Told from an idle timeout by how long the connection was silent, and from a
//! real server without a socket by the host that sends the reset.

use crate::diagnose::cause::severity;
use crate::diagnose::decide::reset::WhyReset;
use crate::diagnose::facts::state::lost_entries::{before, proofs};
use crate::diagnose::facts::state::resets::{Forgotten, by_host};
use crate::diagnose::words::{share, to_capture};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Fix, Names, Subject};
use crate::topology::{HostId, Role, ServiceId};
use crate::trace::{ConnectionId, Trace};

pub(in crate::diagnose) const EXPLAINS: &[&str] =
    &["rst-no-socket", "connection-reset", "retransmission"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let own = facts.resets().iter().filter(|one| one.why() == WhyReset::NoEntry);
    let known = by_host(facts, own)
        .into_iter()
        .map(|((service, host), set)| finding(facts, service, host, &set));
    let findings = known.chain(super::moved_reset::findings(facts)).collect();
    Detection::from(findings, || super::no_entries(facts))
}

fn finding(facts: &Facts, service: ServiceId, host: HostId, set: &[Forgotten]) -> Finding {
    let names = Names(facts);
    let s = facts.topology.service(service);
    let vip = s.vip;
    let ids: Vec<ConnectionId> = set.iter().map(|l| l.id).collect();
    let director = names.full(host);
    let old = ids.iter().find_map(|id| before(facts, *id, host));
    let moved = set.iter().any(|l| l.signs.moved);
    // What it forwarded before shows where the connection is seen from its SYN on.
    let begun = ids.iter().any(|id| facts.connection(*id).progress.syn);
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
        (false, _) if !begun => {
            "Where they began is not in the captures: it had an entry and lost it, or another director forwarded them before, as where several share the address (ECMP) and a route changed, or where one took over without the other's entries."
                .to_owned()
        }
        (false, _) => {
            "It had forwarded them before; its table was emptied, or the entries were dropped."
                .to_owned()
        }
    };
    let explanation = format!(
        "Segments of established connections to {} reach {director}, which sends them to no real server: without an entry IPVS schedules only SYNs, so its own kernel, which has {vip}, answers them with a bare RST. {history} {} cut off.",
        s.name(),
        share(facts, service, &ids, "are")
    );
    let mut finding = Finding::cause("director-no-entry-rst", title, explanation);
    finding.severity = severity(facts, &ids);
    let shown = set.iter().find(|l| l.is_withheld() && l.own).or_else(|| set.first());
    let proven = set
        .iter()
        .any(|l| l.is_withheld() && l.own && (l.signs.moved || l.signs.idle_ns.is_some()));
    finding.confidence = if proven { Confidence::Certain } else { Confidence::Likely };
    if !proven {
        finding.candidate("lb-idle-timeout", "then each of these connections was silent for as long as the director's timeout ('ipvsadm -L --timeout')");
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
    finding.confirm(
        director.clone(),
        "ipvsadm -Lnc; ipvsadm -L --daemon; ipvsadm -L --timeout",
        "the connections are not in the table; no daemon printed: nothing is synchronised",
    );
    if !begun {
        finding.candidate("ecmp-rehash-wrong-server", "then several directors share the address, and their number or a route changed at that time: they need one another's entries, or the same table of servers by hash");
    }
    if begun || moved {
        finding.fixes = fixes(facts, host, old, moved);
    }
    if let Some(shown) = shown {
        finding.proofs = proofs(facts, shown);
    }
    finding.subjects = vec![names.subject(Role::Director, host)];
    finding.subjects.extend(old.map(|old| -> Subject { names.subject(Role::Director, old) }));
    finding.addresses = vec![vip];
    finding.connections = ids;
    finding
}

fn fixes(trace: &Trace, host: HostId, old: Option<HostId>, moved: bool) -> Vec<Fix> {
    let names = Names(trace);
    if !moved {
        return vec![Fix::safe(
            names.place(host),
            "ipvsadm-save -n > /etc/ipvsadm.rules   # and load changes with 'ipvsadm -e' and '-a': what clears the table, a restart too, ends all connections",
            "rm /etc/ipvsadm.rules",
        )];
    }
    let other = old.map_or_else(|| "the other director".to_owned(), |old| names.host(old));
    let start = |host: String, role: &str| {
        Fix::safe(
            host,
            format!(
                "ipvsadm --start-daemon {role} --mcast-interface IFACE   # keepalived: lvs_sync_daemon IFACE INSTANCE"
            ),
            format!("ipvsadm --stop-daemon {role}"),
        )
    };
    vec![start(names.host(host), "master"), start(other, "backup")]
}
