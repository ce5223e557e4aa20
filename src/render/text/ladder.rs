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
use super::super::ink::Tone;
use super::super::measure::{blanks, columns, hang, wrap};
use super::super::sanitise::clean;
use super::super::units::count;
use crate::report::ladder::{Ladder, Step};
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
    let Some(plan) = Plan::new(ladder, style.columns()) else {
        lines.extend(listed(ladder, style));
        lines.extend(legend(ladder, &[], style));
        return lines;
    };
    let headings = plan.headings(ladder);
    lines.extend(headings.rows.iter().map(|r| r.draw(&[], ink)));
    lines.push(Row::default().draw(&plan.xs, ink));
    let fold_at = ladder.steps.len().div_ceil(2);
    for (n, step) in ladder.steps.iter().enumerate() {
        if n == fold_at {
            lines.extend(fold(ladder, &plan).iter().map(|r| r.draw(&plan.xs, ink)));
        }
        let rows = steps::rows(step, &plan, &time(ladder, n));
        lines.extend(rows.iter().map(|r| r.draw(&plan.xs, ink)));
    }
    if ladder.steps.len() <= fold_at {
        lines.extend(fold(ladder, &plan).iter().map(|r| r.draw(&plan.xs, ink)));
    }
    lines.extend(legend(ladder, &headings.cut, style));
    lines
}

/// The line that stands for steps left out.
fn fold(ladder: &Ladder, plan: &Plan) -> Vec<Row> {
    if ladder.folded == 0 {
        return Vec::new();
    }
    let mut rows = steps::centred(&folded(ladder), plan, Tone::Faint);
    for row in &mut rows {
        row.dashed = true;
    }
    rows
}

fn folded(ladder: &Ladder) -> String {
    let s = if ladder.folded == 1 { "" } else { "s" };
    format!("… {} packet{s} …", count(ladder.folded as u64))
}

/// The left margin of step `n`; `≈` where the step before is nearer than the
/// uncertainty.
pub(super) fn time(ladder: &Ladder, n: usize) -> String {
    let Some(step) = ladder.steps.get(n) else {
        return String::new();
    };
    let mark = if unsure(ladder, n) { "≈" } else { "" };
    format!("{mark}{}", super::super::units::margin(step.at_ns))
}

fn unsure(ladder: &Ladder, n: usize) -> bool {
    let before = ladder.steps.get(..n).unwrap_or_default();
    match (before.iter().rev().find(|s| plan::timed(s)), ladder.steps.get(n)) {
        (Some(last), Some(step)) => {
            step.uncertainty_ns.unsigned_abs() > step.at_ns.abs_diff(last.at_ns)
        }
        _ => false,
    }
}

/// What the marks and the shortened names mean, and the time's unit.
fn legend(ladder: &Ladder, cut: &[usize], style: &Style) -> Vec<String> {
    let mut said: Vec<String> = Vec::new();
    if !ladder.time_note.trim().is_empty() {
        said.push(ladder.time_note.trim().to_owned());
    }
    let any = |what: &dyn Fn(usize, &Step) -> bool| {
        ladder.steps.iter().enumerate().any(|(n, s)| what(n, s))
    };
    if any(&|_, s| s.marked) {
        said.push("* a frame of the proof".to_owned());
    }
    if any(&|n, s| plan::timed(s) && unsure(ladder, n)) {
        said.push("≈ its order to the step before is not certain".to_owned());
    }
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
    let name = |at: usize| ladder.columns.get(at).map_or("?", |column| column.name.as_str());
    let times: Vec<String> = (0..ladder.steps.len()).map(|n| time(ladder, n)).collect();
    let width = times.iter().map(|t| columns(t)).max().unwrap_or(0);
    let fold_at = ladder.steps.len().div_ceil(2);
    let mut lines = Vec::new();
    for (n, (step, time)) in ladder.steps.iter().zip(&times).enumerate() {
        if n == fold_at && ladder.folded > 0 {
            lines.push(format!("{}{}", blanks(width + 4), folded(ladder)));
        }
        let mark = if step.marked { '*' } else { ' ' };
        let lead = format!(" {mark} {}  ", super::super::measure::pad_start(time, width));
        let mut text = steps::described(step, name(step.from), name(step.to));
        for extra in steps::margin_items(step) {
            text.push_str("   ");
            text.push_str(&clean(&extra.text));
        }
        lines.extend(hang(&lead, &text, style.prose()));
    }
    lines
}
