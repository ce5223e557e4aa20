//! `lbdiag diff GOOD BAD`: what changed between a good time and a bad one.

use crate::cli::FAILED;
use crate::cli::options::reading::Reading;
use crate::cli::options::redacting::Redacting;
use crate::cli::options::screen::Screen;
use crate::cli::output::Target;
use crate::cli::stages::Stages;
use anyhow::{Context, bail};
use clap::ValueEnum;
use lbdiag::diagnose;
use lbdiag::render;
use lbdiag::report::compare::compare;
use lbdiag::report::{self, ConnectionFilter, Report, SCHEMA_VERSION};
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;
use std::process::ExitCode;

/// Say what changed between two reports, or between two sets of captures
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A report as --json writes it, a capture, or a folder of captures
    #[arg(value_name = "GOOD", value_hint = clap::ValueHint::AnyPath)]
    good: String,

    /// The same, of the bad time
    #[arg(value_name = "BAD", value_hint = clap::ValueHint::AnyPath)]
    bad: String,

    /// How to write it [default: as FILE ends, else text]
    #[arg(long, value_name = "text|json", value_enum)]
    #[arg(hide_possible_values = true, help_heading = "Report")]
    format: Option<Format>,

    #[command(flatten)]
    into: Target,

    #[command(flatten)]
    screen: Screen,

    #[command(flatten)]
    redacting: Redacting,
}

/// What stands below the options.
pub(crate) const AFTER: &str = "\
Only what differs is listed. Counts are compared by Fisher's exact test, so that a few
connections more or less are no change; a median, where it is twice the other and a
millisecond more. What only one of the two could show is said to be so.

Examples:
  lbdiag diff monday/ tuesday/
  lbdiag diff good.json bad.json --format json | jq -r .summary";

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    #[default]
    Text,
    Json,
}

/// Bytes of a report that are read.
const MAX_REPORT: u64 = 1 << 30;

/// Reads both, compares and writes.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let output = args.into.open()?;
    let format = args.into.format(args.format);
    let (Some(good), Some(bad)) = (side(args, &args.good)?, side(args, &args.bad)?) else {
        return Ok(ExitCode::from(FAILED));
    };
    let names = match args.redacting.is_on() {
        true => ("the good one", "the bad one"),
        false => (args.good.as_str(), args.bad.as_str()),
    };
    let mut redactor = args.redacting.redactor()?;
    let comparison = redactor.document(compare((names.0, &good), (names.1, &bad)))?;
    args.redacting.map_file().keep(redactor.kept())?;
    let style = output.style(args.screen.color);
    let text = match format {
        Format::Text => render::comparison(&comparison, &style),
        Format::Json => render::json(&comparison),
    };
    output.write(&text, style.colour)?;
    Ok(ExitCode::SUCCESS)
}

/// One of the two; `None` where nothing of it could be read, which stderr has been told.
fn side(args: &Args, name: &str) -> anyhow::Result<Option<Report>> {
    if is_json(Path::new(name)) {
        return saved(name).map(Some);
    }
    let reading = Reading::plain(vec![name.to_owned()], args.screen);
    let Some(taken) = reading.read(false, &mut Stages::new(None))? else { return Ok(None) };
    let diagnosis = diagnose::diagnose(&taken.trace);
    let options = report::Options { connections: ConnectionFilter::None, notes: taken.notes };
    Ok(Some(report::build(&taken.trace, &diagnosis, &options)))
}

/// Whether a file begins as a JSON object does; no capture does.
fn is_json(path: &Path) -> bool {
    if !path.is_file() {
        return false;
    }
    let mut head = Vec::new();
    let read = File::open(path).and_then(|file| file.take(64).read_to_end(&mut head));
    read.is_ok() && head.trim_ascii_start().starts_with(b"{")
}

/// A report that was kept.
fn saved(name: &str) -> anyhow::Result<Report> {
    #[derive(serde::Deserialize)]
    struct Versioned {
        schema_version: Option<String>,
    }
    let mut text = String::new();
    let file = File::open(name).with_context(|| name.to_owned())?;
    BufReader::new(file)
        .take(MAX_REPORT)
        .read_to_string(&mut text)
        .with_context(|| name.to_owned())?;
    let no_report = || format!("{name} is no report that lbdiag --json wrote");
    let version: Versioned = serde_json::from_str(&text).with_context(no_report)?;
    match version.schema_version.as_deref() {
        Some(SCHEMA_VERSION) => serde_json::from_str(&text).with_context(no_report),
        Some(other) => bail!(
            "{name} has schema_version {other}, and this is lbdiag for {SCHEMA_VERSION}; write it again with this one"
        ),
        None => bail!("{}: it has no schema_version", no_report()),
    }
}
