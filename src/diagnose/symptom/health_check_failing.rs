//! Health checks that fail.

use super::broken;
use super::{concerned, connections_to};
use crate::breaks::{Excused, Manner, Packet};
use crate::diagnose::words::list;
use crate::diagnose::{Facts, Proof, Sighting, Wording};
use std::collections::BTreeSet;

pub(in crate::diagnose) fn sightings(f: &Facts) -> Vec<Sighting> {
    let mut found = broken::broken_as(f, |group| group.packet == Packet::HealthCheck);
    found.extend(f.breaks.excused.keys().map(|id| Sighting::of(*id, false)));
    found.sort_by_key(|sighting| sighting.connection);
    found
}

pub(in crate::diagnose) fn proofs(f: &Facts, sighting: &Sighting) -> Vec<Proof> {
    let excused = sighting.connection.and_then(|id| Some((id, *f.breaks.excused.get(&id)?)));
    let Some((id, excused)) = excused else { return broken::proofs(f, sighting) };
    let Some(leg) = f.legs(id).first() else { return Vec::new() };
    let (there, back) = (f.forward(leg), f.reply(leg));
    let own = match excused {
        Excused::Starting(_) => {
            [f.proof(leg, there.syn, "the SYN"), f.proof(leg, back.rst, "a RST answers it")]
        }
        Excused::StillSent(_) => {
            let told = f.first_error(id).and_then(|(leg, mark, status)| {
                f.proof(leg, mark, format!("the answer, status {status}"))
            });
            [f.proof(leg, there.data, "what it asks"), told]
        }
    };
    let last = match excused {
        Excused::Starting(at) => Proof::at(at, "the first check that passes"),
        Excused::StillSent(at) => Proof::at(at, "a client is still sent here, and served"),
    };
    own.into_iter().flatten().chain([last]).collect()
}

/// What is so of all these checks, and says nothing ill of their server.
fn all_excused(f: &Facts, sightings: &[Sighting]) -> Option<Excused> {
    let mut all = sightings.iter().map(|s| f.breaks.excused.get(&s.connection?).copied());
    let first = all.next()??;
    let same = |one: Option<Excused>| {
        one.is_some_and(|one| std::mem::discriminant(&one) == std::mem::discriminant(&first))
    };
    all.all(same).then_some(first)
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
        if sighting.connection.is_some_and(|id| f.breaks.excused.contains_key(&id)) {
            ends.insert("refused".to_owned());
            continue;
        }
        let group = sighting.connection.and_then(|id| f.breaks.group_of(id));
        let Some(group) = group.map(|group| f.breaks.group(group)) else { continue };
        ends.insert(match group.manner {
            Manner::Refused => "refused".to_owned(),
            Manner::Rejected => "rejected by ICMP".to_owned(),
            Manner::Cut(_) => "accepted and reset".to_owned(),
            Manner::Closed => "closed without an answer".to_owned(),
            Manner::Late => format!(
                "answered when whoever checks had given up, after up to {}",
                broken::seconds(group.cost_ns)
            ),
            manner
                if manner.is_silence()
                    && sighting.connection.is_some_and(|id| f.connection(id).progress.answered) =>
            {
                let wait = broken::seconds(group.cost_ns);
                format!("accepted by a SYN-ACK that is never acknowledged, for {wait}")
            }
            _ if group.cost_ns == 0 => "not answered".to_owned(),
            _ => format!("not answered within {}", broken::seconds(group.cost_ns)),
        });
    }
    list(&ends.into_iter().collect::<Vec<_>>())
}

pub(in crate::diagnose) fn word(f: &Facts, sightings: &[Sighting]) -> Wording {
    let (title, more) = match all_excused(f, sightings) {
        Some(Excused::Starting(_)) => (
            "health checks were refused until the server listened",
            " Those that came later pass, and nobody else was refused: it was starting.",
        ),
        Some(Excused::StillSent(_)) => (
            "health checks get an error that does not take the server out",
            " Clients are sent there all the same, and served: whoever balances takes that status for a good one, or sends to all where none passes.",
        ),
        None => ("health checks fail", ""),
    };
    Wording {
        title: title.to_owned(),
        explanation: format!(
            "{}, made as health checks: {}.{more}",
            connections_to(f, sightings),
            ends(f, sightings)
        ),
        subjects: concerned(f, sightings),
    }
}

pub(in crate::diagnose) fn blind(f: &Facts) -> Option<String> {
    super::no_tcp(f)
}
