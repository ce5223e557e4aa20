//! `lbdiag completions`: what the shell needs to complete the command line.

use crate::cli::output::Output;
use clap::Command;
use clap::builder::PossibleValuesParser;
use clap_complete::Shell;
use lbdiag::diagnose::manuals;
use std::process::ExitCode;

/// Print the script that completes the command line: source <(lbdiag completions bash)
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Shell to complete for
    shell: Shell,
}

/// Prints the shell's script.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    // The command itself takes ids as people write them, and says what was meant.
    let ids = PossibleValuesParser::new(manuals().map(|(id, _)| id));
    let explained = |command: Command| command.mut_arg("id", |id| id.value_parser(ids));
    let mut command = crate::cli::command().mut_subcommand("explain", explained);
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "lbdiag", &mut script);
    Output::Stdout.write(&String::from_utf8_lossy(&script), false)?;
    Ok(ExitCode::SUCCESS)
}
