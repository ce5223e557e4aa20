//! Services that turn everybody away for who he is or his password. One wrong password is its user's; where nobody is
//! let in, who answers may have lost its list of users, or a balancer may stand in its clients' place, or show them
//! another server. Which it is the captures do not tell.

use crate::breaks::{Fault, turned_away};
use crate::correlate::Leg;
use crate::diagnose::Facts;
use crate::diagnose::thresholds::NO_COINCIDENCE;
use crate::flow::Mark;
use crate::topology::ServiceId;
use crate::wire::fault::{Service, words};
use std::collections::BTreeMap;

/// What a service answered.
#[derive(Default)]
struct Answers<'a> {
    all: usize,
    /// Those that turned their client away: where that shows, and how.
    away: Vec<(&'a Leg, Mark, Fault)>,
}

pub(super) fn turned_away_all(facts: &Facts) -> Option<String> {
    if !facts.vantages.iter().any(|v| v.side_tables.has_spoken()) {
        return None;
    }
    let mut all: BTreeMap<ServiceId, Answers<'_>> = BTreeMap::new();
    for (id, _) in facts.requests().filter(|(_, c)| c.progress.response) {
        let of = all.entry(facts.service_of(id)).or_default();
        of.all += 1;
        let told = turned_away(facts, id);
        of.away.extend(told.map(|(leg, spoken, fault)| (leg, spoken.mark, fault)));
    }
    all.into_iter().find_map(|(service, of)| {
        let (leg, mark, Fault(who, code)) = *of.away.first()?;
        // A client of SIP that asks from one port was turned away again and again.
        let several = of.all >= NO_COINCIDENCE || who == Service::Sip;
        (several && of.away.len() == of.all).then(|| {
            format!(
                "all {} to {} are turned away: {} ({} #{}); whether who asks has a wrong name or password, or who answers does not know it, is in that server's log",
                crate::diagnose::words::count(of.all, "connection"),
                facts.topology.service(service).name(),
                words(who, code),
                facts.vantage(leg).label,
                mark.frame()
            )
        })
    })
}
