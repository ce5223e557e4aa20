//! Advertisements of one master leave it and do not reach the other, so that both are
//! master: the reason under a `vrrp-split-brain`, and the network's.
//!
//! Two captures prove it, one on each: what one sends is not in the other's, which has
//! its own, so its filter passes VRRP. tcpdump sees what arrives before any firewall
//! of the host, so what is not there did not arrive.

use crate::diagnose::cause::address::vrrp;
use crate::diagnose::cause::severity;
use crate::diagnose::words::list;
use crate::diagnose::{Confidence, Detection, Facts, Finding, Fix, Proof, ToConfirm};
use crate::flow::VrrpSpeaker;
use crate::trace::{At, ConnectionId, Trace};
use crate::wire::Ip;

pub(in crate::diagnose) const EXPLAINS: &[&str] = &["vrrp-split-brain", "vip-arp-conflict"];

/// Advertisements of each that a capture on it must show.
const MIN_SENT: u32 = 4;

/// Speakers that are compared; a hostile capture holds more.
const MAX_SPEAKERS: usize = 32;

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let own: Vec<(usize, VrrpSpeaker)> = facts
        .vantages
        .iter()
        .enumerate()
        .flat_map(|(v, seen)| seen.vrrp.iter().map(move |s| (v, *s)))
        .filter(|(v, s)| vrrp::is_own(facts, *v, s) && s.count >= MIN_SENT && s.priority.0 > 0)
        .take(MAX_SPEAKERS)
        .collect();
    let mut findings = Vec::new();
    for (i, a) in own.iter().enumerate() {
        for b in &own[i + 1..] {
            let same = a.1.vrid == b.1.vrid && a.1.src != b.1.src && a.0 != b.0;
            if same && !vrrp::are_strangers(&a.1, &b.1) && shares_address(&a.1, &b.1) {
                findings.extend(finding(facts, a, b));
            }
        }
    }
    Detection::from(findings, || {
        if own.len() < 2 {
            return Detection::Unchecked(
                "advertisements were not captured on two masters at once; capture 'vrrp or arp' on each director".to_owned(),
            );
        }
        Detection::Clean
    })
}

/// Two masters of one address are one cluster, also on captures that share no link.
fn shares_address(a: &VrrpSpeaker, b: &VrrpSpeaker) -> bool {
    a.addresses.list().iter().any(|ip| b.addresses.list().contains(ip))
}

/// Whether a vantage hears a speaker.
fn hears(trace: &Trace, vantage: usize, s: &VrrpSpeaker) -> bool {
    let heard = &trace.vantages[vantage].vrrp;
    heard.iter().any(|h| (h.vrid, h.src) == (s.vrid, s.src))
}

fn finding(trace: &Trace, a: &(usize, VrrpSpeaker), b: &(usize, VrrpSpeaker)) -> Option<Finding> {
    // (who sends, who does not get it)
    let mut lost: Vec<[&(usize, VrrpSpeaker); 2]> =
        [[a, b], [b, a]].into_iter().filter(|[from, to]| !hears(trace, to.0, &from.1)).collect();
    let overlap = overlap_ns(trace, a, b);
    if lost.is_empty() || overlap <= vrrp::patience_ns(&a.1).max(vrrp::patience_ns(&b.1)) {
        return None;
    }
    lost.sort_by_key(|[from, _]| from.1.src);
    let vips: Vec<Ip> = a.1.addresses.list().to_vec();
    let ids: Vec<ConnectionId> = trace
        .requests()
        .filter(|(id, _)| vips.contains(&trace.service(*id).vip))
        .map(|(id, _)| id)
        .collect();
    let ways: Vec<String> =
        lost.iter().map(|[from, to]| format!("from {} to {}", from.1.src, to.1.src)).collect();
    let title = format!("advertisements of virtual router {} do not get {}", a.1.vrid, list(&ways));
    let [from, to] = lost[0];
    let one_way = if lost.len() == 1 {
        format!(" The other way they do: {} heeds only a higher priority than its own.", from.1.src)
    } else {
        String::new()
    };
    let explanation = format!(
        "{} advertises virtual router {} by its own capture, and the capture on {}, which shows its own advertisements, has none of them: the network between loses them. After {} s without one {} took itself for master as well.{one_way}",
        from.1.src,
        a.1.vrid,
        to.1.src,
        vrrp::patience_ns(&to.1) / 1_000_000_000 + 1,
        to.1.src,
    );
    let mut finding = Finding::cause("vrrp-advert-not-received", title, explanation);
    finding.severity = severity(trace, &ids);
    // Frames that one capture and the other's lack were at one time for sure; without
    // any the clocks have to be believed.
    finding.confidence = if lost.len() == 1 { Confidence::Certain } else { Confidence::Likely };
    for [from, to] in &lost {
        finding.to_confirm.push(ToConfirm {
            host: format!("{}, and the switches between", to.1.src),
            command: format!(
                "tcpdump -ni any -c 5 'ip proto 112 and src {}'; ip maddr show | grep 224.0.0.18",
                from.1.src
            ),
            why: "nothing arrives: IGMP snooping, a VLAN or a cloud without multicast drops it"
                .to_owned(),
        });
        finding.fixes.push(Fix {
            host: from.1.src.to_string(),
            command: format!("# in the vrrp_instance of keepalived.conf, and the same with the addresses exchanged on {}:\nunicast_src_ip {}\nunicast_peer {{\n    {}\n}}", to.1.src, from.1.src, to.1.src),
            disruptive: true,
            undo: "Delete the lines and reload keepalived.".to_owned(),
        });
        for (place, mark, note) in [
            (from.0, from.1.first, format!("{} advertises, by its own capture", from.1.src)),
            (
                to.0,
                to.1.first,
                format!("{} advertises; of {} its capture has nothing", to.1.src, from.1.src),
            ),
        ] {
            finding.proofs.push(Proof { at: At { vantage: place, mark }, note });
        }
    }
    finding.subjects = vec![vrrp::subject(trace, &to.1), vrrp::subject(trace, &from.1)];
    finding.addresses = vips;
    finding.connections = ids;
    Some(finding)
}

/// How long both advertised, nanoseconds: by one capture that hears both, else by the
/// clocks.
fn overlap_ns(trace: &Trace, a: &(usize, VrrpSpeaker), b: &(usize, VrrpSpeaker)) -> i64 {
    for (at, other) in [(a, b), (b, a)] {
        let heard = trace.vantages[at.0].vrrp.iter();
        if let Some(h) = heard.clone().find(|h| (h.vrid, h.src) == (other.1.vrid, other.1.src)) {
            let begin = at.1.first.at().0.max(h.first.at().0);
            return at.1.last.at().0.min(h.last.at().0) - begin;
        }
    }
    let time = |of: &(usize, VrrpSpeaker), mark| trace.time(At { vantage: of.0, mark }).0;
    time(a, a.1.last).min(time(b, b.1.last)) - time(a, a.1.first).max(time(b, b.1.first))
}
