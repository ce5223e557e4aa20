//! A packet at every capture that shows it, side by side, and its bytes.
//!
//! A value that differs from the one before it on the way is marked: that is what was
//! rewritten. Times and lengths differ by themselves and are not.

use super::super::action::Action;
use super::super::app::App;
use super::super::frames::Sight;
use super::super::list::List;
use super::super::screen::{owned, put};
use super::super::theme::Paint;
use super::stops::rule;
use crate::render::measure::{cut, cut_middle, pad_end};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

/// Columns of the names of fields.
const NAMES: usize = 22;

/// Least columns of a capture.
const LEAST: usize = 19;

/// Most columns of a capture.
const MOST: usize = 34;

/// Columns of a line of bytes: offset, sixteen bytes, text.
const BYTES: u16 = 76;

/// Columns from which on bytes stand beside the fields.
const BESIDE: u16 = 170;

/// The row of a field: layer, name, and its value at each capture.
struct Row {
    layer: &'static str,
    name: &'static str,
    values: Vec<Option<(String, bool)>>,
}

fn sights(app: &App) -> &[Sight] {
    if let Some(alone) = &app.ladder.alone {
        return &alone.sights;
    }
    &app.ladder.sides[app.ladder.side].sights
}

/// The heading of a packet.
fn title(app: &App, width: usize) -> Line<'static> {
    if let Some(alone) = &app.ladder.alone {
        let (vantage, frame) = &alone.wanted.frame;
        let said = format!("{vantage} #{frame}: {}", alone.wanted.note);
        let said = cut(&crate::render::sanitise::clean(&said), width.saturating_sub(8));
        return rule(app, &said, width);
    }
    let slot = &app.ladder.sides[app.ladder.side];
    let label = slot.ladder.as_ref().and_then(|l| l.steps.get(slot.step)).map(|s| s.label.clone());
    let waits = if slot.packet_shown < slot.packet_asked { ", reading ..." } else { "" };
    let said = format!("{}{waits}", label.unwrap_or_default().trim());
    rule(app, &format!("packet {}", crate::render::sanitise::clean(&said)), width)
}

/// All fields that any capture shows, in the order in which they come.
fn rows(sights: &[Sight]) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for (n, sight) in sights.iter().enumerate() {
        let Ok(fields) = &sight.fields else { continue };
        let mut at = 0;
        for field in fields {
            let same = |row: &Row| (row.layer, row.name) == (field.layer, field.name);
            let place = match rows.iter().position(same) {
                Some(place) => place,
                None => {
                    let at = at.min(rows.len());
                    let values = vec![None; sights.len()];
                    rows.insert(at, Row { layer: field.layer, name: field.name, values });
                    at
                }
            };
            if let Some(value) = rows.get_mut(place).and_then(|row| row.values.get_mut(n)) {
                *value = Some((field.value.clone(), field.ordinary));
            }
            at = place + 1;
        }
    }
    rows
}

/// Columns of a capture, and how many captures are shown from which on.
fn columns_shown(app: &App, width: usize) -> (usize, usize, usize) {
    let count = sights(app).len().max(1);
    let room = width.saturating_sub(NAMES);
    let fit = (room / LEAST).clamp(1, count);
    let wide = (room / fit).min(MOST);
    let first = (app.ladder.column + 1).saturating_sub(fit).min(count - fit);
    (wide, first, fit)
}

/// The parts of the pane: fields, bytes.
fn parts(app: &App, area: Rect) -> (Rect, Option<Rect>) {
    let body = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
    if area.width >= BESIDE {
        let fields = Rect { width: body.width - BYTES - 1, ..body };
        return (fields, Some(Rect { x: fields.right() + 1, width: BYTES, ..body }));
    }
    if !app.ladder.zoomed {
        return (body, None);
    }
    let low = (body.height / 3).max(3);
    let high = body.height - low;
    (Rect { height: high, ..body }, Some(Rect { y: body.y + high, height: low, ..body }))
}

/// Draws it.
pub fn draw(app: &App, area: Rect, buf: &mut Buffer) {
    put(buf, area, 0, &title(app, usize::from(area.width)));
    let (fields, bytes) = parts(app, area);
    draw_fields(app, fields, buf);
    if let Some(bytes) = bytes {
        draw_bytes(app, bytes, buf);
    }
}

fn draw_fields(app: &App, area: Rect, buf: &mut Buffer) {
    let sights = sights(app);
    if sights.is_empty() {
        return;
    }
    let (wide, first, fit) = columns_shown(app, usize::from(area.width));
    let mut head = vec![(Paint::Plain, " ".repeat(NAMES))];
    for (n, sight) in sights.iter().enumerate().skip(first).take(fit) {
        let name = format!("{} #{}", sight.vantage, sight.frame);
        let role = if n == app.ladder.column { Paint::Chosen } else { Paint::Strong };
        head.push((role, cut_middle(&name, wide - 1)));
        let gap = wide - crate::render::measure::columns(&cut_middle(&name, wide - 1));
        head.push((Paint::Plain, " ".repeat(gap)));
    }
    put(buf, area, 0, &owned(app, &head));
    let rows = rows(sights);
    let height = usize::from(area.height).saturating_sub(1);
    let order = order(app, &rows);
    let top = app.ladder.field.min(order.len().saturating_sub(height));
    for (n, row) in order.iter().filter_map(|at| rows.get(*at)).skip(top).take(height).enumerate() {
        let label = format!("{} {}", row.layer, row.name);
        let mut parts = vec![(Paint::Faint, pad_end(&cut(&label, NAMES - 1), NAMES))];
        for at in first..(first + fit).min(sights.len()) {
            let value = row.values.get(at).and_then(Option::as_ref);
            let text = match (value, sights.get(at).map(|sight| &sight.fields)) {
                (Some((text, _)), _) => text.clone(),
                (None, Some(Err(why))) if n == 0 => why.clone(),
                (None, Some(Ok(_))) => "·".to_owned(),
                _ => String::new(),
            };
            let role = if changed(row, at) { Paint::Changed } else { Paint::Plain };
            let text = cut_middle(&text, wide - 1);
            let gap = wide - crate::render::measure::columns(&text);
            parts.push((role, text));
            parts.push((Paint::Plain, " ".repeat(gap)));
        }
        put(buf, area, n + 1, &owned(app, &parts));
    }
    if order.len() > top + height && area.width > 4 {
        let mark = app.config.theme.span(Paint::Key, " ▾ ");
        buf.set_span(area.right() - 3, area.bottom() - 1, &mark, 3);
    }
}

