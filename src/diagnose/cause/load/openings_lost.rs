//! SYNs or SYN-ACKs that are lost between two captured hosts: the second form of
//! `packet-loss`.

use crate::breaks::Packet;
use crate::diagnose::facts::silence::lost_openings::LostOpenings;
use crate::diagnose::words::{in_roles, list};
use crate::diagnose::{Confidence, Facts, Finding, Names, Proof, Severity};
use crate::topology::{HostId, ServiceId};
use crate::trace::{At, ConnectionId};

/// SYNs or SYN-ACKs that are lost between two captured hosts.
pub(in crate::diagnose) fn openings(
    facts: &Facts,
    (service, from, to, packet): (ServiceId, HostId, HostId, Packet),
    lost: &LostOpenings,
) -> Finding {
    let names = Names(facts);
    let s = facts.topology.service(service);
    let (a, b) = (names.host(from), names.host(to));
    let what = if packet == Packet::Syn { "SYNs" } else { "SYN-ACKs" };
    let title = format!("{what} are lost between {a} and {b}");
    let waited = lost.ids.len() - lost.failed;
    let fate = match (lost.failed, waited) {
        (failed, 0) => format!("{failed} fail"),
        (0, waited) => format!("{waited} stand only after repeats"),
        (failed, waited) => format!("{failed} fail, {waited} stand only after repeats"),
    };
    let explanation = format!(
        "{} {what} for {} left {a} and never arrived at {b}, whose capture shows those of other connections: what lies between them lost them, a device that was busy or full, a queue, a cable, a firewall. Of {} connections concerned {fate}.",
        lost.lost,
        s.name(),
        lost.ids.len()
    );
    let mut finding = Finding::cause("packet-loss", title, explanation);
    finding.severity = if lost.failed > 0 { Severity::Critical } else { Severity::Warning };
    finding.confidence = Confidence::Likely;
    finding.candidate(
        "stateful-device-half-path",
        "then a firewall on the way sees one direction of these connections alone",
    );
    let hosts = list(&[a.clone(), b.clone()]);
    finding.confirm(format!("the devices between {hosts}"), "# drops by interface and by CPU, session table and its limits, load, at the times of the losses", "a counter that grows with the losses names the place");
    finding.confirm(
        hosts,
        "ip -s -s link show; ethtool -S IFACE | grep -iE 'err|drop|crc|miss'",
        "counters that stand still clear the hosts themselves",
    );
    let note = format!("it leaves {a} and is not seen at {b}");
    finding.proofs = lost.shown.map(|at| Proof::at(at, note)).into_iter().collect();
    if let Some(again) = lost.ids.iter().find_map(|id| repeated(facts, *id, from, packet)) {
        finding.proofs.push(Proof::at(again, "the last that is sent again"));
    }
    finding.subjects = in_roles(facts, s, &[from, to]);
    finding.connections.clone_from(&lost.ids);
    finding
}

/// The last transmission of a connection's opening that its sender's capture shows.
fn repeated(facts: &Facts, id: ConnectionId, from: HostId, packet: Packet) -> Option<At> {
    facts.legs(id).iter().filter(|leg| facts.host_of(leg) == Some(from)).find_map(|leg| {
        let flow = if packet == Packet::Syn { facts.forward(leg) } else { facts.reply(leg) };
        (flow.syns > 1 && flow.last != flow.syn).then(|| facts.at(leg, flow.last))
    })
}
