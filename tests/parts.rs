//! A part of a sample's captures shows less, and never something else: nothing
//! is certain that is not there, and what is healthy stays quiet.

mod support;

use rayon::prelude::*;
use std::path::PathBuf;
use support::check::{inconsistent, none, of_each, overconfident, quiet};
use support::orders::{named, parts};
use support::run::run_paths;

#[test]
fn a_part_of_the_captures_accuses_nobody_falsely() {
    none(of_each(|sample| {
        let judge = |part: Vec<&PathBuf>| {
            let report = run_paths(&part).report;
            let mut wrong = quiet(&report, &sample.expected);
            wrong.extend(overconfident(&report, &sample.expected));
            wrong.extend(inconsistent(&report));
            let named = named(&part);
            wrong.into_iter().map(move |line| format!("{named} alone: {line}"))
        };
        parts(sample).into_par_iter().flat_map_iter(judge).collect()
    }));
}
