//! What the terminal can show: colour and width.
//!
//! The command line decides first, then the environment (<https://no-color.org>,
//! <https://bixense.com/clicolors>, <https://force-color.org>), then the stream itself.

use clap::ColorChoice;
use std::env;

/// Columns where nothing says how many there are.
const DEFAULT_WIDTH: usize = 80;

/// More columns than this are taken as this, so that a wrong value costs no memory.
const MAX_WIDTH: usize = 1000;

/// Whether to write colour to a stream that is a `terminal` or is not.
pub(super) fn colour(choice: ColorChoice, terminal: bool) -> bool {
    decide(choice, terminal, |name| env::var_os(name).map(|v| v.to_string_lossy().into_owned()))
}

fn decide(choice: ColorChoice, terminal: bool, var: impl Fn(&str) -> Option<String>) -> bool {
    let is = |name: &str, value: &str| var(name).is_some_and(|v| v == value);
    let set = |name: &str| var(name).is_some_and(|v| !v.is_empty());
    let forced = |name: &str| set(name) && !is(name, "0");
    match choice {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto if set("NO_COLOR") => false,
        ColorChoice::Auto if forced("FORCE_COLOR") || forced("CLICOLOR_FORCE") => true,
        ColorChoice::Auto => terminal && !is("TERM", "dumb") && !is("CLICOLOR", "0"),
    }
}

/// Columns to draw for on stdout: COLUMNS where exported, else the terminal's, else 80.
pub(super) fn width() -> usize {
    let exported = env::var("COLUMNS").ok().and_then(|v| v.trim().parse().ok());
    let measured = || {
        let (terminal_size::Width(columns), _) =
            terminal_size::terminal_size_of(std::io::stdout())?;
        Some(usize::from(columns))
    };
    choose_width(exported.filter(|w| *w > 0).or_else(measured))
}

/// Columns to draw for in a file.
pub(super) fn file_width() -> usize {
    let exported = env::var("COLUMNS").ok().and_then(|v| v.trim().parse().ok());
    choose_width(exported)
}

fn choose_width(wanted: Option<usize>) -> usize {
    // A terminal that has not been given a size yet says 0.
    wanted.filter(|w| *w > 0).unwrap_or(DEFAULT_WIDTH).min(MAX_WIDTH)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(choice: ColorChoice, terminal: bool, vars: &[(&str, &str)]) -> bool {
        decide(choice, terminal, |name| {
            vars.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned())
        })
    }

    #[test]
    fn the_option_wins_over_the_environment() {
        use ColorChoice::{Always, Auto, Never};
        assert!(with(Always, false, &[("NO_COLOR", "1"), ("TERM", "dumb")]));
        assert!(!with(Never, true, &[("FORCE_COLOR", "1"), ("CLICOLOR_FORCE", "1")]));
        assert!(!with(Auto, true, &[("NO_COLOR", "1"), ("FORCE_COLOR", "1")]));
        assert!(with(Auto, false, &[("FORCE_COLOR", "1")]));
        assert!(with(Auto, false, &[("CLICOLOR_FORCE", "1"), ("CLICOLOR", "0")]));
    }

    #[test]
    fn the_stream_decides_where_nobody_else_does() {
        let auto = ColorChoice::Auto;
        assert!(with(auto, true, &[]) && !with(auto, false, &[]));
        assert!(with(auto, true, &[("NO_COLOR", ""), ("TERM", "xterm")]));
        assert!(!with(auto, false, &[("CLICOLOR_FORCE", "0"), ("FORCE_COLOR", "")]));
        assert!(!with(auto, true, &[("TERM", "dumb")]));
        assert!(!with(auto, true, &[("CLICOLOR", "0")]));
    }

    #[test]
    fn widths_are_bounded() {
        assert_eq!(choose_width(None), DEFAULT_WIDTH);
        assert_eq!(choose_width(Some(0)), DEFAULT_WIDTH);
        assert_eq!(choose_width(Some(132)), 132);
        assert_eq!(choose_width(Some(usize::MAX)), MAX_WIDTH);
    }
}
