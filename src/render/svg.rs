//! A ladder as SVG: one file, nothing loaded, no script.
//!
//! The layout is computed here: text is set in a fixed-pitch font and measured in
//! its columns, so that a file looks alike everywhere and nothing needs a browser.
//! Colours follow the reader's scheme (`prefers-color-scheme`); every mark has a
//! shape besides. Text is escaped (XML 1.0, 2.4) and control characters, which
//! XML cannot hold, are written out. Refuses to draw to a host that the ladder
//! does not have: such a step is a line of text.

mod layout;
mod network;
mod plan;
mod sheet;

pub(super) use network::drawing as topology_drawing;
pub use network::topology_svg;
pub(super) use sheet::{DARK, LIGHT, Place, RULES};

use super::drawing::{self, Times};
use crate::report::ladder::{Ladder, Step, StepKind};
use layout::Layout;
use sheet::Sheet;

/// Height of a line of text, pixels.
const LINE: i64 = 16;

/// The space between two steps.
const GAP: i64 = 10;

/// An SVG document; ends with a line feed.
#[must_use]
pub fn svg(ladder: &Ladder, times: Times) -> String {
    ladder_drawing(ladder, times, Place::File)
}

/// The same for a file or for a page.
pub(super) fn ladder_drawing(ladder: &Ladder, times: Times, place: Place) -> String {
    let layout = Layout::new(ladder, times);
    let mut sheet = Sheet::default();
    let mut y = heading(&mut sheet, ladder, &layout);
    let top = y;
    for (n, step) in ladder.steps.iter().enumerate() {
        y = fold(&mut sheet, ladder.folded_before(n), &layout, y);
        y = draw(&mut sheet, &Drawn { ladder, layout: &layout, n, step, times }, y);
    }
    y = fold(&mut sheet, ladder.folded_before(ladder.steps.len()), &layout, y);
    for x in &layout.xs {
        sheet.lifeline(*x, top - GAP, y);
    }
    y += LINE / 2;
    for line in drawing::with_errors(ladder, times, "●") {
        y += LINE;
        sheet.text(layout.left, y, "start", "faint", &line);
    }
    sheet.document(place, layout.width_for(ladder, times), y + LINE, &ladder.title)
}

/// Title, names and roles; gives where the steps begin.
fn heading(sheet: &mut Sheet, ladder: &Ladder, layout: &Layout) -> i64 {
    sheet.text(layout.left, 28, "start", "title", &ladder.title);
    for (column, x) in ladder.columns.iter().zip(&layout.xs) {
        let half = layout.heading / 2;
        sheet.rect((x - half, 44, layout.heading, 2 * LINE + 10), "host");
        sheet.text(*x, 62, "middle", "strong", &column.name);
        sheet.text(*x, 62 + LINE, "middle", "", &column.role);
    }
    44 + 2 * LINE + 10 + 2 * GAP
}

fn fold(sheet: &mut Sheet, packets: usize, layout: &Layout, y: i64) -> i64 {
    if packets == 0 {
        return y;
    }
    let (from, to) = (layout.first(), layout.last());
    let y = y + LINE;
    sheet.fold((from - 20, y - LINE + 2, to - from + 40, LINE + 4));
    sheet.text((from + to) / 2, y, "middle", "faint", &drawing::folded(packets));
    y + GAP
}

/// One step and where it goes.
struct Drawn<'a> {
    ladder: &'a Ladder,
    layout: &'a Layout,
    n: usize,
    step: &'a Step,
    times: Times,
}

