//! `lbdiag index`: what was observed of captures, as tables that travel in their place.

use crate::cli::options::reading::Reading;
use crate::cli::options::screen::Screen;
use crate::cli::{FAILED, memory, progress};
use anyhow::bail;
use lbdiag::load::Seen;
use lbdiag::tables::{self, Written};
use lbdiag::unfinished;
use lbdiag::window::Moment;
use std::path::PathBuf;
use std::process::ExitCode;

/// Write what is observed of captures as Parquet tables, for lbdiag and anybody's SQL
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// File, folder, archive, pattern, or - for standard input; NAME=CAPTURE labels it
    #[arg(value_name = "CAPTURE", value_hint = clap::ValueHint::AnyPath, required = true)]
    captures: Vec<String>,

    /// The folder to write to; each capture adds one folder in it
    #[arg(short, long, value_name = "DIR", value_hint = clap::ValueHint::DirPath, required = true)]
    output: PathBuf,

    /// Search the folders inside folders too, as deep as they go or DEPTH levels
    #[arg(short, long, value_name = "DEPTH", num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "64", default_value_t = 0, hide_default_value = true)]
    recursive: usize,

    /// Leave out frames before TIME: 07:41[:51[.5]] (UTC), RFC 3339, +10s, -5m
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    since: Option<Moment>,

    /// Leave out frames after TIME
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    until: Option<Moment>,

    /// When to use colour
    #[arg(long, value_name = "auto|always|never", default_value_t = clap::ColorChoice::Auto)]
    #[arg(hide_possible_values = true)]
    color: clap::ColorChoice,

    /// Show no progress and no notes on stderr
    #[arg(short, long)]
    quiet: bool,
}

/// What stands below the options.
pub(crate) const AFTER: &str = "\
The packets stay where they are. lbdiag reads the folder in place of the captures and gives
the same report; drawings and extracts need the frames, and say where these are. A capture
that is there already is not written again. Tables and columns: docs/tables.md.

Examples:
  lbdiag index /var/tmp/eth0*.pcap -o tables/     on each host
  lbdiag index rs1=eth0.pcap rs2=eth1.pcap -o tables/
  lbdiag tables/                                  the report
  duckdb -c \"select server_ip, count(*) from 'tables/*/streams/*/*/*.parquet' group by 1\"";

/// Reads, ties what is there, and writes.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    unfinished::watch();
    let screen = Screen { color: args.color, quiet: args.quiet };
    let mut reading = Reading::plain(args.captures.clone(), screen);
    reading.of_time(args.recursive, args.since, args.until);
    let say = reading.say();
    memory::watch(say, || {});
    let job = reading.prepare()?;
    for failure in job.unnamed.iter() {
        say.error(&failure.to_string());
    }
    job.notes.iter().for_each(|note| say.note(note));
    if job.has_tables() {
        bail!("what is to be indexed has tables in it, which are indexed already; name captures");
    }
    if job.has_states() {
        say.note(
            "what hosts said of themselves is in no table; give it with --host-state beside them",
        );
    }
    let shown = screen.shows_progress();
    let seen = progress::watch(shown, job.total(), |counter| job.see(counter));
    for failure in &seen.failures {
        say.error(&failure.to_string());
    }
    if seen.captures.is_empty() {
        return Ok(ExitCode::from(FAILED));
    }
    let Seen { captures, vantages, .. } = seen;
    let written = tables::write(&args.output, &captures, vantages)?;
    let of = |n: usize| format!("{n} capture{}", if n == 1 { "" } else { "s" });
    let bytes: u64 =
        written.iter().map(|w| if let Written::New(_, bytes) = w { *bytes } else { 0 }).sum();
    let new = written.iter().filter(|w| matches!(w, Written::New(..))).count();
    let folder = args.output.display();
    say.note(&format!("{} written to {folder}, {} kB of tables", of(new), bytes.div_ceil(1000)));
    if new < written.len() {
        say.note(&format!("{} had tables there already", of(written.len() - new)));
    }
    Ok(ExitCode::SUCCESS)
}
