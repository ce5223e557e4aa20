//! `rs-missing-vip` from one server's capture, where the balancer was not captured and its
//! mode does not show.

use crate::diagnose::cause::severity;
use crate::diagnose::facts::silence::strange_addresses::{Strange, all};
use crate::diagnose::words::share;
use crate::diagnose::{Confidence, Facts, Finding, Fix, Names, Proof};
use crate::topology::{Mode, Ordinary, Role};

pub(in crate::diagnose) fn findings(facts: &Facts) -> Vec<Finding> {
    all(facts).iter().map(|one| finding(facts, one)).collect()
}

fn finding(facts: &Facts, one: &Strange) -> Finding {
    let names = Names(facts);
    let s = facts.topology.service(one.service);
    let (who, place) = (names.full(one.host), names.place(one.host));
    let own = facts.connection(one.own).front.server.0;
    let green = match facts.ordinary(one.own) {
        Some(Ordinary::HealthCheck) => format!(" Health checks of {own} stay green meanwhile."),
        _ => String::new(),
    };
    let title = format!("{who} does not take what comes for {}", s.vip);
    let explanation = format!(
        "SYNs for {} arrive at {who}, come again, and nothing answers; the same host answers on port {} for {own}. A balancer that leaves its own address in the packets (direct server return; a cloud's passthrough balancer, Azure's floating IP) needs servers that have that address, and a host without it drops them.{green} {} lost there.",
        s.name(),
        s.port,
        share(facts, one.service, &one.ids, "are")
    );
    let mut finding = Finding::cause("rs-missing-vip", title, explanation);
    finding.severity = severity(facts, &one.ids);
    finding.confidence = Confidence::Likely;
    for (id, tell) in [
        ("rp-filter-drop", "then TcpExtIPReversePathFilter grows with every SYN"),
        (
            "rs-silent",
            "then the address is there, and a rule of the host's firewall counts what comes for it",
        ),
        (
            "node-without-local-endpoint",
            "then the host is a node of a cluster, and 'iptables-save -c | grep \"no local endpoints\"' has a rule that counts them",
        ),
    ] {
        finding.candidate(id, tell.to_owned());
    }
    finding.confirm(
        place.clone(),
        format!("ip -br addr show to {0}; ip route show table local | grep -wF {0}; nstat -az TcpExtIPReversePathFilter", s.vip),
        "nothing printed by the first two: this is it",
    );
    finding.fixes.push(super::give_vip(place, s.vip, Mode::Dr));
    finding.fixes.push(
        Fix::disruptive(
            "the balancer, in its own settings".to_owned(),
            "# let it put the servers' own addresses into the packets (Azure: floating IP off), or start the agent that gives servers its address (Google Cloud: google-guest-agent)",
            "Set it back.",
        )
        .or(),
    );
    finding.proofs = vec![
        Proof { at: one.syn, note: format!("a SYN for {} arrives, and nothing answers", s.name()) },
        Proof { at: one.answer, note: format!("the same host answers for {own} on that port") },
    ];
    finding.subjects = vec![names.subject(Role::RealServer, one.host)];
    finding.connections.clone_from(&one.ids);
    finding
}
