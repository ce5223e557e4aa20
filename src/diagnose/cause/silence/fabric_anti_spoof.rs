//! A virtual switch or cloud drops a real server's answers, since their source, the
//! VIP, is not the machine's own address.
//!
//! The real server's capture shows the SYN-ACK leave for its next hop again and again.
//! That next hop's own capture shows none of them, while other frames of the real
//! server do arrive there: between the two is only the fabric. Without that capture it
//! is likely at most, where the VIP is at home on the link, so that no router has a
//! reason to drop it, and the client's capture shows nothing.

use crate::diagnose::cause::{needs_mode, severity};
use crate::diagnose::decide::way::WhyLost;
use crate::diagnose::facts::telling;
use crate::diagnose::facts::way::answers_out::{Leaving, by_next_hop, hears, leaving, signs};
use crate::diagnose::words::{name, names, servers, share, to_capture};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Names, Proof};
use crate::topology::{HostId, Mode, ServiceId};
use crate::trace::{ConnectionId, Trace};
use crate::wire::Mac;

pub(in crate::diagnose) const EXPLAINS: &[&str] = &["syn-unanswered", "retransmission"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    // Whether the next hop's capture says so.
    let why = |id: ConnectionId| match signs(facts, id, &leaving(facts, id)?).why() {
        WhyLost::Fabric => Some((id, true)),
        WhyLost::LikelyFabric => Some((id, false)),
        WhyLost::Router | WhyLost::Untold => None,
    };
    let findings = by_next_hop(facts).into_iter().filter_map(|(key, set)| {
        let lost: Vec<_> = set.lost.into_iter().filter_map(why).collect();
        (!lost.is_empty()).then(|| finding(facts, key, &lost))
    });
    let findings = findings.collect();
    Detection::from(findings, || {
        needs_mode(facts, &[Mode::Dr, Mode::Tun]).unwrap_or_else(|| {
            Detection::clean_if(
                facts.requests().any(|(_, c)| c.progress.established),
                "what leaves a real server was not captured at its next hop as well; capture on both at once",
            )
        })
    })
}

fn finding(
    facts: &Facts,
    (service, next): (ServiceId, Mac),
    lost: &[(ConnectionId, bool)],
) -> Finding {
    let s = facts.topology.service(service);
    let ids: Vec<ConnectionId> = lost.iter().map(|(id, _)| *id).collect();
    let sure = lost.iter().any(|(_, sure)| *sure);
    let subjects = servers(facts, &ids);
    let server = names(&subjects);
    let host = facts.host_by_mac(Some(next));
    let address = host.and_then(|h| Names(facts).address(h));
    let hop = address.map_or_else(|| next.to_string(), |ip| format!("{ip} ({next})"));
    let title = format!("the network drops answers that have the VIP {} as source", s.vip);
    let end = if sure {
        format!(
            "The capture on {hop} shows none of them, while other frames of {server} do arrive there"
        )
    } else {
        format!(
            "The client gets none of them, though {} belongs to that very link, so that no router has a reason to drop them",
            s.vip
        )
    };
    let explanation = format!(
        "The SYNs for {} arrive at {server}, whose SYN-ACKs leave for {hop}, again and again. {end}: a virtual switch, hypervisor or cloud between drops packets whose source is not the machine's own address. {} no answer.",
        s.name(),
        share(facts, service, &ids, "get")
    );
    let mut finding = Finding::cause("fabric-anti-spoof", title, explanation);
    finding.severity = severity(facts, &ids);
    if !sure {
        finding.confidence = Confidence::Possible;
        finding.candidate(
            "stateful-device-half-path",
            "then the answers reach the router, whose firewall counts them as invalid",
        );
        finding.candidate("packet-loss", "then some of them pass");
        finding.to_confirm.push(to_capture(
            format!("the next hop {hop}"),
            "router",
            &[s.vip],
            s.port,
            "answers that do not come in are dropped before it",
        ));
    }
    for subject in &subjects {
        let fabric = format!("the cloud or hypervisor of {}", name(subject));
        finding.confirm(
            fabric.clone(),
            "# which sources its port may send from: OpenStack 'openstack port show PORT -c allowed_address_pairs -c port_security_enabled', EC2 the source/destination check of its interface, Google Cloud 'canIpForward' of the instance, Azure IP forwarding of its interface, vSphere forged transmits of the port group, libvirt the filter of its interface (virsh dumpxml)".to_owned(),
            format!("{} is not among them: this is it", s.vip),
        );
        finding.fix_disruptive(
            fabric,
            format!("# let it send as {0}: OpenStack 'openstack port set PORT --allowed-address ip-address={0}', EC2 the source/destination check off, Google Cloud an instance with canIpForward, Azure IP forwarding on, vSphere forged transmits accepted, libvirt an IP parameter {0} for the filter", s.vip),
            "Set it back.",
        );
    }
    if let Some(out) = telling(facts, &ids).and_then(|id| Some((id, leaving(facts, id)?))) {
        finding.proofs = proofs(facts, out.0, &out.1, host);
    }
    finding.concerning(subjects, ids)
}

fn proofs(trace: &Trace, id: ConnectionId, out: &Leaving<'_>, next: Option<HostId>) -> Vec<Proof> {
    let mut proofs = Vec::new();
    let note = format!("the SYN-ACK leaves for {}", out.next);
    proofs.extend(trace.proof(out.leg, out.link.first, note));
    if out.link.last != out.link.first {
        proofs.extend(trace.proof(out.leg, out.link.last, "and again, in vain"));
    }
    let heard = next.and_then(|next| hears(trace, next, out));
    proofs.extend(
        heard.map(|at| Proof::at(at, "another frame of the real server does arrive there")),
    );
    if let Some(leg) = trace.legs(id).iter().find(|leg| trace.is_client_side(id, leg)) {
        let last = trace.forward(leg).last;
        proofs.extend(trace.proof(leg, last, "the client still repeats its SYN: no answer came"));
    }
    proofs
}
