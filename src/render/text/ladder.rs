//! The sequence diagram as text.
//!
//! One column a host, time downwards, an arrow a packet. The left margin has
//! the time, the right one the frames and what is odd; what does not fit there
//! goes on a line below. Every mark has a shape: `*` a frame of the proof, `✗`
//! lost, `≈` not certain to be after the step before. Refuses to draw columns
//! closer than an arrow needs: then the steps are listed instead.

mod plan;
mod row;
mod steps;

use super::super::Style;
use super::super::drawing::{self, folded, time};
use super::super::ink::Tone;
use super::super::measure::{blanks, columns, hang, wrap};
use super::super::sanitise::clean;
use crate::report::ladder::Ladder;
use plan::Plan;
use row::Row;

/// The ladder as text of `style.width` columns, ending with a line feed.
#[must_use]
pub fn ladder(ladder: &Ladder, style: &Style) -> String {
    let mut out = String::new();
    for line in lines(ladder, style) {
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// The ladder's lines: title, headings, steps, legend.
pub(crate) fn lines(ladder: &Ladder, style: &Style) -> Vec<String> {
    let ink = style.ink();
    let mut lines: Vec<String> = wrap(&ladder.title, style.prose())
        .iter()
        .map(|line| ink.paint(Tone::Strong, line))
        .collect();
    lines.push(String::new());
    let Some(plan) = Plan::new(ladder, style) else {
        lines.extend(listed(ladder, style));
        lines.extend(legend(ladder, &[], style));
        return lines;
    };
    let headings = plan.headings(ladder);
    lines.extend(headings.rows.iter().map(|r| r.draw(&[], ink)));
    lines.push(Row::default().draw(&plan.xs, ink));
    for (n, step) in ladder.steps.iter().enumerate() {
        lines.extend(fold(ladder, n, &plan).iter().map(|r| r.draw(&plan.xs, ink)));
        let rows = steps::rows(step, &plan, &time(ladder, n, style.times));
        lines.extend(rows.iter().map(|r| r.draw(&plan.xs, ink)));
    }
    let end = ladder.steps.len();
    lines.extend(fold(ladder, end, &plan).iter().map(|r| r.draw(&plan.xs, ink)));
    lines.extend(legend(ladder, &headings.cut, style));
    lines
}

/// The drawing in lines that know their step, for a screen on which a reader moves.
#[derive(Debug, Clone, Default)]
pub(crate) struct Laid {
    /// Names and roles of the hosts.
    pub(crate) headings: Vec<Runs>,
    /// Each with the index of its step; folds have none.
    pub(crate) lines: Vec<(Option<usize>, Runs)>,
    /// What marks and times mean.
    pub(crate) legend: Vec<String>,
}

/// A line in runs of one tone.
pub(crate) type Runs = Vec<(Tone, String)>;

/// Lays a ladder out in `style.width` columns.
pub(crate) fn laid(ladder: &Ladder, style: &Style) -> Laid {
    let mut laid = Laid::default();
    let Some(plan) = Plan::new(ladder, style) else {
        let plain = |line: String| vec![(Tone::Plain, line)];
        laid.lines = listing(ladder, style).into_iter().map(|(n, l)| (n, plain(l))).collect();
        laid.legend = legend(ladder, &[], style);
        return laid;
    };
    let headings = plan.headings(ladder);
    laid.headings = headings.rows.iter().map(|row| row.runs(&[])).collect();
    let folds = |n| fold(ladder, n, &plan).into_iter().map(|r| (None, r.runs(&plan.xs)));
    for (n, step) in ladder.steps.iter().enumerate() {
        laid.lines.extend(folds(n));
        let rows = steps::rows(step, &plan, &time(ladder, n, style.times));
        laid.lines.extend(rows.iter().map(|row| (Some(n), row.runs(&plan.xs))));
    }
    laid.lines.extend(folds(ladder.steps.len()));
    laid.legend = legend(ladder, &headings.cut, style);
    laid
}

/// The line that stands for steps left out before step `n`.
fn fold(ladder: &Ladder, n: usize, plan: &Plan) -> Vec<Row> {
    let packets = ladder.folded_before(n);
    if packets == 0 {
        return Vec::new();
    }
    let mut rows = steps::centred(&folded(packets), plan, Tone::Faint);
    for row in &mut rows {
        row.dashed = true;
    }
    rows
}

/// What the marks and the shortened names mean, and the time's unit.
fn legend(ladder: &Ladder, cut: &[usize], style: &Style) -> Vec<String> {
    let said = drawing::legend(ladder, style.times, "*");
    let mut lines = Vec::new();
    for text in filled(&said, style.prose().saturating_sub(2)) {
        lines.extend(hang("  ", &text, style.prose()));
    }
    for column in cut.iter().filter_map(|at| ladder.columns.get(*at)) {
        lines.extend(hang("  ", &format!("{}: {}", column.role, column.name), style.prose()));
    }
    lines
}

/// Remarks side by side as far as `width` allows, none broken by another's end.
fn filled(remarks: &[String], width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for remark in remarks {
        match lines.last_mut() {
            Some(line) if columns(line) + 5 + columns(&clean(remark)) <= width => {
                line.push_str("  ·  ");
                line.push_str(remark);
            }
            _ => lines.push(remark.clone()),
        }
    }
    lines
}

/// The steps without a drawing: for more hosts than there is room for.
fn listed(ladder: &Ladder, style: &Style) -> Vec<String> {
    listing(ladder, style).into_iter().map(|(_, line)| line).collect()
}

/// The same, each line with its step.
fn listing(ladder: &Ladder, style: &Style) -> Vec<(Option<usize>, String)> {
    let name = |at: usize| ladder.columns.get(at).map_or("?", |column| column.name.as_str());
    let times: Vec<String> =
        (0..ladder.steps.len()).map(|n| time(ladder, n, style.times)).collect();
    let width = times.iter().map(|t| columns(t)).max().unwrap_or(0);
    let fold = |n: usize| {
        let packets = ladder.folded_before(n);
        (packets > 0).then(|| (None, format!("{}{}", blanks(width + 4), folded(packets))))
    };
    let mut lines = Vec::new();
    for (n, (step, time)) in ladder.steps.iter().zip(&times).enumerate() {
        lines.extend(fold(n));
        let mark = if step.marked { '*' } else { ' ' };
        let lead = format!(" {mark} {}  ", super::super::measure::pad_start(time, width));
        let mut text = steps::described(step, name(step.from), name(step.to));
        for extra in steps::margin_items(step) {
            text.push_str("   ");
            text.push_str(&clean(&extra.text));
        }
        lines.extend(hang(&lead, &text, style.prose()).into_iter().map(|line| (Some(n), line)));
    }
    lines.extend(fold(ladder.steps.len()));
    lines
}
