//! Colours and weights, chosen by what a text is.
//!
//! Colour repeats what a word or a shape says and never carries a meaning alone: the
//! theme `mono`, which NO_COLOR asks for, has weights and reversal only. The others use
//! the terminal's own sixteen colours unless the configuration file gives more. Every
//! string that comes from a capture passes [`Theme::span`], which cleans it.

use crate::render::ink::Tone;
use crate::render::sanitise::clean;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};

/// What a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Paint {
    /// As it is.
    Plain,
    /// Headings, names.
    Strong,
    /// Labels, what may be skipped.
    Faint,
    /// Traffic fails.
    Bad,
    /// Traffic suffers.
    Warn,
    /// In order.
    Good,
    /// Not known.
    Unsure,
    /// What is under the cursor.
    Cursor,
    /// The cursor's place while the keys go elsewhere.
    Resting,
    /// Bars at the top and the bottom.
    Bar,
    /// The chosen one of a row of choices.
    Chosen,
    /// A key, in the footer and the help.
    Key,
    /// Lines around and between.
    Frame,
    /// What a rewrite changed.
    Changed,
    /// What clients send.
    There,
    /// What servers send.
    Return,
}

/// All roles with their names in the configuration file.
pub const ROLES: [(&str, Paint); 16] = [
    ("plain", Paint::Plain),
    ("strong", Paint::Strong),
    ("faint", Paint::Faint),
    ("bad", Paint::Bad),
    ("warn", Paint::Warn),
    ("good", Paint::Good),
    ("unsure", Paint::Unsure),
    ("cursor", Paint::Cursor),
    ("resting", Paint::Resting),
    ("bar", Paint::Bar),
    ("chosen", Paint::Chosen),
    ("key", Paint::Key),
    ("frame", Paint::Frame),
    ("changed", Paint::Changed),
    ("there", Paint::There),
    ("return", Paint::Return),
];

/// Names of the themes.
pub const THEMES: [&str; 3] = ["dark", "light", "mono"];

impl From<Tone> for Paint {
    fn from(tone: Tone) -> Self {
        match tone {
            Tone::Plain => Self::Plain,
            Tone::Strong => Self::Strong,
            Tone::Faint => Self::Faint,
            Tone::Bad => Self::Bad,
            Tone::Warn => Self::Warn,
            Tone::Good => Self::Good,
            Tone::Unsure => Self::Unsure,
        }
    }
}

/// A style for each role.
#[derive(Debug, Clone)]
pub struct Theme {
    styles: [Style; ROLES.len()],
    coloured: bool,
}

impl Default for Theme {
    fn default() -> Self {
        Self::dark()
    }
}