/// Whether a value differs from the last one before it.
fn changed(row: &Row, at: usize) -> bool {
    let Some((value, ordinary)) = row.values.get(at).and_then(Option::as_ref) else { return false };
    let before = row.values.get(..at).into_iter().flatten().rev().flatten().next();
    !ordinary && before.is_some_and(|(before, _)| before != value)
}

/// Where few rows fit, what was rewritten comes first; else the order of the headers.
fn order(app: &App, rows: &[Row]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..rows.len()).collect();
    if !app.ladder.zoomed {
        let rank = |row: &Row| {
            let differs = (0..row.values.len()).any(|at| changed(row, at));
            let ends =
                matches!(row.name, "source" | "destination" | "flags") && row.layer != "link";
            usize::from(!differs) + usize::from(!differs && !ends)
        };
        order.sort_by_key(|at| rows.get(*at).map(rank));
    }
    order
}

fn draw_bytes(app: &App, area: Rect, buf: &mut Buffer) {
    let Some(sight) = sights(app).get(app.ladder.column) else { return };
    let title =
        format!("bytes of {} #{}, {} captured", sight.vantage, sight.frame, sight.bytes.len());
    put(buf, area, 0, &app.config.theme.line(&[(Paint::Strong, &title)]));
    let height = usize::from(area.height).saturating_sub(1);
    for (n, line) in sight.bytes.chunks(16).take(height).enumerate() {
        let hex: Vec<String> = line.iter().map(|byte| format!("{byte:02x}")).collect();
        let (a, b) = hex.split_at(hex.len().min(8));
        let hex = format!("{}  {}", a.join(" "), b.join(" "));
        let text: String = line
            .iter()
            .map(|byte| if (0x20..0x7f).contains(byte) { char::from(*byte) } else { '.' })
            .collect();
        let parts = [
            (Paint::Faint, format!("{:04x}  ", n * 16)),
            (Paint::Plain, pad_end(&hex, 50)),
            (Paint::Unsure, text),
        ];
        put(buf, area, n + 1, &owned(app, &parts));
    }
}

/// Does what a command asks.
pub fn act(app: &mut App, action: Action) -> bool {
    let count = sights(app).len();
    match action {
        Action::Left => app.ladder.column = app.ladder.column.saturating_sub(1),
        Action::Right => {
            app.ladder.column = (app.ladder.column + 1).min(count.saturating_sub(1));
        }
        _ => {
            let mut list = List::at(app.ladder.field);
            let height = usize::from(app.size.1 / 3);
            let taken = list.act(action, rows(sights(app)).len(), height);
            app.ladder.field = list.at;
            return taken;
        }
    }
    true
}

/// Chooses the capture that was clicked.
pub fn click(app: &mut App, area: Rect, x: u16, _y: u16) {
    let (fields, _) = parts(app, area);
    let (wide, first, fit) = columns_shown(app, usize::from(fields.width));
    let Some(at) = usize::from(x - fields.x).checked_sub(NAMES) else { return };
    let at = first + (at / wide.max(1)).min(fit - 1);
    let again = app.ladder.column == at;
    app.ladder.column = at.min(sights(app).len().saturating_sub(1));
    if again {
        app.ladder.zoomed = !app.ladder.zoomed;
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::dissect::Field;
    use super::*;

    fn sight(values: &[(&'static str, &str, bool)]) -> Sight {
        let fields = values.iter().map(|(name, value, ordinary)| Field {
            layer: "IP",
            name,
            value: (*value).to_owned(),
            ordinary: *ordinary,
        });
        Sight { vantage: "a".into(), frame: 1, fields: Ok(fields.collect()), bytes: Vec::new() }
    }

    #[test]
    fn what_was_rewritten_is_marked_and_times_are_not() {
        let all = [
            sight(&[("time", "1", true), ("source", "a", false), ("destination", "vip", false)]),
            sight(&[("time", "2", true), ("source", "a", false), ("destination", "rs", false)]),
            sight(&[("time", "3", true), ("tag", "5", false), ("destination", "rs", false)]),
        ];
        let rows = rows(&all);
        let names: Vec<&str> = rows.iter().map(|row| row.name).collect();
        assert_eq!(names, ["time", "tag", "source", "destination"]);
        let marks: Vec<Vec<bool>> =
            rows.iter().map(|row| (0..3).map(|at| changed(row, at)).collect()).collect();
        assert_eq!(marks[0], [false, false, false]);
        assert_eq!(marks[1], [false, false, false], "new, not changed");
        assert_eq!(marks[3], [false, true, false]);
    }

    #[test]
    fn a_frame_that_could_not_be_read_hides_no_other() {
        let gone =
            Sight { vantage: "b".into(), frame: 2, fields: Err("gone".into()), bytes: Vec::new() };
        let rows = rows(&[gone, sight(&[("source", "a", false)])]);
        assert_eq!(rows.len(), 1);
        assert!(!changed(&rows[0], 1));
    }
}
