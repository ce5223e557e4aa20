//! `lbdiag completions`: what the shell needs to complete the command line.

use super::output::Output;
use clap_complete::Shell;
use std::process::ExitCode;

/// Print the script that completes the command line: source <(lbdiag completions bash)
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Shell to complete for
    shell: Shell,
}

/// Prints the shell's script.
pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut super::command(), "lbdiag", &mut script);
    Output::Stdout.write(&String::from_utf8_lossy(&script), false)?;
    Ok(ExitCode::SUCCESS)
}
