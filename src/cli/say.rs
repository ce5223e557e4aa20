//! What is said on stderr.
//!
//! Every line passes the sanitiser: messages hold file names and strings from captures. Refuses to
//! fail: where stderr is closed there is nobody left to tell.

use super::terminal::colour;
use anstyle::{AnsiColor, Style};
use clap::ColorChoice;
use lbdiag::render::sanitise::clean;
use std::io::{self, IsTerminal, Write};

/// A voice on stderr.
#[derive(Debug, Clone, Copy)]
pub(super) struct Say {
    colour: bool,
    quiet: bool,
}

impl Say {
    /// `quiet` silences notes, never errors.
    pub(super) fn new(choice: ColorChoice, quiet: bool) -> Self {
        Self { colour: colour(choice, io::stderr().is_terminal()), quiet }
    }

    /// Something could not be done.
    pub(super) fn error(self, text: &str) {
        self.labelled(AnsiColor::Red.on_default().bold(), "error:", text);
    }

    /// Something that the user may not expect.
    pub(super) fn note(self, text: &str) {
        if !self.quiet {
            self.labelled(AnsiColor::Yellow.on_default().bold(), "note:", text);
        }
    }

    /// Text as it is, but for what would steer the terminal.
    pub(super) fn plain(self, text: &str) {
        write(text.trim_end_matches('\n'));
    }

    fn labelled(self, style: Style, label: &str, text: &str) {
        // Cleaned here, since the style is what the sanitiser is there to take out.
        let text = clean(text);
        let line = if self.colour {
            format!("{style}{label}{style:#} {text}\n")
        } else {
            format!("{label} {text}\n")
        };
        let _ = anstream::AutoStream::new(io::stderr().lock(), choice(self.colour))
            .write_all(line.as_bytes());
    }
}

fn write(text: &str) {
    let mut all = String::with_capacity(text.len() + 1);
    for line in text.lines() {
        all.push_str(&clean(line));
        all.push('\n');
    }
    let _ = io::stderr().lock().write_all(all.as_bytes());
}

/// For a stream: whether escape sequences pass.
pub(super) fn choice(colour: bool) -> anstream::ColorChoice {
    if colour { anstream::ColorChoice::Always } else { anstream::ColorChoice::Never }
}
