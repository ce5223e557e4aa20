//! The configuration file: keys, theme, colours.
//!
//! TOML, at `$XDG_CONFIG_HOME/lbdiag/tui.toml` or `~/.config/lbdiag/tui.toml`. No file is
//! no error. A file that is wrong anywhere is refused whole, with the line: half a key map
//! would surprise at the worst moment.

use super::action::Action;
use super::keymap::{Key, Keymap};
use super::theme::{ROLES, THEMES, Theme};
use ratatui::style::Color;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use toml::Spanned;

/// Bytes of a file that are read; a longer one is not a configuration.
const MAX_BYTES: u64 = 1 << 20;

/// What the file chooses.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// The keys.
    pub keymap: Keymap,
    /// The colours.
    pub theme: Theme,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Document {
    theme: Option<Spanned<String>>,
    colours: BTreeMap<Spanned<String>, Spanned<String>>,
    keys: BTreeMap<Spanned<String>, Spanned<Keys>>,
}

#[derive(Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "expected a key or a list of keys, such as \"q\" or [\"q\", \"ctrl-c\"]"
)]
enum Keys {
    One(String),
    Several(Vec<String>),
}

impl Config {
    /// Reads the file at `path`, or at the usual place; the default where that has none.
    ///
    /// # Errors
    /// One sentence that names file and line, where the file cannot be read or is wrong;
    /// where `path` is given and there is no such file.
    pub fn load(path: Option<&Path>) -> Result<Self, String> {
        let (path, must) = match path {
            Some(path) => (path.to_owned(), true),
            None => match usual() {
                Some(path) => (path, false),
                None => return Ok(Self::default()),
            },
        };
        let shown = path.display();
        let read = || {
            if path.metadata()?.len() > MAX_BYTES {
                return Err(std::io::Error::other("it is larger than 1 MiB"));
            }
            std::fs::read_to_string(&path)
        };
        match read() {
            Ok(text) => {
                Self::parse(&text).map_err(|(line, why)| format!("{shown}, line {line}: {why}"))
            }
            Err(error) if !must && error.kind() == std::io::ErrorKind::NotFound => {
                Ok(Self::default())
            }
            Err(error) => Err(format!("{shown} cannot be read: {error}")),
        }
    }

    /// Reads the text of a file.
    ///
    /// # Errors
    /// The line, from 1, and what is wrong in it.
    pub fn parse(text: &str) -> Result<Self, (usize, String)> {
        let line = |span: Range<usize>| {
            text.get(..span.start).map_or(1, |before| before.matches('\n').count() + 1)
        };
        let document: Document = toml::from_str(text)
            .map_err(|e| (e.span().map_or(1, line), e.message().trim().to_owned()))?;
        let mut config = Self::default();
        if let Some(name) = document.theme {
            config.theme = Theme::named(name.get_ref()).ok_or_else(|| {
                let known = THEMES.join(", ");
                (
                    line(name.span()),
                    format!("no theme is named {}; there are {known}", name.get_ref()),
                )
            })?;
        }
        for (role, colour) in &document.colours {
            let known = ROLES.iter().find(|(name, _)| name == role.get_ref());
            let (_, known) = known.ok_or_else(|| {
                let names: Vec<&str> = ROLES.iter().map(|(name, _)| *name).collect();
                let names = names.join(", ");
                (
                    line(role.span()),
                    format!("nothing is coloured as {}; there are {names}", role.get_ref()),
                )
            })?;
            let parsed = Color::from_str(colour.get_ref()).map_err(|_| {
                let said = "give a name such as lightred, a number to 255, or #rrggbb";
                (line(colour.span()), format!("{} is no colour; {said}", colour.get_ref()))
            })?;
            config.theme.paint(*known, parsed);
        }
        let mut taken: BTreeMap<String, &str> = BTreeMap::new();
        let mut bindings: Vec<_> = document.keys.iter().collect();
        bindings.sort_by_key(|(name, _)| name.span().start);
        for (name, keys) in bindings {
            let action = Action::named(name.get_ref()).ok_or_else(|| {
                (
                    line(name.span()),
                    format!("no command is named {}; ? in the program lists them", name.get_ref()),
                )
            })?;
            let at = line(keys.span());
            let texts = match keys.get_ref() {
                Keys::One(key) => std::slice::from_ref(key),
                Keys::Several(keys) => keys.as_slice(),
            };
            let mut bound = Vec::new();
            for text in texts {
                let key = Key::parse(text).ok_or_else(|| {
                    (
                        at,
                        format!(
                            "{text:?} is no key; write q, G, ctrl-l, f2, space, enter, esc, pageup"
                        ),
                    )
                })?;
                if let Some(other) = taken.insert(key.shown(), name.get_ref()) {
                    return Err((
                        at,
                        format!("{text} is given to {other} and to {}", name.get_ref()),
                    ));
                }
                bound.push(key);
            }
            config.keymap.bind(action, bound);
        }
        let lost = [Action::Quit, Action::Help]
            .into_iter()
            .find(|action| config.keymap.keys(*action).is_empty());
        match lost.and_then(Action::about) {
            Some(about) => Err((1, format!("{} is left without a key", about.name))),
            None => Ok(config),
        }
    }
}

