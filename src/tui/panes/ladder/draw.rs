//! How the ladder looks: one drawing with the packet below, or two drawings.

use super::super::super::app::App;
use super::super::super::roles::fate;
use super::super::super::screen::{highlight, owned, put};
use super::super::super::theme::Paint;
use super::super::packet;
use crate::render::Style;
use crate::render::ink::Tone;
use crate::render::measure::cut;
use crate::render::text::ladder::{Laid, laid};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

/// Columns from which on two drawings stand beside each other, not one below the other.
const BESIDE: u16 = 150;

/// Where drawing and packet stand.
pub(super) struct Areas {
    pub(super) sides: [Rect; 2],
    pub(super) packet: Rect,
}

pub(super) fn areas(app: &App, area: Rect) -> Areas {
    let none = Rect { height: 0, ..area };
    if app.ladder.zoomed {
        return Areas { sides: [none, none], packet: area };
    }
    if app.ladder.both {
        let sides = if area.width >= BESIDE {
            let half = area.width / 2;
            [
                Rect { width: half.saturating_sub(1), ..area },
                Rect { x: area.x + half + 1, width: area.width - half - 1, ..area },
            ]
        } else {
            let half = area.height / 2;
            [
                Rect { height: half, ..area },
                Rect { y: area.y + half, height: area.height - half, ..area },
            ]
        };
        return Areas { sides, packet: none };
    }
    let low = (area.height * 2 / 5).clamp(7, 24).min(area.height / 2);
    let high = area.height - low;
    let packet = Rect { y: area.y + high, height: low, ..area };
    Areas { sides: [Rect { height: high, ..area }, none], packet }
}

/// Draws it.
pub fn draw(app: &App, area: Rect, buf: &mut Buffer) {
    let areas = areas(app, area);
    for (side, area) in areas.sides.iter().enumerate().filter(|(_, area)| area.height > 0) {
        draw_side(app, side, *area, buf);
    }
    if app.ladder.both && area.width >= BESIDE && !app.ladder.zoomed {
        let x = areas.sides[1].x - 1;
        for y in area.y..area.bottom() {
            buf.set_span(x, y, &app.config.theme.span(Paint::Frame, "│"), 1);
        }
    }
    if areas.packet.height > 0 {
        packet::draw(app, areas.packet, buf);
    }
}

fn title(app: &App, side: usize, width: usize) -> Line<'static> {
    let slot = &app.ladder.sides[side];
    let (Some(data), Some(chosen)) = (&app.data, slot.chosen) else { return Line::default() };
    let Some(c) = data.connection(chosen.connection) else { return Line::default() };
    let server = c.real_server.as_ref().and_then(|end| end.address.clone().or(end.mac.clone()));
    let to = server.map_or_else(String::new, |server| format!(" to {server}"));
    let marked = if app.marked == Some(chosen.connection) { "marked, " } else { "" };
    let finding = chosen.finding.map_or_else(String::new, |n| format!(", finding {}", n + 1));
    let head = format!("#{} {} > {}{to}", c.id, c.client, c.service);
    let rest = format!("  {marked}{}{finding}", c.ended());
    let focus = app.ladder.both && app.ladder.side == side;
    let head = cut(&head, width.saturating_sub(rest.len()));
    let role = if focus { Paint::Chosen } else { Paint::Strong };
    owned(app, &[(role, head), (fate(&c), rest)])
}

/// The drawing laid out for a side.
pub(super) fn lay(app: &App, side: usize, area: Rect) -> Option<Laid> {
    let style =
        Style { width: usize::from(area.width), times: app.ladder.times, ..Style::default() };
    Some(laid(app.ladder.sides.get(side)?.ladder.as_ref()?, &style))
}

/// The first line shown: the step is in the middle, where there is more than fits.
pub(super) fn top(laid: &Laid, step: usize, height: usize) -> usize {
    let first = laid.lines.iter().position(|(n, _)| *n == Some(step)).unwrap_or(0);
    first.saturating_sub(height / 2).min(laid.lines.len().saturating_sub(height))
}

/// The part of a side in which lines scroll.
pub(super) fn scrolled(laid: &Laid, area: Rect) -> Rect {
    let head = (1 + laid.headings.len() as u16).min(area.height);
    Rect { y: area.y + head, height: area.height - head, ..area }
}

fn draw_side(app: &App, side: usize, area: Rect, buf: &mut Buffer) {
    let theme = &app.config.theme;
    put(buf, area, 0, &title(app, side, usize::from(area.width)));
    let slot = &app.ladder.sides[side];
    let Some(laid) = lay(app, side, area) else {
        let said = match (slot.chosen, slot.shown < slot.asked) {
            (None, _) => "choose a connection in pane 3 and press Enter",
            (_, true) => "reading frames ...",
            _ => {
                "no frame can be read again: the captures are gone, have changed, or come from tables"
            }
        };
        put(buf, area, 2, &theme.line(&[(Paint::Faint, said)]));
        return;
    };
    let line = |runs: &[(Tone, String)]| {
        Line::from(runs.iter().map(|(tone, text)| theme.span(*tone, text)).collect::<Vec<_>>())
    };
    for (row, runs) in laid.headings.iter().enumerate() {
        put(buf, area, row + 1, &line(runs));
    }
    let rows = scrolled(&laid, area);
    let height = usize::from(rows.height);
    let top = top(&laid, slot.step, height);
    let focused = !app.ladder.both || app.ladder.side == side;
    for (row, (step, runs)) in laid.lines.iter().skip(top).take(height).enumerate() {
        put(buf, rows, row, &line(runs));
        if *step == Some(slot.step) {
            highlight(app, buf, rows, row, focused);
        }
    }
    let free = height.saturating_sub(laid.lines.len());
    if free > laid.legend.len() {
        for (n, text) in laid.legend.iter().enumerate() {
            put(buf, rows, laid.lines.len() + 1 + n, &theme.line(&[(Paint::Faint, text)]));
        }
    }
}
