//! Every sample gives the report that its `expected.toml` states: with all of
//! its captures, under names that tell nothing, and in any order.

use crate::support::check::{deviations, difference, essence, none, of_each, overconfident};
use crate::support::orders::renamed;
use crate::support::run::{run_paths, whole};
use lbdiag::report::Break;

#[test]
fn every_sample_gives_the_report_that_it_states() {
    none(of_each(|sample| {
        let run = whole(sample);
        let mut wrong = deviations(&run.report, &sample.expected);
        wrong.extend(overconfident(&run.report, &sample.expected));
        wrong.extend(run.failures.iter().cloned());
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
        let own = essence(&whole(sample).report, false);
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
