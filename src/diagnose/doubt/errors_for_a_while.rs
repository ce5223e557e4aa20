//! Services that answer with errors for a while and well before and after, to the same clients: a router that is given
//! another configuration knows no place for what is asked (404 of a default backend), and a program that starts says so.
//! By the statuses alone nobody failed, and what is asked for may not be the same.

use crate::capture::Timestamp;
use crate::diagnose::Facts;
use crate::topology::ServiceId;
use crate::trace::ConnectionId;
use crate::wire::Ip;
use std::collections::{BTreeMap, BTreeSet};

/// Answers in a row that are errors, and as many before and behind that are none. Judgement: twice what is no
/// coincidence, less one.
const ENOUGH: usize = 5;

/// An answer: when its question came, whose, on which connection, and its status if that is an error.
type Answer = (Timestamp, Ip, ConnectionId, Option<u16>);

pub(super) fn errors_for_a_while(facts: &Facts) -> Option<String> {
    if !facts.vantages.iter().any(|v| v.side_tables.has_errors()) {
        return None;
    }
    let mut all: BTreeMap<ServiceId, Vec<Answer>> = BTreeMap::new();
    for (id, c) in facts.requests().filter(|(_, c)| c.protocol.is_tcp() && c.progress.response) {
        let Some(leg) = facts.legs(id).first() else { continue };
        let asked = facts.forward(leg).data;
        let at = facts.time(facts.at(leg, asked));
        let error = facts.first_error(id).map(|(.., status)| status);
        all.entry(facts.service_of(id)).or_default().push((at, c.front.client.0, id, error));
    }
    all.into_iter().find_map(|(service, list)| said(facts, service, list))
}

fn said(facts: &Facts, service: ServiceId, mut list: Vec<Answer>) -> Option<String> {
    list.sort_unstable();
    let first = list.iter().position(|one| one.3.is_some())?;
    let last = list.iter().rposition(|one| one.3.is_some())?;
    let run = &list[first..=last];
    let status = run[0].3?;
    let before: BTreeSet<Ip> = list[..first].iter().map(|one| one.1).collect();
    let whole = run.iter().all(|one| one.3 == Some(status) && before.contains(&one.1));
    let enough = [first, run.len(), list.len() - last - 1].into_iter().all(|n| n >= ENOUGH);
    if !whole || !enough || !(400..500).contains(&status) || matches!(status, 401 | 407) {
        return None;
    }
    let (leg, mark, _) = facts.first_error(run[0].2)?;
    Some(format!(
        "{} of {} answers of {} are HTTP {status}, one after the other within {:.1} s ({} #{}), and those before and after to the same clients are not: so answers who does not know for a while what it is asked for, as while its configuration changes",
        run.len(),
        list.len(),
        facts.topology.service(service).name(),
        (run[run.len() - 1].0.0 - run[0].0.0) as f64 / 1e9,
        facts.vantage(leg).label,
        mark.frame()
    ))
}
