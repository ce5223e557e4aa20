//! A Windows real server ignores packets for the VIP, as it takes only what is
//! addressed to the interface on which it comes (the strong host model, RFC 1122,
//! section 3.3.4.2).
//!
//! On the wire it is `rs-missing-vip`; that the host runs Windows shows in its answers
//! for its own address: they begin with a TTL of 128, which no other stack in use has.

use crate::diagnose::cause::{needs_mode, severity};
use crate::diagnose::decide::silence::WhySilent;
use crate::diagnose::facts::own_answers::windows_answer;
use crate::diagnose::facts::silences::{self, Silent};
use crate::diagnose::words::{agree, share};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Names};
use crate::topology::{HostId, Mode, Role};
use crate::trace::ConnectionId;

pub(in crate::diagnose) const EXPLAINS: &[&str] = &["syn-unanswered"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let own = facts.silences().iter().filter(|s| s.why() == WhySilent::Windows);
    let sets = silences::by_service(own);
    let findings = sets.values().map(|set| finding(facts, set)).collect();
    Detection::from(findings, || needs_mode(facts, &[Mode::Dr]).unwrap_or(Detection::Clean))
}

fn finding(facts: &Facts, set: &[&Silent]) -> Finding {
    let names = Names(facts);
    let service = set[0].service;
    let s = facts.topology.service(service);
    let vip = s.vip;
    let hosts: Vec<HostId> = set.iter().map(|x| x.host).collect();
    let who =
        crate::diagnose::words::list(&hosts.iter().map(|h| names.host(*h)).collect::<Vec<_>>());
    let ids: Vec<ConnectionId> = set.iter().flat_map(|x| x.ids.iter().copied()).collect();
    let verb = agree(hosts.len(), "runs Windows and does", "run Windows and do");
    let title = format!("{who} {verb} not take packets for {vip}");
    let explanation = format!(
        "The SYNs for {vip} arrive and nothing leaves, while the same host answers for its own address, with the TTL of Windows. Windows takes only packets for an address of the interface on which they come, so the VIP on a loopback adapter gets none until the network's interface is told to receive for others (weak host model). {} connections are lost there.",
        share(facts, service, &ids)
    );
    let mut finding = Finding::cause("windows-strong-host", title, explanation);
    finding.severity = severity(facts, &ids);
    finding.confidence = Confidence::Likely;
    for (id, tell_apart) in [
        ("rs-missing-vip", "'ipconfig' shows no adapter with the VIP"),
        ("rs-silent", "the Windows firewall drops the port on the loopback adapter's profile"),
    ] {
        finding.candidate(id, tell_apart.to_owned());
    }
    let family = if vip.is_v4() { "ipv4" } else { "ipv6" };
    for host in &hosts {
        let server = names.place(*host);
        finding.confirm(server.clone(), format!("netsh interface {family} show interfaces level=verbose | findstr /i \"Weak\"\nipconfig"), "weak host receives disabled on the network's interface: this is it");
        let set_to = |value: &str| {
            format!(
                "netsh interface {family} set interface \"net\" weakhostreceive={value}\nnetsh interface {family} set interface \"loopback\" weakhostreceive={value} weakhostsend={value}"
            )
        };
        finding.fix(server, set_to("enabled"), set_to("disabled"));
    }
    finding.proofs = silences::proofs(facts, set[0]);
    finding.proofs.extend(windows_answer(facts, set[0].host));
    crate::diagnose::facts::in_time(facts, &mut finding.proofs);
    finding.subjects = hosts.iter().map(|h| names.subject(Role::RealServer, *h)).collect();
    finding.connections = ids;
    finding
}
