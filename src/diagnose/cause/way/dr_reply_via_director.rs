//! A DR real server sends its answers to the director, whose kernel drops them:
//! they come from outside with one of its own addresses, the VIP, as source.

use crate::diagnose::cause::{each_service, needs_mode, severity};
use crate::diagnose::facts::telling;
use crate::diagnose::words::commands::{ip::Answers, step, sysctl};
use crate::diagnose::words::{agree, names, servers, share};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Fix, Names, Proof, Subject};
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
        director.map_or_else(|| "the director".to_owned(), |d| Names(facts).place(d));
    let server = names(&subjects);
    let verb = agree(subjects.len(), "sends its", "send their");
    let title = format!("{server} {verb} answers to the director, which drops them");
    let explanation = format!(
        "In DR the answer must leave by the router. {server} {verb} answers to {director_name}, whose kernel sees a packet from outside with its own address {vip} as source, a martian, and drops it unless it is told to accept such. {} no answer.",
        share(facts, service, &ids, "got")
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
    finding.fixes = fixes(facts, service, &subjects, director);
    finding
        .concerning(subjects, ids)
        .also(director.map(|d| Names(facts).subject(Role::Director, d)))
}

/// By another router, or by the director after all. The first needs one: it stands first only
/// where a router was seen that is not the director.
fn fixes(
    trace: &Trace,
    service: ServiceId,
    servers: &[Subject],
    director: Option<HostId>,
) -> Vec<Fix> {
    let s = trace.topology.service(service);
    let vip = s.vip;
    let answers =
        Answers { from: vip.to_string(), protocol: s.protocol, port: s.port, v4: vip.is_v4() };
    let router = "ROUTER: one of this network that is not the director, if there is one";
    let around = step::safe(names(servers), answers.leave_by("ROUTER", router));
    let Some(host) = director else { return vec![around] };
    // IPv6 has neither of these filters.
    if !vip.is_v4() {
        return vec![around];
    }
    let accepted = sysctl::change(
        format!("{}, where it is to be the way out", Names(trace).place(host)),
        &[
            ("net.ipv4.conf.INNER.accept_local", "1", "0"),
            ("net.ipv4.conf.INNER.rp_filter", "0", "1"),
            ("net.ipv4.conf.all.rp_filter", "0", "1"),
        ],
    )
    .because("INNER: its interface towards the real servers; needs net.ipv4.ip_forward=1");
    if has_other_router(trace, servers, host) {
        vec![around, accepted.or()]
    } else {
        vec![accepted, around.or()]
    }
}

/// Whether one of these servers was seen to send something to a router beside the director.
fn has_other_router(trace: &Trace, servers: &[Subject], director: HostId) -> bool {
    let hosts = &trace.topology.hosts;
    let own: Vec<Option<HostId>> = servers
        .iter()
        .map(|s| trace.host_by_mac(s.mac).or_else(|| trace.host_by_ip(s.address?)))
        .collect();
    trace.iter().any(|(id, _)| {
        trace.route(id).back.iter().any(|step| {
            let router = step.to.filter(|to| *to != director && hosts.get(*to).next_hop);
            step.from.is_some() && own.contains(&step.from) && router.is_some()
        })
    })
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
