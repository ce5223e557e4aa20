//! `lbdiag schema`: what the JSON report looks like, for programs that read it.

use crate::cli::output::Output;
use anyhow::Context;
use clap::ValueEnum;
use lbdiag::report;
use std::process::ExitCode;

/// Print the JSON Schema of the report
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Of which document: report, or diff
    #[arg(value_name = "DOCUMENT", value_enum, default_value_t = Document::Report)]
    #[arg(hide_possible_values = true, hide_default_value = true)]
    document: Document,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Document {
    Report,
    Diff,
}

/// Prints the schema.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let schema = match args.document {
        Document::Report => report::json_schema(),
        Document::Diff => report::compare::json_schema(),
    };
    let mut text = serde_json::to_string_pretty(&schema)
        .context("the schema cannot be written as JSON; please report this")?;
    text.push('\n');
    Output::Stdout.write(&text, false)?;
    Ok(ExitCode::SUCCESS)
}
