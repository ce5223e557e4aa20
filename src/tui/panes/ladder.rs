//! The ladder: one connection packet by packet, or two beside each other.
//!
//! The drawing is that of `lbdiag ladder`, in lines that know their step. Frames are read
//! again on a worker; until they come the pane says so.

mod draw;

use super::super::action::Action;
use super::super::app::{App, Pane};
use super::super::frames::{Sight, of_step};
use super::super::states::ladder::{Alone, Side, Wanted};
use super::super::theme::Paint;
use super::super::work::Job;
use super::packet;
use crate::ladder::{self, Chosen};
use crate::report::ladder::{Ladder, StepKind};
use crate::report::story::explaining;
pub use draw::draw;
use draw::{areas, lay, scrolled, top};
use ratatui::layout::Rect;

/// Asks for a drawing; `frame` is put under the cursor when it comes.
fn load(app: &mut App, side: usize, chosen: Chosen, frame: Option<Wanted>) {
    if side == 0 {
        app.ladder.both = false;
        app.ladder.side = 0;
    }
    app.ladder.zoomed = false;
    app.ladder.alone = None;
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

/// Draws a connection and goes there; `frame` is put under the cursor.
pub fn open_ladder(app: &mut App, chosen: Chosen, frame: Option<Wanted>) {
    load(app, 0, chosen, frame);
    app.open(Pane::Ladder);
}

/// The pane was gone to by its key: from a finding, its connection is drawn; else, where
/// nothing is drawn yet, the most telling connection is, or the selected one.
pub fn arrive(app: &mut App) {
    let Some(data) = app.loaded_data() else { return };
    if app.ladder.alone.take().is_some() {
        app.ladder.zoomed = false;
    }
    if app.pane == Pane::Findings
        && app.ladder.sides[0].chosen.and_then(|chosen| chosen.finding) != Some(app.findings.at)
        && let Some(chosen) = ladder::of_finding(&data.trace, &data.diagnosis, app.findings.at)
    {
        load(app, 0, chosen, None);
        return;
    }
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
        app.say(Paint::Plain, format!("mark a connection with {key} first, then choose another"));
        return;
    };
    if marked == here {
        app.say(Paint::Plain, "this is the marked connection; choose another to compare with");
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
    let of_frame = wanted
        .as_ref()
        .and_then(|wanted| ladder.steps.iter().position(|s| s.frames.contains(&wanted.frame)));
    let marked = || ladder.steps.iter().position(|step| step.marked);
    slot.step = of_frame.or_else(marked).unwrap_or(0);
    ask_packet(app, side);
    if let (Some(wanted), None) = (wanted, of_frame) {
        show_alone(app, wanted);
    }
}

/// Shows a frame that no drawing has.
pub fn show_alone(app: &mut App, wanted: Wanted) {
    let at = wanted.at;
    let Some(asked) = app.ask(|n| Job::Frame(n, at)) else { return };
    app.ladder.alone = Some(Alone { wanted, sights: Vec::new(), asked });
    app.ladder.zoomed = true;
    app.ladder.column = 0;
    app.ladder.field = 0;
    app.open(Pane::Ladder);
}

/// Such a frame has come.
pub fn frame_read(app: &mut App, n: u64, sight: Sight) {
    if let Some(alone) = app.ladder.alone.as_mut().filter(|alone| n >= alone.asked) {
        alone.sights = vec![sight];
    }
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

/// Does what a command asks.
pub fn act(app: &mut App, action: Action) -> bool {
    if app.ladder.zoomed {
        let side = app.ladder.side;
        match action {
            Action::Back | Action::Open if app.ladder.alone.is_some() => {
                app.ladder.alone = None;
                app.ladder.zoomed = false;
                return action == Action::Open;
            }
            Action::Back | Action::Open => app.ladder.zoomed = false,
            Action::Next | Action::Previous if app.ladder.alone.is_some() => {}
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
        None => app.say(Paint::Plain, "no further frame of the proof"),
    }
}

/// Chooses what was clicked; `true`: it was chosen before, and is to be opened.
#[must_use]
pub fn click(app: &mut App, area: Rect, x: u16, y: u16) -> bool {
    let areas = areas(app, area);
    if areas.packet.contains((x, y).into()) {
        packet::click(app, areas.packet, x, y);
        return false;
    }
    let Some(side) = areas.sides.iter().position(|area| area.contains((x, y).into())) else {
        return false;
    };
    app.ladder.side = side;
    let Some(laid) = lay(app, side, areas.sides[side]) else { return false };
    let rows = scrolled(&laid, areas.sides[side]);
    if !rows.contains((x, y).into()) {
        return false;
    }
    let top = top(&laid, app.ladder.sides[side].step, usize::from(rows.height));
    let clicked = laid.lines.get(top + usize::from(y - rows.y)).and_then(|(step, _)| *step);
    if let Some(step) = clicked {
        if app.ladder.sides[side].step == step {
            return true;
        }
        app.ladder.sides[side].step = step;
        ask_packet(app, side);
    }
    false
}

/// Keys for the footer.
pub fn hints(app: &App) -> Vec<(Action, &'static str)> {
    if app.ladder.alone.is_some() {
        return vec![
            (Action::Down, "fields"),
            (Action::Open, "the drawing"),
            (Action::Back, "back"),
        ];
    }
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
