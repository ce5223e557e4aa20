//! What must hold of the report of every choice of a sample's captures: all of them, one alone, or any between.
//!
//! Most of the time goes into the reports, so each is made once, and every rule is asked of it.

use crate::support::check::of_each;
use crate::support::expected::Sample;
use crate::support::orders::{named, parts};
use crate::support::run::{run_paths, whole};
use crate::{advice, clean, fixes, named_places, parts as of_parts, vantages};
use lbdiag::report::Report;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::LazyLock;

/// Some captures of a sample, and what is said of them.
pub struct Choice<'a> {
    pub sample: &'a Sample,
    pub captures: &'a [&'a PathBuf],
    pub report: &'a Report,
    /// The report of all captures of the sample.
    pub whole: &'a Report,
}

impl Choice<'_> {
    /// Whether it is not all of them.
    pub fn is_part(&self) -> bool {
        self.captures.len() < self.sample.captures.len()
    }
}

/// What is wrong with a report, a line each.
type Rule = fn(&Choice) -> Vec<String>;

/// Each by the name by which its test asks for it.
const RULES: [(&str, Rule); 7] = [
    ("advice", |choice| advice::wrong(choice.report)),
    ("fixes", |choice| fixes::wrong(choice.report)),
    ("named places", |choice| named_places::wrong(choice.report)),
    ("unanswered", |choice| clean::unanswered_but_clean(choice.report)),
    ("healthy", |choice| clean::healthy_over_a_failure(choice.report)),
    ("parts", of_parts::says_something_else),
    ("vantages", vantages::reassures),
];

static WRONG: LazyLock<BTreeMap<&str, Vec<String>>> = LazyLock::new(|| {
    let judge = |sample: &Sample, part: Vec<&PathBuf>| {
        let all = part.len() == sample.captures.len();
        let own = (!all).then(|| run_paths(&part).report);
        let whole = &whole(sample).report;
        let report = own.as_ref().unwrap_or(whole);
        let choice = Choice { sample, captures: &part, report, whole };
        let of_rule = |(name, rule): &(&'static str, Rule)| {
            let lines = rule(&choice).into_iter();
            let behind = named(&part);
            lines.map(|line| format!("{name}\t{behind}: {line}")).collect::<Vec<_>>()
        };
        RULES.iter().flat_map(of_rule).collect::<Vec<_>>()
    };
    let lines = of_each(|sample| {
        let mut choices = parts(sample);
        choices.push(sample.captures.iter().collect());
        choices.into_par_iter().flat_map_iter(|part| judge(sample, part)).collect()
    });
    let mut wrong: BTreeMap<&str, Vec<String>> = RULES.map(|(name, _)| (name, Vec::new())).into();
    for line in lines {
        let (sample, rest) = line.split_once(": ").unwrap();
        let (rule, rest) = rest.split_once('\t').unwrap();
        wrong.get_mut(rule).unwrap().push(format!("{sample}: {rest}"));
    }
    wrong
});

/// Where a rule is broken.
pub fn wrong_by(rule: &str) -> Vec<String> {
    WRONG[rule].clone()
}