impl Theme {
    /// The theme of a name; `None` where there is none.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "dark" => Some(Self::dark()),
            "light" => Some(Self::light()),
            "mono" => Some(Self::mono()),
            _ => None,
        }
    }

    /// For dark backgrounds.
    #[must_use]
    pub fn dark() -> Self {
        Self::of(true, |role| {
            let plain = Style::new();
            let bold = plain.add_modifier(Modifier::BOLD);
            match role {
                Paint::Plain => plain,
                Paint::Strong => bold,
                Paint::Faint | Paint::Frame => plain.fg(Color::DarkGray),
                Paint::Bad => bold.fg(Color::LightRed),
                Paint::Warn => bold.fg(Color::Yellow),
                Paint::Good => plain.fg(Color::Green),
                Paint::Unsure => plain.fg(Color::Cyan),
                // Both colours are given, so that what is under it does not show through.
                Paint::Cursor => plain.fg(Color::Black).bg(Color::Gray),
                Paint::Resting => plain.add_modifier(Modifier::UNDERLINED),
                Paint::Bar => plain.fg(Color::White).bg(Color::Blue),
                Paint::Chosen => bold.fg(Color::Black).bg(Color::Cyan),
                Paint::Key => bold.fg(Color::Cyan),
                Paint::Changed => bold.fg(Color::Black).bg(Color::Yellow),
                Paint::There => plain.fg(Color::LightCyan),
                Paint::Return => plain.fg(Color::LightMagenta),
            }
        })
    }

    /// For light backgrounds.
    #[must_use]
    pub fn light() -> Self {
        let dark = Self::dark();
        Self::of(true, |role| match role {
            Paint::Bad => Style::new().fg(Color::Red).add_modifier(Modifier::BOLD),
            Paint::Warn => Style::new().fg(Color::Magenta).add_modifier(Modifier::BOLD),
            Paint::Unsure | Paint::There => Style::new().fg(Color::Blue),
            Paint::Return => Style::new().fg(Color::Magenta),
            Paint::Key => Style::new().fg(Color::Blue).add_modifier(Modifier::BOLD),
            Paint::Cursor => Style::new().fg(Color::White).bg(Color::DarkGray),
            Paint::Bar => Style::new().fg(Color::Black).bg(Color::Gray),
            Paint::Chosen => {
                Style::new().fg(Color::White).bg(Color::Blue).add_modifier(Modifier::BOLD)
            }
            other => dark.style(other),
        })
    }

    /// Without colour.
    #[must_use]
    pub fn mono() -> Self {
        Self::of(false, |role| {
            let plain = Style::new();
            match role {
                Paint::Plain | Paint::Good | Paint::There | Paint::Return => plain,
                Paint::Strong | Paint::Warn | Paint::Key => plain.add_modifier(Modifier::BOLD),
                Paint::Bad => plain.add_modifier(Modifier::BOLD | Modifier::UNDERLINED),
                Paint::Faint | Paint::Frame | Paint::Unsure => plain.add_modifier(Modifier::DIM),
                Paint::Cursor | Paint::Bar => plain.add_modifier(Modifier::REVERSED),
                Paint::Resting => plain.add_modifier(Modifier::UNDERLINED),
                Paint::Chosen | Paint::Changed => {
                    plain.add_modifier(Modifier::BOLD | Modifier::REVERSED)
                }
            }
        })
    }

    fn of(coloured: bool, style: impl Fn(Paint) -> Style) -> Self {
        Self { styles: ROLES.map(|(_, role)| style(role)), coloured }
    }

    /// Gives a role another colour; `mono` stays without.
    pub fn paint(&mut self, role: Paint, colour: Color) {
        if !self.coloured {
            return;
        }
        if let Some(at) = ROLES.iter().position(|(_, known)| *known == role) {
            let style = &mut self.styles[at];
            *style = match role {
                Paint::Bar | Paint::Chosen | Paint::Changed | Paint::Cursor => style.bg(colour),
                _ => style.fg(colour),
            };
        }
    }

    /// The style of a role.
    #[must_use]
    pub fn style(&self, role: Paint) -> Style {
        let at = ROLES.iter().position(|(_, known)| *known == role);
        at.and_then(|at| self.styles.get(at)).copied().unwrap_or_default()
    }

    /// A text in a role, cleaned.
    #[must_use]
    pub fn span(&self, role: impl Into<Paint>, text: &str) -> Span<'static> {
        Span::styled(clean(text).into_owned(), self.style(role.into()))
    }

    /// A line of texts in roles, cleaned.
    #[must_use]
    pub fn line(&self, parts: &[(Paint, &str)]) -> Line<'static> {
        Line::from(parts.iter().map(|(role, text)| self.span(*role, text)).collect::<Vec<_>>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_theme_has_a_name_and_mono_has_no_colour() {
        for name in THEMES {
            assert!(Theme::named(name).is_some(), "{name}");
        }
        let mut mono = Theme::mono();
        mono.paint(Paint::Bad, Color::Red);
        for (_, role) in ROLES {
            let style = mono.style(role);
            assert_eq!((style.fg, style.bg), (None, None), "{role:?}");
        }
    }

    #[test]
    fn a_text_is_cleaned_on_its_way() {
        let span = Theme::dark().span(Paint::Plain, "a\x1b[2Jb");
        assert_eq!(span.content, "a\\x1b[2Jb");
    }

    #[test]
    fn without_colour_bad_is_told_from_warn_and_good() {
        let mono = Theme::mono();
        let styles = [Paint::Bad, Paint::Warn, Paint::Good].map(|role| mono.style(role));
        assert!(styles[0] != styles[1] && styles[1] != styles[2] && styles[0] != styles[2]);
    }
}
