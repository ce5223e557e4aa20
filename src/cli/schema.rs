//! `lbdiag schema`: what the JSON report looks like, for programs that read it.

use super::output::Output;
use anyhow::Context;
use std::process::ExitCode;

/// Print the JSON Schema of the report
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

/// Prints the schema.
pub(super) fn run(_: &Args) -> anyhow::Result<ExitCode> {
    let mut text = serde_json::to_string_pretty(&lbdiag::report::json_schema())
        .context("the schema cannot be written as JSON; please report this")?;
    text.push('\n');
    Output::Stdout.write(&text, false)?;
    Ok(ExitCode::SUCCESS)
}
