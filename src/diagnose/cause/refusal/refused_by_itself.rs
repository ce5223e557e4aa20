//! A host that refuses what comes to it, where nothing shows a balancer of the service: the
//! second form of `connection-refused`.

use super::{refused_between, refused_for_a_while};
use crate::diagnose::cause::severity;
use crate::diagnose::facts::refusal::own_refusals::refuser;
use crate::diagnose::facts::refusal::stopped::{Listener, accepts_between};
use crate::diagnose::facts::telling;
use crate::diagnose::words::{list, share, tables};
use crate::diagnose::{Confidence, Facts, Finding, Names, Proof, Subject};
use crate::topology::{HostId, Role, ServiceId};
use crate::trace::{ConnectionId, Trace};

/// A host that refuses what comes to it, where nothing shows a balancer of the service.
pub(in crate::diagnose) fn by_itself(
    facts: &Facts,
    (service, host): (ServiceId, HostId),
    ids: Vec<ConnectionId>,
) -> Finding {
    let names = Names(facts);
    let s = facts.topology.service(service);
    let (who, port) = (names.full(host), s.port);
    let over_lo = over_lo(facts, &ids);
    let others = sent_on(facts, service, host);
    let meant = if others.is_empty() {
        String::new()
    } else {
        format!(
            " It has the address {} and sends on what comes for {}, but knows no service on port {port}: what another host was to answer there ends on this one.",
            s.vip,
            list(&others)
        )
    };
    let title = format!("{who} itself refuses connections to {}", s.name());
    let explanation = format!(
        "The SYNs for {} reach {who} and go no further: it answers them with RST,ACK itself, as a kernel does where no process listens on port {port} of {}, and a firewall that rejects with a reset.{over_lo}{meant} {} refused.",
        s.name(),
        s.vip,
        share(facts, service, &ids, "are")
    );
    let mut finding = Finding::cause("connection-refused", title, explanation)
        .rated(severity(facts, &ids), Confidence::Certain);
    // Whether a proxy asks for a client shows in bytes that a text does not print.
    if facts.unprinted().bytes {
        finding.confidence = Confidence::Likely;
        finding.candidate(
            "l7-backend-refused",
            "then it is a proxy's backend: a capture as a file shows whose request the proxy tried",
        );
    }
    finding.proofs = telling(facts, &ids).map(|id| own_proofs(facts, id)).unwrap_or_default();
    // Who makes it take an address that is not its own accounts for this.
    finding.addresses = vec![s.vip];
    let subject = Subject { port: Some(port), ..names.subject(Role::RealServer, host) };
    let of = (service, Listener::Host(host));
    if let Some(at) = accepts_between(facts, of.0, of.1, &ids) {
        let subjects = vec![subject];
        refused_between::word(&mut finding, facts, (service, port), &subjects, &ids);
        finding.proofs.push(Proof::at(at, "and one between that it accepts"));
        return finding.concerning(subjects, ids);
    }
    if refused_for_a_while::word(&mut finding, facts, of, &ids, who.clone()) {
        return finding.concerning(vec![subject], ids);
    }
    finding.confirm(
        who.clone(),
        format!("ss -ltn 'sport = :{port}'; ip -br addr show | grep -wF {}", s.vip),
        "whether anything listens there, and which interface has the address",
    );
    if !others.is_empty() {
        finding.confirm(who, format!(
                "ipvsadm -Ln | grep -wF {0}; {1}-save -t nat | grep -wF {0}",
                s.vip,
                tables(s.vip)
            ), "the ports of the address that it sends on; kube-proxy in IPVS mode puts the addresses of all services on kube-ipvs0");
    }
    finding.concerning(vec![subject], ids)
}

/// How many of the calls run over lo, as a sentence.
fn over_lo(facts: &Facts, ids: &[ConnectionId]) -> String {
    let lo = ids.iter().filter(|id| {
        refuser(facts, **id).is_some_and(|(_, leg)| {
            facts.path(leg, facts.reply(leg)).any(|(_, hop)| hop.link.is_loopback())
        })
    });
    match (lo.count(), ids.len()) {
        (0, _) => String::new(),
        (n, all) if n == all => " The calls are its own and run over lo.".to_owned(),
        (n, _) => format!(" {n} of them are its own calls and run over lo."),
    }
}

/// Services of the same address on other ports that a host sends on: what else it does with that address tells what
/// was meant.
fn sent_on(facts: &Facts, service: ServiceId, host: HostId) -> Vec<String> {
    let s = facts.topology.service(service);
    facts
        .topology
        .services
        .iter()
        .filter(|other| other.vip == s.vip && other.port != s.port && other.is_director(host))
        .map(crate::topology::Service::name)
        .collect()
}

fn own_proofs(trace: &Trace, id: ConnectionId) -> Vec<Proof> {
    let Some((_, leg)) = refuser(trace, id) else { return Vec::new() };
    let proofs = [
        trace.proof(leg, trace.forward(leg).first, "the SYN, which goes no further"),
        trace.proof(leg, trace.reply(leg).rst, "RST,ACK, by this host itself"),
    ];
    Proof::seen(proofs)
}
