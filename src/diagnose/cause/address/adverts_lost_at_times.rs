//! Advertisements of which some are lost: the second form of `vrrp-advert-not-received`.

use crate::diagnose::cause::severity;
use crate::diagnose::facts::address::lost_adverts::Gap;
use crate::diagnose::facts::address::vrrp;
use crate::diagnose::{Confidence, Finding, Proof};
use crate::flow::VantageId;
use crate::trace::{ConnectionId, Trace};
use crate::wire::Ip;

/// One gap.
pub(in crate::diagnose) fn lost_some(trace: &Trace, gap: &Gap) -> Finding {
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
        trace.vantages[here.index()].label,
        sent.vrid,
        trace.vantages[there.index()].label,
        vrrp::patience_ns(heard) / 1_000_000_000,
    );
    let mut finding = Finding::cause("vrrp-advert-not-received", title, explanation);
    let vips: Vec<Ip> = sent.addresses.list().to_vec();
    let failed = |id: &ConnectionId| trace.connection(*id).outcome.failed();
    let mut ids = super::to_vips(trace, &vips);
    ids.retain(failed);
    finding.severity = severity(trace, &ids);
    // A capture elsewhere than on the one that took over may lose frames by itself.
    let own = vrrp::is_own(trace, *there, &gap.other);
    finding.confidence = if own { Confidence::Certain } else { Confidence::Likely };
    finding.confirm(format!("{to}, and the switches between"), "ip -s link; ethtool -S IFACE | grep -iE 'drop|miss|err|multi'; ip maddr show | grep 224.0.0.18", "a counter that grows: the card or its driver loses frames, often multicast alone");
    finding.fix_disruptive(format!("{from} and {to}"), format!("# in the vrrp_instance of keepalived.conf, and the same with the addresses exchanged on the other, or another interface for VRRP:\nunicast_src_ip {from}\nunicast_peer {{\n    {to}\n}}"), "Delete the lines and reload keepalived.");
    let proof = |v: &VantageId, mark, note: String| Proof::on(*v, mark, note);
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
