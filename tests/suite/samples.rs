//! Every sample gives the report that its `expected.toml` states: with all of
//! its captures, under names that tell nothing, and in any order.

use crate::support::check::{deviations, difference, essence, none, of_each, overconfident};
use crate::support::orders::renamed;
use crate::support::run::run_paths;
use lbdiag::report::Break;

#[test]
fn every_sample_gives_the_report_that_it_states() {
    none(of_each(|sample| {
        let run = run_paths(&sample.captures);
        let mut wrong = deviations(&run.report, &sample.expected);
        wrong.extend(overconfident(&run.report, &sample.expected));
        wrong.extend(run.failures);
        let breaks: Vec<String> = run.report.breaks.iter().map(Break::sentence).collect();
        if !sample.expected.breaks.is_empty() && breaks != sample.expected.breaks {
            wrong.push(format!("it breaks {breaks:?}"));
        }
        wrong
    }));
}

#[test]
fn names_and_order_of_files_change_nothing() {
    none(of_each(|sample| {
        let own = essence(&run_paths(&sample.captures).report, false);
        let mut wrong = Vec::new();
        for first in 0..sample.captures.len() {
            let run = renamed(sample, first);
            let deviates = deviations(&run.report, &sample.expected).into_iter();
            let changed = difference(&own, &essence(&run.report, false));
            let all = deviates.chain(run.failures).chain(changed);
            wrong.extend(all.map(|line| format!("order {first}: {line}")));
        }
        wrong
    }));
}

#[test]
fn the_same_captures_give_the_same_report() {
    none(of_each(|sample| {
        let first = run_paths(&sample.captures);
        let again = run_paths(&sample.captures);
        let mut wrong = Vec::new();
        if first.report != again.report {
            wrong.push("two runs differ".to_owned());
        }
        if first.text != again.text {
            wrong.push("two runs are drawn differently".to_owned());
        }
        wrong
    }));
}

/// Half of the story must not read like another one.
#[test]
fn fewer_captures_make_nothing_certain_that_is_not_there() {
    none(of_each(|sample| {
        let all = &sample.captures;
        let pairs = all.iter().enumerate().flat_map(|(i, a)| all[i..].iter().map(move |b| [a, b]));
        let mut wrong = Vec::new();
        for [a, b] in pairs {
            // A capture with itself stands for the capture alone.
            let given: Vec<_> = if a == b { vec![a] } else { vec![a, b] };
            let found = overconfident(&run_paths(&given).report, &sample.expected);
            wrong.extend(found.into_iter().map(|line| format!("{given:?}: {line}")));
        }
        wrong
    }));
}
