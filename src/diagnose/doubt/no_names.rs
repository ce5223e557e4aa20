//! Name servers that find none of the names that they are asked for. A resolver tries domains of its own first, and
//! who asks two name servers gets no from one of them every day: but then other names are found there.

use crate::correlate::Leg;
use crate::diagnose::Facts;
use crate::diagnose::thresholds::NO_COINCIDENCE;
use crate::diagnose::words::count;
use crate::flow::{Mark, Words};
use crate::topology::ServiceId;
use crate::wire::dns;
use std::collections::{BTreeMap, BTreeSet};

/// What a name server answered.
#[derive(Default)]
struct Answers<'a> {
    /// Digests of names that do not exist by it.
    missing: BTreeSet<u16>,
    answers: usize,
    /// It answered otherwise, too.
    others: bool,
    first: Option<(&'a Leg, Mark)>,
}

pub(super) fn no_names(facts: &Facts) -> Option<String> {
    let mut all: BTreeMap<ServiceId, Answers<'_>> = BTreeMap::new();
    for (id, c) in facts.requests() {
        if !c.protocol.is_udp() || c.front.server.1 != dns::PORT || !c.progress.response {
            continue;
        }
        let of = all.entry(facts.service_of(id)).or_default();
        let told = facts.legs(id).iter().find_map(|leg| {
            facts.spoken(leg).iter().find_map(|said| match said.words {
                Words::NoSuchName(name) => Some((leg, said.mark, name)),
                _ => None,
            })
        });
        let Some((leg, mark, name)) = told else {
            of.others = true;
            continue;
        };
        of.missing.insert(name);
        of.answers += 1;
        of.first.get_or_insert((leg, mark));
    }
    let mut fruitless =
        all.into_iter().filter(|(_, of)| !of.others && of.missing.len() >= NO_COINCIDENCE);
    fruitless.find_map(|(service, of)| {
        let (leg, mark) = of.first?;
        Some(format!(
            "all {} answers of {} say that the name does not exist (DNS NXDOMAIN), of {} ({} #{})",
            of.answers,
            facts.topology.service(service).name(),
            count(of.missing.len(), "name"),
            facts.vantage(leg).label,
            mark.frame()
        ))
    })
}
