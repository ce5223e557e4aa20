//! Which key does what, and how keys are written.
//!
//! `ctrl-l`, `G`, `f2`, `space`, `enter`: as the configuration file and the help write
//! them. A command that the file names has the keys that it gives and no other. Refuses
//! a key that two commands claim in the file, for nobody could tell which it does.

use super::action::{ALL, Action};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use std::collections::HashMap;

/// A key with its modifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    code: KeyCode,
    ctrl: bool,
    alt: bool,
}

/// Names of keys that are no character.
const NAMED: [(&str, KeyCode); 16] = [
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
    ("pageup", KeyCode::PageUp),
    ("pagedown", KeyCode::PageDown),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("enter", KeyCode::Enter),
    ("esc", KeyCode::Esc),
    ("tab", KeyCode::Tab),
    ("backtab", KeyCode::BackTab),
    ("backspace", KeyCode::Backspace),
    ("delete", KeyCode::Delete),
    ("insert", KeyCode::Insert),
    ("space", KeyCode::Char(' ')),
];

impl Key {
    /// The key of an event. Shift is part of a character and dropped elsewhere.
    #[must_use]
    pub fn of(event: KeyEvent) -> Self {
        Self {
            code: event.code,
            ctrl: event.modifiers.contains(KeyModifiers::CONTROL),
            alt: event.modifiers.contains(KeyModifiers::ALT),
        }
    }

    /// The key that a text names; `None` where it names none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut key = Self { code: KeyCode::Null, ctrl: false, alt: false };
        let mut rest = text;
        while let Some((word, after)) = rest.split_once('-').filter(|(_, after)| !after.is_empty())
        {
            match word {
                "ctrl" => key.ctrl = true,
                "alt" => key.alt = true,
                _ => return None,
            }
            rest = after;
        }
        let mut chars = rest.chars();
        key.code = match (chars.next(), chars.next()) {
            (Some(one), None) if !one.is_control() => KeyCode::Char(one),
            _ => NAMED.iter().find(|(name, _)| *name == rest).map(|(_, code)| *code).or_else(
                || {
                    let number: u8 = rest.strip_prefix('f')?.parse().ok()?;
                    (1..=12).contains(&number).then_some(KeyCode::F(number))
                },
            )?,
        };
        Some(key)
    }

    /// As [`Key::parse`] reads it.
    #[must_use]
    pub fn shown(&self) -> String {
        let name = match self.code {
            KeyCode::F(n) => format!("f{n}"),
            code => match NAMED.iter().find(|(_, known)| *known == code) {
                Some((name, _)) => (*name).to_owned(),
                None => code.as_char().map_or_else(|| "?".to_owned(), |c| c.to_string()),
            },
        };
        let (ctrl, alt) =
            (if self.ctrl { "ctrl-" } else { "" }, if self.alt { "alt-" } else { "" });
        format!("{ctrl}{alt}{name}")
    }
}

/// The keys of all commands.
#[derive(Debug, Clone)]
pub struct Keymap {
    by_key: HashMap<Key, Action>,
    by_action: HashMap<Action, Vec<Key>>,
}

impl Default for Keymap {
    fn default() -> Self {
        let mut map = Self { by_key: HashMap::new(), by_action: HashMap::new() };
        for about in ALL {
            let keys = about.keys.iter().filter_map(|key| Key::parse(key)).collect();
            map.bind(about.action, keys);
        }
        map
    }
}

impl Keymap {
    /// Gives a command these keys and no others; whoever had one of them loses it.
    pub fn bind(&mut self, action: Action, keys: Vec<Key>) {
        for key in self.by_action.insert(action, keys.clone()).unwrap_or_default() {
            if self.by_key.get(&key) == Some(&action) {
                self.by_key.remove(&key);
            }
        }
        for key in keys {
            if let Some(other) = self.by_key.insert(key, action).filter(|other| *other != action)
                && let Some(had) = self.by_action.get_mut(&other)
            {
                had.retain(|had| *had != key);
            }
        }
    }

    /// What a key does.
    #[must_use]
    pub fn action(&self, key: Key) -> Option<Action> {
        self.by_key.get(&key).copied()
    }

    /// The keys of a command, the first one first.
    #[must_use]
    pub fn keys(&self, action: Action) -> Vec<String> {
        self.by_action.get(&action).into_iter().flatten().map(Key::shown).collect()
    }

    /// The key of a command for the footer; `None` where it has none.
    #[must_use]
    pub fn key(&self, action: Action) -> Option<String> {
        let keys = self.by_action.get(&action)?;
        let first = keys.first()?;
        Some(match first.code {
            KeyCode::Enter => "Enter".to_owned(),
            KeyCode::Esc => "Esc".to_owned(),
            KeyCode::Tab => "Tab".to_owned(),
            KeyCode::Up => "↑".to_owned(),
            KeyCode::Down => "↓".to_owned(),
            KeyCode::Left => "←".to_owned(),
            KeyCode::Right => "→".to_owned(),
            KeyCode::Char(' ') => "Space".to_owned(),
            _ => first.shown(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Key {
        Key::parse(text).unwrap_or_else(|| panic!("{text}"))
    }

    #[test]
    fn keys_are_read_as_they_are_written() {
        for text in ["a", "G", "ctrl-l", "alt-x", "ctrl-alt-x", "f12", "space", "-", "ctrl--", "é"]
        {
            assert_eq!(key(text).shown(), text);
        }
        for text in ["", "ctrl-", "shift-a", "f0", "f13", "enterr", "\u{1b}", "ab"] {
            assert_eq!(Key::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn all_default_keys_are_keys() {
        let map = Keymap::default();
        for about in ALL {
            for text in about.keys {
                assert_eq!(map.action(key(text)), Some(about.action), "{text}");
            }
        }
    }

    #[test]
    fn a_command_has_the_keys_that_it_was_given_and_no_other() {
        let mut map = Keymap::default();
        map.bind(Action::Quit, vec![key("Q"), key("j")]);
        assert_eq!(map.action(key("Q")), Some(Action::Quit));
        assert_eq!(map.action(key("q")), None);
        assert_eq!(map.action(key("j")), Some(Action::Quit));
        assert_eq!(map.keys(Action::Down), ["down"]);
        map.bind(Action::Down, vec![key("j")]);
        assert_eq!(map.keys(Action::Quit), ["Q"]);
    }

    #[test]
    fn shift_is_part_of_the_character() {
        let event = KeyEvent::new(KeyCode::Char('G'), KeyModifiers::SHIFT);
        assert_eq!(Keymap::default().action(Key::of(event)), Some(Action::Bottom));
    }
}
