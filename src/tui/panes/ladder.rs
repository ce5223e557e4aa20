//! The ladder: one connection packet by packet, or two beside each other.
//!
//! The drawing is that of `lbdiag ladder`, in lines that know their step. Frames are read
//! again on a worker; until they come the pane says so.

use super::super::action::Action;
use super::super::app::{App, Pane};
use super::super::frames::{Sight, of_step};
use super::super::theme::Role;
use super::super::view::{highlight, owned, put};
use super::super::work::Job;
use super::packet;
use super::stops::rule;
use crate::ladder::{self, Chosen};
use crate::render::measure::cut;
use crate::render::text::ladder::{Laid, laid};
use crate::render::{Style, Times};
use crate::report::ladder::{Ladder, StepKind};
use crate::report::story::explaining;
use crate::trace::ConnectionId;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

/// Columns from which on two drawings stand beside each other, not one below the other.
const BESIDE: u16 = 150;

/// One drawing.
#[derive(Debug, Default)]
pub struct Side {
    /// What is drawn.
    pub chosen: Option<Chosen>,
    /// The drawing; none while it is awaited or where it cannot be made.
    pub ladder: Option<Ladder>,
    /// The step under the cursor.
    pub step: usize,
    /// The frames of that step's packet.
    pub sights: Vec<Sight>,
    asked: u64,
    shown: u64,
    packet_asked: u64,
    packet_shown: u64,
    wanted: Option<(String, u64)>,
}

/// Both drawings.
#[derive(Debug, Default)]
pub struct State {
    /// The connection, and the one that it is compared with.
    pub sides: [Side; 2],
    /// The side that keys act on.
    pub side: usize,
    /// Both are shown.
    pub both: bool,
    /// The packet fills the pane.
    pub zoomed: bool,
    /// The vantage whose bytes are shown.
    pub column: usize,
    /// The first field shown.
    pub field: usize,
    /// Which times are shown.
    pub times: Times,
}

impl State {
    /// The connection that is drawn.
    #[must_use]
    pub fn connection(&self) -> Option<ConnectionId> {
        self.sides[self.side].chosen.map(|chosen| chosen.connection)
    }

    /// Whether a drawing or a packet is awaited.
    #[must_use]
    pub fn waits(&self) -> bool {
        self.sides.iter().any(|s| s.shown < s.asked || s.packet_shown < s.packet_asked)
    }
}

/// Asks for a drawing; `frame` is put under the cursor when it comes.
pub fn load(app: &mut App, side: usize, chosen: Chosen, frame: Option<(String, u64)>) {
    if side == 0 {
        app.ladder.both = false;
        app.ladder.side = 0;
    }
    app.ladder.zoomed = false;
    let same = app.ladder.sides[side].chosen == Some(chosen);
    if same && app.ladder.sides[side].ladder.is_some() {
        if frame.is_some() {
            app.ladder.sides[side].wanted = frame;
            arrive_at(app, side);
        }
        return;
    }
    let asked = app.ask(|n| Job::Ladder(n, side, chosen));
    let slot = &mut app.ladder.sides[side];
    *slot = Side { chosen: Some(chosen), wanted: frame, ..Side::default() };
    slot.asked = asked.unwrap_or_default();
}

/// The pane was gone to by its key: where nothing is drawn yet, the most telling
/// connection is, or the selected one.
pub fn arrive(app: &mut App) {
    let Some(data) = app.loaded_data() else { return };
    if app.ladder.sides[0].chosen.is_some() {
        return;
    }
    let narrowed = app.rows.ids.len() < data.columns.all.len();
    let selected = app.selected().filter(|_| narrowed || app.table.list.at > 0);
    let chosen = selected
        .map(|id| Chosen { connection: id, finding: explaining(&data.diagnosis, id) })
        .or_else(|| ladder::most_telling(&data.trace, &data.diagnosis));
    if let Some(chosen) = chosen {
        load(app, 0, chosen, None);
    }
}

/// Shows the marked connection beside the one that is looked at.
pub fn compare(app: &mut App) {
    let Some(data) = app.loaded_data() else { return };
    if app.pane == Pane::Ladder && app.ladder.both {
        app.ladder.both = false;
        app.ladder.side = 0;
        return;
    }
    let (Some(marked), Some(here)) = (app.marked, app.current()) else {
        let key = app.config.keymap.key(Action::Mark).unwrap_or_default();
        app.say(Role::Plain, format!("mark a connection with {key} first, then choose another"));
        return;
    };
    if marked == here {
        app.say(Role::Plain, "this is the marked connection; choose another to compare with");
        return;
    }
    for (side, id) in [(0, here), (1, marked)] {
        load(app, side, Chosen { connection: id, finding: explaining(&data.diagnosis, id) }, None);
    }
    app.ladder.both = true;
    app.open(Pane::Ladder);
}

