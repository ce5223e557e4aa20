//! Advertisements of one master leave it and do not reach the other, so that both are
//! master: the reason under a `vrrp-split-brain`, and the network's.
//!
//! Two captures prove it, one on each: what one sends is not in the other's, which has
//! its own, so its filter passes VRRP. tcpdump sees what arrives before any firewall
//! of the host, so what is not there did not arrive. The same is proven of a few that are
//! lost, where the other takes over in the gap, whether connections suffer or not.

use crate::diagnose::cause::severity;
use crate::diagnose::facts::vrrp;
use crate::diagnose::thresholds::VRRP_ADVERT_NOT_RECEIVED_MIN_SENT;
use crate::diagnose::words::list;
use crate::diagnose::{Confidence, Detection, Facts, Finding, Proof};
use crate::flow::{Mark, VrrpSpeaker};
use crate::trace::{At, ConnectionId, Trace};
use crate::wire::Ip;

pub(in crate::diagnose) const EXPLAINS: &[&str] = &["vrrp-split-brain", "vip-arp-conflict"];

/// Speakers that are compared; a hostile capture holds more.
const MAX_SPEAKERS: usize = 32;

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let own: Vec<(usize, VrrpSpeaker)> = facts
        .vantages
        .iter()
        .enumerate()
        .flat_map(|(v, seen)| seen.vrrp.iter().map(move |s| (v, *s)))
        .filter(|(v, s)| {
            vrrp::is_own(facts, *v, s)
                && s.count >= VRRP_ADVERT_NOT_RECEIVED_MIN_SENT
                && s.priority.0 > 0
        })
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
    findings.extend(gaps(facts).iter().map(|gap| lost_some(facts, gap)));
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
        finding.confirm(
            format!("{}, and the switches between", to.1.src),
            format!(
                "tcpdump -ni any -c 5 'ip proto 112 and src {}'; ip maddr show | grep 224.0.0.18",
                from.1.src
            ),
            "nothing arrives: IGMP snooping, a VLAN or a cloud without multicast drops it"
                .to_owned(),
        );
        finding.fix_disruptive(from.1.src.to_string(), format!("# in the vrrp_instance of keepalived.conf, and the same with the addresses exchanged on {}:\nunicast_src_ip {}\nunicast_peer {{\n    {}\n}}", to.1.src, from.1.src, to.1.src), "Delete the lines and reload keepalived.");
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

/// Advertisements of a master that one capture shows and another does not, where another
/// speaker took over in between.
struct Gap {
    /// The master, where it is heard all along.
    sent: (usize, VrrpSpeaker),
    /// The same, where it is not.
    heard: (usize, VrrpSpeaker),
    /// The other, as the second capture has it.
    other: VrrpSpeaker,
    /// Its advertisement with which it took over, there.
    takes_over: Mark,
}

fn gaps(trace: &Trace) -> Vec<Gap> {
    let speakers = |v: usize| trace.vantages[v].vrrp.iter().take(MAX_SPEAKERS);
    let all = || (0..trace.vantages.len()).flat_map(|v| speakers(v).map(move |s| (v, s)));
    let mut gaps: Vec<Gap> = Vec::new();
    for (there, heard) in all().filter(|(_, s)| s.silence_ns() > vrrp::patience_ns(s)) {
        let found = speakers(there).find_map(|o| {
            let takes_over = began_within(o, heard.silence)?;
            let rival = o.vrid == heard.vrid && o.src != heard.src && shares_address(o, heard);
            let (here, sent) = all().find(|(v, s)| {
                *v != there
                    && (s.vrid, s.src) == (heard.vrid, heard.src)
                    && goes_on(trace, *v, s, o)
            })?;
            let (sent, heard) = ((here, *sent), (there, *heard));
            rival.then_some(Gap { sent, heard, other: *o, takes_over })
        });
        let known = |gap: &Gap| {
            gaps.iter().any(|g| (g.sent.1.vrid, g.sent.1.src) == (gap.sent.1.vrid, gap.sent.1.src))
        };
        let found = found.filter(|gap| !known(gap));
        gaps.extend(found);
    }
    gaps
}

