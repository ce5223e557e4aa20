//! `lbdiag ladder`: the sequence diagram of one connection, to look at and to paste.

use crate::cli::FAILED;
use crate::cli::options::ends;
use crate::cli::options::reading::{Reading, no_frames};
use crate::cli::options::which;
use crate::cli::output::Target;
use crate::cli::stages::Stages;
use anyhow::{anyhow, bail};
use clap::ValueEnum;
use lbdiag::diagnose::{self, Diagnosis};
use lbdiag::ladder::{self, Chosen};
use lbdiag::render::{self, Style, Times};
use lbdiag::report::End;
use lbdiag::report::story;
use lbdiag::trace::Trace;
use lbdiag::wire::Ip;
use std::process::ExitCode;

/// Draw one connection as a sequence diagram: who sent what to whom, and where it was lost
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The connection with this id, as lbdiag connections lists them
    #[arg(long, value_name = "N", group = "which", help_heading = WHICH)]
    connection: Option<u32>,

    /// The connection whose frames prove finding N
    #[arg(long, value_name = "N", group = "which", help_heading = WHICH)]
    finding: Option<usize>,

    /// The most telling connection of this client
    #[arg(long, value_name = "IP[:PORT]", value_parser = ends::end, group = "which")]
    #[arg(help_heading = WHICH)]
    from: Option<End>,

    /// How to draw it [default: as FILE ends, else text]
    #[arg(long, value_name = "text|svg|mermaid|plantuml|json", value_enum)]
    #[arg(hide_possible_values = true, help_heading = "Report")]
    format: Option<Format>,

    /// Times since the first packet, since the one before, or of day
    #[arg(long, value_name = "start|delta|absolute", value_enum, default_value_t = Time::Start)]
    #[arg(hide_possible_values = true, help_heading = "Report")]
    time: Time,

    /// Draw every packet; else the middle of a long connection is folded
    #[arg(long, help_heading = "Report")]
    full: bool,

    #[command(flatten)]
    into: Target,

    #[command(flatten)]
    reading: Reading,
}

const WHICH: &str = "Which connection (without any: the most telling one)";

/// What stands below the options.
pub(crate) const AFTER: &str = "\
Times are on the reference clock, corrected as far as the captures allow; a mark stands
where the order of two packets lies inside the clocks' error. --client states a role, as
everywhere in lbdiag; --from chooses.

Examples:
  lbdiag ladder captures/
  lbdiag ladder --finding 2 --full --time absolute captures/
  lbdiag ladder --from 198.51.100.7:40112 client.pcap lb=eth0.pcap";

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    #[default]
    Text,
    Svg,
    Mermaid,
    Plantuml,
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Time {
    Start,
    Delta,
    Absolute,
}

/// Reads, chooses and draws.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let output = args.into.open()?;
    let format = args.into.format(args.format);
    let Some(mut taken) = args.reading.read(false, &mut Stages::new(None))? else {
        return Ok(ExitCode::from(FAILED));
    };
    let trace = &taken.trace;
    let diagnosis = diagnose::diagnose(trace);
    let chosen = choose(args, trace, &diagnosis)?;
    let Some(mut drawn) = ladder::draw(trace, &diagnosis, chosen, args.full) else {
        bail!(
            "no frame of connection {} can be read again: {}",
            chosen.connection.0 + 1,
            no_frames(trace)
        );
    };
    drawn.title = title(trace, &diagnosis, chosen);
    let drawn = taken.redactor.document(drawn)?;
    taken.keep_map()?;
    let times = match args.time {
        Time::Start => Times::Start,
        Time::Delta => Times::Delta,
        Time::Absolute => Times::Absolute,
    };
    let style = Style { times, ..output.style(args.reading.screen.color) };
    let text = match format {
        Format::Text => render::ladder(&drawn, &style),
        Format::Plantuml => render::plantuml(&drawn, times),
        Format::Svg => render::svg(&drawn, times),
        Format::Mermaid => render::mermaid_sequence(&drawn, times),
        Format::Json => render::json(&drawn),
    };
    output.write(&text, style.colour)?;
    Ok(ExitCode::SUCCESS)
}

/// A drawing that stands alone says which connection it shows, and for which finding.
fn title(trace: &Trace, diagnosis: &Diagnosis, chosen: Chosen) -> String {
    let front = trace.connection(chosen.connection).front;
    let end = |(ip, port): (Ip, u16)| ip.with_port(port);
    let which = format!("{} to {}", end(front.client), end(front.server));
    match chosen.finding.and_then(|index| Some((index + 1, diagnosis.findings.get(index)?.id))) {
        Some((number, id)) => format!("{which}, finding {number} ({id})"),
        None => which,
    }
}

/// The connection that was asked for, with the finding that explains it.
fn choose(args: &Args, trace: &Trace, diagnosis: &Diagnosis) -> anyhow::Result<Chosen> {
    let named = || args.reading.named();
    if let Some(number) = args.connection {
        let connection = which::connection(number, trace, &args.reading)?;
        return Ok(Chosen { connection, finding: story::explaining(diagnosis, connection) });
    }
    if let Some(number) = args.finding {
        let index = which::finding(number, diagnosis, &args.reading)?;
        return ladder::of_finding(trace, diagnosis, index).ok_or_else(|| {
            anyhow!("finding {number} concerns no connection; draw another with --connection N: lbdiag connections {}", named())
        });
    }
    if let Some(client) = args.from {
        let chosen = which::of_client(client, trace, diagnosis, &args.reading)?;
        return Ok(Chosen { connection: chosen.id, finding: chosen.finding });
    }
    ladder::most_telling(trace, diagnosis)
        .ok_or_else(|| anyhow!("the captures have no connection to draw; see lbdiag {}", named()))
}
