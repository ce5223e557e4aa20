//! The way to one real server takes much longer than the way to the others.
//!
//! SYN to SYN-ACK, which no application delays: seen before the server it is
//! long, seen at the server itself it is short, so the difference is spent
//! between. Where the server was not captured, its answers tell: one that answers a
//! request within little more than a handshake takes is not busy. All are durations of
//! one vantage each; no clocks are compared.

use crate::diagnose::decide::delay::{WhyFar, why_far};
use crate::diagnose::facts::load::durations::{self, Outliers, Server, ms, outliers};
use crate::diagnose::facts::load::slow_exchanges::handshake;
use crate::diagnose::thresholds::NETWORK_LATENCY_AT_LEAST_NS;
use crate::diagnose::words::{self, directors, list, name, names};
use crate::diagnose::{Detection, Facts, Finding, Names, Subject};
use crate::topology::{Mode, ServiceId};

pub(in crate::diagnose) const EXPLAINS: &[&str] = &[];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let mut compared = false;
    let mut findings = Vec::new();
    for (service, servers) in facts.durations() {
        let pool: Vec<_> = servers
            .iter()
            .enumerate()
            .map(|(at, server)| (at, &server.reach))
            .filter(|(_, samples)| samples.quartiles().is_some())
            .collect();
        compared |= pool.len() > 1;
        let Some(mut far) = outliers(&pool, NETWORK_LATENCY_AT_LEAST_NS) else { continue };
        far.slow.retain(|(at, q)| {
            let median = |samples: &durations::Samples| samples.quartiles().map(|q| q.median);
            let server = &servers[*at];
            why_far(q.median, median(&server.accept), median(&server.reply)) == WhyFar::Network
        });
        if !far.slow.is_empty() {
            findings.push(finding(facts, *service, servers, &far));
        }
    }
    Detection::from(findings, || {
        if compared {
            return Detection::Clean;
        }
        Detection::unchecked(format!(
            "no two real servers of one pool show {} handshakes each before them; capture on the director (NAT, proxy) or the client (DR) and on the real servers at once",
            crate::diagnose::thresholds::DURATIONS_MIN_SAMPLES
        ))
    })
}

fn finding(facts: &Facts, service: ServiceId, servers: &[Server], found: &Outliers) -> Finding {
    let s = facts.topology.service(service);
    let (mut far, usual) = (found.slow.clone(), found.usual);
    far.reverse();
    let subjects: Vec<Subject> =
        far.iter().map(|(at, _)| words::server_of(&s.real_servers[*at])).collect();
    let who = names(&subjects);
    let at_director = !matches!(s.mode, Mode::Dr | Mode::Tun);
    let director = s.directors.first().map(|d| Names(facts).host(d.host));
    let before = match (&director, at_director) {
        (Some(director), true) => format!("the director {director}"),
        _ => "the client".to_owned(),
    };
    let worst = far.first().map_or(0, |(_, q)| q.median);
    let title = format!(
        "the network between {before} and {who} takes {} there and back, to the others {}",
        ms(worst),
        ms(usual)
    );
    let told: Vec<String> = far
        .iter()
        .zip(&subjects)
        .map(|((at, q), subject)| {
            let server = &servers[*at];
            let beside = match (server.accept.quartiles(), server.reply.quartiles()) {
                (Some(own), _) => format!("{} at the server itself", ms(own.median)),
                (None, Some(reply)) => format!("{} from a request to its answer", ms(reply.median)),
                (None, None) => String::new(),
            };
            format!(
                "{}: {} seen at {before}, {beside} (medians of {} handshakes)",
                name(subject),
                ms(q.median),
                server.reach.len()
            )
        })
        .collect();
    let captured = far.iter().all(|(at, _)| servers[*at].accept.quartiles().is_some());
    let sign = if captured {
        "The server answers at once"
    } else {
        "A request takes hardly longer than a handshake, which a busy server would delay as well"
    };
    let explanation = format!(
        "From SYN to SYN-ACK: {}. To no other server of {} is the median above {}. {sign}, so the time is spent between: a long way, a full queue, a shaper, a tunnel. It is paid again for every round trip.{}",
        list(&told),
        s.name(),
        ms(usual),
        found.caveat()
    );
    let mut finding = Finding::cause("network-latency", title, explanation);
    finding.confidence = found.confidence();
    if !captured {
        finding.candidate(
            "slow-real-server",
            "then a capture on the real server shows the time between a SYN and its SYN-ACK",
        );
    }
    for subject in &subjects {
        let server = name(subject);
        finding.confirm(before.clone(), format!("ping -c 20 -i 0.2 {server}; tracepath -n {server}"), "a time that is high at once and steady: distance or a shaper; one that varies: a queue; the hop at which it rises is the place");
        finding.confirm(
            format!("{server} and {before}"),
            "tc -s qdisc show; ip -s link show",
            "a netem or tbf qdisc, or a backlog, delays on the host itself",
        );
    }
    let until = "until the way is as short as to the others";
    finding.fixes = super::spare(facts, service, far.iter().map(|(at, _)| *at), until);
    let ids = durations::connections(facts, facts.places(), service, &far);
    finding.proofs =
        far.first().map(|(at, q)| handshake(facts, service, *at, q.median)).unwrap_or_default();
    finding.concerning(subjects, ids).also(directors(facts, service))
}
