//! DR or TUN answers leave a real server for its router and end there: the
//! router gets packets whose source, the VIP, it would reach by another
//! interface, and drops them (RFC 3704, strict reverse path forwarding).
//!
//! Two captures are needed: the real server's shows what leaves and for whom, the
//! client's that nothing comes. No clock is compared. Where one answer of the
//! service got through by that router, or somebody asks for the VIP on the real
//! servers' own link, it is something else. Where not even a SYN-ACK leaves, since the
//! router heeds no question in the VIP's name, see `unheard`.

use crate::diagnose::cause::silence::unheard;
use crate::diagnose::cause::{needs_mode, severity};
use crate::diagnose::decide::silence::WhySilent;
use crate::diagnose::decide::way::WhyLost;
use crate::diagnose::facts::way::answers_out::{
    arrives, at_router, by_next_hop, leaving, proofs, signs,
};
use crate::diagnose::facts::{silence::silent_servers, telling};
use crate::diagnose::words::commands::step::{self, Step};
use crate::diagnose::words::commands::sysctl;
use crate::diagnose::words::{self, name, names, servers, share};
use crate::diagnose::{Candidate, Confidence, Detection, Facts, Finding, Fix, Names, Subject};
use crate::topology::{Mode, Role, ServiceId};
use crate::trace::{ConnectionId, Trace};
use crate::wire::Mac;

pub(in crate::diagnose) const EXPLAINS: &[&str] =
    &["syn-unanswered", "arp-unanswered", "dr-arp-announce-leak"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let mut sets = by_next_hop(facts);
    for set in sets.values_mut() {
        set.lost.retain(|id| arrives(facts, *id) == Some(false));
    }
    sets.retain(|_, set| !set.lost.is_empty() && set.lost.iter().all(|id| is_routers(facts, *id)));
    let mut findings: Vec<Finding> =
        sets.into_iter().map(|(key, set)| finding(facts, key, set.lost)).collect();
    let own = facts.silences().iter().filter(|s| s.why() == WhySilent::ForeignRouter);
    let waiting = silent_servers::by_service(own);
    findings.extend(waiting.iter().map(|of| unheard::finding(facts, of)));
    Detection::from(findings, || otherwise(facts))
}

/// Whether a connection's answer is lost at the router or after it.
fn is_routers(trace: &Trace, id: ConnectionId) -> bool {
    leaving(trace, id).is_some_and(|out| signs(trace, id, &out).why() == WhyLost::Router)
}

fn otherwise(trace: &Trace) -> Detection {
    if let Some(other) = needs_mode(trace, &[Mode::Dr, Mode::Tun]) {
        return other;
    }
    let open = trace.requests().any(|(id, c)| {
        c.outcome.failed() && leaving(trace, id).is_some() && arrives(trace, id).is_none()
    });
    if open {
        return Detection::unchecked(
            "answers leave the real servers and no capture is from the client; capture on both at once",
        );
    }
    Detection::clean_if(
        trace.requests().any(|(id, c)| c.progress.established || leaving(trace, id).is_some()),
        "no answers were captured; capture on a real server",
    )
}

fn finding(facts: &Facts, (service, next): (ServiceId, Mac), ids: Vec<ConnectionId>) -> Finding {
    let s = facts.topology.service(service);
    let say = Names(facts);
    let router = facts.host_by_mac(Some(next));
    // Of a router's MACs the one that the answers were sent to.
    let router_name = router
        .and_then(|h| say.address(h))
        .map_or_else(|| next.to_string(), |ip| format!("{ip} ({next})"));
    let subjects = servers(facts, &ids);
    let server = names(&subjects);
    let told = telling(facts, &ids).unwrap_or(ids[0]);
    let at = at_router(facts, told, router);
    let end = if at.is_some() {
        "They come in there, by its own capture, and do not go out again."
    } else {
        "The client's own capture shows none of them."
    };
    let title = if at.is_some() {
        format!("the router {router_name} drops answers with the VIP {} as source", s.vip)
    } else {
        format!("answers with the VIP {} as source are lost at or after the router", s.vip)
    };
    let explanation = format!(
        "The SYNs for {} arrive at {server}, whose SYN-ACKs leave for {router_name}, again and again. {end} The way in works, and no answer came through by that router. A router that would reach {} through the director takes an answer from the real servers' side for forged (strict reverse path check) and drops it. {} no answer.",
        s.name(),
        s.vip,
        share(facts, service, &ids, "get")
    );
    let mut finding = Finding::cause("dr-vip-foreign-subnet-return", title, explanation)
        .rated(severity(facts, &ids), Confidence::Likely);
    finding.candidates = candidates(at.is_some());
    finding.confirm(format!("the router {router_name}"), format!("ip route get {}; sysctl -a 2>/dev/null | grep '\\.rp_filter'; nstat -az TcpExtIPReversePathFilter", s.vip), "a route through another interface and rp_filter 1 there, or a counter that grows with every answer: this is it");
    if at.is_none() {
        finding.to_confirm.push(words::to_capture(
            format!("the router {router_name}"),
            "router",
            &[s.vip],
            s.port,
            "answers that come in and do not go out are dropped there; none that come in are dropped before it",
        ));
    }
    finding.proofs = proofs(facts, told, at);
    finding.fixes = fixes(facts, service, &router_name);
    finding
        .concerning(
            vec![Subject {
                role: Role::Router,
                address: router.and_then(|h| say.address(h)),
                mac: Some(next),
                port: None,
            }],
            ids,
        )
        .also(subjects)
}

fn candidates(at_router: bool) -> Vec<Candidate> {
    let half = (
        "stateful-device-half-path",
        "then the router's firewall counts the SYN-ACKs as invalid: it forwarded no SYN on that way",
    );
    let spoof = (
        "fabric-anti-spoof",
        "then the answers do not reach the router: a virtual switch or cloud drops a source that is not the machine's own, also for a VIP of the same subnet",
    );
    [Some(half), (!at_router).then_some(spoof)]
        .into_iter()
        .flatten()
        .map(|(id, tell_apart)| Candidate { id: id.into(), tell_apart: tell_apart.to_owned() })
        .collect()
}

fn fixes(trace: &Trace, service: ServiceId, router: &str) -> Vec<Fix> {
    let s = trace.topology.service(service);
    if !s.vip.is_v4() {
        return Vec::new();
    }
    let host = format!("the router {router}");
    let director = s.directors.first().map_or_else(
        || "the director".to_owned(),
        |d| name(&Names(trace).subject(Role::Director, d.host)),
    );
    vec![
        sysctl::change(host.clone(), &[("net.ipv4.conf.all.rp_filter", "2", "1")])
            .because("loose; the higher of 'all' and the interface counts"),
        step::disruptive(
            host,
            [
                Step::look(format!("ip route show {}", s.vip)),
                Step::new(
                    format!("ip route replace {}/32 via DIP", s.vip),
                    format!("ip route del {}/32 via DIP", s.vip),
                )
                .because(&format!(
                    "DIP: the address of the director {director} on the real servers' link"
                ))
                .back_if("and then 'ip route add' with what the first line printed, if anything"),
            ],
        )
        .or(),
    ]
}
