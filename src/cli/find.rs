//! From names on the command line to captures, as far as they lead anywhere.
//!
//! Refuses to let one wrong name stop the others.

use super::closest::closest;
use anyhow::bail;
use lbdiag::capture::{self, CaptureError, Inputs, Source};
use std::path::Path;

/// Finds the captures, beside `more` that bundles hold. A name that leads nowhere is left out
/// where others do not.
pub(super) fn find(
    names: &[String],
    depth: usize,
    more: Vec<Source>,
) -> Result<(Inputs, Vec<CaptureError>), CaptureError> {
    let all = match capture::inputs_below(names, depth, more.clone()) {
        Ok(inputs) => return Ok((inputs, Vec::new())),
        Err(error) => error,
    };
    let mut failures = Vec::new();
    let mut good = Vec::new();
    for name in names {
        match capture::inputs_below(std::slice::from_ref(name), depth, Vec::new()) {
            Ok(_) => good.push(name.clone()),
            Err(error) => failures.push(error),
        }
    }
    // Where each is right alone, the mistake is in naming them together.
    if failures.is_empty() {
        return Err(all);
    }
    let none = good.is_empty() && more.is_empty();
    let inputs = if none { Inputs::default() } else { capture::inputs_below(&good, depth, more)? };
    Ok((inputs, failures))
}

/// The command that was probably meant.
pub(super) fn command_like(typed: &str) -> Option<String> {
    let command = super::command();
    let commands = command.get_subcommands().map(clap::Command::get_name);
    closest(typed, commands).first().map(|&name| name.to_owned())
}

/// Stops where the first name is a command misspelt: what follows it is meant for that command.
pub(super) fn stop_at_misspelt(names: &[String]) -> anyhow::Result<()> {
    let Some(first) = names.first().filter(|name| !Path::new(name).exists()) else { return Ok(()) };
    if names.len() < 2 || first.contains(['.', '/', '=', '*', '?', '[']) || first == "-" {
        return Ok(());
    }
    match command_like(first) {
        // What is wrong then is what follows the command.
        Some(name) if name == *first => Ok(()),
        Some(name) => bail!(
            "there is no command and no capture {first}; did you mean the command {name}? lbdiag {name} --help says what it takes"
        ),
        None => Ok(()),
    }
}

/// A command that was taken for a file, because it is misspelt or not the first word.
pub(super) fn with_hint(failure: &CaptureError) -> String {
    let text = failure.to_string();
    let CaptureError::Missing { path } = failure else { return text };
    let command = super::command();
    let names: Vec<&str> = command.get_subcommands().map(clap::Command::get_name).collect();
    match closest(path, names.iter().copied()).first() {
        Some(name) if name == path => format!(
            "{path}: no such file or folder; the command {name} comes first, before any option: lbdiag {name}"
        ),
        Some(name) if !path.contains(['.', '/', '=']) => {
            format!("{text}; for the command {name}: lbdiag {name}")
        }
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_leads_nowhere_does_not_stop_the_others() {
        let dir = tempfile::tempdir().unwrap();
        let there = dir.path().join("a.pcap");
        std::fs::write(&there, b"text").unwrap();
        let there = there.display().to_string();
        let (inputs, failures) =
            find(&["no-such-file".into(), there.clone()], 0, Vec::new()).unwrap();
        assert_eq!((inputs.inputs.len(), failures.len()), (1, 1));
        let (inputs, failures) =
            find(&["no-such-file".into(), "nor-this".into()], 0, Vec::new()).unwrap();
        assert_eq!((inputs.inputs.len(), failures.len()), (0, 2));
        assert!(matches!(
            find(&["-".into(), "-".into()], 0, Vec::new()),
            Err(CaptureError::StdinTwice)
        ));
        assert!(matches!(find(&[], 0, Vec::new()), Err(CaptureError::NoInput)));
    }

    #[test]
    fn commands_in_the_wrong_place_are_recognised() {
        let told = |path: &str| with_hint(&CaptureError::Missing { path: path.into() });
        assert!(told("explain").ends_with("lbdiag explain"));
        assert!(told("explian").ends_with("for the command explain: lbdiag explain"));
        assert!(told("client.pcap").ends_with("ls -l ."));
    }
}
