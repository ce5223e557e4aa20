//! Two VRRP clusters on one link with one virtual router identifier.
//!
//! Told from `vrrp-split-brain` by what they advertise: masters of one cluster have
//! the same addresses, these have none in common. The identifier is one of its link
//! (RFC 5798, section 5.2.3): on two links it is no collision, so one vantage must
//! hear both, in one VLAN and on one interface.

use crate::diagnose::cause::severity;
use crate::diagnose::facts::address::strange_clusters::{Strangers, addresses, all};
use crate::diagnose::facts::address::vrrp;
use crate::diagnose::words::list_of;
use crate::diagnose::{Confidence, Detection, Facts, Finding, Fix, Proof};
use crate::flow::VrrpSpeaker;
use crate::trace::Trace;
use crate::wire::Ip;

pub(in crate::diagnose) const EXPLAINS: &[&str] =
    &["vip-arp-conflict", "vrrp-split-brain", "syn-unanswered"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let findings = all(facts).iter().map(|pair| finding(facts, pair)).collect();
    Detection::from(findings, || super::vrrp_or_blind(facts))
}

fn finding(trace: &Trace, pair: &Strangers) -> Finding {
    let (a, b) = (&pair.a, &pair.b);
    let texts = |s: &VrrpSpeaker| list_of(addresses(s));
    let vips: Vec<Ip> = addresses(a).into_iter().chain(addresses(b)).collect();
    let ids = super::to_vips(trace, &vips);
    let title = format!("two clusters use virtual router {} on one link", a.vrid);
    let explanation = format!(
        "{} advertises virtual router {} with {}, and {} the same one with {}: they are two clusters, and have no address in common. Each takes the other's advertisements for its own cluster's: it discards them with an error at each, or steps back for a priority that is not its master's, and its addresses are then nobody's.",
        a.src,
        a.vrid,
        texts(a),
        b.src,
        texts(b)
    );
    let mut finding = Finding::cause("vrid-collision", title, explanation);
    finding.severity = severity(trace, &ids);
    // A mirror may show several links as one, its VLAN tags stripped.
    if trace.vantages[pair.vantage.index()].own.macs.is_empty() {
        finding.confidence = Confidence::Likely;
        finding.candidate(
            "vlan-mismatch",
            "then they are on different links, which the mirror shows as one: harmless",
        );
    }
    for (speaker, other) in [(a, b), (b, a)] {
        finding.proofs.push(Proof::on(
            pair.vantage,
            speaker.first,
            format!(
                "{} advertises virtual router {} with {}",
                speaker.src,
                speaker.vrid,
                texts(speaker)
            ),
        ));
        finding.confirm(
            speaker.src.to_string(),
            format!(
                "journalctl -u keepalived | grep -i -e bogus -e 'not present' -e {}",
                other.src
            ),
            "complaints about advertisements with other addresses",
        );
    }
    finding.proofs.sort_by_key(|p| p.at.mark.frame());
    // Names no number: which ones are free on the link the captures cannot know.
    finding.fixes = vec![Fix::disruptive(
        format!("all directors of one of the clusters, such as {}", b.src),
        format!(
            "tcpdump -ni IFACE -c 20 vrrp   # the identifiers that are in use; not {}\nFREE=   # write one here that nobody uses, 1 to 255\n[ \"$FREE\" ] && sed -i.before -E \"s/(virtual_router_id +){}\\b/\\1$FREE/\" /etc/keepalived/keepalived.conf && systemctl reload keepalived",
            b.vrid, b.vrid
        ),
        "mv /etc/keepalived/keepalived.conf.before /etc/keepalived/keepalived.conf && systemctl reload keepalived",
    )];
    finding.subjects = vec![vrrp::subject(trace, a), vrrp::subject(trace, b)];
    finding.addresses = vips;
    finding.connections = ids;
    finding
}
