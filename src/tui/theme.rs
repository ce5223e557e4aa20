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
pub enum Role {
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
pub const ROLES: [(&str, Role); 16] = [
    ("plain", Role::Plain),
    ("strong", Role::Strong),
    ("faint", Role::Faint),
    ("bad", Role::Bad),
    ("warn", Role::Warn),
    ("good", Role::Good),
    ("unsure", Role::Unsure),
    ("cursor", Role::Cursor),
    ("resting", Role::Resting),
    ("bar", Role::Bar),
    ("chosen", Role::Chosen),
    ("key", Role::Key),
    ("frame", Role::Frame),
    ("changed", Role::Changed),
    ("there", Role::There),
    ("return", Role::Return),
];

/// Names of the themes.
pub const THEMES: [&str; 3] = ["dark", "light", "mono"];

impl From<Tone> for Role {
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
                Role::Plain => plain,
                Role::Strong => bold,
                Role::Faint | Role::Frame => plain.fg(Color::DarkGray),
                Role::Bad => bold.fg(Color::LightRed),
                Role::Warn => bold.fg(Color::Yellow),
                Role::Good => plain.fg(Color::Green),
                Role::Unsure => plain.fg(Color::Cyan),
                // Both colours are given, so that what is under it does not show through.
                Role::Cursor => plain.fg(Color::Black).bg(Color::Gray),
                Role::Resting => plain.add_modifier(Modifier::UNDERLINED),
                Role::Bar => plain.fg(Color::White).bg(Color::Blue),
                Role::Chosen => bold.fg(Color::Black).bg(Color::Cyan),
                Role::Key => bold.fg(Color::Cyan),
                Role::Changed => bold.fg(Color::Black).bg(Color::Yellow),
                Role::There => plain.fg(Color::LightCyan),
                Role::Return => plain.fg(Color::LightMagenta),
            }
        })
    }

    /// For light backgrounds.
    #[must_use]
    pub fn light() -> Self {
        let dark = Self::dark();
        Self::of(true, |role| match role {
            Role::Bad => Style::new().fg(Color::Red).add_modifier(Modifier::BOLD),
            Role::Warn => Style::new().fg(Color::Magenta).add_modifier(Modifier::BOLD),
            Role::Unsure | Role::There => Style::new().fg(Color::Blue),
            Role::Return => Style::new().fg(Color::Magenta),
            Role::Key => Style::new().fg(Color::Blue).add_modifier(Modifier::BOLD),
            Role::Cursor => Style::new().fg(Color::White).bg(Color::DarkGray),
            Role::Bar => Style::new().fg(Color::Black).bg(Color::Gray),
            Role::Chosen => {
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
                Role::Plain | Role::Good | Role::There | Role::Return => plain,
                Role::Strong | Role::Warn | Role::Key => plain.add_modifier(Modifier::BOLD),
                Role::Bad => plain.add_modifier(Modifier::BOLD | Modifier::UNDERLINED),
                Role::Faint | Role::Frame | Role::Unsure => plain.add_modifier(Modifier::DIM),
                Role::Cursor | Role::Bar => plain.add_modifier(Modifier::REVERSED),
                Role::Resting => plain.add_modifier(Modifier::UNDERLINED),
                Role::Chosen | Role::Changed => {
                    plain.add_modifier(Modifier::BOLD | Modifier::REVERSED)
                }
            }
        })
    }

    fn of(coloured: bool, style: impl Fn(Role) -> Style) -> Self {
        Self { styles: ROLES.map(|(_, role)| style(role)), coloured }
    }

    /// Gives a role another colour; `mono` stays without.
    pub fn paint(&mut self, role: Role, colour: Color) {
        if !self.coloured {
            return;
        }
        if let Some(at) = ROLES.iter().position(|(_, known)| *known == role) {
            let style = &mut self.styles[at];
            *style = match role {
                Role::Bar | Role::Chosen | Role::Changed | Role::Cursor => style.bg(colour),
                _ => style.fg(colour),
            };
        }
    }

    /// The style of a role.
    #[must_use]
    pub fn style(&self, role: Role) -> Style {
        let at = ROLES.iter().position(|(_, known)| *known == role);
        at.and_then(|at| self.styles.get(at)).copied().unwrap_or_default()
    }

    /// A text in a role, cleaned.
    #[must_use]
    pub fn span(&self, role: impl Into<Role>, text: &str) -> Span<'static> {
        Span::styled(clean(text).into_owned(), self.style(role.into()))
    }

    /// A line of texts in roles, cleaned.
    #[must_use]
    pub fn line(&self, parts: &[(Role, &str)]) -> Line<'static> {
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
        mono.paint(Role::Bad, Color::Red);
        for (_, role) in ROLES {
            let style = mono.style(role);
            assert_eq!((style.fg, style.bg), (None, None), "{role:?}");
        }
    }

    #[test]
    fn a_text_is_cleaned_on_its_way() {
        let span = Theme::dark().span(Role::Plain, "a\x1b[2Jb");
        assert_eq!(span.content, "a\\x1b[2Jb");
    }

    #[test]
    fn without_colour_bad_is_told_from_warn_and_good() {
        let mono = Theme::mono();
        let styles = [Role::Bad, Role::Warn, Role::Good].map(|role| mono.style(role));
        assert!(styles[0] != styles[1] && styles[1] != styles[2] && styles[0] != styles[2]);
    }
}
