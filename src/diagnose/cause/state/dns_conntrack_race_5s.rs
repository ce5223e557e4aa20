//! Of two DNS questions that leave one port together, one does not come out of the host
//! that translates them: their entries in its connection table collide, and the resolver
//! asks again when its timer runs out.
//!
//! The director's own capture proves it, where two come in and one goes out. The client's
//! alone shows questions lost in pairs and never alone, and that is likely at most. A
//! question that stays without an answer when it is asked alone is a deaf server's.

use crate::correlate::Leg;
use crate::diagnose::decide::delay::WhyAskedAgain;
use crate::diagnose::facts::each_once;
use crate::diagnose::facts::state::paired_questions::{Asked, Lost, concerns};
use crate::diagnose::words::commands::netfilter::Rule;
use crate::diagnose::words::commands::step;
use crate::diagnose::words::{self, counted, directors, part};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Fix, Names, Proof, Severity};
use crate::flow::Mark;
use crate::topology::{Mode, Service, ServiceId};
use crate::trace::{ConnectionId, Trace};
use crate::wire::dns;
use std::collections::BTreeMap;

pub(in crate::diagnose) const EXPLAINS: &[&str] = &["slow-answer"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    if !facts.vantages.iter().any(|v| v.side_tables.has_dns_pairs()) {
        return Detection::Clean;
    }
    let mut services: BTreeMap<ServiceId, Asked<'_>> = BTreeMap::new();
    let mut blind = false;
    for (id, _) in facts.requests().filter(|(id, c)| concerns(facts, *id, c)) {
        match facts.answer_vantage(id).filter(|leg| leg.tuple == 0) {
            Some(leg) => {
                let service = facts.service_of(id);
                services.entry(service).or_default().see(facts, id, leg);
            }
            None => blind = true,
        }
    }
    let findings = services.iter().filter_map(|(service, asked)| finding(facts, *service, asked));
    Detection::from(findings.collect(), || {
        Detection::clean_if(
            !blind,
            "DNS questions pass where their answers do not; capture on the director with 'tcpdump -i any -s 0 udp port 53'",
        )
    })
}

fn finding(facts: &Facts, service: ServiceId, asked: &Asked<'_>) -> Option<Finding> {
    let why = asked.signs(facts.in_cluster(&[])).why();
    if why == WhyAskedAgain::Untold {
        return None;
    }
    let (lost, sure) = (&asked.lost, why == WhyAskedAgain::Race);
    let few = why == WhyAskedAgain::PossibleRace;
    let names = Names(facts);
    let s = facts.topology.service(service);
    let ids: Vec<ConnectionId> = lost.iter().map(|l| l.id).collect();
    let seconds = (asked.timers().1 as f64 / 1e9 * 10.0).round() / 10.0;
    let host = s.directors.first().map(|d| names.full(d.host));
    let place = host.clone().unwrap_or_else(|| "the host that translates".to_owned());
    let title =
        format!("one of two DNS questions asked together is lost on the way to {}", s.name());
    let how = if sure {
        format!("Both come in at {place}, and one of them goes out")
    } else {
        "The client's capture shows both leave and one answer come".to_owned()
    };
    let answered = format!("{} answered", counted(asked.alone as usize, "question", "were"));
    let alone = if few {
        format!(
            "Asked alone, {answered} and none was lost; so few may be chance, but in a cluster this is its usual reason."
        )
    } else {
        format!("Asked alone, {answered} and none was lost: it is no loss of the network.")
    };
    let explanation = format!(
        "Resolvers ask for A and AAAA from one port at once. {how}; the lost one is asked again {seconds} s later and answered. {alone} Both meet a connection table without an entry for the port, each makes one, and the second to be entered is dropped. {} so.",
        part(ids.len(), facts.requests_to(service).len(), "lookup", "wait")
    );
    let mut finding = Finding::cause("dns-conntrack-race-5s", title, explanation).rated(
        Severity::Warning,
        match why {
            WhyAskedAgain::Race => Confidence::Certain,
            WhyAskedAgain::PossibleRace => Confidence::Possible,
            _ => Confidence::Likely,
        },
    );
    if !sure {
        finding.candidate(
            "packet-loss",
            "then the director's capture shows both questions go out, or one of them not come in",
        );
        finding.confirm(
            place.clone(),
            format!("tcpdump -i any -s 0 -w director.pcap 'udp port {}'", s.port),
            "two questions of one port come in together and one goes out: this is it",
        );
    }
    finding.confirm(
        place,
        "conntrack -S | grep -o 'insert_failed=[0-9]*'",
        "insert_failed grows with every lookup that waits",
    );
    finding.fixes = fixes(facts, s, lost, host);
    finding.proofs = proofs(facts, lost);
    Some(finding.concerning(directors(facts, service), ids).also([words::service_subject(s)]))
}

fn fixes(trace: &Trace, s: &Service, lost: &[Lost<'_>], director: Option<String>) -> Vec<Fix> {
    let clients: Vec<_> = each_once(lost.iter().map(|l| trace.connection(l.id).front.client.0));
    let names: Vec<String> = clients.iter().map(ToString::to_string).collect();
    let pods = Fix::disruptive(
        format!("a host that has kubectl, for the pods ({})", words::list(&names)),
        "# in their spec, which starts them anew: dnsConfig: {options: [{name: single-request-reopen}]}; or NodeLocal DNSCache on all nodes, which asks on without translation",
        "Take it out of the spec again.",
    );
    let hosts = Fix::safe(
        format!("the clients ({})", words::list(&names)),
        "echo 'options single-request-reopen' >> /etc/resolv.conf   # glibc: one port for each question; who manages that file writes it anew; or a cache on the client's own host (NodeLocal DNSCache)",
        "sed -i --follow-symlinks '/single-request-reopen/d' /etc/resolv.conf",
    );
    let mut fixes = vec![if trace.in_cluster(&[]) { pods } else { hosts }];
    if s.mode == Mode::FullNat {
        let spec = format!("-p udp --dport {} -j MASQUERADE --random-fully", s.port);
        let rule = Rule::nat(s.vip, "POSTROUTING", spec);
        fixes.push(
            step::safe(
                director.unwrap_or_else(|| "the host that translates".to_owned()),
                [rule.inserted().because("before the rule that draws ports without it")],
            )
            .or(),
        );
    }
    fixes
}

fn proofs(trace: &Trace, lost: &[Lost<'_>]) -> Vec<Proof> {
    let Some(one) = lost.iter().find(|l| l.out.is_some()).or_else(|| lost.first()) else {
        return Vec::new();
    };
    let (twins, which) = (one.twins, one.which);
    let name = |i: usize| match twins.kinds[i] {
        dns::A => "A",
        dns::AAAA => "AAAA",
        _ => "another type",
    };
    let mut proofs = Vec::new();
    let mut add = |leg: &Leg, mark: Mark, note: String| proofs.extend(trace.proof(leg, mark, note));
    add(one.leg, twins.asked[0], format!("a question for {}", name(0)));
    add(one.leg, twins.asked[1], format!("a question for {} from the same port at once", name(1)));
    if let Some(out) = one.out {
        add(out, trace.forward(out).first, "the one of them that goes out".to_owned());
    }
    add(one.leg, twins.answered[1 - which], format!("the answer for {}", name(1 - which)));
    add(one.leg, twins.again[which], format!("{} is asked again", name(which)));
    add(one.leg, twins.settled[which], "and answered".to_owned());
    proofs
}
