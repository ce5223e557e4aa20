//! `lbdiag why`: one connection's story, from its first packet to its end.

use crate::cli::FAILED;
use crate::cli::options::ends;
use crate::cli::options::reading::Reading;
use crate::cli::output::Target;
use crate::cli::stages::Stages;
use anyhow::anyhow;
use clap::ValueEnum;
use lbdiag::capture::Timestamp;
use lbdiag::render;
use lbdiag::report::End;
use lbdiag::report::story::{self, Ask};
use lbdiag::trace::Trace;
use lbdiag::window::Moment;
use lbdiag::{diagnose, ladder};
use std::process::ExitCode;

/// Tell the story of one connection: where it went, how it ended, and why
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The client, as IP or IP:PORT; of several connections the most telling one
    #[arg(value_name = "CLIENT[:PORT]", value_parser = client)]
    whose: End,

    /// The connection that was alive then: 07:41:51 (UTC), RFC 3339, +10s
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, help_heading = "Which one")]
    at: Option<Moment>,

    /// How to write the story [default: as FILE ends, else text]
    #[arg(long, value_name = "text|json", value_enum)]
    #[arg(hide_possible_values = true, help_heading = "Report")]
    format: Option<Format>,

    #[command(flatten)]
    into: Target,

    #[command(flatten)]
    reading: Reading,
}

/// What stands below the options.
pub(crate) const AFTER: &str = "\
Chosen is a connection that failed before one that did not, and one that a finding explains
before one that none does. --at and its times are on the reference clock, as all times that
lbdiag prints; --since and --until are on each capture's own.

Examples:
  lbdiag why 198.51.100.7 captures/
  lbdiag why 198.51.100.7:40112 --at 07:41:51 client.pcap lb=eth0.pcap
  lbdiag why '[2001:db8::7]:40112' captures/";

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    #[default]
    Text,
    Json,
}

/// The captures are given after the client, which is easily forgotten.
fn client(text: &str) -> Result<End, String> {
    ends::end(text).map_err(|why| {
        format!("{why}; the client comes first: lbdiag why 198.51.100.7:40112 CAPTURE...")
    })
}

/// Reads, chooses and tells.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let output = args.into.open()?;
    let format = args.into.format(args.format);
    let Some(mut taken) = args.reading.read(false, &mut Stages::new(None))? else {
        return Ok(ExitCode::from(FAILED));
    };
    let trace = &taken.trace;
    let diagnosis = diagnose::diagnose(trace);
    let ask = Ask {
        client: args.whose,
        at: args.at.and_then(|at| alive(trace, at)),
        captures: args.reading.named(),
    };
    let chosen = story::choose(trace, &diagnosis, &ask).map_err(|why| anyhow!(why))?;
    let finding = chosen.finding.and_then(|i| diagnosis.findings.get(i));
    let drawn = ladder::one(trace, finding, chosen.id);
    let told = story::tell(trace, &diagnosis, &chosen, drawn);
    let told = taken.redactor.document(told)?;
    taken.keep_map()?;
    let style = output.style(args.reading.screen.color);
    let text = match format {
        Format::Text => render::story(&told, &style),
        Format::Json => render::json(&told),
    };
    output.write(&text, style.colour)?;
    Ok(ExitCode::SUCCESS)
}

/// The time that is meant, as long as its digits leave open.
fn alive(trace: &Trace, at: Moment) -> Option<(Timestamp, Timestamp)> {
    let all = || trace.captures.iter().flat_map(|capture| &capture.files);
    let first = all().filter_map(|file| file.start).min()?;
    let last = all().filter_map(|file| file.end).max()?;
    let from = at.resolve(first, last);
    Some((from, Timestamp(from.0.saturating_add(at.precision_ns - 1))))
}
