//! A real server has the VIP with the mask of a whole subnet on lo, so it takes
//! every address of that subnet for its own (Linux `fib_add_ifaddr` puts a local
//! route for the prefix of an address of lo) and never answers clients in it.
//!
//! Two signs, both at the real server's own capture: its SYN-ACK to a host that is
//! not it goes over lo; or, where lo was not captured or the source check drops the
//! SYN, the clients that share a prefix with the VIP are those that get nothing,
//! and no other. The second fits a firewall too and is never certain.

use crate::diagnose::cause::{by_server_host, needs_mode, severity};
use crate::diagnose::facts::address::wide_masks::{Wide, delivered, lo_leg, looped, near};
use crate::diagnose::facts::{each_once, telling};
use crate::diagnose::words::commands::{ip, step};
use crate::diagnose::words::{agree, list, list_of, share};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Names, Proof};
use crate::topology::{Mode, Role, ServiceId};
use crate::trace::{ConnectionId, Trace};
use crate::wire::Ip;

pub(in crate::diagnose) const EXPLAINS: &[&str] =
    &["syn-unanswered", "rst-no-socket", "retransmission"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let mut findings = Vec::new();
    for (i, service) in facts.topology.services.iter().enumerate() {
        if service.is_backend || !matches!(service.mode, Mode::Dr | Mode::Tun) {
            continue;
        }
        let of_service = facts.requests_to(ServiceId(i as u32)).filter(|(id, c)| {
            // Who calls as the VIP is no client in its subnet.
            let itself = c.front.client.0 == service.vip;
            c.protocol.is_tcp() && !itself && !facts.is_sent_back(*id)
        });
        let by_host = by_server_host(facts, of_service.map(|(id, _)| id)).into_iter();
        let mut wide: Vec<Wide> = by_host
            .filter(|(host, ids)| {
                let failed = |id: &ConnectionId| facts.connection(*id).outcome.failed();
                !service.is_director(*host) && ids.iter().any(failed)
            })
            .filter_map(|(host, ids)| looped(facts, host, &ids).or_else(|| near(facts, host, &ids)))
            .collect();
        wide.sort_by_key(|w| {
            let subject = Names(facts).subject(Role::RealServer, w.host);
            (!w.over_lo, std::cmp::Reverse(w.ids.len()), subject.address, subject.mac)
        });
        if !wide.is_empty() {
            findings.push(finding(facts, ServiceId(i as u32), &wide));
        }
    }
    Detection::from(findings, || {
        needs_mode(facts, &[Mode::Dr, Mode::Tun]).unwrap_or_else(|| {
            Detection::clean_if(
                facts.requests().any(|(id, _)| delivered(facts, id)),
                "no real server's own capture shows what reaches it; capture there with 'tcpdump -i any', which has lo",
            )
        })
    })
}

fn finding(facts: &Facts, service: ServiceId, wide: &[Wide]) -> Finding {
    let names = Names(facts);
    let s = facts.topology.service(service);
    let vip = s.vip;
    let ids: Vec<ConnectionId> = wide.iter().flat_map(|w| w.ids.iter().copied()).collect();
    let who = list(&wide.iter().map(|w| names.host(w.host)).collect::<Vec<_>>());
    let over_lo = wide.iter().any(|w| w.over_lo);
    let bits = wide.iter().map(|w| w.bits).min().unwrap_or(0);
    let clients: Vec<Ip> = each_once(ids.iter().map(|id| facts.connection(*id).front.client.0));
    let single_client = (clients.len() == 1).then_some(clients[0]);
    let clients = list_of(&clients);
    let what = if over_lo {
        format!(
            "SYNs of {clients} come from the network, and the SYN-ACKs for them go over lo: the host takes these addresses for its own. That is what {vip} on lo with the mask of a subnet does, which makes all of the subnet local."
        )
    } else {
        format!(
            "SYNs of {clients} arrive and nothing leaves for them, while clients further away are answered. Those that get nothing share {bits} bits with {vip}: with the mask of a subnet on lo, all of the subnet is local to the host, and its answers never leave it."
        )
    };
    let title = if over_lo {
        let verb = agree(wide.len(), "takes", "take");
        format!("{who} {verb} clients in the VIP's subnet for local")
    } else {
        let verb = agree(wide.len(), "is", "are");
        format!("{who} {verb} silent to clients in the VIP's subnet")
    };
    let explanation = format!("{what} {} lost there.", share(facts, service, &ids, "are"));
    let mut finding = Finding::cause("dr-vip-wide-mask", title, explanation);
    finding.severity = severity(facts, &ids);
    if !over_lo {
        // One client and one server may have other reasons for not speaking.
        let many = wide.len() > 1 || single_client.is_none();
        finding.confidence = if many { Confidence::Likely } else { Confidence::Possible };
        finding.candidate("rs-route-overlap", "then the SYN-ACKs leave by another interface: 'tcpdump -i any' on the real server shows them");
        finding.candidate(
            "rs-silent",
            "then a firewall on the real server drops these sources, and the VIP is a /32",
        );
    }
    let device = if s.mode == Mode::Tun { "tunl0" } else { "lo" };
    for w in wide {
        let server = names.place(w.host);
        if !over_lo {
            finding.confirm(server.clone(), format!("ip -br addr show to {vip}; ip route get {}", facts.connection(w.ids[0]).front.client.0), "a mask shorter than the whole address, or 'local' as the route's first word: this is it");
        }
        let list = format!("ip -br addr show to {vip}   # note MASK, the one that is wrong");
        let narrow = ip::Address::single(vip, device).in_place_of("MASK", device);
        finding.fixes.push(step::safe(server, [step::Step::look(list), narrow]));
    }
    finding.proofs = proofs(facts, &wide[0]);
    finding.concerning(wide.iter().map(|w| names.subject(Role::RealServer, w.host)).collect(), ids)
}

fn proofs(trace: &Trace, wide: &Wide) -> Vec<Proof> {
    let Some(id) = telling(trace, &wide.ids) else { return Vec::new() };
    let mut proofs = Vec::new();
    let at_host = || trace.legs(id).iter().filter(|leg| trace.host_of(leg) == Some(wide.host));
    if let Some(leg) = at_host().find(|leg| trace.forward(leg).opened()) {
        let there = trace.forward(leg);
        proofs.extend(trace.proof(leg, there.syn, "the SYN arrives at the real server"));
        if !wide.over_lo && there.last != there.syn {
            proofs.extend(trace.proof(leg, there.last, "and again; nothing answers"));
        }
    }
    if let Some(leg) = lo_leg(trace, id, wide.host) {
        let note = "its SYN-ACK goes over lo, back into the same host";
        proofs.extend(trace.proof(leg, trace.reply(leg).syn, note));
        let note = "where no socket expects it";
        proofs.extend(trace.proof(leg, trace.forward(leg).rst, note));
    }
    proofs
}
