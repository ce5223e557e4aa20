//! The sentence below the drawing: unit of the times, and how far they can be
//! trusted.

use super::clocks::Clocks;
use crate::trace::Trace;
use std::collections::BTreeSet;

/// For the captures whose times are drawn.
pub(super) fn note(trace: &Trace, clocks: &Clocks<'_>, captures: &BTreeSet<usize>) -> String {
    let label = |c: &usize| trace.captures.get(*c).map_or("?", |capture| capture.label.as_str());
    let tied: Vec<usize> =
        captures.iter().copied().filter(|c| clocks.moved(*c).is_none()).collect();
    let mut said = String::from("ms");
    let comparable = tied.iter().all(|c| clocks.uncertainty(*c, *c.min(&tied[0])).is_some());
    if tied.len() > 1 && comparable {
        let within = tied
            .iter()
            .flat_map(|a| tied.iter().map(|b| clocks.uncertainty(*a, *b).unwrap_or(0)))
            .max()
            .unwrap_or(0);
        let names = list(tied.iter().map(label));
        let how = if corrected(trace, &tied, within) { "corrected clocks" } else { "clocks" };
        said.push_str(&format!("; {how} of {names} agree within {}", ms(within)));
    }
    for capture in captures {
        let Some(moved) = clocks.moved(*capture) else { continue };
        let rest: Vec<&str> = captures.iter().filter(|c| *c != capture).map(label).collect();
        let whose = match rest[..] {
            [one] => format!("{one}'s"),
            _ => "the others'".to_owned(),
        };
        said.push_str(&format!(
            "; the clock of {} could not be compared with {whose}",
            label(capture)
        ));
        if moved != 0 {
            let way = if moved > 0 { "later" } else { "earlier" };
            said.push_str(&format!(
                ": its frames are drawn {} {way}, where cause puts them",
                ms(moved)
            ));
        }
    }
    said
}

/// Whether some clock was moved by more than the doubt.
fn corrected(trace: &Trace, captures: &[usize], within: i64) -> bool {
    let offsets = captures.iter().filter_map(|c| trace.timeline.offsets.get(*c).copied().flatten());
    offsets.map(|o| o.ns.abs()).max().is_some_and(|most| most > within)
}

fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.collect();
    match names[..] {
        [] => String::new(),
        [ref rest @ .., last] if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        [one, ..] => one.to_owned(),
    }
}

/// Rounded up, so that a bound stays one.
fn ms(ns: i64) -> String {
    let ns = ns.unsigned_abs();
    if ns < 10_000_000 {
        let hundredths = ns.div_ceil(10_000);
        format!("{}.{:02} ms", hundredths / 100, hundredths % 100)
    } else if ns < 10_000_000_000 {
        format!("{} ms", ns.div_ceil(1_000_000))
    } else {
        format!("{} s", ns.div_ceil(1_000_000_000))
    }
}

#[cfg(test)]
mod tests {
    use super::{list, ms};

    #[test]
    fn bounds_are_rounded_up() {
        assert_eq!(ms(184_000), "0.19 ms");
        assert_eq!(ms(1), "0.01 ms");
        assert_eq!(ms(-340_000_000), "340 ms");
        assert_eq!(ms(3_600_000_000_000), "3600 s");
    }

    #[test]
    fn names_are_listed_as_people_do() {
        assert_eq!(list(["a"].into_iter()), "a");
        assert_eq!(list(["a", "b", "c"].into_iter()), "a, b and c");
    }
}
