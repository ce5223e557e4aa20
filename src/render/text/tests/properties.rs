//! What holds for every report and every ladder: widths, tameness, colour.

use super::super::super::measure::columns;
use super::super::super::sanitise::is_unsafe;
use super::super::super::{Style, Times, ladder, text};
use super::super::fixtures::ladders::{
    five_ladder, hairpin_ladder, hostile_ladder, pair_ladder, step,
};
use super::super::fixtures::{empty, hairpin, healthy, hostile, strip};
use super::at;
use crate::report::Report;
use crate::report::ladder::{Ladder, Step, StepKind};

/// Strings that a capture, a file name or a peer could send.
const EVIL: [&str; 12] = [
    "",
    "\x1b]0;owned\x07\x1b[2J\x1b[31m",
    "\u{9b}2J\u{85}\u{7f}\0\u{8}",
    "a\u{202e}b\u{2066}c\u{200b}\u{feff}\u{e0041}",
    "line\nfeed\r\nand\ttab\u{2028}",
    "  leading and trailing  ",
    "接口接口接口接口接口接口接口接口接口接口接口接口接口接口接口接口接口接口接口接口接口接口接口",
    "e\u{301}\u{301}\u{301}\u{301}\u{301}🙂\u{fe0f}\u{200d}",
    "without-any-blank-without-any-blank-without-any-blank-without-any-blank-without-any-blank-x",
    "2026-01-02T03:04:05.é23Z",
    "└──▸│ * ≈ ✗ fix filter",
    "word word word word word word word word word word word word word word word word word word.",
];

fn styles() -> impl Iterator<Item = Style> {
    [40, 60, 80, 120, 200].into_iter().flat_map(|width| {
        let each = [(false, 8, Times::Start), (true, 1, Times::Delta), (true, 0, Times::Absolute)];
        each.map(|(all, max_evidence, times)| Style {
            colour: false,
            width,
            coverage: all,
            verbose: all,
            max_evidence,
            times,
        })
    })
}

fn ladders() -> [Ladder; 3] {
    [hairpin_ladder(), five_ladder(), pair_ladder()]
}

/// The report without what may be wider than the terminal.
fn narrowable(mut report: Report) -> Report {
    for finding in &mut report.findings {
        finding.wireshark_filter = None;
        finding.fix.clear();
        finding.to_confirm.clear();
    }
    report
}

#[test]
fn every_line_fits_but_those_that_are_pasted() {
    let reports =
        [hairpin(), healthy(), empty()].into_iter().chain(EVIL.iter().map(|evil| hostile(evil)));
    for report in reports.map(narrowable) {
        for style in styles() {
            for line in text(&report, None, &style).lines() {
                assert!(columns(line) <= style.width, "{}: {line}", style.width);
            }
        }
    }
}

#[test]
fn every_ladder_fits() {
    for drawn in ladders() {
        for evil in EVIL.iter().map(|evil| hostile_ladder(&drawn, evil)) {
            for each in [&drawn, &evil] {
                for style in styles() {
                    for line in ladder(each, &style).lines() {
                        assert!(columns(line) <= style.width, "{}: {line}", style.width);
                    }
                }
            }
        }
    }
}

#[test]
fn a_command_and_a_filter_are_whole_on_one_line() {
    let report = hairpin();
    let finding = &report.findings[0];
    let out = text(&report, None, &at(40));
    let wanted = finding.fix[0]
        .command
        .lines()
        .chain(finding.to_confirm[0].command.lines())
        .chain(finding.wireshark_filter.as_deref());
    for command in wanted {
        assert!(out.lines().any(|l| l.trim_end().ends_with(command)), "{command}");
    }
}

#[test]
fn nothing_steers_the_terminal_and_colour_changes_nothing_else() {
    for evil in EVIL {
        for style in styles() {
            for drawn in ladders() {
                let report = hostile(evil);
                let drawn = hostile_ladder(&drawn, evil);
                let plain = text(&report, Some(&drawn), &style);
                assert!(!plain.contains(|c| c != '\n' && is_unsafe(c)), "{evil:?}");
                let coloured = Style { colour: true, ..style.clone() };
                let painted = text(&report, Some(&drawn), &coloured);
                assert_eq!(strip(&painted), plain);
            }
        }
    }
}

#[test]
fn colour_is_used_where_allowed_and_only_there() {
    let colour = Style { colour: true, ..Style::default() };
    let painted = text(&hairpin(), Some(&hairpin_ladder()), &colour);
    assert!(painted.contains('\x1b'));
    let plain = text(&hairpin(), Some(&hairpin_ladder()), &Style::default());
    assert_eq!(strip(&painted), plain);
}

#[test]
fn a_ladder_with_impossible_steps_is_still_drawn() {
    let mut drawn = hairpin_ladder();
    drawn.steps.push(step(i64::MAX / 2_000, StepKind::Arrow, 7, 99, "odd"));
    drawn.steps.push(step(i64::MIN / 2_000, StepKind::Lost, 1, 1, "odd too"));
    drawn.steps.push(Step {
        uncertainty_ns: i64::MIN,
        at_ns: i64::MIN,
        ..step(0, StepKind::ToSelf, 0, 99, "odd as well")
    });
    for hosts in 0..=drawn.columns.len() {
        let mut fewer = drawn.clone();
        fewer.columns.truncate(hosts);
        for style in styles() {
            let out = ladder(&fewer, &style);
            assert!(out.contains("odd"));
            assert!(out.lines().all(|l| columns(l) <= style.width), "{out}");
        }
    }
    drawn.steps.clear();
    drawn.columns.clear();
    assert!(ladder(&drawn, &at(80)).starts_with("The first of them"));
}
