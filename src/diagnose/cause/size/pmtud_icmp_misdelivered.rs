//! "Too big for the next hop" reaches a director that is not the sender of the packet,
//! and ends there: the real server goes on sending segments that are too long.
//!
//! In DR and TUN answers bear the VIP, and in NAT they do from the director on, so the error about
//! them is sent to the VIP's owner, which in NAT has to translate it. It must be seen to arrive there, not to leave, and not to reach the sender,
//! which repeats.

use crate::diagnose::cause::{clean_in, each_service, severity};
use crate::diagnose::facts::size::misdelivered_errors::stray;
use crate::diagnose::words::commands::{ip, step, sysctl};
use crate::diagnose::words::{self, agree, share, to_capture};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Names, Proof};
use crate::topology::{Mode, Role, ServiceId};
use crate::trace::ConnectionId;

pub(in crate::diagnose) const EXPLAINS: &[&str] = &["retransmission", "connection-reset"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let hit = facts.requests().filter(|(id, c)| {
        let mode = facts.service(*id).mode;
        c.protocol.is_tcp()
            && c.progress.repeats
            && matches!(mode, Mode::Dr | Mode::Tun | Mode::Nat)
            && stray(facts, *id).is_some()
    });
    let findings =
        each_service(facts, hit.map(|(id, _)| id), |service, ids| finding(facts, service, ids));
    Detection::from(findings, || clean_in(facts, &[Mode::Dr, Mode::Tun, Mode::Nat]))
}

fn finding(facts: &Facts, service: ServiceId, ids: Vec<ConnectionId>) -> Finding {
    let names = Names(facts);
    let s = facts.topology.service(service);
    let shown = ids.iter().find_map(|id| stray(facts, *id));
    let (mtu, untold) = shown.map_or((0, false), |x| (x.mtu, x.untold));
    let servers = words::servers(facts, &ids);
    let who = words::names(&servers);
    let director = shown.map_or_else(|| "the director".to_owned(), |x| names.full(x.director));
    let title =
        format!("long answers of {who} hang: the ICMP 'too big' for them ends at the director");
    let (send, told) = agree(
        servers.len(),
        ("sends", "is not told and repeats"),
        ("send", "are not told and repeat"),
    );
    let explanation = format!(
        "{who} {send} segments to clients of {} that do not fit into {mtu} bytes further on. The router there says so to their source, which is {}: the error arrives at {director} and goes no further. {who} {told} the same segments. {} as soon as an answer is long.",
        s.name(),
        s.vip,
        share(facts, service, &ids, "hang")
    );
    let mut finding = Finding::cause("pmtud-icmp-misdelivered", title, explanation).rated(
        severity(facts, &ids),
        if untold { Confidence::Certain } else { Confidence::Likely },
    );
    // Those whose captures do not show it already.
    let captured = |mac| facts.host_by_mac(mac).is_some_and(|host| facts.is_captured(host));
    let open: Vec<_> = servers.iter().filter(|server| !captured(server.mac)).cloned().collect();
    if !untold && !open.is_empty() {
        let addresses: Vec<_> = open.iter().filter_map(|server| server.address).collect();
        finding.to_confirm.push(to_capture(
            words::names(&open),
            "sender",
            &[&addresses[..], &[s.vip]].concat(),
            s.port,
            "shows whether the error reaches the sender after all",
        ));
    }
    finding.confirm(
        director.clone(),
        "sysctl net.ipv4.vs.schedule_icmp; ipvsadm -Lnc",
        "without an entry for the connection in the error it is not forwarded",
    );
    finding.fixes = vec![
        sysctl::change(who.clone(), &[("net.ipv4.tcp_mtu_probing", "1", "0")])
            .because("finds the size without the error"),
        step::safe(
            format!("{who}, if all beyond its router is that narrow"),
            ip::default_with(&format!("mtu {mtu}"), s.vip.is_v4()),
        )
        .or(),
    ];
    if let Some(x) = shown {
        let note = format!(
            "ICMP from {}: too big for {mtu} bytes, about a segment of the real server",
            x.error.src
        );
        finding.proofs.push(Proof::on(x.vantage, x.error.mark, note));
        finding.proofs.extend(facts.proof(x.leg, x.again, "the segment again, as long as before"));
    }
    finding.subjects =
        shown.map(|x| names.subject(Role::Director, x.director)).into_iter().collect();
    finding.subjects.extend(servers);
    finding.connections = ids;
    finding
}
