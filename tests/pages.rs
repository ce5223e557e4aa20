//! What a finding and a page name exists, and both say the same.

#![allow(clippy::unwrap_used)]

mod support;

use lbdiag::diagnose::{CAUSES, SYMPTOMS};
use std::collections::BTreeSet;
use support::catalogue::{knows, quoted_ids};
use support::check::{none, of_each};
use support::run::run_paths;

#[test]
fn candidates_are_ids_of_the_catalogue() {
    none(of_each(|sample| {
        let mut wrong = Vec::new();
        for finding in &run_paths(&sample.captures).report.findings {
            for candidate in &finding.candidates {
                if !knows(&candidate.id) || candidate.id == finding.id {
                    wrong.push(format!("{} has the candidate {}", finding.id, candidate.id));
                }
            }
        }
        wrong
    }));
}

#[test]
fn the_page_of_a_symptom_names_the_causes_that_explain_it() {
    let mut wrong = Vec::new();
    for symptom in SYMPTOMS {
        let section = symptom.manual.split("\n## Which causes explain it").nth(1).unwrap();
        let section = section.split("\n## ").next().unwrap();
        let named: BTreeSet<&str> = quoted_ids(section).collect();
        for cause in CAUSES.iter().filter(|c| c.explains.contains(&symptom.id)) {
            if !named.contains(cause.id) {
                wrong.push(format!("{}: the page does not name {}", symptom.id, cause.id));
            }
        }
    }
    none(wrong);
}
