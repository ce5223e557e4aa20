//! A program on the director calls the VIP, and its SYN leaves for a real server with
//! the VIP as source too.
//!
//! For a DR or TUN real server that is a packet from outside with its own address, a
//! martian, and an answer would go to itself. Certain by one frame: source and
//! destination are the VIP, and the frame has a director's MAC.

use crate::correlate::Leg;
use crate::diagnose::cause::{clean_in, each_service, severity};
use crate::diagnose::facts::in_time;
use crate::diagnose::words::share;
use crate::diagnose::{Detection, Facts, Finding, Fix, Names, Proof};
use crate::topology::{HostId, Mode, Role, ServiceId};
use crate::trace::{ConnectionId, Trace};

pub(in crate::diagnose) const EXPLAINS: &[&str] =
    &["syn-from-self", "syn-unanswered", "arp-unanswered", "icmp-unreachable"];

const MODES: [Mode; 2] = [Mode::Dr, Mode::Tun];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let hit = facts.requests().filter(|(id, _)| leaving(facts, *id).is_some()).map(|(id, _)| id);
    let findings = each_service(facts, hit, |service, ids| finding(facts, service, ids));
    Detection::from(findings, || clean_in(facts, &MODES))
}

/// The director from which such a SYN leaves, and where that shows.
fn leaving(trace: &Trace, id: ConnectionId) -> Option<(HostId, &Leg)> {
    let c = trace.connection(id);
    let service = trace.service(id);
    let itself = c.front.client.0 == c.front.server.0 && c.back.is_none();
    if !itself || !c.protocol.is_tcp() || !c.outcome.failed() || !MODES.contains(&service.mode) {
        return None;
    }
    trace.legs(id).iter().find_map(|leg| {
        let mut hops = trace.path(leg, trace.forward(leg)).map(|(_, hop)| hop.link);
        let from = hops.find_map(|link| {
            let host = trace.host_by_mac(link.src)?;
            (!link.is_loopback() && service.is_director(host)).then_some(host)
        })?;
        Some((from, leg))
    })
}

fn finding(facts: &Facts, service: ServiceId, ids: Vec<ConnectionId>) -> Finding {
    let s = facts.topology.service(service);
    let names = Names(facts);
    let vip = s.vip;
    let shown = ids.iter().find_map(|id| leaving(facts, *id));
    let director = shown.map_or_else(|| "the director".to_owned(), |(h, _)| names.host(h));
    let title = format!("the director {director} calls its own VIP {vip}");
    let explanation = format!(
        "A program on {director} connects to {}, and as the address is its own, the SYN gets {vip} as source too. Balanced to a real server, it comes there from outside with the real server's own address: it is dropped as a martian, and an answer could not leave. {} lost that way; clients elsewhere are not concerned.",
        s.name(),
        share(facts, service, &ids, "are")
    );
    let mut finding = Finding::cause("client-on-director", title, explanation);
    finding.severity = severity(facts, &ids);
    finding.confirm(
        director.clone(),
        format!("ss -tnp dst {vip}; ip route get {vip}"),
        "names the program that calls",
    );
    let real = s.real_servers.iter().find_map(|r| r.address);
    let target = real.map_or_else(|| "RIP".to_owned(), |ip| ip.to_string());
    // In DR and TUN the answer comes from outside with the VIP as source, which is this host's
    // own: it is dropped whatever the call's source was.
    let own_source = if s.mode == Mode::Nat {
        ", or a source address of its own (bind, 'curl --interface DIP')"
    } else {
        ""
    };
    finding.fixes = vec![Fix::safe(
        director,
        format!(
            "# in the program that calls: {target} or another real server in place of {vip}{own_source}"
        ),
        "Take the setting back.",
    )];
    if let Some((_, leg)) = shown {
        let there = facts.forward(leg);
        finding.proofs.extend(facts.proof(
            leg,
            there.syn,
            "a SYN leaves the director, from the VIP to the VIP",
        ));
        if there.last != there.syn {
            finding.proofs.extend(facts.proof(leg, there.last, "and again; nothing answers"));
        }
    }
    finding.proofs.extend(ids.iter().find_map(|id| at_server(facts, *id)));
    in_time(facts, &mut finding.proofs);
    finding
        .concerning(shown.map(|(h, _)| names.subject(Role::Director, h)).into_iter().collect(), ids)
}

/// Where such a SYN arrives at a real server.
fn at_server(trace: &Trace, id: ConnectionId) -> Option<Proof> {
    let host = trace.server(id)?.host.filter(|host| trace.delivered(id, *host))?;
    let leg = trace.legs(id).iter().find(|leg| trace.host_of(leg) == Some(host))?;
    let note = "it arrives at a real server, whose own address it bears";
    trace.proof(leg, trace.forward(leg).syn, note)
}
