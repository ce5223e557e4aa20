//! One real server takes much longer to answer requests than the others.
//!
//! Measured at each server's own vantage, from the first byte of the request in
//! to the first byte of the answer out: no network lies between. Where a server was not
//! captured, a vantage before it tells the same, less what a handshake takes there.

use crate::correlate::Leg;
use crate::diagnose::facts::durations::Outliers;
use crate::diagnose::facts::durations::{self, Server, ms, outliers};
use crate::diagnose::thresholds::SLOW_REAL_SERVER_AT_LEAST_NS;
use crate::diagnose::words::{agree, directors, list, name, names};
use crate::diagnose::{Detection, Facts, Finding, Proof, Subject};
use crate::topology::ServiceId;

pub(in crate::diagnose) const EXPLAINS: &[&str] = &[];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let mut compared = false;
    let mut findings = Vec::new();
    for (service, servers) in facts.durations() {
        let pool: Vec<_> = servers
            .iter()
            .enumerate()
            .map(|(at, server)| (at, server.answers()))
            .filter(|(_, samples)| samples.quartiles().is_some())
            .collect();
        compared |= pool.len() > 1;
        if let Some(found) = outliers(&pool, SLOW_REAL_SERVER_AT_LEAST_NS) {
            findings.push(finding(facts, *service, servers, &found));
        }
    }
    Detection::from(findings, || {
        if compared {
            return Detection::Clean;
        }
        Detection::Unchecked(format!(
            "no two real servers of one pool were captured with {} answered requests each; capture on all real servers at once",
            crate::diagnose::thresholds::DURATIONS_MIN_SAMPLES
        ))
    })
}

fn finding(facts: &Facts, service: ServiceId, servers: &[Server], found: &Outliers) -> Finding {
    let s = facts.topology.service(service);
    let (mut slow, usual) = (found.slow.clone(), found.usual);
    slow.reverse();
    let subjects: Vec<Subject> = slow
        .iter()
        .map(|(at, _)| crate::diagnose::words::server_of(&s.real_servers[*at]))
        .collect();
    let who = names(&subjects);
    let verb = agree(subjects.len(), "takes", "take");
    let worst = slow.first().map_or(0, |(_, q)| q.median);
    let title = format!("{who} {verb} {} to answer, the others {}", ms(worst), ms(usual));
    let told: Vec<String> = slow
        .iter()
        .zip(&subjects)
        .map(|((at, q), subject)| {
            let server = &servers[*at];
            let accept = if server.is_away() { &server.reach } else { &server.accept };
            let accept = accept.quartiles();
            let accept = accept.map_or_else(String::new, |a| {
                format!(", and {} from SYN to SYN-ACK", ms(a.median))
            });
            format!(
                "{}: {} (median of {} requests{accept})",
                name(subject),
                ms(q.median),
                servers[*at].answers().len()
            )
        })
        .collect();
    let away = slow.iter().any(|(at, _)| servers[*at].is_away());
    let (place, network) = if away {
        (
            "as captures before the real server show it, less what a handshake takes there",
            "A handshake takes the same way and is quick, so it is not the network",
        )
    } else {
        ("at the real server's own capture", "The network has no part in this time")
    };
    let explanation = format!(
        "From the first byte of the request in to the first byte of the answer out, {place}: {}. No other server of {} has a median above {}, and the quickest quarter of the slow ones takes longer than the slowest quarter of the others. {network}: the application, or what it waits for, is slow.{}",
        list(&told),
        s.name(),
        ms(usual),
        found.caveat()
    );
    let mut finding = Finding::cause("slow-real-server", title, explanation);
    finding.confidence = found.confidence();
    for ((at, _), subject) in slow.iter().zip(&subjects) {
        finding.confirm(name(subject), format!(
                "uptime; vmstat 1 5; ss -tn state established '( sport = :{port} )'; ss -ltn 'sport = :{port}'",
                port = s.real_servers[*at].port
            ), "processor, memory, disk; Recv-Q of the listener shows requests that wait to be accepted; if all is idle, the application waits for something else, see its log");
        let until = "until it is as quick as the others";
        finding.fixes.extend(super::spare(facts, service, *at, until));
    }
    let ids = durations::connections(facts, facts.places(), service, &slow);
    finding.proofs =
        slow.first().map(|(at, q)| proofs(facts, service, *at, q.median)).unwrap_or_default();
    finding.subjects = subjects;
    finding.subjects.extend(directors(facts, service));
    finding.connections = ids;
    finding
}

/// A request of a server that took the median time or more, at its own vantage.
fn proofs(facts: &Facts, service: ServiceId, at: usize, median: u64) -> Vec<Proof> {
    let server = facts.topology.service(service).real_servers[at];
    let legs = facts
        .places()
        .get(&(service, at))
        .into_iter()
        .flatten()
        .map(|(_, own)| *own)
        .flat_map(|id| facts.back_legs(id));
    let own = |leg: &&Leg| facts.host_of(leg) == server.host;
    let (own, before): (Vec<&Leg>, Vec<&Leg>) = legs.partition(own);
    let (there, arrives) = if own.is_empty() {
        (before, "the request passes on its way to the real server")
    } else {
        (own, "the request reaches the real server")
    };
    for leg in there {
        let (there, back) = (facts.forward(leg), facts.reply(leg));
        let (Some(asked), Some(answered)) = (there.data.get(), back.data.get()) else { continue };
        let took = answered.since(asked);
        if there.retransmissions == 0 && u64::try_from(took).is_ok_and(|took| took >= median) {
            let took = ms(took.unsigned_abs());
            return [
                facts.proof(leg, asked, arrives),
                facts.proof(leg, answered, format!("its answer begins {took} later")),
            ]
            .into_iter()
            .flatten()
            .collect();
        }
    }
    Vec::new()
}
