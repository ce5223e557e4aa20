//! Advertisements of one master leave it and do not reach the other, so that both are
//! master: the reason under a `vrrp-split-brain`, and the network's.
//!
//! Two captures prove it, one on each: what one sends is not in the other's, which has
//! its own, so its filter passes VRRP. tcpdump sees what arrives before any firewall
//! of the host, so what is not there did not arrive. The same is proven of a few that are
//! lost, where the other takes over in the gap, whether connections suffer or not.

use super::adverts_lost_at_times::lost_some;
use crate::diagnose::cause::severity;
use crate::diagnose::facts::address::lost_adverts::{
    MAX_SPEAKERS, gaps, hears, overlap_ns, shares_address,
};
use crate::diagnose::facts::address::vrrp;
use crate::diagnose::thresholds::VRRP_ADVERT_NOT_RECEIVED_MIN_SENT;
use crate::diagnose::words::list;
use crate::diagnose::{Confidence, Detection, Facts, Finding, Proof};
use crate::flow::{VantageId, VrrpSpeaker};
use crate::trace::Trace;
use crate::wire::Ip;

pub(in crate::diagnose) const EXPLAINS: &[&str] = &["vrrp-split-brain", "vip-arp-conflict"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let own: Vec<(VantageId, VrrpSpeaker)> = VantageId::each(&facts.vantages)
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
        Detection::clean_if(
            own.len() >= 2,
            "advertisements were not captured on two masters at once; capture 'vrrp or arp' on each director",
        )
    })
}

fn finding(
    trace: &Trace,
    a: &(VantageId, VrrpSpeaker),
    b: &(VantageId, VrrpSpeaker),
) -> Option<Finding> {
    // (who sends, who does not get it)
    let mut lost: Vec<[&(VantageId, VrrpSpeaker); 2]> =
        [[a, b], [b, a]].into_iter().filter(|[from, to]| !hears(trace, to.0, &from.1)).collect();
    let overlap = overlap_ns(trace, a, b);
    if lost.is_empty() || overlap <= vrrp::patience_ns(&a.1).max(vrrp::patience_ns(&b.1)) {
        return None;
    }
    lost.sort_by_key(|[from, _]| from.1.src);
    let vips: Vec<Ip> = a.1.addresses.list().to_vec();
    let ids = super::to_vips(trace, &vips);
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
            "nothing arrives: IGMP snooping, a VLAN or a cloud without multicast drops it",
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
            finding.proofs.push(Proof::on(place, mark, note));
        }
    }
    finding.subjects = vec![vrrp::subject(trace, &to.1), vrrp::subject(trace, &from.1)];
    finding.addresses = vips;
    finding.connections = ids;
    Some(finding)
}
