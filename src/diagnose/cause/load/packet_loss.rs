//! Frames disappear between two captured hosts.
//!
//! The facts are [`crate::loss`]'s: bytes that left one host more often than they arrived
//! at the next. A few are nothing unusual; here it is their share that counts. Openings have
//! no bytes: [`crate::diagnose::facts::silence::lost_openings`] counts their transmissions.

use super::openings_lost::openings;
use crate::diagnose::decide::size::{WhyLost, why_lost};
use crate::diagnose::facts::size::grown_packets::too_long;
use crate::diagnose::facts::size::size_losses::is_by_size;
use crate::diagnose::facts::way::half_paths::half;
use crate::diagnose::thresholds::{NO_COINCIDENCE, PACKET_LOSS_ONE_IN};
use crate::diagnose::words::{self, in_roles, list};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Names, Proof, Severity};
use crate::topology::ServiceId;
use crate::trace::loss::Stretch;
use crate::trace::{At, ConnectionId, Trace};
use std::collections::BTreeMap;

pub(in crate::diagnose) const EXPLAINS: &[&str] = &["retransmission"];

/// What one stretch lost of one service.
#[derive(Default)]
struct Loss {
    lost: usize,
    frames: u64,
    ids: Vec<ConnectionId>,
    shown: Option<(At, At)>,
}

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let losses = facts.losses();
    let mut sets: BTreeMap<(ServiceId, Stretch), Loss> = losses
        .watched()
        .map(|(service, stretch, frames)| ((service, stretch), Loss { frames, ..Loss::default() }))
        .collect();
    let compared = !sets.is_empty();
    // What a firewall on the way drops of half a conversation is its own cause, and so
    // are packets that a director made too long.
    let lost = |id| why_lost(half(facts, id).is_some(), too_long(facts, id).is_some());
    // What is lost for its size is no chance.
    let chance = |id: ConnectionId| !is_by_size(facts, id) && lost(id) == WhyLost::Link;
    for (id, lost) in losses.iter().filter(|(id, _)| chance(*id)) {
        let service = facts.service_of(id);
        let loss = sets.entry((service, lost.stretch)).or_default();
        loss.lost += lost.again.len();
        loss.ids.push(id);
        loss.shown = loss.shown.or(lost.again.first().map(|again| (lost.first, *again)));
    }
    let holed = |to, lost: usize| losses.is_holed(facts, to, lost as u64);
    sets.retain(|(_, stretch), loss| {
        !holed(stretch.to, loss.lost)
            && loss.lost >= NO_COINCIDENCE
            && loss.lost as u64 * PACKET_LOSS_ONE_IN >= loss.frames
    });
    let mut findings: Vec<Finding> =
        sets.iter().map(|(of, loss)| finding(facts, *of, loss)).collect();
    // A stretch that loses bytes loses openings too: it is told once.
    let told = |service, from, to| {
        let mut known = sets.keys();
        known.any(|(s, stretch)| *s == service && (stretch.from, stretch.to) == (from, to))
    };
    for (of, lost) in facts.lost_openings() {
        let link = lost.ids.iter().all(|id| chance(*id));
        let enough = lost.lost as usize >= NO_COINCIDENCE && !holed(of.2, lost.lost as usize);
        if link && enough && !told(of.0, of.1, of.2) {
            findings.push(openings(facts, *of, lost));
        }
    }
    Detection::from(findings, || {
        Detection::clean_if(
            compared,
            "no two hosts of one path were captured; capture on both sides of the suspected link at once",
        )
    })
}

fn finding(facts: &Facts, (service, stretch): (ServiceId, Stretch), loss: &Loss) -> Finding {
    let Stretch { from, to, forward } = stretch;
    let trace: &Trace = facts;
    let names = Names(trace);
    let s = trace.topology.service(service);
    let (a, b) = (names.host(from), names.host(to));
    let lost = loss.lost as u64 * 1000 + loss.frames / 2;
    let per_mille = lost.checked_div(loss.frames).unwrap_or(0);
    let share = format!("{}.{} %", per_mille / 10, per_mille % 10);
    let direction = if forward { "client to server" } else { "server to client" };
    let title = format!("packets are lost between {a} and {b} ({share})");
    let explanation = format!(
        "Of {} frames of {} that left {a} for {b} ({direction}), {} or more never arrived: the same bytes left again, and {b} saw them once. The captures at both ends are without holes, so what lies between them lost them: a cable, a switch, a queue, a network card, a host on the way. Each loss costs a retransmission, 200 ms and more where no later packet tells of it.",
        loss.frames,
        s.name(),
        loss.lost
    );
    let mut finding = Finding::cause("packet-loss", title, explanation);
    let failed = loss.ids.iter().any(|id| trace.connection(*id).outcome.failed());
    finding.severity = if failed { Severity::Critical } else { Severity::Warning };
    finding.confidence = Confidence::Certain;
    let hosts = list(&[a.clone(), b.clone()]);
    finding.confirm(hosts.clone(), "ip -s -s link show; tc -s qdisc show; ethtool -S IFACE | grep -iE 'err|drop|crc|miss'", "a counter that grows with the losses names the place; if none does, ask the switch between them");
    finding.confirm(
        "either, for its own interface",
        "ethtool IFACE; ethtool -g IFACE",
        "speed and duplex must be the same at both ends of the cable, the ring not the smallest",
    );
    if let Some((first, again)) = loss.shown {
        finding.proofs = vec![
            Proof::at(first, format!("the first frame of the connection that leaves {a} for {b}")),
            Proof::at(again, format!("bytes leave {a} again; {b} saw them once only")),
        ];
    }
    // The real server of the two first: it names the link.
    let mut ends = [from, to];
    ends.sort_by_key(|h| s.is_director(*h) || !s.real_servers.iter().any(|r| r.host == Some(*h)));
    if let Some(r) = s.real_servers.iter().find(|r| r.host == Some(ends[0])) {
        let until = "until the link is mended";
        finding.fixes = words::rest(facts, service, &ends[..1], r.port, until);
    }
    finding.concerning(in_roles(trace, s, &ends), loss.ids.clone())
}
