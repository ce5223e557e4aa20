//! What shows at several services and no cause explains: told together only where the same may be behind it.
//!
//! Two services of one host may fail alike for reasons that have nothing to do with each other. What
//! fits the one is then no candidate for the other, and one finding of both would offer what fits
//! whichever came first.

use super::{Facts, FindingId, Sighting, judge};
use crate::topology::ServiceId;
use std::collections::{BTreeMap, BTreeSet};

/// Services that are looked at: of more, one finding is shorter, and rather one reason.
const SERVICES: usize = 16;
/// Findings that are made of one.
const MOST: usize = 3;

/// The same sightings, in as many lists as differ in what may be behind them.
pub(super) fn split(facts: &Facts, sightings: Vec<Sighting>) -> Vec<Vec<Sighting>> {
    let mut behind: BTreeMap<ServiceId, BTreeSet<FindingId>> = BTreeMap::new();
    for id in sightings.iter().filter(|s| s.costly).filter_map(|s| s.connection) {
        let service = facts.service_of(id);
        if behind.contains_key(&service) || !facts.breaks.fate(id).is_harm() {
            continue;
        }
        let Some(group) = facts.breaks.group_of(id) else { continue };
        if behind.len() == SERVICES {
            return vec![sightings];
        }
        let possible = judge::of_group(facts, facts.breaks.group(group)).possible;
        behind.insert(service, possible.into_iter().map(|one| one.id).collect());
    }
    let kinds: Vec<&BTreeSet<FindingId>> = {
        let mut kinds: Vec<_> = behind.values().collect();
        kinds.sort_unstable();
        kinds.dedup();
        kinds
    };
    if kinds.len() < 2 || kinds.len() > MOST {
        return vec![sightings];
    }
    let mut lists: Vec<Vec<Sighting>> = kinds.iter().map(|_| Vec::new()).collect();
    for sighting in sightings {
        let service = sighting.connection.map(|id| facts.service_of(id));
        let kind = service.and_then(|service| behind.get(&service));
        let at = kind.and_then(|kind| kinds.binary_search(&kind).ok()).unwrap_or(0);
        lists[at].push(sighting);
    }
    lists
}
