//! Services that serve the first request of a connection and answer a later one with 400, on each connection that has one:
//! who answers reads what is left of the first as the beginning of the next, or whoever passes them on does.

use crate::breaks::answered_again;
use crate::correlate::Leg;
use crate::diagnose::Facts;
use crate::diagnose::thresholds::NO_COINCIDENCE;
use crate::flow::Mark;
use crate::topology::ServiceId;
use std::collections::BTreeMap;

pub(super) fn second_request(facts: &Facts) -> Option<String> {
    if !facts.vantages.iter().any(|v| v.side_tables.has_spoken()) {
        return None;
    }
    let mut all: BTreeMap<ServiceId, Vec<(&Leg, Mark, bool)>> = BTreeMap::new();
    for (id, _) in facts.requests() {
        all.entry(facts.service_of(id)).or_default().extend(answered_again(facts, id));
    }
    all.into_iter().find_map(|(service, again)| {
        let (leg, mark, _) = again.iter().find(|(.., bad)| *bad)?;
        let each = again.len() >= NO_COINCIDENCE && again.iter().all(|(.., bad)| *bad);
        each.then(|| {
            format!(
                "on each of {} connections to {} that asked more than once the first request is served and a later one answered HTTP 400 ({} #{}): so answers who takes what is left of a request for the beginning of the next, a body that was not read, or that a proxy passes on with another length",
                again.len(),
                facts.topology.service(service).name(),
                facts.vantage(leg).label,
                mark.frame()
            )
        })
    })
}
