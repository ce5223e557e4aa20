//! What all drawings of a ladder say alike: times, marks, folds, legend.
//!
//! One place, so that text, Mermaid, PlantUML and SVG agree on every number. It
//! refuses to know how any of them is laid out.

use super::units::{count, duration, margin};
use crate::report::ladder::{Ladder, Step, StepKind};

/// Which times stand beside the steps. All are on the reference clock; `≈` marks
/// those whose order to the step before lies inside the clocks' error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Times {
    /// Since the first step.
    #[default]
    Start,
    /// Since the step before, of those that are drawn.
    Delta,
    /// Time of day in UTC, to the microsecond.
    Absolute,
}

/// Steps whose frame proves the finding.
pub(crate) const PROOF: &str = "a frame of the proof";

/// Steps whose order is open.
pub(crate) const UNSURE: &str = "≈ its order to the step before is not certain";

/// What stands beside times of which two captures' clocks leave part open.
const ERRORS: &str = "± by so much the clocks leave the time since the first packet uncertain";

/// Columns of the longest time: `≈07:41:51.529123`.
pub(crate) const TIME_COLUMNS: usize = 16;

impl Times {
    /// What can be shown: without a time of day, times since the start.
    fn of(self, ladder: &Ladder) -> Self {
        if self == Self::Absolute && ladder.instant(0).is_none() { Self::Start } else { self }
    }
}

/// The time of step `n` with its mark; empty for what has none.
pub(crate) fn time(ladder: &Ladder, n: usize, times: Times) -> String {
    let Some(step) = ladder.steps.get(n) else {
        return String::new();
    };
    let shown = match times.of(ladder) {
        Times::Start => margin(step.at_ns),
        Times::Delta if step.kind == StepKind::Remark => String::new(),
        Times::Delta => ladder.since_before(n).map_or_else(
            || margin(0),
            |since| format!("{}{}", if since < 0 { "" } else { "+" }, margin(since)),
        ),
        // What stands between the T and the nanoseconds of an RFC 3339 time.
        Times::Absolute => ladder
            .instant(n)
            .and_then(|instant| instant.get(11..26).map(str::to_owned))
            .unwrap_or_default(),
    };
    format!("{}{shown}", if ladder.is_unsure(n) { "≈" } else { "" })
}

/// Half-width of the time's uncertainty against the first step, `±0.19 ms`; none
/// where it does not reach the last digit shown, and none for times since the
/// packet before, of which it is not known.
pub(crate) fn error(ladder: &Ladder, n: usize, times: Times) -> Option<String> {
    let error = ladder.steps.get(n).filter(|s| s.kind != StepKind::Remark)?.uncertainty_ns;
    (error >= 5_000 && times != Times::Delta).then(|| format!("±{}", duration(error)))
}

/// The unit of the times and how far they can be trusted.
pub(crate) fn note(ladder: &Ladder, times: Times) -> String {
    let note = ladder.time_note.trim();
    let rest = note.strip_prefix("ms").unwrap_or(note);
    match times.of(ladder) {
        Times::Start => format!("ms since the first packet{rest}"),
        Times::Delta => format!("ms since the packet drawn before{rest}"),
        Times::Absolute => {
            let day = ladder.start.as_deref().map_or("", super::units::day);
            format!("{day} UTC on the reference clock{rest}")
        }
    }
}

/// The lines below a drawing; `proof` is how it marks the proof's frames.
/// [`with_errors`] adds what the errors mean, for those that show them.
pub(crate) fn legend(ladder: &Ladder, times: Times, proof: &str) -> Vec<String> {
    let mut said = vec![note(ladder, times)];
    if ladder.steps.iter().any(|step| step.marked) {
        said.push(format!("{proof} {PROOF}"));
    }
    if (0..ladder.steps.len()).any(|n| ladder.is_unsure(n)) {
        said.push(UNSURE.to_owned());
    }
    said.retain(|line| !line.is_empty());
    said
}

/// The legend of a drawing that shows each time's [`error`].
pub(crate) fn with_errors(ladder: &Ladder, times: Times, proof: &str) -> Vec<String> {
    let mut said = legend(ladder, times, proof);
    if (0..ladder.steps.len()).any(|n| error(ladder, n, times).is_some()) {
        said.push(ERRORS.to_owned());
    }
    said
}

/// The words that stand for packets left out.
pub(crate) fn folded(packets: usize) -> String {
    let s = if packets == 1 { "" } else { "s" };
    format!("… {} packet{s} …", count(packets as u64))
}

/// What a drawing made of words says of a step, not yet escaped: its time and label, and
/// its frames, empty where it has none.
pub(crate) fn words(ladder: &Ladder, n: usize, step: &Step, times: Times) -> (String, String) {
    if step.kind == StepKind::Remark && step.frames.is_empty() {
        let said = step.remark.as_deref().filter(|_| step.label.trim().is_empty());
        return (said.unwrap_or(&step.label).to_owned(), String::new());
    }
    let mut first = time(ladder, n, times);
    if let Some(error) = error(ladder, n, times) {
        first.push(' ');
        first.push_str(&error);
    }
    first.push_str("  ");
    first.push_str(step.label.trim());
    if step.kind == StepKind::Lost {
        first.push_str(", lost");
    }
    let frames: Vec<String> =
        step.frames.iter().map(|(vantage, number)| format!("{vantage} frame {number}")).collect();
    (first, frames.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::text::fixtures::ladders::{hairpin_ladder, pair_ladder};

    #[test]
    fn one_step_has_its_time_in_each_mode() {
        let ladder = hairpin_ladder();
        assert_eq!(time(&ladder, 1, Times::Start), "≈0.27");
        assert_eq!(time(&ladder, 2, Times::Delta), "+0.48");
        assert_eq!(time(&ladder, 2, Times::Absolute), "07:41:51.529873");
        assert_eq!(error(&ladder, 1, Times::Start).as_deref(), Some("±0.30 ms"));
        assert_eq!(error(&ladder, 2, Times::Start), None);
        assert_eq!(error(&ladder, 1, Times::Delta), None);
        assert_eq!(time(&ladder, 0, Times::Delta), "0.00");
        // The remark between them is no packet.
        assert_eq!(time(&ladder, 6, Times::Delta), "+1.00 s");
        assert_eq!(time(&ladder, 99, Times::Delta), "");
    }

    #[test]
    fn the_legend_names_the_unit_and_the_day() {
        let ladder = hairpin_ladder();
        let clocks = "; clocks of rs1 and director agree within 0.2 ms";
        assert_eq!(note(&ladder, Times::Start), format!("ms since the first packet{clocks}"));
        assert_eq!(
            note(&ladder, Times::Delta),
            format!("ms since the packet drawn before{clocks}")
        );
        assert_eq!(
            note(&ladder, Times::Absolute),
            format!("2026-11-20 UTC on the reference clock{clocks}")
        );
        assert_eq!(legend(&ladder, Times::Start, "*")[1..], ["* a frame of the proof", UNSURE]);
    }

    #[test]
    fn without_a_time_of_day_there_are_times_since_the_start() {
        let ladder = pair_ladder();
        assert_eq!(time(&ladder, 1, Times::Absolute), "31.20");
        assert_eq!(note(&ladder, Times::Absolute), "ms since the first packet");
    }
}
