//! A real server calls its own VIP and is chosen as its own real server.
//!
//! The director keeps the source address, so the server gets a SYN from itself.
//! It either drops it as a martian or answers itself over lo and resets the
//! answer. The tie between the two five-tuples is the proof: a LAND scan has no
//! SYN to the VIP before it.

use super::sent_back;
use crate::diagnose::cause::{by_service, clean_in, severity};
use crate::diagnose::facts::address::own_answers::WINDOWS_TTL;
use crate::diagnose::facts::telling;
use crate::diagnose::facts::way::self_calls::{Variant, proofs, variant};
use crate::diagnose::words::commands::netfilter::Rule;
use crate::diagnose::words::commands::{cluster, step, sysctl};
use crate::diagnose::words::{self, capture_line, share};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Fix, Names, Subject};
use crate::topology::{Mode, Role, ServiceId};
use crate::trace::{ConnectionId, Trace};
use crate::wire::Ip;

pub(in crate::diagnose) const EXPLAINS: &[&str] =
    &["syn-ack-to-self", "syn-from-self", "rst-no-socket", "syn-unanswered"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let hit = facts.requests().filter(|(_, c)| c.back.is_some() && facts.is_self_access(c));
    let sets = by_service(facts, hit.map(|(id, _)| id));
    let mut findings: Vec<Finding> =
        sets.into_iter().map(|(service, ids)| finding(facts, service, ids)).collect();
    findings.extend(sent_back::findings(facts));
    Detection::from(findings, || clean_in(facts, &[Mode::Nat]))
}

fn finding(facts: &Facts, service: ServiceId, ids: Vec<ConnectionId>) -> Finding {
    let vip = facts.topology.service(service).vip;
    let mut callers: Vec<Subject> = Vec::new();
    for id in &ids {
        let caller = facts.connection(*id).front.client.0;
        if !callers.iter().any(|s| s.address == Some(caller)) {
            let host = facts.host_by_ip(caller);
            let mac = host.and_then(|h| facts.topology.hosts.get(h).macs.first().copied());
            let port = facts.connection(*id).back.map(|b| b.server.1);
            callers.push(Subject { role: Role::RealServer, address: Some(caller), mac, port });
        }
    }
    let caller = callers[0].address.unwrap_or(vip);
    let after = match variant(facts, &ids) {
        Variant::Reset => format!(
            "answered itself over lo and reset the answer: the socket that called expects {vip}, not {caller}"
        ),
        Variant::Dropped => {
            "dropped it as a martian (its own address as source, from outside)".to_owned()
        }
        Variant::Unseen => {
            "cannot answer it (whether it drops it or resets its own answer happens on lo, which was not captured)"
                .to_owned()
        }
    };
    let explanation = format!(
        "The director rewrote the destination and kept the source, so {caller} received a SYN from itself and {after}. It fails each time that the scheduler picks the caller ({} here), and works when it picks another server.",
        share(facts, service, &ids, "")
    );
    let title = format!("{caller} called the VIP and was chosen as its own real server");
    let mut finding = Finding::cause("l4-self-access-hairpin", title, explanation);
    finding.severity = severity(facts, &ids);
    // Two five-tuples tied by one handshake, the second with both ends on one
    // host: nothing else makes that.
    finding.confidence = Confidence::Certain;
    if let Some(id) = telling(facts, &ids) {
        finding.proofs = proofs(facts, id);
        finding.fixes = fixes(facts, service, id);
    }
    // Windows captures nothing of what a host sends to itself.
    if variant(facts, &ids) == Variant::Unseen && !is_windows(facts, &ids) {
        finding.confirm(
            caller.to_string(),
            capture_line("caller", &[vip, caller], None),
            "shows on lo whether the caller resets its own answer or drops the SYN as a martian",
        );
    }
    finding.concerning(callers, ids).also(words::directors(facts, service))
}

/// Whether the callers' own SYNs leave with the TTL that Windows begins with.
fn is_windows(trace: &Trace, ids: &[ConnectionId]) -> bool {
    let ttl = |id: &ConnectionId| {
        trace
            .legs(*id)
            .iter()
            .find(|leg| trace.is_client_side(*id, leg))
            .and_then(|leg| trace.vantage(leg).first_hop(trace.forward(leg))?.known_ttl())
    };
    ids.iter().all(|id| ttl(id) == Some(WINDOWS_TTL))
}

fn fixes(trace: &Trace, service: ServiceId, id: ConnectionId) -> Vec<Fix> {
    let service = trace.topology.service(service);
    let caller = trace.connection(id).front.client.0;
    let vip = service.vip;
    let calls_elsewhere = Fix::safe(
        format!("{caller}, in the application that calls"),
        format!(
            "# call a layer-7 listener or localhost instead of {}",
            vip.with_port(service.port)
        ),
        "Point it back at the VIP.",
    )
    .or();
    // A command is for a host that can be logged into: of a balancer that nobody
    // captured and that said nothing of itself, it is not known that it can.
    let known = service.directors.iter().find(|d| {
        trace.is_captured(d.host) || trace.states.iter().any(|state| state.hosts.contains(&d.host))
    });
    let Some(director) = known else {
        let settings = Fix::disruptive("the balancer, in its own settings", format!(
                "# let it replace the clients' addresses for {} (full NAT; AWS: client IP preservation off; Azure has no such setting), or keep callers out of the pool that they call",
                vip.with_port(service.port)
            ), "Set it back; servers see the clients' own addresses again.")
        .or();
        return vec![calls_elsewhere, settings];
    };
    if cluster::is_clusters(trace, service) {
        let place = Names(trace).place(director.host);
        return hairpins_of_pods(&place, (caller, vip))
            .into_iter()
            .chain([calls_elsewhere])
            .collect();
    }
    let spec = format!("-s {caller} -d {caller} -m ipvs --vaddr {vip} -j SNAT --to-source {vip}");
    let rule = Rule::nat(vip, "POSTROUTING", spec);
    let track =
        sysctl::step(&[("net.ipv4.vs.conntrack", "1", "0")]).because(sysctl::IPVS_CONNTRACK);
    vec![
        step::safe(
            format!("the director {}", Names(trace).place(director.host)),
            [track, rule.appended()],
        ),
        calls_elsewhere,
    ]
}

/// What a node does for pods that call themselves: the reply has to come back to the node.
fn hairpins_of_pods(place: &str, (caller, vip): (Ip, Ip)) -> Vec<Fix> {
    let node = format!("the node {place}");
    vec![
        Fix::disruptive(
            "the cluster's network plugin and kube-proxy".to_owned(),
            "# hairpins on and masqueraded: 'hairpinMode: true' of the bridge plugin (kube-router: --hairpin-mode), kube-proxy with the pods' own network in --cluster-cidr; its chains then mark such packets (KUBE-MARK-MASQ)",
            "Restore the values that were set before.",
        ),
        cluster::masquerade(node, caller, Some(caller), vip, "until then, for this pod")
            .meanwhile(),
    ]
}
