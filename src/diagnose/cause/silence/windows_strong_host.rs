//! A Windows real server ignores packets for the VIP, as it takes only what is
//! addressed to the interface on which it comes (the strong host model, RFC 1122,
//! section 3.3.4.2).
//!
//! On the wire it is `rs-missing-vip`; that the host runs Windows shows in its answers
//! for its own address: they begin with a TTL of 128, which no other stack in use has.

use crate::diagnose::cause::{clean_in, severity};
use crate::diagnose::decide::silence::WhySilent;
use crate::diagnose::facts::address::own_answers::windows_answer;
use crate::diagnose::facts::in_time;
use crate::diagnose::facts::silence::silent_servers::{self, SilentServers};
use crate::diagnose::words::{agree, share};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Names};
use crate::topology::{Mode, Role};

pub(in crate::diagnose) const EXPLAINS: &[&str] = &["syn-unanswered"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let own = facts.silences().iter().filter(|s| s.why() == WhySilent::Windows);
    let findings = silent_servers::by_service(own).iter().map(|x| finding(facts, x)).collect();
    Detection::from(findings, || clean_in(facts, &[Mode::Dr]))
}

fn finding(facts: &Facts, of: &SilentServers<'_>) -> Finding {
    let names = Names(facts);
    let SilentServers { service, set, hosts, ids } = of;
    let s = facts.topology.service(*service);
    let vip = s.vip;
    let who = names.hosts(hosts);
    let verb = agree(hosts.len(), "runs Windows and does", "run Windows and do");
    let title = format!("{who} {verb} not take packets for {vip}");
    let explanation = format!(
        "The SYNs for {vip} arrive and nothing leaves, while the same host answers for its own address, with the TTL of Windows. Windows takes only packets for an address of the interface on which they come, so the VIP on a loopback adapter gets none until the network's interface is told to receive for others (weak host model). {} lost there.",
        share(facts, *service, ids, "are")
    );
    let mut finding = Finding::cause("windows-strong-host", title, explanation)
        .rated(severity(facts, ids), Confidence::Likely);
    finding.candidate("rs-missing-vip", "'ipconfig' shows no adapter with the VIP");
    finding.candidate(
        "rs-silent",
        "the Windows firewall drops the port on the loopback adapter's profile",
    );
    let family = if vip.is_v4() { "ipv4" } else { "ipv6" };
    for host in hosts {
        let server = names.place(*host);
        finding.confirm(server.clone(), format!("netsh interface {family} show interfaces level=verbose | findstr /i \"Weak\"\nipconfig"), "weak host receives disabled on the network's interface: this is it");
        let set_to = |value: &str| {
            format!(
                "netsh interface {family} set interface \"net\" weakhostreceive={value}\nnetsh interface {family} set interface \"loopback\" weakhostreceive={value} weakhostsend={value}"
            )
        };
        finding.fix(server, set_to("enabled"), set_to("disabled"));
    }
    finding.proofs = silent_servers::proofs(facts, set[0]);
    finding.proofs.extend(windows_answer(facts, set[0].host));
    in_time(facts, &mut finding.proofs);
    finding.concerning(names.subjects(Role::RealServer, hosts), ids.clone())
}
