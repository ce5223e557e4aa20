//! What can be saved, and the name that is typed for it.

use super::super::file::Drawing;
use super::super::line_input::LineInput;
use crossterm::event::{KeyCode, KeyEvent};

/// A kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// The frames of a connection or a finding.
    Evidence,
    /// The report for a ticket.
    Markdown,
    /// The report as a page.
    Html,
    /// The report for programs.
    Json,
    /// The ladder.
    Drawn(Drawing),
}

/// What is chosen.
#[derive(Debug)]
pub struct State {
    /// The format.
    pub at: usize,
    /// What can be saved: format, what is said of it, name of the file.
    pub offered: Vec<(Format, &'static str, String)>,
    /// The name, once it is typed.
    pub name: Option<LineInput>,
}

impl State {
    /// Whether this name is typed.
    #[must_use]
    pub fn names(&self, path: &str) -> bool {
        self.name.as_ref().is_some_and(|line| line.text.trim() == path)
    }

    /// Gives a key to the name that is typed; false where it is a command.
    pub fn takes(&mut self, key: KeyEvent) -> bool {
        let Some(line) = &mut self.name else { return false };
        match key.code {
            KeyCode::Enter => false,
            KeyCode::Esc => {
                self.name = None;
                true
            }
            // What the line does not take may be a command, such as leaving.
            _ => line.key(key),
        }
    }
}