/// The advertisement with which a speaker began, or began again, between two others.
fn began_within(s: &VrrpSpeaker, (from, to): (Mark, Mark)) -> Option<Mark> {
    let within = |m: &Mark| m.is_set() && from.frame() < m.frame() && m.frame() < to.frame();
    [s.first, s.silence.1].into_iter().find(within)
}

/// Whether a capture that hears both has the master advertise without a pause, long before
/// the other took over, and after. No clock of another capture is asked.
fn goes_on(trace: &Trace, v: usize, master: &VrrpSpeaker, other: &VrrpSpeaker) -> bool {
    let here = trace.vantages[v].vrrp.iter().find(|s| (s.vrid, s.src) == (other.vrid, other.src));
    master.silence_ns() <= 2 * master.interval_ns()
        && here.and_then(|s| began_within(s, (master.first, master.last))).is_some_and(|began| {
            began.since(master.first) > vrrp::patience_ns(master)
                && master.last.since(began) > master.interval_ns()
        })
}

fn lost_some(trace: &Trace, gap: &Gap) -> Finding {
    let (here, sent) = &gap.sent;
    let (there, heard) = &gap.heard;
    let (from, to) = (sent.src, gap.other.src);
    let seconds = heard.silence_ns() as f64 / 1e9;
    let title = format!(
        "advertisements of virtual router {} from {from} are lost on the way to {to}",
        sent.vrid
    );
    let explanation = format!(
        "By the capture {} {from} advertises virtual router {} without a pause; the capture {} has none of that for {seconds:.1} s, and {to} took over meanwhile, as a backup must that hears nothing for more than {} s. {from} was master all the while. tcpdump sees what arrives before any firewall of its host: the network lost them, or a network card.",
        trace.vantages[*here].label,
        sent.vrid,
        trace.vantages[*there].label,
        vrrp::patience_ns(heard) / 1_000_000_000,
    );
    let mut finding = Finding::cause("vrrp-advert-not-received", title, explanation);
    let vips: Vec<Ip> = sent.addresses.list().to_vec();
    let failed = |id: &ConnectionId| trace.connection(*id).outcome.failed();
    let to_vip = trace.requests().filter(|(id, _)| vips.contains(&trace.service(*id).vip));
    let ids: Vec<ConnectionId> = to_vip.map(|(id, _)| id).filter(failed).collect();
    finding.severity = severity(trace, &ids);
    // A capture elsewhere than on the one that took over may lose frames by itself.
    let own = vrrp::is_own(trace, *there, &gap.other);
    finding.confidence = if own { Confidence::Certain } else { Confidence::Likely };
    finding.confirm(format!("{to}, and the switches between"), "ip -s link; ethtool -S IFACE | grep -iE 'drop|miss|err|multi'; ip maddr show | grep 224.0.0.18", "a counter that grows: the card or its driver loses frames, often multicast alone");
    finding.fix_disruptive(format!("{from} and {to}"), format!("# in the vrrp_instance of keepalived.conf, and the same with the addresses exchanged on the other, or another interface for VRRP:\nunicast_src_ip {from}\nunicast_peer {{\n    {to}\n}}"), "Delete the lines and reload keepalived.");
    let proof = |v: &usize, mark, note: String| Proof { at: At { vantage: *v, mark }, note };
    finding.proofs = vec![
        proof(there, heard.silence.0, format!("the last of {from} before the gap")),
        proof(there, gap.takes_over, format!("{to} takes over")),
        proof(there, heard.silence.1, format!("the next of {from} that arrives")),
        proof(here, sent.first, format!("{from} advertises")),
        proof(here, sent.last, format!("and goes on, with {} in all", sent.count)),
    ];
    finding.subjects = vec![vrrp::subject(trace, &gap.other), vrrp::subject(trace, sent)];
    finding.addresses = vips;
    finding.connections = ids;
    finding
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
