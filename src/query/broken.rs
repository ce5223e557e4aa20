//! Values of the fields that tell what became of a connection, and where it broke.

use super::value::one_of;
use crate::breaks::apart::Trait;
use crate::breaks::{Breaks, Fate, Group, Manner, Packet};
use crate::diagnose::Diagnosis;
use std::collections::BTreeSet;

/// The fate of a name.
pub(super) fn fate(name: &str) -> Result<Fate, String> {
    let named = |fate: &Fate| fate.name() == name;
    Fate::ALL.into_iter().find(named).ok_or_else(|| one_of(name, "fate", Fate::ALL.map(Fate::name)))
}

/// Connections of the breaks that a value names, sorted: a number, a packet, a manner, any.
pub(super) fn broken(breaks: &Breaks, value: &str) -> Result<Vec<u32>, String> {
    if value == "any" {
        return Ok(of(breaks, |_, _| true));
    }
    if let Ok(n) = value.parse::<usize>() {
        if !(1..=breaks.groups.len()).contains(&n) {
            return Err(format!("there is no break {n}: there are {}", breaks.groups.len()));
        }
        return Ok(of(breaks, |at, _| at + 1 == n));
    }
    let packets = Packet::ALL.map(Packet::name);
    let manners = Manner::ALL.map(Manner::name);
    let known: Vec<&str> = packets.into_iter().chain(manners).collect();
    if !known.contains(&value) {
        return Err(unknown(value, "break", &known));
    }
    Ok(of(breaks, |_, group| group.packet.name() == value || group.manner.name() == value))
}

/// Connections of the breaks that something sets apart, sorted: by its name, or any.
pub(super) fn apart(breaks: &Breaks, value: &str) -> Result<Vec<u32>, String> {
    let is = |group: &Group| group.apart.iter().any(|a| value == "any" || a.what.name() == value);
    let known = Trait::ALL.map(Trait::name);
    if value != "any" && !known.contains(&value) {
        return Err(unknown(value, "trait that sets a break apart", &known));
    }
    Ok(of(breaks, |_, group| is(group)))
}

/// Packets and manners of the breaks that there are, and their numbers.
pub(super) fn words(diagnosis: &Diagnosis) -> (Vec<String>, Vec<String>) {
    let breaks = &diagnosis.breaks;
    let numbers = (1..=breaks.groups.len()).map(|n| n.to_string());
    (numbers.chain(names(breaks)).collect(), traits(breaks))
}

fn names(breaks: &Breaks) -> Vec<String> {
    let of = |group: &Group| [group.packet.name(), group.manner.name()];
    let names: BTreeSet<&str> = breaks.groups.iter().flat_map(of).collect();
    names.into_iter().map(str::to_owned).collect()
}

fn traits(breaks: &Breaks) -> Vec<String> {
    let all = breaks.groups.iter().flat_map(|group| &group.apart);
    let names: BTreeSet<&str> = all.map(|apart| apart.what.name()).collect();
    names.into_iter().map(str::to_owned).collect()
}

fn of(breaks: &Breaks, test: impl Fn(usize, &Group) -> bool) -> Vec<u32> {
    let groups = breaks.groups.iter().enumerate().filter(|(at, group)| test(*at, group));
    let mut ids: Vec<u32> = groups.flat_map(|(_, g)| &g.connections).map(|id| id.0).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

fn unknown(value: &str, what: &str, known: &[&str]) -> String {
    format!("{value} is no {what}; there are {}", known.join(", "))
}
