//! The command line: what may be asked, and who answers it.
//!
//! Each command is a file of [`commands`] with its arguments and a `run` that gives the exit code; a new
//! one adds its file, a line to [`Command`] and a line to [`run`]. Options that several commands have
//! are in [`options`].
//!
//! stdout carries the result alone, everything else goes to stderr through [`say::Say`]. Refuses to
//! know anything of captures: the work is the library's.

mod bug;
mod closest;
mod commands;
mod find;
mod help;
mod memory;
mod options;
mod output;
mod progress;
mod say;
mod stages;
mod terminal;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand};
#[cfg(feature = "fleet")]
use commands::fleet;
use commands::{
    completions, connections, diagnose, diff, explain, extract, index, ladder, man, plan, schema,
    topology, tui, why,
};
use lbdiag::render::sanitise;
use say::Say;
use std::ffi::OsString;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

/// A finding at or above `--fail-on`.
const FOUND: u8 = 1;

/// What was asked could not be done; clap uses the same for usage errors.
const FAILED: u8 = 2;

/// Name what is broken around a load balancer, from packet captures
#[derive(Debug, Parser)]
#[command(
    name = "lbdiag",
    version,
    max_term_width = 100,
    args_conflicts_with_subcommands = true,
    subcommand_help_heading = "Commands",
    override_usage = help::USAGE,
    after_help = help::AFTER,
)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,

    #[command(flatten)]
    diagnose: diagnose::Args,
}

/// All commands but the one without a name, which diagnoses.
#[derive(Debug, Subcommand)]
enum Command {
    #[command(after_help = connections::AFTER)]
    Connections(Box<connections::Args>),
    #[command(after_help = why::AFTER)]
    Why(Box<why::Args>),
    #[command(after_help = ladder::AFTER)]
    Ladder(Box<ladder::Args>),
    #[command(after_help = extract::AFTER)]
    Extract(Box<extract::Args>),
    #[command(after_help = diff::AFTER)]
    Diff(diff::Args),
    #[command(after_help = topology::AFTER)]
    Topology(Box<topology::Args>),
    #[command(after_help = index::AFTER)]
    Index(Box<index::Args>),
    #[cfg(feature = "fleet")]
    #[command(after_help = fleet::AFTER)]
    Fleet(Box<fleet::Args>),
    #[command(after_help = plan::AFTER)]
    Plan(Box<plan::Args>),
    #[command(after_help = tui::AFTER)]
    Tui(Box<tui::Args>),
    Explain(explain::Args),
    Schema(schema::Args),
    Completions(completions::Args),
    Man(man::Args),
}

/// Does what `args` (the program's name first) ask for.
pub(crate) fn main(args: Vec<OsString>) -> ExitCode {
    bug::install_hook();
    if args.len() < 2 {
        Say::new(clap::ColorChoice::Auto, false).plain(help::SHORT);
        return ExitCode::from(FAILED);
    }
    let cli = match Cli::try_parse_from(&args) {
        Ok(cli) => cli,
        Err(error) => return refused(&error, &args),
    };
    match catch_unwind(AssertUnwindSafe(|| run(cli))) {
        Ok(Ok(code)) => code,
        Ok(Err(error)) => {
            Say::new(clap::ColorChoice::Auto, false).error(&format!("{error:#}"));
            ExitCode::from(FAILED)
        }
        // The hook has said why.
        Err(_) => ExitCode::from(FAILED),
    }
}

fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    match cli.command {
        None => diagnose::run(&cli.diagnose),
        Some(Command::Connections(args)) => connections::run(&args),
        Some(Command::Why(args)) => why::run(&args),
        Some(Command::Ladder(args)) => ladder::run(&args),
        Some(Command::Extract(args)) => extract::run(&args),
        Some(Command::Diff(args)) => diff::run(&args),
        Some(Command::Topology(args)) => topology::run(&args),
        Some(Command::Index(args)) => index::run(&args),
        #[cfg(feature = "fleet")]
        Some(Command::Fleet(args)) => fleet::run(&args),
        Some(Command::Plan(args)) => plan::run(&args),
        Some(Command::Tui(args)) => tui::run(&args),
        Some(Command::Explain(args)) => explain::run(&args),
        Some(Command::Schema(args)) => schema::run(&args),
        Some(Command::Completions(args)) => completions::run(&args),
        Some(Command::Man(args)) => man::run(&args),
    }
}

/// The whole command line, for completions and manual pages.
fn command() -> clap::Command {
    Cli::command()
}

/// Prints clap's answer: help and version on stdout, mistakes on stderr.
fn refused(error: &clap::Error, args: &[OsString]) -> ExitCode {
    // What an option was meant for is known only where the command is.
    let named: Vec<String> =
        args.iter().skip(1).map(|arg| arg.to_string_lossy().into_owned()).collect();
    if error.kind() == ErrorKind::UnknownArgument
        && let Err(misspelt) = find::stop_at_misspelt(&named)
    {
        Say::new(clap::ColorChoice::Auto, false).error(&format!("{misspelt:#}"));
        return ExitCode::from(FAILED);
    }
    if error.kind() == ErrorKind::InvalidSubcommand
        && let Some(near) = find::command_like(named.last().map_or("", String::as_str))
    {
        let said = format!("there is no command {}; did you mean {near}?", named[named.len() - 1]);
        Say::new(clap::ColorChoice::Auto, false).error(&format!("{said} lbdiag {near} --help"));
        return ExitCode::from(FAILED);
    }
    // clap quotes arguments as they are, and a shell's `*` makes file names arguments.
    let hostile = args.iter().any(|arg| arg.to_string_lossy().contains(sanitise::is_unsafe));
    if error.use_stderr() && hostile {
        Say::new(clap::ColorChoice::Never, false).plain(&error.render().to_string());
    } else {
        // A closed pipe is no error, and nothing else is left to tell it to.
        let _ = error.print();
    }
    if error.kind() == ErrorKind::InvalidUtf8 {
        Say::new(clap::ColorChoice::Auto, false).plain(help::NOT_UTF8);
    }
    if error.use_stderr() { ExitCode::from(FAILED) } else { ExitCode::SUCCESS }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clap_finds_no_fault_with_the_definitions() {
        command().debug_assert();
    }

    #[test]
    fn a_file_named_like_a_command_opens_with_its_folder() {
        let plain = Cli::try_parse_from(["lbdiag", "explain"]).unwrap();
        assert!(matches!(plain.command, Some(Command::Explain(_))));
        let file = Cli::try_parse_from(["lbdiag", "./explain"]).unwrap();
        assert!(file.command.is_none() && file.diagnose.reading.captures == ["./explain"]);
        let later = Cli::try_parse_from(["lbdiag", "a.pcap", "schema"]).unwrap();
        assert!(later.command.is_none() && later.diagnose.reading.captures == ["a.pcap", "schema"]);
    }

    #[test]
    fn every_option_has_one_line_of_help() {
        let mut all = vec![command()];
        while let Some(command) = all.pop() {
            all.extend(command.get_subcommands().cloned());
            for arg in command.get_arguments() {
                let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
                assert!(!help.is_empty() && !help.contains('\n'), "{}: {help:?}", arg.get_id());
                assert!(arg.get_long_help().is_none(), "{}", arg.get_id());
            }
        }
    }
}
