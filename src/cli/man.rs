//! `lbdiag man`: manual pages in roff, as `man -l` reads them.

use super::output::Output;
use anyhow::{Context, bail};
use clap_mangen::Man;
use std::process::ExitCode;

/// Print the manual page in roff, for example: lbdiag man | man -l -
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Command to print the page of, instead of the page of lbdiag itself
    command: Option<String>,
}

/// Prints a page.
pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let mut all = super::command();
    all.build();
    let page = match &args.command {
        None => Man::new(all),
        Some(name) => {
            let Some(command) = all.find_subcommand(name) else {
                bail!("lbdiag has no command {name}; list them with: lbdiag --help");
            };
            Man::new(command.clone())
        }
    };
    let mut roff = Vec::new();
    page.render(&mut roff).context("the manual page cannot be written; please report this")?;
    Output::Stdout.write(&String::from_utf8_lossy(&roff), false)?;
    Ok(ExitCode::SUCCESS)
}
