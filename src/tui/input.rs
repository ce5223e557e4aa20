//! Keys and clicks to commands.
//!
//! What is open on top gets a key first: the line that is typed, then the overlay, then
//! the pane, then what holds everywhere. A click does what the cursor and Enter would.

use super::action::Action;
use super::app::{App, Overlay, PANES, Pane};
use super::keymap::Key;
use super::panes::{findings, help, ladder, overview, path, save, table, timeline};
use super::screen::screen;
use super::states::help::State as Help;
use super::theme::Paint;
use super::view;
use crate::render::Times;
use crossterm::event::{
    Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};

/// Lines that one turn of the wheel moves.
const WHEEL: usize = 3;

impl App {
    /// What the terminal sent.
    pub(super) fn input(&mut self, event: &Event) {
        match event {
            Event::Key(key) if key.kind != KeyEventKind::Release => self.key(*key),
            Event::Mouse(mouse) => self.mouse(*mouse),
            Event::Resize(columns, rows) => self.size = (*columns, *rows),
            Event::Paste(text) => {
                let data = self.data.clone();
                if let (Some(typing), Some(data)) = (self.filter.typing.as_mut(), data) {
                    typing.line.insert(text);
                    typing.look(&data);
                }
            }
            _ => {}
        }
    }

    fn key(&mut self, key: KeyEvent) {
        self.remark = None;
        let ctrl_c =
            key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL);
        if self.filter.typing.is_some() && !ctrl_c {
            self.type_filter(key);
            return;
        }
        // A terminal sends Esc with a key right behind it as that key with Alt.
        let alt = key.modifiers.contains(KeyModifiers::ALT);
        if alt && self.config.keymap.action(Key::of(key)).is_none() {
            self.key(KeyEvent::new(KeyCode::Esc, KeyModifiers::NONE));
            self.key(KeyEvent::new(key.code, key.modifiers.difference(KeyModifiers::ALT)));
            return;
        }
        if let Some(Overlay::Save(state)) = &mut self.overlay
            && state.takes(key)
        {
            return;
        }
        if let Some(action) = self.config.keymap.action(Key::of(key)) {
            self.act(action);
        }
    }

    fn type_filter(&mut self, key: KeyEvent) {
        let Some(data) = self.data.clone() else { return };
        let Some(typing) = self.filter.typing.as_mut() else { return };
        match key.code {
            KeyCode::Esc => self.filter.typing = None,
            KeyCode::Tab => typing.complete(&data, true),
            KeyCode::BackTab => typing.complete(&data, false),
            KeyCode::Up => self.filter.recall(&data, false),
            KeyCode::Down => self.filter.recall(&data, true),
            KeyCode::Enter => {
                let text = typing.line.text.clone();
                match self.filter.apply(&data, &text) {
                    Ok(()) => {
                        self.filter.typing = None;
                        self.ask_rows();
                        if matches!(self.pane, Pane::Overview | Pane::Findings | Pane::Path) {
                            self.open(Pane::Connections);
                        }
                    }
                    Err(fault) => self.say(Paint::Bad, fault.message),
                }
            }
            _ => {
                if typing.line.key(key) {
                    typing.look(&data);
                }
            }
        }
    }

    /// Does a command.
    pub fn act(&mut self, action: Action) {
        if action == Action::Suspend {
            self.suspend = true;
            return;
        }
        if self.overlay.is_some() && self.act_on_overlay(action) {
            return;
        }
        if self.data.is_none() {
            match action {
                Action::Quit | Action::Back => self.quit = true,
                Action::Help => self.overlay = Some(Overlay::Help(Help::default())),
                _ => {}
            }
            return;
        }
        let taken = match self.pane {
            Pane::Overview => overview::act(self, action),
            Pane::Timeline => timeline::act(self, action),
            Pane::Connections => table::act(self, action),
            Pane::Ladder => ladder::act(self, action),
            Pane::Findings => findings::act(self, action),
            Pane::Path => path::act(self, action),
        };
        if !taken {
            self.act_anywhere(action);
        }
    }

    /// False where the command is for what lies below.
    fn act_on_overlay(&mut self, action: Action) -> bool {
        match action {
            Action::Quit | Action::Back => self.overlay = None,
            Action::Help if matches!(self.overlay, Some(Overlay::Help(_))) => self.overlay = None,
            Action::Redraw => return false,
            _ if matches!(self.overlay, Some(Overlay::Save(_))) => save::act(self, action),
            _ => help::act(self, action),
        }
        true
    }

    /// Goes to a pane by its own key: Esc does not lead back.
    fn switch(&mut self, pane: Pane) {
        self.trail.clear();
        match pane {
            Pane::Ladder => ladder::arrive(self),
            Pane::Path => path::arrive(self),
            _ => {}
        }
        self.pane = pane;
    }

    fn act_anywhere(&mut self, action: Action) {
        let at = PANES.iter().position(|(pane, ..)| *pane == self.pane).unwrap_or(0);
        let count = PANES.len();
        if let Some((pane, ..)) = PANES.iter().find(|(_, _, own)| *own == action) {
            self.switch(*pane);
            return;
        }
        match action {
            Action::Quit if self.writes > 0 && !self.leaving => {
                self.leaving = true;
                self.say(Paint::Plain, "a file is being written, then lbdiag ends");
            }
            Action::Quit => self.quit = true,
            Action::Help => self.overlay = Some(Overlay::Help(Help::default())),
            Action::NextPane => self.switch(PANES[(at + 1) % count].0),
            Action::PreviousPane => self.switch(PANES[(at + count - 1) % count].0),
            Action::Back => {
                if let Some(before) = self.trail.pop() {
                    self.pane = before;
                }
            }
            Action::Filter => {
                if let Some(data) = self.data.clone() {
                    self.filter.begin(&data);
                }
            }
            Action::ClearFilter => {
                self.range = None;
                self.timeline.anchor = None;
                self.narrow("");
            }
            Action::TimeMode => {
                let times = match self.pane {
                    Pane::Ladder => &mut self.ladder.times,
                    _ => &mut self.times,
                };
                *times = match times {
                    Times::Absolute => Times::Start,
                    Times::Start => Times::Delta,
                    Times::Delta => Times::Absolute,
                };
                let said = match times {
                    Times::Absolute => "times of day (UTC)",
                    Times::Start => "times since the start",
                    Times::Delta => "times since the one before",
                };
                self.say(Paint::Plain, said);
            }
            Action::Mark => self.mark(),
            Action::Compare => ladder::compare(self),
            Action::Manual => {
                let n = self.findings.number();
                let id = self.data.as_ref().and_then(|data| Some(data.finding(n)?.id.clone()));
                if let Some(id) = id {
                    help::open_manual(self, &id);
                }
            }
            Action::Redraw => self.redraw = true,
            Action::Save => self.overlay = save::offer(self).map(Overlay::Save),
            _ => {}
        }
    }

    fn mark(&mut self) {
        let Some(id) = self.current() else { return };
        if self.marked == Some(id) {
            self.marked = None;
            self.say(Paint::Plain, "no connection is marked");
            return;
        }
        self.marked = Some(id);
        let key = self.config.keymap.key(Action::Compare).unwrap_or_default();
        self.say(
            Paint::Plain,
            format!("connection {} is marked; {key} shows it beside another", id.0 + 1),
        );
    }

    fn mouse(&mut self, event: MouseEvent) {
        let (x, y) = (event.column, event.row);
        match event.kind {
            MouseEventKind::ScrollUp | MouseEventKind::ScrollDown => {
                let up = event.kind == MouseEventKind::ScrollUp;
                if self.on_timeline() {
                    timeline::wheel(self, x, up);
                    return;
                }
                for _ in 0..WHEEL {
                    self.act(if up { Action::Up } else { Action::Down });
                }
            }
            MouseEventKind::Down(MouseButton::Left) => self.click(x, y),
            MouseEventKind::Drag(MouseButton::Left) if self.on_timeline() => {
                timeline::drag(self, x);
            }
            MouseEventKind::Up(MouseButton::Left) if self.on_timeline() => timeline::release(self),
            _ => {}
        }
    }

    fn on_timeline(&self) -> bool {
        self.pane == Pane::Timeline && self.overlay.is_none() && self.data.is_some()
    }

    fn click(&mut self, x: u16, y: u16) {
        self.remark = None;
        if self.data.is_none() || self.filter.typing.is_some() {
            return;
        }
        if self.overlay.is_some() {
            if let Some(Overlay::Save(_)) = self.overlay {
                save::click(self, x, y);
            } else {
                self.overlay = None;
            }
            return;
        }
        let screen = screen(self.size);
        if y == screen.tabs.y {
            if let Some(pane) = view::tab_at(self, x) {
                self.switch(pane);
            }
            return;
        }
        if !screen.body.contains((x, y).into()) {
            return;
        }
        let opens = match self.pane {
            Pane::Overview => overview::click(self, screen.body, y),
            Pane::Timeline => timeline::click(self, screen.body, x, y),
            Pane::Ladder => ladder::click(self, screen.body, x, y),
            Pane::Findings => findings::click(self, screen.body, x, y),
            Pane::Connections => {
                let asked = table::click(self, screen.body, x, y);
                return asked.map_or((), |action| self.act(action));
            }
            Pane::Path => return path::click(self, screen.body, x, y),
        };
        if opens {
            self.act(Action::Open);
        }
    }
}
