//! One real server takes much longer to answer requests than the others.
//!
//! Measured at each server's own vantage, from the first byte of the request in
//! to the first byte of the answer out: no network lies between. Of servers that were
//! not captured, at a vantage before them, less what the handshake took there.

use crate::diagnose::facts::load::durations::{self, Outliers, Samples, Server, ms, outliers};
use crate::diagnose::facts::load::slow_exchanges::request;
use crate::diagnose::thresholds::SLOW_REAL_SERVER_AT_LEAST_NS;
use crate::diagnose::words::{self, agree, directors, list, name, names};
use crate::diagnose::{Detection, Facts, Finding, Subject};
use crate::topology::ServiceId;

pub(in crate::diagnose) const EXPLAINS: &[&str] = &[];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let mut compared = false;
    let mut findings = Vec::new();
    for (service, servers) in facts.durations() {
        let mut told_by_own = false;
        for own in [true, false] {
            let pool: Vec<_> = servers
                .iter()
                .enumerate()
                .map(|(at, server)| (at, samples(server, own)))
                .filter(|(_, samples)| samples.quartiles().is_some())
                .collect();
            compared |= pool.len() > 1;
            told_by_own |= own && pool.len() > 1;
            let Some(mut found) = outliers(&pool, SLOW_REAL_SERVER_AT_LEAST_NS) else { continue };
            // What servers' own captures show of them goes before what others show.
            found
                .slow
                .retain(|(at, _)| own || !told_by_own || servers[*at].answer.quartiles().is_none());
            if !found.slow.is_empty() {
                findings.push(finding(facts, *service, servers, &found, own));
                break;
            }
        }
    }
    Detection::from(findings, || {
        if compared {
            return Detection::Clean;
        }
        Detection::unchecked(format!(
            "no two real servers of one pool were seen to answer {} requests each; capture on the director or on all real servers at once",
            crate::diagnose::thresholds::DURATIONS_MIN_SAMPLES
        ))
    })
}

/// How long a server needs for its answers, by its own capture or by one before it.
fn samples(server: &Server, own: bool) -> &Samples {
    if own { &server.answer } else { &server.thought }
}

fn finding(
    facts: &Facts,
    service: ServiceId,
    servers: &[Server],
    found: &Outliers,
    own: bool,
) -> Finding {
    let s = facts.topology.service(service);
    let (mut slow, usual) = (found.slow.clone(), found.usual);
    slow.reverse();
    let subjects: Vec<Subject> =
        slow.iter().map(|(at, _)| words::server_of(&s.real_servers[*at])).collect();
    let who = names(&subjects);
    let verb = agree(subjects.len(), "takes", "take");
    let worst = slow.first().map_or(0, |(_, q)| q.median);
    let title = format!("{who} {verb} {} to answer, the others {}", ms(worst), ms(usual));
    let told: Vec<String> = slow
        .iter()
        .zip(&subjects)
        .map(|((at, q), subject)| {
            let server = &servers[*at];
            let accept = if own { &server.accept } else { &server.reach }.quartiles();
            let accept = accept.map_or_else(String::new, |a| {
                format!(", and {} from SYN to SYN-ACK", ms(a.median))
            });
            format!(
                "{}: {} (median of {} requests{accept})",
                name(subject),
                ms(q.median),
                samples(server, own).len()
            )
        })
        .collect();
    let (measured, so) = if own {
        (
            "at the real server's own capture",
            "The network has no part in this time: the application, or what it waits for, is slow.",
        )
    } else {
        (
            "before the real server, less what its handshake took",
            "A way that is long would delay the handshake as well: the application, or what it waits for, is slow.",
        )
    };
    let explanation = format!(
        "From the first byte of the request to the first byte of the answer, {measured}: {}. No other server of {} has a median above {}, and the quickest quarter of the slow ones takes longer than the slowest quarter of the others. {so}{}",
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
    }
    let until = agree(
        slow.len(),
        "until it is as quick as the others",
        "until they are as quick as the others",
    );
    finding.fixes = super::spare(facts, service, slow.iter().map(|(at, _)| *at), until);
    let ids = durations::connections(facts, facts.places(), service, &slow);
    finding.proofs =
        slow.first().map(|(at, q)| request(facts, service, *at, q.median, own)).unwrap_or_default();
    finding.concerning(subjects, ids).also(directors(facts, service))
}
