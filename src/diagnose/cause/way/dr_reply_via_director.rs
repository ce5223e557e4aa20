//! A DR real server sends its answers to the director, whose kernel drops them:
//! they come from outside with one of its own addresses, the VIP, as source.

use crate::diagnose::cause::{each_service, needs_mode, severity};
use crate::diagnose::facts::telling;
use crate::diagnose::words::commands::sysctl;
use crate::diagnose::words::{agree, explained, name, names, servers, share};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Fix, Names, Proof};
use crate::topology::{HostId, Mode, Role, ServiceId};
use crate::trace::{ConnectionId, Trace};

pub(in crate::diagnose) const EXPLAINS: &[&str] = &["syn-unanswered"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let hit = facts
        .requests()
        .filter(|(id, c)| c.outcome.failed() && into_director(facts, *id).is_some())
        .map(|(id, _)| id);
    let findings = each_service(facts, hit, |service, ids| finding(facts, service, ids));
    Detection::from(findings, || {
        if let Some(other) = needs_mode(facts, &[Mode::Dr]) {
            return other;
        }
        let answers = facts.requests().any(|(id, _)| !facts.route(id).back.is_empty());
        Detection::clean_if(answers, "no answers were captured; capture on a real server")
    })
}

/// The director to which the answer went and from which it did not go on.
fn into_director(trace: &Trace, id: ConnectionId) -> Option<HostId> {
    let service = trace.service(id);
    if service.mode != Mode::Dr {
        return None;
    }
    let back = &trace.route(id).back;
    let director = back.iter().filter_map(|step| step.to).find(|to| service.is_director(*to))?;
    let goes_on = back.iter().any(|step| step.from == Some(director));
    (!goes_on).then_some(director)
}

fn finding(facts: &Facts, service: ServiceId, ids: Vec<ConnectionId>) -> Finding {
    let subjects = servers(facts, &ids);
    let vip = facts.topology.service(service).vip;
    let director = ids.iter().find_map(|id| into_director(facts, *id));
    let director_name =
        director.map_or_else(|| "the director".to_owned(), |d| Names(facts).full(d));
    let server = names(&subjects);
    let verb = agree(subjects.len(), "sends its", "send their");
    let title = format!("{server} {verb} answers to the director, which drops them");
    let explanation = format!(
        "In DR the answer must leave by the router. {server} {verb} answers to {director_name}, whose kernel sees a packet from outside with its own address {vip} as source, a martian, and drops it. {} connections got no answer.",
        share(facts, service, &ids)
    );
    let mut finding = Finding::cause("dr-reply-via-director", title, explanation);
    finding.severity = severity(facts, &ids);
    let seen = ids
        .iter()
        .any(|id| facts.route(*id).back.iter().any(|step| step.arrived && step.to == director));
    finding.confidence = if seen { Confidence::Certain } else { Confidence::Likely };
    if !seen {
        finding.candidate(
            "dr-vip-foreign-subnet-return",
            "then the director forwards the answer and a router beyond drops it",
        );
        finding.confirm(
            director_name.clone(),
            format!("tcpdump -ni any -c 20 'src host {vip}'"),
            "answers that come in and never go out are dropped here",
        );
    }
    finding.proofs = telling(facts, &ids).map(|id| proofs(facts, id, director)).unwrap_or_default();
    for subject in &subjects {
        finding.fix_disruptive(
            name(subject),
            "ip route replace default via ROUTER   # the router of this network, not the director",
            "Restore the route that 'ip route show default' printed before.",
        );
    }
    if let Some(director) = director {
        let inner = |filter: &str, local: &str| {
            sysctl::set(&[
                ("net.ipv4.conf.INNER.accept_local", local),
                ("net.ipv4.conf.INNER.rp_filter", filter),
                ("net.ipv4.conf.all.rp_filter", filter),
            ])
        };
        let take = Fix::safe(
            format!("{}, where it is to be the way out", Names(facts).place(director)),
            explained(
                inner("0", "1"),
                "INNER: its interface towards the real servers; needs net.ipv4.ip_forward=1",
            ),
            explained(inner("1", "0"), "if they were so before"),
        );
        finding.fixes.push(take.or());
    }
    finding
        .concerning(subjects, ids)
        .also(director.map(|d| Names(facts).subject(Role::Director, d)))
}

fn proofs(trace: &Trace, id: ConnectionId, director: Option<HostId>) -> Vec<Proof> {
    let mut proofs = Vec::new();
    let mut legs: Vec<_> = trace.legs(id).iter().collect();
    legs.sort_by_key(|leg| trace.host_of(leg) != director);
    for leg in legs {
        let (there, back) = (trace.forward(leg), trace.reply(leg));
        if !back.seen() {
            continue;
        }
        let at_director = trace.host_of(leg) == director;
        let out = trace.path(leg, there).last().map(|(link, _)| link.first);
        proofs
            .extend(out.and_then(|mark| trace.proof(leg, mark, "the SYN goes to the real server")));
        let note = if at_director {
            "the SYN-ACK comes back to the director, and nothing goes on"
        } else {
            "the SYN-ACK leaves for the director's MAC"
        };
        proofs.extend(trace.proof(leg, back.first, note));
        if back.last != back.first {
            proofs.extend(trace.proof(leg, back.last, "sent again, still unanswered"));
        }
        break;
    }
    proofs
}
