//! The lines of one step: its label, its arrow, its margins.
//!
//! A label stands on its arrow where there is room, closer together where that
//! helps, on the line above where not; it is never silently shortened. Refuses
//! to trust its input: a step between hosts that the ladder does not have is
//! written out instead of drawn.

use super::super::super::ink::Tone;
use super::super::super::measure::{columns, cut, pad_start, wrap};
use super::super::super::sanitise::clean;
use super::plan::Plan;
use super::row::{Row, frame};
use crate::report::ladder::{Step, StepKind};

/// Columns that an arrow needs beside its label: `─ ` and ` ▸`, and one dash.
const ARROW: usize = 5;

/// Columns for a centred text, where the diagram itself is narrower.
const MIN_CENTRED: usize = 22;

/// Something for the right margin.
pub(crate) struct Item {
    /// What stands before it when it follows another.
    pub(crate) gap: &'static str,
    /// The text, as it came.
    pub(crate) text: String,
    tone: Tone,
}

/// What stands in the right margin: frames, what is odd, what is rewritten.
pub(crate) fn margin_items(step: &Step) -> Vec<Item> {
    let mut items: Vec<Item> =
        step.frames.iter().map(|f| Item { gap: ", ", text: frame(f), tone: Tone::Plain }).collect();
    let said = |text: &Option<String>, tone| {
        text.as_ref().filter(|t| !t.trim().is_empty()).map(|t| Item {
            gap: "   ",
            text: t.trim().to_owned(),
            tone,
        })
    };
    if step.kind != StepKind::Remark || !step.label.trim().is_empty() {
        items.extend(said(&step.remark, Tone::Strong));
    }
    items.extend(said(&step.rewrite, Tone::Plain));
    items
}

/// A step in words: `172.16.0.9 ▸ 203.0.113.8   SYN`.
pub(crate) fn described(step: &Step, from: &str, to: &str) -> String {
    let label = text(step);
    match step.kind {
        StepKind::Arrow if step.from != step.to => format!("{from} ▸ {to}   {label}"),
        StepKind::Lost if step.from != step.to => format!("{from} ─✗ {to}   {label}   (lost)"),
        StepKind::Remark => label,
        _ => format!("{from} ⟲   {label}"),
    }
}

/// The label, or the remark where a remark has no label.
fn text(step: &Step) -> String {
    match (&step.remark, step.label.trim()) {
        (Some(remark), "") if step.kind == StepKind::Remark => clean(remark.trim()).into_owned(),
        (_, label) => clean(label).into_owned(),
    }
}

/// All lines of a step; `time` stands at the first that is its own.
pub(crate) fn rows(step: &Step, plan: &Plan, time: &str) -> Vec<Row> {
    let ends = (plan.xs.get(step.from), plan.xs.get(step.to));
    let drawn = match (step.kind, ends) {
        (StepKind::Remark, _) => {
            let mut rows = centred(&text(step), plan, tone(step));
            // A frame that is no packet between two of the hosts has its time and number.
            if let Some(row) = rows.first_mut().filter(|_| !step.frames.is_empty()) {
                margin(row, step, plan, time);
            }
            rows.extend(below(&margin_items(step), plan));
            return rows;
        }
        (_, (Some(&from), Some(&to))) if from != to && step.kind != StepKind::ToSelf => {
            across(step, plan, from, to)
        }
        (_, (Some(&at), Some(_))) => to_self(step, plan, at),
        _ => {
            let label = described(step, "?", "?");
            let rows = centred(&label, plan, tone(step));
            Drawn { rows, main: 0 }
        }
    };
    let Drawn { mut rows, main } = drawn;
    let mut items = margin_items(step);
    if let Some(row) = rows.get_mut(main) {
        margin(row, step, plan, time);
        fill_margin(row, &mut items, plan);
    }
    rows.extend(below(&items, plan));
    rows
}

/// Mark and time on the left.
fn margin(row: &mut Row, step: &Step, plan: &Plan, time: &str) {
    let mark = if step.marked { '*' } else { ' ' };
    let left = format!(" {mark} {}", pad_start(&cut(time, plan.time_w), plan.time_w));
    row.put(0, left, if step.marked { Tone::Warn } else { Tone::Plain });
}

fn tone(step: &Step) -> Tone {
    match (step.marked, step.kind) {
        (_, StepKind::Lost) => Tone::Bad,
        (true, _) => Tone::Warn,
        (false, StepKind::Remark) => Tone::Strong,
        (false, _) => Tone::Plain,
    }
}

/// Rows, and which of them has the margins.
struct Drawn {
    rows: Vec<Row>,
    main: usize,
}

/// An arrow from lifeline `from` to lifeline `to`, whole or lost.
fn across(step: &Step, plan: &Plan, from: usize, to: usize) -> Drawn {
    let (low, high) = (from.min(to), from.max(to));
    let inner = high - low - 1;
    let lost = step.kind == StepKind::Lost;
    let room = if lost { inner - 1 } else { inner };
    let label = [text(step), tight(&text(step))].into_iter().find(|l| columns(l) + ARROW <= room);
    let length = match (&label, lost) {
        (_, false) => inner,
        (Some(l), true) => (columns(l) + ARROW).max(inner * 3 / 4).min(room),
        (None, true) => (inner * 3 / 4).clamp(1, room.max(1)),
    };
    let mut rows = Vec::new();
    if label.is_none() {
        rows.extend(above(step, plan, low, inner));
    }
    let rightward = from < to;
    let shaft = shaft(label.as_deref().unwrap_or_default(), length - 1);
    let mut row = Row::default();
    let head = match (lost, rightward) {
        (true, _) => '✗',
        (false, true) => '▸',
        (false, false) => '◂',
    };
    if rightward {
        row.put(low, format!("├{shaft}{head}"), tone(step));
    } else {
        row.put(high - length, format!("{head}{shaft}┤"), tone(step));
    }
    rows.push(row);
    Drawn { main: rows.len() - 1, rows }
}

