//! TLS handshakes in which the server takes its time for its first word. What TLS takes itself is milliseconds, so who
//! answers asks somebody else first (OCSP, a list of revoked certificates, a name server, a server behind it), or gets
//! no processor. Who is asked in vain where the captures show it is told by name, elsewhere.

use crate::diagnose::Facts;
use crate::diagnose::thresholds::NO_COINCIDENCE;
use crate::topology::ServiceId;
use crate::trace::ConnectionId;
use std::collections::BTreeMap;

/// A client notices so long a wait, nanoseconds. Judgement.
const SLOW_NS: i64 = 1_000_000_000;
/// Where some are slow, the others are quicker by this factor. Judgement: nothing is in between.
const FACTOR: i64 = 10;

pub(super) fn slow_hello(facts: &Facts) -> Option<String> {
    let mut all: BTreeMap<ServiceId, Vec<(i64, ConnectionId)>> = BTreeMap::new();
    for (id, c) in facts.requests().filter(|(_, c)| c.protocol.is_tcp()) {
        let hello = |leg: &crate::correlate::Leg| {
            let hello = facts.vantage(leg).side_tables.hello_of(leg.stream);
            hello.is_some_and(|hello| hello.mark == facts.forward(leg).data)
        };
        let told = c.progress.syn && c.progress.response && facts.legs(id).iter().any(hello);
        if let Some(ns) = facts.timing(id).server_ns().filter(|_| told) {
            all.entry(facts.service_of(id)).or_default().push((ns, id));
        }
    }
    all.into_iter().find_map(|(service, list)| said(facts, service, list))
}

fn said(facts: &Facts, service: ServiceId, mut list: Vec<(i64, ConnectionId)>) -> Option<String> {
    list.sort_unstable();
    let (quick, slow) = list.split_at(list.partition_point(|(ns, _)| *ns < SLOW_NS));
    let (least, most) = (slow.first()?.0, slow.last()?.0);
    let apart = quick.last().is_none_or(|(ns, _)| *ns <= least / FACTOR);
    let (_, first) = *slow.iter().min_by_key(|(_, id)| *id)?;
    if slow.len() < NO_COINCIDENCE || !apart {
        return None;
    }
    let leg = facts.legs(first).first()?;
    let others = quick.last().map_or_else(String::new, |(ns, _)| {
        format!(", and those of the others within {:.3} s", *ns as f64 / 1e9)
    });
    Some(format!(
        "in {} of {} TLS handshakes with {} the server's first word comes {:.1} to {:.1} s after the ClientHello{others} ({} #{}): TLS itself takes no such time, so who answers waits for somebody else (OCSP, a list of revoked certificates, a name server, a server behind it), or gets no processor",
        slow.len(),
        list.len(),
        facts.topology.service(service).name(),
        least as f64 / 1e9,
        most as f64 / 1e9,
        facts.vantage(leg).label,
        facts.reply(leg).data.frame()
    ))
}
