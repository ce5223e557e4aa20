//! The program without a terminal, for tests and for measuring how fast keys are answered.

use super::app::App;
use super::config::Config;
use super::data::Data;
use super::view;
use super::work::Event;
use crate::redact::Mask;
use crate::trace::Trace;
use crossterm::event::{self, KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEventKind};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};

/// A program on a screen in memory.
#[derive(Debug)]
pub struct Probe {
    /// Its state.
    pub app: App,
    queue: Receiver<Event>,
    terminal: Terminal<TestBackend>,
}

impl Probe {
    /// Shows a trace on a screen of `width` columns and `height` rows.
    #[must_use]
    pub fn new(trace: Trace, name: &str, config: Config, (width, height): (u16, u16)) -> Self {
        let data = Arc::new(Data::new(trace, Vec::new(), name.to_owned()));
        Self::of(data, name, config, (width, height))
    }

    /// The same with stand-ins: the mask has gone over the trace. None where a document
    /// cannot be redacted.
    #[must_use]
    pub fn masked(trace: Trace, mask: Arc<Mask>, size: (u16, u16)) -> Option<Self> {
        let data = Data::new(trace, Vec::new(), String::new()).masked(mask)?;
        Some(Self::of(Arc::new(data), "CAPTURE...", Config::default(), size))
    }

    /// The same, of what was prepared.
    pub(super) fn of(data: Arc<Data>, name: &str, config: Config, size: (u16, u16)) -> Self {
        let (events, queue) = mpsc::channel();
        let mut app = App::new(config, name.to_owned(), None, events);
        app.size = size;
        app.handle(Event::Loaded(Ok(data)));
        let Ok(terminal) = Terminal::new(TestBackend::new(size.0, size.1));
        Self { app, queue, terminal }
    }

    /// Sends a key, as the configuration writes it where it is no character, and draws.
    pub fn key(&mut self, key: &str) {
        let code = match key {
            "enter" => KeyCode::Enter,
            "esc" => KeyCode::Esc,
            "tab" => KeyCode::Tab,
            "backtab" => KeyCode::BackTab,
            "up" => KeyCode::Up,
            "down" => KeyCode::Down,
            "backspace" => KeyCode::Backspace,
            other => KeyCode::Char(other.chars().next().unwrap_or(' ')),
        };
        let event = KeyEvent::new(code, KeyModifiers::NONE);
        self.app.handle(Event::Input(event::Event::Key(event)));
        self.draw();
    }

    /// Types a text.
    pub fn type_text(&mut self, text: &str) {
        for c in text.chars() {
            self.key(c.encode_utf8(&mut [0; 4]));
        }
    }

    /// Does something with the mouse at a cell, and draws.
    pub fn mouse(&mut self, kind: MouseEventKind, column: u16, row: u16) {
        let modifiers = KeyModifiers::NONE;
        let event = event::MouseEvent { kind, column, row, modifiers };
        self.app.handle(Event::Input(event::Event::Mouse(event)));
        self.draw();
    }

    /// Presses and releases the left button.
    pub fn click(&mut self, column: u16, row: u16) {
        self.mouse(MouseEventKind::Down(MouseButton::Left), column, row);
        self.mouse(MouseEventKind::Up(MouseButton::Left), column, row);
    }

    /// Changes the size of the screen, and draws.
    pub fn resize(&mut self, width: u16, height: u16) {
        self.terminal.backend_mut().resize(width, height);
        self.app.handle(Event::Input(event::Event::Resize(width, height)));
        self.draw();
    }

    /// Waits until all that was asked for has come, and draws.
    pub fn settle(&mut self) {
        while self.app.busy() {
            match self.queue.recv() {
                Ok(event) => self.app.handle(event),
                Err(_) => return,
            }
        }
        self.draw();
    }

    /// Draws.
    pub fn draw(&mut self) {
        let app = &self.app;
        let _ = self.terminal.draw(|frame| view::draw(app, frame));
    }

    /// The screen.
    #[must_use]
    pub fn screen(&self) -> &Buffer {
        self.terminal.backend().buffer()
    }

    /// The screen's text, a line a row, without blanks at the ends.
    #[must_use]
    pub fn text(&self) -> String {
        let buffer = self.screen();
        let width = usize::from(buffer.area.width).max(1);
        let mut out = String::new();
        for row in buffer.content.chunks(width) {
            let line: String = row.iter().map(ratatui::buffer::Cell::symbol).collect();
            out.push_str(line.trim_end());
            out.push('\n');
        }
        out
    }
}
