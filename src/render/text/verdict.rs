//! The first line: the answer.
//!
//! A word that needs no colour to be understood, and the sentence beside it.

use super::super::Style;
use super::super::ink::Tone;
use super::super::measure::hang;
use crate::report::{Report, Status};

/// Lines below the first sentence.
const MAX_LINES: usize = 8;

/// The verdict's lines, the sentence aligned beside the word.
pub(crate) fn lines(report: &Report, style: &Style) -> Vec<String> {
    let (word, tone) = match report.verdict.status {
        Status::Healthy => ("HEALTHY", Tone::Good),
        Status::Degraded => ("DEGRADED", Tone::Warn),
        Status::Failing => ("FAILING", Tone::Bad),
        Status::Inconclusive => ("INCONCLUSIVE", Tone::Unsure),
    };
    let mut lines = hang(&format!("{word}   "), &report.verdict.summary, style.prose());
    if let Some(first) = lines.first_mut() {
        let sentence = first.split_off(word.len());
        *first = format!("{}{sentence}", style.ink().paint(tone, word));
    }
    // The sentence says the first of them already.
    for (n, line) in report.verdict.others().take(MAX_LINES) {
        lines.extend(hang(&format!("  finding {n}: "), line, style.prose()));
    }
    if report.verdict.lines.len() > MAX_LINES + 1 {
        lines.push(format!("  and {} more below", report.verdict.lines.len() - MAX_LINES - 1));
    }
    if report.redacted {
        lines.extend(hang("  ", super::super::units::REDACTED, style.prose()));
    }
    if !report.verdict.accounts.is_empty() {
        lines.extend(hang("  ", &report.verdict.accounts, style.prose()));
    }
    lines
}
