//! `lbdiag man`: manual pages in roff, as `man -l` reads them.

use crate::cli::output::Output;
use anyhow::{Context, bail};
use clap::Command;
use clap::builder::Resettable;
use clap_mangen::Man;
use std::process::ExitCode;

/// Print the manual page in roff, for example: lbdiag man | man -l -
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Command to print the page of, instead of the page of lbdiag itself
    command: Option<String>,
}

/// Prints a page.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let mut all = crate::cli::command();
    all.build();
    let command = match &args.command {
        None => all,
        Some(name) => {
            let Some(command) = all.find_subcommand(name) else {
                bail!("lbdiag has no command {name}; list them with: lbdiag --help");
            };
            command.clone()
        }
    };
    let page = page(command).context("the manual page cannot be written; please report this")?;
    Output::Stdout.write(&page, false)?;
    Ok(ExitCode::SUCCESS)
}

/// The page of a command; what stands below its options keeps its lines, since commands are to
/// be copied.
fn page(command: Command) -> std::io::Result<String> {
    let below = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let mut roff = Vec::new();
    Man::new(command.after_help(Resettable::Reset)).render(&mut roff)?;
    let mut page = String::from_utf8_lossy(&roff).into_owned();
    let mut heading = "";
    for block in below.split("\n\n") {
        let (title, text) = match block.strip_prefix("Examples:\n") {
            Some(examples) => ("EXAMPLES", examples),
            None => ("NOTES", block),
        };
        page.push_str(&match title == heading {
            true => ".PP\n".to_owned(),
            false => format!(".SH {title}\n"),
        });
        heading = title;
        page.push_str(&lines(text));
    }
    Ok(page)
}

/// Lines as they are: roff's marks are taken from their beginnings (groff_man(7)).
fn lines(text: &str) -> String {
    let plain = text.replace('\\', "\\e").replace('-', "\\-").replace('\'', "\\(aq");
    let each = plain.lines().map(|line| match line.starts_with('.') {
        true => format!("\\&{line}\n"),
        false => format!("{line}\n"),
    });
    format!(".nf\n{}.fi\n", each.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_to_be_copied_keeps_its_lines() {
        let page = page(crate::cli::command()).unwrap();
        let examples = page.split(".SH EXAMPLES\n.nf\n").nth(1).unwrap();
        let first = examples.lines().next().unwrap();
        assert!(first.contains("lbdiag captures/") && first.contains("all captures in a folder"));
        assert!(!page.contains("EXTRA"), "{page}");
    }

    #[test]
    fn marks_of_roff_are_text() {
        assert_eq!(lines(".x\n'a' \\n -b"), ".nf\n\\&.x\n\\(aqa\\(aq \\en \\-b\n.fi\n");
    }
}
