//! Colour and weight, or none.
//!
//! Colour repeats what a word or a shape already says; it never carries a
//! meaning alone. Refuses nothing, knows nothing of layout: widths are measured
//! before paint goes on.

use anstyle::{AnsiColor, Style};

/// What a piece of text is, so that the palette is chosen in one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    /// As it is.
    Plain,
    /// Headings and names that the eye should find.
    Strong,
    /// Labels and what may be skipped.
    Faint,
    /// Traffic fails.
    Bad,
    /// Traffic suffers, or a command disturbs it.
    Warn,
    /// Checked and clean.
    Good,
    /// Not known.
    Unsure,
}

/// Paints, or leaves alone.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ink {
    colour: bool,
}

impl Ink {
    pub(crate) fn new(colour: bool) -> Self {
        Self { colour }
    }

    /// `text` in the tone's style; text itself without colour.
    pub(crate) fn paint(self, tone: Tone, text: &str) -> String {
        let word = text.trim();
        if !self.colour || tone == Tone::Plain || word.is_empty() {
            return text.to_owned();
        }
        let style = match tone {
            Tone::Plain => Style::new(),
            Tone::Strong => Style::new().bold(),
            Tone::Faint => Style::new().dimmed(),
            Tone::Bad => AnsiColor::Red.on_default().bold(),
            Tone::Warn => AnsiColor::Yellow.on_default().bold(),
            Tone::Good => AnsiColor::Green.on_default().bold(),
            Tone::Unsure => AnsiColor::Cyan.on_default().bold(),
        };
        // Blanks stay outside, where the end of a line can be trimmed.
        let lead = text.len() - text.trim_start().len();
        let tail = lead + word.len();
        format!(
            "{}{}{word}{}{}",
            text.get(..lead).unwrap_or_default(),
            style.render(),
            style.render_reset(),
            text.get(tail..).unwrap_or_default()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_colour_nothing_is_added() {
        assert_eq!(Ink::new(false).paint(Tone::Bad, "FAILING"), "FAILING");
    }

    #[test]
    fn with_colour_the_text_is_set_and_reset() {
        let painted = Ink::new(true).paint(Tone::Bad, "FAILING");
        assert!(painted.starts_with("\x1b[") && painted.ends_with("\x1b[0m"));
        assert!(painted.contains("FAILING"));
    }

    #[test]
    fn blanks_are_not_painted() {
        let painted = Ink::new(true).paint(Tone::Bad, " x  ");
        assert!(painted.starts_with(" \x1b") && painted.ends_with("\x1b[0m  "));
    }
}