/// Draws a step below `y`; gives where the next begins.
fn draw(sheet: &mut Sheet, d: &Drawn<'_>, y: i64) -> i64 {
    let Drawn { ladder, layout, n, step, times } = *d;
    let ends = (layout.xs.get(step.from).copied(), layout.xs.get(step.to).copied());
    let (Some(from), Some(to)) = ends else {
        sheet.text(layout.first() + 8, y + LINE, "start", "", &said(step));
        return y + LINE + GAP;
    };
    if step.kind == StepKind::Remark {
        let at = y + LINE;
        if step.marked {
            let right = layout.right + layout.frames;
            sheet.rect((layout.left - 6, y, right - layout.left + 12, LINE + 6), "proof");
            sheet.dot(layout.left + 2, at - 4);
        }
        let class = if step.marked { "strong tinted" } else { "strong" };
        sheet.text((layout.first() + layout.last()) / 2, at, "middle", class, &said(step));
        if !step.frames.is_empty() {
            sheet.text(layout.first() - 30, at, "end", "time", &drawing::time(ladder, n, times));
            sheet.text(layout.right, at, "start", "frames", &frames(step));
        }
        return at + GAP;
    }
    let itself = from == to || step.kind == StepKind::ToSelf;
    let mut below: Vec<(&str, String)> = Vec::new();
    if let Some(rewrite) = step.rewrite.as_deref().filter(|r| !r.trim().is_empty()) {
        below.push(("rewrite", format!("↳ {}", rewrite.trim())));
    }
    if let Some(remark) = step.remark.as_deref().filter(|r| !r.trim().is_empty()) {
        below.push(("strong", remark.trim().to_owned()));
    }
    let at = y + LINE + 6;
    let lines = LINE * below.len() as i64 + if below.is_empty() { 0 } else { 4 };
    let end = at + lines + if itself { LINE } else { 0 };
    if step.marked {
        let right = layout.right + layout.frames;
        sheet.rect((layout.left - 6, y, right - layout.left + 12, end - y + 6), "proof");
        sheet.dot(layout.left + 2, at - 4);
    }
    let tone = match (step.kind, step.marked) {
        (StepKind::Lost, _) => "lost",
        (_, true) => "marked",
        _ => "",
    };
    if itself {
        sheet.turn(from, at, tone);
        sheet.text(from + 44, at + 4, "start", tone, step.label.trim());
    } else {
        let class = if step.marked { format!("{tone} tinted") } else { tone.to_owned() };
        sheet.text((from + to) / 2, at - 6, "middle", &class, step.label.trim());
        sheet.arrow((from, to), at, tone, step.kind == StepKind::Lost);
    }
    sheet.text(layout.first() - 30, at + 4, "end", "time", &drawing::time(ladder, n, times));
    let mut beside = frames(step);
    if let Some(error) = drawing::error(ladder, n, times) {
        beside = format!("{beside}  {error}");
    }
    sheet.text(layout.right, at + 4, "start", "frames", beside.trim());
    let mut line = at + 4 + if itself { LINE } else { 0 };
    for (class, text) in &below {
        line += LINE;
        let class = if step.marked { format!("{class} tinted") } else { (*class).to_owned() };
        sheet.text(layout.beside(from, text), line, "start", &class, text);
    }
    end + GAP
}

/// `rs1 #14, director #26`.
fn frames(step: &Step) -> String {
    let each = step.frames.iter().map(|(vantage, number)| format!("{vantage} #{number}"));
    each.collect::<Vec<_>>().join(", ")
}

/// The label, or the remark where a remark has no label.
fn said(step: &Step) -> String {
    match (&step.remark, step.label.trim()) {
        (Some(remark), "") => remark.trim().to_owned(),
        (_, label) => label.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::text::fixtures::ladders::{
        five_ladder, hairpin_ladder, hostile_ladder, pair_ladder,
    };

    #[test]
    fn every_packet_every_frame_and_every_mark_is_there() {
        for ladder in [hairpin_ladder(), pair_ladder(), five_ladder()] {
            let drawn = svg(&ladder, Times::Start);
            let packets = ladder.steps.iter().filter(|s| s.kind != StepKind::Remark).count();
            assert_eq!(drawn.matches("<path class=\"shaft").count(), packets);
            let lost = ladder.steps.iter().filter(|s| s.kind == StepKind::Lost).count();
            assert_eq!(drawn.matches("<path class=\"cross").count(), lost);
            let marked = ladder.steps.iter().filter(|s| s.marked).count();
            assert_eq!(drawn.matches("<circle").count(), marked);
            assert_eq!(drawn.matches("class=\"life\"").count(), ladder.columns.len());
            for (vantage, number) in ladder.steps.iter().flat_map(|s| &s.frames) {
                assert!(drawn.contains(&format!("{vantage} #{number}")));
            }
        }
    }

    #[test]
    fn whatever_a_string_holds_it_adds_no_tag() {
        let count = |ladder: &Ladder| {
            let drawn = svg(ladder, Times::Absolute);
            assert!(!drawn.contains(|c: char| c.is_control() && c != '\n'), "{drawn}");
            assert!(!drawn.contains("<script") && !drawn.contains("]]>"), "{drawn}");
            drawn.matches('<').count()
        };
        let tame = count(&hostile_ladder(&hairpin_ladder(), "x"));
        for evil in
            ["</text><script>alert(1)</script>", "a\0\x1b[2J\nb\u{202e}", "\"'&<>]]>", "&#60;b"]
        {
            assert_eq!(count(&hostile_ladder(&hairpin_ladder(), evil)), tame, "{evil:?}");
        }
    }

    #[test]
    fn a_ladder_with_impossible_steps_is_still_drawn() {
        let mut ladder = hairpin_ladder();
        ladder.steps[0].to = 99;
        for hosts in (0..=3).rev() {
            ladder.columns.truncate(hosts);
            assert!(svg(&ladder, Times::Delta).ends_with("</svg>\n"));
        }
    }
}
