//! `lbdiag extract`: the frames behind a finding, of all captures, in one file.

use crate::cli::FAILED;
use crate::cli::options::ends;
use crate::cli::options::reading::{Reading, no_frames};
use crate::cli::options::which;
use crate::cli::output::Output;
use crate::cli::stages::Stages;
use anyhow::{Context, anyhow, bail};
use lbdiag::diagnose::{self, Diagnosis};
use lbdiag::extract::{self, Extract, Options, Which};
use lbdiag::render;
use lbdiag::report::End;
use lbdiag::trace::{ConnectionId, Trace};
use std::path::PathBuf;
use std::process::ExitCode;

/// Write the frames behind a finding or a connection, of all captures, to one pcapng file
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The connections and the evidence of finding N
    #[arg(long, value_name = "N", group = "which", help_heading = WHICH)]
    finding: Option<usize>,

    /// The connection with this id, as lbdiag connections lists them
    #[arg(long, value_name = "N", group = "which", help_heading = WHICH)]
    connection: Option<u32>,

    /// All connections of this client
    #[arg(long, value_name = "IP[:PORT]", value_parser = ends::end, group = "which")]
    #[arg(help_heading = WHICH)]
    from: Option<End>,

    /// Leave out nothing: more than 50 connections, more than 4,000 frames of one
    #[arg(long, help_heading = WHICH)]
    all: bool,

    /// The pcapng file to write, or - for standard output
    #[arg(short, long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    #[arg(required = true, help_heading = "Report")]
    write: Option<PathBuf>,

    /// Keep times as captured; else they are corrected to one clock
    #[arg(long, help_heading = "Report")]
    raw_times: bool,

    #[command(flatten)]
    reading: Reading,
}

const WHICH: &str = "What to take out (without any: the first finding)";

/// What stands below the options.
pub(crate) const AFTER: &str = "\
Each vantage is an interface of the file. Frames that prove a finding have a comment; show
them in Wireshark with the filter frame.comment. --client states a role, as everywhere in
lbdiag; --from chooses.

Examples:
  lbdiag extract --finding 1 -w finding-1.pcapng captures/
  lbdiag extract --from 198.51.100.7:40112 --raw-times -w one.pcapng client.pcap lb.pcap
  lbdiag extract -w - captures/ | tshark -r - -Y frame.comment";

/// Reads, takes out and writes.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let output = Output::of_frames(args.write.as_deref())?;
    if output.is_terminal() {
        bail!("a capture is nothing to look at on a terminal; name a file: -w FILE.pcapng");
    }
    let Some(mut taken) = args.reading.read(false, &mut Stages::new(None))? else {
        return Ok(ExitCode::from(FAILED));
    };
    let trace = &taken.trace;
    let diagnosis = diagnose::diagnose(trace);
    let options = Options { raw_times: args.raw_times, all: args.all };
    let connections = connections(args, trace, &diagnosis)?;
    let which = match (&connections, args.finding) {
        (Some(ids), _) => Which::Connections(ids),
        (None, Some(number)) => Which::Finding(which::finding(number, &diagnosis, &args.reading)?),
        (None, None) => Which::Finding(0),
    };
    let extracted = extract::extract(trace, &diagnosis, which, options).context(
        "the frames cannot be kept in a temporary file; set TMPDIR to a folder with room",
    )?;
    let mut extracted = extracted.ok_or_else(|| {
        anyhow!("nothing was found here; name a connection with --connection or --from: lbdiag connections {}", args.reading.named())
    })?;
    if extracted.frames.is_empty() {
        bail!("no frame can be read again: {}", no_frames(trace));
    }
    taken.redactor.frames(&mut extracted)?;
    taken.keep_map()?;
    output.write_with(false, |out| render::pcapng(&mut extracted, out))?;
    tell(args, &extracted);
    Ok(ExitCode::SUCCESS)
}

fn connections(
    args: &Args,
    trace: &Trace,
    diagnosis: &Diagnosis,
) -> anyhow::Result<Option<Vec<ConnectionId>>> {
    if let Some(number) = args.connection {
        return Ok(Some(vec![which::connection(number, trace, &args.reading)?]));
    }
    let Some(client) = args.from else { return Ok(None) };
    // What is told where there is none is the same as everywhere.
    let one = which::of_client(client, trace, diagnosis, &args.reading)?.id;
    let is_of = |(ip, port)| ip == client.ip && client.port.is_none_or(|asked| asked == port);
    let mut all: Vec<ConnectionId> =
        trace.iter().filter(|(_, c)| is_of(c.front.client)).map(|(id, _)| id).collect();
    // The most telling one comes first, where not all can be taken.
    all.retain(|id| *id != one);
    all.insert(0, one);
    Ok(Some(all))
}

/// What was written, and above all what was not.
fn tell(args: &Args, extracted: &Extract) {
    let say = args.reading.say();
    let of = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    say.note(&format!(
        "{} of {} at {}, {} of them with a comment",
        of(extracted.frames.len(), "frame"),
        of(extracted.connections, "connection"),
        of(extracted.interfaces.len(), "vantage"),
        extracted.frames.commented(),
    ));
    if extracted.connections_left > 0 {
        say.note(&format!(
            "{} more connections are left out; --all takes them",
            extracted.connections_left
        ));
    }
    if extracted.frames_left > 0 {
        say.note(&format!(
            "{} frames in the middle of long connections are left out; --all takes them",
            extracted.frames_left
        ));
    }
    for capture in &extracted.unread {
        say.error(&format!("{capture} could not be read again to its end"));
    }
}
