//! The sentence below the drawing: unit of the times, and how far they can be
//! trusted.

use super::clocks::Clocks;
use crate::trace::Trace;
use std::collections::BTreeSet;

/// For the captures whose times are drawn.
pub(super) fn note(trace: &Trace, clocks: &Clocks<'_>, captures: &BTreeSet<usize>) -> String {
    let label = |c: &usize| trace.captures.get(*c).map_or("?", |capture| capture.label.as_str());
    let first = reference(trace, captures);
    // What this one connection bounds is not claimed where the report says that nothing
    // ties a clock.
    let tied = |c: &usize| {
        *c == first || !trace.timeline.corrects() || trace.timeline.comparable(first, *c)
    };
    let open = |c: &usize| clocks.uncertainty(first, *c).is_none() || !tied(c);
    let (loose, tied): (Vec<usize>, Vec<usize>) = captures.iter().copied().partition(open);
    let mut said = vec!["ms".to_owned()];
    if tied.len() > 1 {
        let pairs = tied.iter().flat_map(|a| tied.iter().map(|b| (*a, *b)));
        let within = pairs.filter_map(|(a, b)| clocks.uncertainty(a, b)).max().unwrap_or(0);
        let corrected = tied.iter().any(|c| clocks.corrected(*c) > within.unsigned_abs());
        let how = if corrected { "corrected clocks" } else { "clocks" };
        said.push(format!("{how} of {} agree within {}", list(tied.iter().map(label)), ms(within)));
    }
    if let [one] = loose[..] {
        let rest: Vec<&str> = captures.iter().filter(|c| **c != one).map(label).collect();
        let whose = match rest[..] {
            [other] => format!("{other}'s"),
            _ => "the others'".to_owned(),
        };
        said.push(format!("the clock of {} could not be compared with {whose}", label(&one)));
    } else if !loose.is_empty() {
        let names = list(loose.iter().map(label));
        let whose = match tied[..] {
            [one] => format!("with {}'s", label(&one)),
            _ => "with the others'".to_owned(),
        };
        said.push(format!("the clocks of {names} could not be compared {whose}"));
    }
    for capture in loose {
        let by = clocks.moved(capture);
        if by != 0 {
            let way = if by > 0 { "later" } else { "earlier" };
            let name = label(&capture);
            said.push(format!("{name} is drawn {} {way}, as cause demands", ms(by)));
        }
    }
    said.join("; ")
}

/// The capture with which the others are compared: one that the timeline bounds.
fn reference(trace: &Trace, captures: &BTreeSet<usize>) -> usize {
    let bounded = |c: &&usize| trace.timeline.offset(**c).is_some();
    captures.iter().find(bounded).or_else(|| captures.first()).copied().unwrap_or(0)
}

/// `a`, `a and b`, `a, b and c`.
fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.collect();
    match names[..] {
        [] => String::new(),
        [one] => one.to_owned(),
        [ref rest @ .., last] => format!("{} and {last}", rest.join(", ")),
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