/// A drawing has come.
pub fn drawn(app: &mut App, n: u64, side: usize, drawn: Option<Ladder>) {
    let Some(slot) = app.ladder.sides.get_mut(side).filter(|slot| n >= slot.asked) else { return };
    slot.shown = n;
    slot.ladder = drawn;
    arrive_at(app, side);
}

/// Puts the cursor on the frame that was wanted, else on the first of the proof.
fn arrive_at(app: &mut App, side: usize) {
    let slot = &mut app.ladder.sides[side];
    let Some(ladder) = &slot.ladder else { return };
    let wanted = slot.wanted.take();
    let of_frame =
        wanted.and_then(|frame| ladder.steps.iter().position(|s| s.frames.contains(&frame)));
    let marked = || ladder.steps.iter().position(|step| step.marked);
    slot.step = of_frame.or_else(marked).unwrap_or(0);
    ask_packet(app, side);
}

/// A packet has come.
pub fn packet_read(app: &mut App, n: u64, side: usize, sights: Vec<Sight>) {
    if let Some(slot) = app.ladder.sides.get_mut(side).filter(|slot| n >= slot.packet_asked) {
        slot.packet_shown = n;
        slot.sights = sights;
        app.ladder.column = app.ladder.column.min(slot.sights.len().saturating_sub(1));
    }
}

fn ask_packet(app: &mut App, side: usize) {
    let slot = &app.ladder.sides[side];
    let (Some(ladder), Some(chosen)) = (&slot.ladder, slot.chosen) else { return };
    let frames = of_step(ladder, slot.step);
    let asked = app.ask(|n| Job::Packet(n, side, chosen.connection, frames));
    app.ladder.sides[side].packet_asked = asked.unwrap_or_default();
    app.ladder.field = 0;
}

/// Where drawing and packet stand.
struct Areas {
    sides: [Rect; 2],
    packet: Rect,
}

fn areas(app: &App, area: Rect) -> Areas {
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
            buf.set_span(x, y, &app.config.theme.span(Role::Frame, "│"), 1);
        }
    }
    if areas.packet.height > 0 {
        packet::draw(app, areas.packet, buf);
    }
}

fn title(app: &App, side: usize, width: usize) -> Line<'static> {
    let slot = &app.ladder.sides[side];
    let (Some(data), Some(chosen)) = (&app.data, slot.chosen) else { return Line::default() };
    let c = data.connection(chosen.connection);
    let server = c.real_server.as_ref().and_then(|end| end.address.clone().or(end.mac.clone()));
    let to = server.map_or_else(String::new, |server| format!(" to {server}"));
    let marked = if app.marked == Some(chosen.connection) { "marked, " } else { "" };
    let finding = chosen.finding.map_or_else(String::new, |n| format!(", finding {}", n + 1));
    let head = format!("#{} {} > {}{to}", c.id, c.client, c.service);
    let rest = format!("  {marked}{}{finding}", c.outcome);
    let focus = app.ladder.both && app.ladder.side == side;
    let head = cut(&head, width.saturating_sub(rest.len()));
    let role = if focus { Role::Chosen } else { Role::Strong };
    owned(app, &[(role, head), (super::table::outcome(&c.outcome), rest)])
}

/// The drawing laid out for a side.
fn lay(app: &App, side: usize, area: Rect) -> Option<Laid> {
    let style =
        Style { width: usize::from(area.width), times: app.ladder.times, ..Style::default() };
    Some(laid(app.ladder.sides.get(side)?.ladder.as_ref()?, &style))
}

/// The first line shown: the step is in the middle, where there is more than fits.
fn top(laid: &Laid, step: usize, height: usize) -> usize {
    let first = laid.lines.iter().position(|(n, _)| *n == Some(step)).unwrap_or(0);
    first.saturating_sub(height / 2).min(laid.lines.len().saturating_sub(height))
}

/// The part of a side in which lines scroll.
fn scrolled(laid: &Laid, area: Rect) -> Rect {
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
            _ => "no frame can be read again: the captures are gone or have changed",
        };
        put(buf, area, 2, &theme.line(&[(Role::Faint, said)]));
        return;
    };
    let line = |runs: &[(crate::render::ink::Tone, String)]| {
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
            put(buf, rows, laid.lines.len() + 1 + n, &theme.line(&[(Role::Faint, text)]));
        }
    }
}