/// `length` dashes with the label in their middle.
fn shaft(label: &str, length: usize) -> String {
    if label.is_empty() {
        return "─".repeat(length);
    }
    let dashes = length.saturating_sub(columns(label) + 2);
    let before = dashes.div_ceil(2);
    format!("{} {label} {}", "─".repeat(before), "─".repeat(dashes - before))
}

/// The label without the blanks it can do without.
fn tight(label: &str) -> String {
    let words: Vec<&str> = label.split_whitespace().collect();
    words.join(" ").replace(" > ", ">").replace(" ▸ ", "▸")
}

/// The label on its own line, beginning at lifeline `low` or further left where
/// it would pass the edge; closer together where it then hides no lifeline.
fn above(step: &Step, plan: &Plan, low: usize, inner: usize) -> Vec<Row> {
    let label = text(step);
    let close = tight(&label);
    if label.is_empty() {
        Vec::new()
    } else if columns(&label) >= inner && columns(&close) < inner {
        laid(&close, plan, low, tone(step))
    } else {
        laid(&label, plan, low, tone(step))
    }
}

/// `text` beginning beside the last lifeline up to `wish` that leaves it room,
/// wrapped where none does.
fn laid(text: &str, plan: &Plan, wish: usize, tone: Tone) -> Vec<Row> {
    let start = plan
        .xs
        .iter()
        .rev()
        .filter(|x| **x <= wish)
        .map(|x| x + 2)
        .find(|at| at + columns(text) <= plan.width)
        .unwrap_or(plan.first() + 2);
    wrap(text, plan.width.saturating_sub(start))
        .into_iter()
        .map(|line| {
            let mut row = Row::default();
            row.put(start, line, tone);
            row
        })
        .collect()
}

/// A loop at one lifeline: to its right, or to its left at the last one.
fn to_self(step: &Step, plan: &Plan, at: usize) -> Drawn {
    let label = text(step);
    let wide = columns(&label);
    let mut out = Row::default();
    let mut back = Row::default();
    let mut rows = Vec::new();
    let mirrored = at == plan.last() && plan.xs.len() > 1;
    if mirrored {
        let start = at.saturating_sub(3 + wide);
        if start > plan.first() + 1 && !plan.xs.contains(&(start - 1)) {
            out.put(start, format!("{label} ╭─┤"), tone(step));
        } else {
            rows.extend(above(step, plan, at, plan.width));
            out.put(at - 2, "╭─┤", tone(step));
        }
        back.put(at - 2, "╰▸│", tone(step));
    } else {
        let end = if plan.xs.len() > 1 { plan.last() } else { plan.right - 2 };
        if at + 4 + wide < end && !plan.xs.contains(&(at + 4 + wide)) {
            out.put(at, format!("├─╮ {label}"), tone(step));
        } else {
            rows.extend(above(step, plan, at, plan.width));
            out.put(at, "├─╮", tone(step));
        }
        back.put(at, "│◂╯", tone(step));
    }
    let main = rows.len();
    rows.push(out);
    rows.push(back);
    Drawn { rows, main }
}

/// Text in the middle of the diagram, on as many lines as it needs.
pub(crate) fn centred(text: &str, plan: &Plan, tone: Tone) -> Vec<Row> {
    let (from, to) = if plan.xs.len() > 1 {
        (plan.first() + 1, plan.last())
    } else {
        (plan.first() + 2, plan.width)
    };
    let to = to.max(from + MIN_CENTRED).min(plan.width);
    let room = (to - from).saturating_sub(2);
    wrap(text, room)
        .into_iter()
        .map(|line| {
            let free = (to - from).saturating_sub(columns(&line) + 2);
            let left = if plan.xs.len() > 1 { free / 2 } else { 0 };
            let mut row = Row::default();
            row.put(from + left, format!(" {line} "), tone);
            row
        })
        .collect()
}

/// Puts into the right margin what fits there and takes it off `items`.
fn fill_margin(row: &mut Row, items: &mut Vec<Item>, plan: &Plan) {
    let mut at = plan.right.max(row.end() + 2);
    let mut taken = 0;
    for item in items.iter() {
        let gap = if taken == 0 { "" } else { item.gap };
        let text = clean(&item.text);
        let end = at + columns(gap) + columns(&text);
        if end > plan.width {
            break;
        }
        row.put(at, gap, Tone::Plain);
        row.put(at + columns(gap), text, item.tone);
        at = end;
        taken += 1;
    }
    items.drain(..taken);
}

/// What did not fit into the margin, on lines of its own.
fn below(items: &[Item], plan: &Plan) -> Vec<Row> {
    let mut text = String::new();
    for item in items {
        text.push_str(if text.is_empty() { "└ " } else { item.gap });
        text.push_str(&clean(&item.text));
    }
    let tone = match items {
        [one] => one.tone,
        _ => Tone::Plain,
    };
    if columns(&text) + plan.right <= plan.width {
        let mut row = Row::default();
        row.put(plan.right, text.clone(), tone);
        return if text.is_empty() { Vec::new() } else { vec![row] };
    }
    laid(&text, plan, plan.width, tone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_stands_in_the_middle_of_its_shaft() {
        assert_eq!(shaft("SYN", 11), "─── SYN ───");
        assert_eq!(shaft("", 3), "───");
        assert_eq!(shaft("SYN", 2), " SYN ");
    }

    #[test]
    fn a_tight_label_keeps_its_words() {
        assert_eq!(tight("SYN  59780 > 80"), "SYN 59780>80");
    }
}
