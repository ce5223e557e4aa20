//! Findings that say the same of many services: some are shown whole, the others are a line each.
//!
//! A director whose thousand services fail of one cause would fill a ticket with a thousand blocks that differ in
//! their addresses. The order is the report's; JSON, a page and `--verbose` have them all.

use crate::report::{Finding, Report};
use std::collections::HashMap;

/// Findings of one id that are shown whole where there are many.
const WHOLE: usize = 3;
/// As many more as make lines of the others worth it.
const FEW: usize = 2;

/// What stands at one place of a report.
#[derive(Debug, PartialEq)]
pub(crate) enum Shown<'r> {
    /// A finding as a block.
    Whole(&'r Finding),
    /// The others of one id, a line each.
    Lines(Vec<&'r Finding>),
}

/// Findings in their order; those of an id of which many are there already stand together, where the first of them is.
pub(crate) fn shown<'r>(findings: &[&'r Finding]) -> Vec<Shown<'r>> {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for finding in findings {
        *counts.entry(&finding.id).or_default() += 1;
    }
    let mut seen: HashMap<&str, usize> = HashMap::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut shown: Vec<Shown<'r>> = Vec::new();
    for &finding in findings {
        let id = finding.id.as_str();
        let before = seen.entry(id).or_default();
        *before += 1;
        if *before <= WHOLE || counts[id] < WHOLE + FEW {
            shown.push(Shown::Whole(finding));
            continue;
        }
        let at = *places.entry(id).or_insert_with(|| {
            shown.push(Shown::Lines(Vec::new()));
            shown.len() - 1
        });
        if let Shown::Lines(lines) = &mut shown[at] {
            lines.push(finding);
        }
    }
    shown
}

/// What a line says of a finding: as the verdict has it, which names the service, else its title.
pub(crate) fn sentences(report: &Report) -> HashMap<u32, &str> {
    let titles = report.findings.iter().map(|finding| (finding.n, finding.title.as_str()));
    titles.chain(report.verdict.others()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::text::fixtures;
    use super::*;
    use crate::report::Kind;

    fn finding(n: u32, id: &str) -> Finding {
        fixtures::finding(n, id, Kind::Cause, "it broke")
    }

    fn numbers(findings: &[Finding]) -> Vec<Vec<u32>> {
        let all: Vec<&Finding> = findings.iter().collect();
        let of = |shown: Shown<'_>| match shown {
            Shown::Whole(finding) => vec![finding.n],
            Shown::Lines(lines) => lines.iter().map(|finding| finding.n).collect(),
        };
        shown(&all).into_iter().map(of).collect()
    }

    #[test]
    fn many_of_one_id_are_lines_after_the_first_three() {
        let ids = ["a", "a", "b", "a", "a", "b", "a"];
        let all: Vec<Finding> = (1..).zip(ids).map(|(n, id)| finding(n, id)).collect();
        assert_eq!(numbers(&all), [vec![1], vec![2], vec![3], vec![4], vec![5, 7], vec![6]]);
        // One line would save nothing.
        assert_eq!(numbers(&all[..5]), [vec![1], vec![2], vec![3], vec![4], vec![5]]);
    }
}