/// Does what a command asks.
pub fn act(app: &mut App, action: Action) -> bool {
    if app.ladder.zoomed {
        let side = app.ladder.side;
        match action {
            Action::Back | Action::Open => app.ladder.zoomed = false,
            Action::Next => step_by(app, side, 1),
            Action::Previous => step_by(app, side, -1),
            _ => return packet::act(app, action),
        }
        return true;
    }
    let side = app.ladder.side;
    let page = isize::from(app.size.1 as i16 / 4).max(1);
    match action {
        Action::Up => step_by(app, side, -1),
        Action::Down => step_by(app, side, 1),
        Action::PageUp | Action::HalfUp => step_by(app, side, -page),
        Action::PageDown | Action::HalfDown => step_by(app, side, page),
        Action::Top => step_by(app, side, isize::MIN),
        Action::Bottom => step_by(app, side, isize::MAX),
        Action::Left | Action::Right if app.ladder.both => {
            app.ladder.side = usize::from(action == Action::Right);
        }
        Action::Left | Action::Right => return packet::act(app, action),
        Action::Next | Action::Previous => marked(app, side, action == Action::Next),
        Action::Open => app.ladder.zoomed = app.ladder.sides[side].ladder.is_some(),
        Action::Back if app.ladder.both => compare(app),
        _ => return false,
    }
    true
}

fn step_by(app: &mut App, side: usize, by: isize) {
    let slot = &mut app.ladder.sides[side];
    let count = slot.ladder.as_ref().map_or(0, |ladder| ladder.steps.len());
    let to = slot.step.saturating_add_signed(by).min(count.saturating_sub(1));
    if to != slot.step {
        slot.step = to;
        ask_packet(app, side);
    }
}

/// Goes to the next step of the proof, or the next that was lost.
fn marked(app: &mut App, side: usize, forward: bool) {
    let slot = &app.ladder.sides[side];
    let Some(ladder) = &slot.ladder else { return };
    let is = |n: &usize| {
        ladder.steps.get(*n).is_some_and(|step| step.marked || step.kind == StepKind::Lost)
    };
    let found = if forward {
        (slot.step + 1..ladder.steps.len()).find(is)
    } else {
        (0..slot.step).rev().find(is)
    };
    match found {
        Some(to) => {
            app.ladder.sides[side].step = to;
            ask_packet(app, side);
        }
        None => app.say(Role::Plain, "no further frame of the proof"),
    }
}

/// Chooses what was clicked.
pub fn click(app: &mut App, area: Rect, x: u16, y: u16) {
    let areas = areas(app, area);
    if areas.packet.contains((x, y).into()) {
        packet::click(app, areas.packet, x, y);
        return;
    }
    let Some(side) = areas.sides.iter().position(|area| area.contains((x, y).into())) else {
        return;
    };
    app.ladder.side = side;
    let Some(laid) = lay(app, side, areas.sides[side]) else { return };
    let rows = scrolled(&laid, areas.sides[side]);
    if !rows.contains((x, y).into()) {
        return;
    }
    let top = top(&laid, app.ladder.sides[side].step, usize::from(rows.height));
    let clicked = laid.lines.get(top + usize::from(y - rows.y)).and_then(|(step, _)| *step);
    if let Some(step) = clicked {
        if app.ladder.sides[side].step == step {
            app.act(Action::Open);
        } else {
            app.ladder.sides[side].step = step;
            ask_packet(app, side);
        }
    }
}

/// Keys for the footer.
pub fn hints(app: &App) -> Vec<(Action, &'static str)> {
    if app.ladder.zoomed {
        return vec![
            (Action::Down, "fields"),
            (Action::Right, "next capture"),
            (Action::Next, "next packet"),
            (Action::Back, "close"),
        ];
    }
    if app.ladder.both {
        return vec![
            (Action::Right, "other side"),
            (Action::Down, "packet"),
            (Action::Open, "details"),
            (Action::Compare, "one only"),
        ];
    }
    vec![
        (Action::Down, "packet"),
        (Action::Open, "details"),
        (Action::Next, "next proof"),
        (Action::Mark, "mark"),
        (Action::TimeMode, "times"),
        (Action::Save, "save"),
    ]
}

/// The heading of a packet.
#[must_use]
pub fn packet_title(app: &App, width: usize) -> Line<'static> {
    let slot = &app.ladder.sides[app.ladder.side];
    let label = slot.ladder.as_ref().and_then(|l| l.steps.get(slot.step)).map(|s| s.label.clone());
    let waits = if slot.packet_shown < slot.packet_asked { ", reading ..." } else { "" };
    let said = format!("{}{waits}", label.unwrap_or_default().trim());
    rule(app, &format!("packet {}", crate::render::sanitise::clean(&said)), width)
}
