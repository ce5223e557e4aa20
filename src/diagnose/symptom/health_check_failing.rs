//! Health checks that fail.

use super::broken::{self};
use super::connections_to;
use crate::breaks::{Manner, Packet};
use crate::diagnose::words::list;
use crate::diagnose::{Facts, Proof, Sighting, Wording};
use std::collections::BTreeSet;

pub(in crate::diagnose) fn sightings(f: &Facts) -> Vec<Sighting> {
    broken::broken_as(f, |group| group.packet == Packet::HealthCheck)
}

pub(in crate::diagnose) fn proofs(f: &Facts, sighting: &Sighting) -> Vec<Proof> {
    broken::proofs(f, sighting)
}

/// What became of the checks, as their frames show it.
fn ends(f: &Facts, sightings: &[Sighting]) -> String {
    let mut ends: BTreeSet<String> = BTreeSet::new();
    for sighting in sightings {
        let error = sighting.connection.and_then(|id| f.first_error(id));
        if let Some((_, _, status)) = error {
            ends.insert(format!("answered with status {status}"));
            continue;
        }
        let group = sighting.connection.and_then(|id| f.breaks.group_of(id));
        let Some(group) = group.map(|group| f.breaks.group(group)) else { continue };
        ends.insert(match group.manner {
            Manner::Refused => "refused".to_owned(),
            Manner::Rejected => "rejected by ICMP".to_owned(),
            Manner::Cut(_) => "accepted and reset".to_owned(),
            _ => format!("not answered within {}", broken::seconds(group.cost_ns)),
        });
    }
    list(&ends.into_iter().collect::<Vec<_>>())
}

pub(in crate::diagnose) fn word(f: &Facts, sightings: &[Sighting]) -> Wording {
    Wording {
        title: "health checks fail".to_owned(),
        explanation: format!(
            "{}, by what asks for their health: {}.",
            connections_to(f, sightings),
            ends(f, sightings)
        ),
        subjects: broken::subjects(f, sightings),
    }
}

pub(in crate::diagnose) fn blind(f: &Facts) -> Option<String> {
    super::no_tcp(f)
}