/// Where the file is (XDG Base Directory Specification).
fn usual() -> Option<PathBuf> {
    let set =
        |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let folder = set("XDG_CONFIG_HOME").or_else(|| Some(set("HOME")?.join(".config")))?;
    Some(folder.join("lbdiag").join("tui.toml"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::theme::Paint;

    fn wrong(text: &str) -> (usize, String) {
        Config::parse(text).unwrap_err()
    }

    #[test]
    fn keys_theme_and_colours_are_taken() {
        let text = "theme = \"light\"\n[colours]\nbad = \"#ff0000\"\n[keys]\nquit = [\"Q\"]\nhelp = \"h\"\n";
        let config = Config::parse(text).unwrap();
        assert_eq!(config.keymap.keys(Action::Quit), ["Q"]);
        assert_eq!(config.keymap.keys(Action::Help), ["h"]);
        assert_eq!(config.keymap.keys(Action::Left), ["left"], "h was taken from it");
        assert_eq!(config.theme.style(Paint::Bad).fg, Some(Color::Rgb(255, 0, 0)));
        assert!(Config::parse("").is_ok());
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        assert_eq!(wrong("\ntheme = \"blue\"").0, 2);
        assert_eq!(wrong("[keys]\nquit = \"q\"\nhepl = \"h\"").0, 3);
        assert_eq!(wrong("[keys]\n\nquit = \"shift-q\"").0, 3);
        assert_eq!(wrong("[colours]\nbad = \"redd\"").0, 2);
        assert_eq!(wrong("[colours]\nbda = \"red\"").0, 2);
        assert_eq!(wrong("theme = \"dark\"\n[kyes]\n").0, 2);
        assert_eq!(wrong("theme = \"dark\"\n[keys\n").0, 2);
        assert_eq!(wrong("[keys]\nquit = 7\n").0, 2);
    }

    #[test]
    fn a_key_for_two_commands_is_refused() {
        let (line, why) = wrong("[keys]\nquit = \"z\"\nhelp = \"z\"\n");
        assert_eq!(line, 3);
        assert!(why.contains("quit") && why.contains("help"), "{why}");
    }

    #[test]
    fn quitting_stays_possible() {
        assert!(wrong("[keys]\nquit = []\n").1.contains("quit"));
    }

    #[test]
    fn a_file_that_was_named_must_be_there() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tui.toml");
        assert!(Config::load(Some(&path)).unwrap_err().contains("tui.toml"));
        std::fs::write(&path, "\n\nno").unwrap();
        assert!(Config::load(Some(&path)).unwrap_err().contains("line 3"));
    }
}
