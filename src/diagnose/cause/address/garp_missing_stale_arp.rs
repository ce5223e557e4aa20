//! The VIP has moved by VRRP, and neighbours still send to the director that had
//! it: the new one did not announce itself, or they did not heed it.
//!
//! What proves it is a packet for the VIP to the old director's MAC after the new
//! one became master, both in one capture, so that no clock is compared. A capture
//! without destination MACs shows less: no announcement where one would be heard,
//! and SYNs that go out in vain. Virtual MACs move with the VIP and leave nothing
//! stale.
//!
//! A master that was frozen and goes on does not know that another announced the VIP
//! meanwhile, and announces nothing: then the old director is the one that stood in.

use crate::diagnose::cause::severity;
use crate::diagnose::facts::address::moved_vips::{Move, Stale, moved, stale, vips};
use crate::diagnose::facts::address::vrrp;
use crate::diagnose::words::count;
use crate::diagnose::{Confidence, Detection, Facts, Finding, Names, Proof, Subject};
use crate::flow::VantageId;
use crate::topology::Role;
use crate::trace::Trace;
use crate::wire::Ip;

pub(in crate::diagnose) const EXPLAINS: &[&str] =
    &["syn-unanswered", "director-no-entry-rst", "rst-no-socket", "arp-unanswered"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let mut findings: Vec<Finding> = Vec::new();
    for vip in vips(facts) {
        let moves: Vec<Move> =
            VantageId::all(&facts.vantages).filter_map(|v| moved(facts, v, vip)).collect();
        let stale = moves.iter().find_map(|m| stale(facts, m, true));
        findings.extend(
            stale
                .or_else(|| moves.iter().find_map(|m| self::stale(facts, m, false)))
                .map(|s| finding(facts, &s)),
        );
    }
    let told: Vec<Ip> = findings.iter().flat_map(|f| f.addresses.iter().copied()).collect();
    findings.extend(super::stale_arp_here::findings(facts, &told));
    Detection::from(findings, || {
        Detection::clean_if(
            facts.vantages.iter().any(|v| !v.vrrp.is_empty()),
            "no VRRP was captured; where the VIP moves by VRRP, capture 'vrrp or arp' on its link, with its traffic",
        )
    })
}

fn finding(trace: &Trace, stale: &Stale<'_>) -> Finding {
    let Move { vip, old, old_mac, new, new_mac, since, again, .. } = stale.moved;
    let proven = stale.shown.as_ref().is_some_and(|p| p.note.ends_with(&old_mac.to_string()));
    let who = match stale.announced {
        Some(_) => "which announced it, and neighbours did not heed it",
        None => {
            "and no announcement of it (gratuitous ARP, unsolicited neighbour advertisement) was heard"
        }
    };
    let goes = if proven {
        format!("packets for it still go to {old_mac}")
    } else {
        "SYNs for it stay without an answer".to_owned()
    };
    let title = format!("neighbours of {vip} still send to {}, which is master no more", old.src);
    let changed = if *again {
        format!(
            "{} was silent for {} s, long enough that {} took over {vip} of virtual router {}; then {} ({new_mac}) went on as master",
            new.src,
            new.silence_ns() / 1_000_000_000,
            old.src,
            old.vrid,
            new.src,
        )
    } else {
        format!(
            "{} was master of virtual router {} and fell silent; {} ({new_mac}) took over {vip}",
            old.src, old.vrid, new.src,
        )
    };
    let explanation = format!(
        "{changed}, {who}: {goes}. {} failed {}.",
        count(stale.ids.len(), "connection"),
        if proven { "whose last packets went there" } else { "whose last packets came later" },
    );
    let mut finding = Finding::cause("garp-missing-stale-arp", title, explanation);
    finding.severity = severity(trace, &stale.ids);
    if !proven {
        finding.confidence = Confidence::Likely;
        finding.candidate(
            "rs-silent",
            format!(
                "then {} does get the SYNs and forwards them: its own capture shows it",
                new.src
            ),
        );
    }
    finding.confirm(
        "the router of the VIP's link",
        format!("ip neigh show {vip}"),
        format!("{old_mac} is the old director, {new_mac} the new one"),
    );
    finding.fixes = super::garp_fixes(*vip, &new.src.to_string());
    let v = stale.moved.vantage;
    let proof = |mark, note: String| Proof::on(v, mark, note);
    finding.proofs.push(proof(old.last, format!("the last advertisement of {}", old.src)));
    finding.proofs.push(proof(*since, format!("{} is master", new.src)));
    finding.proofs.extend(
        stale.announced.map(|at| Proof::at(at, format!("it announces {vip} at {new_mac}"))),
    );
    finding.proofs.extend(stale.shown.clone());
    finding.subjects = vec![vrrp::subject(trace, new), vrrp::subject(trace, old)];
    finding.subjects.extend(next_hops(trace, stale));
    finding.addresses = vec![*vip];
    finding.connections.clone_from(&stale.ids);
    finding
}

/// Who sends to the old MAC.
fn next_hops(trace: &Trace, stale: &Stale<'_>) -> Option<Subject> {
    let old = stale.moved.old_mac;
    let from = stale.ids.iter().find_map(|id| {
        let legs = trace.legs(*id).iter();
        legs.flat_map(|leg| trace.path(leg, trace.forward(leg)))
            .find(|(_, hop)| hop.link.dst == Some(old))
            .and_then(|(_, hop)| trace.host_by_mac(hop.link.src))
    })?;
    Some(Names(trace).subject(Role::Router, from))
}
