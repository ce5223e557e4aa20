//! `lbdiag CAPTURE...`: what is broken, why, and how to mend it.

use super::closest::closest;
use super::output::Output;
use super::say::Say;
use super::stages::Stages;
use super::{FAILED, FOUND, progress, role};
use anyhow::bail;
use clap::{ColorChoice, ValueEnum};
use lbdiag::capture::{self, CaptureError, Input, Inputs, Source};
use lbdiag::render::{self, Style};
use lbdiag::report::{self, ConnectionFilter, Report};
use lbdiag::topology::{StatedRoles, Who};
use lbdiag::wire::Ip;
use lbdiag::{diagnose, ladder, load, state};
use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::process::ExitCode;

/// Frames of proof listed for a finding with `-v`.
const MORE_EVIDENCE: usize = 64;

/// What the diagnosis is asked for.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// File, folder, pattern, or - for standard input; NAME=CAPTURE labels it
    #[arg(value_name = "CAPTURE", value_hint = clap::ValueHint::AnyPath)]
    pub(super) captures: Vec<String>,

    /// How to write the report
    #[arg(long, value_name = "text|json", value_enum, default_value_t = Format::Text)]
    #[arg(overrides_with = "json", hide_possible_values = true, help_heading = "Report")]
    format: Format,

    /// Same as --format json
    #[arg(long, overrides_with = "format", help_heading = "Report")]
    json: bool,

    /// Write the report to FILE instead of standard output (-)
    #[arg(short, long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    #[arg(help_heading = "Report")]
    output: Option<PathBuf>,

    /// Which connections the report lists
    #[arg(long, value_name = "all|affected|none", value_enum, default_value_t = Listed::Affected)]
    #[arg(hide_possible_values = true, help_heading = "Report")]
    connections: Listed,

    /// List what every detector could check, and what not
    #[arg(long, help_heading = "Report")]
    coverage: bool,

    /// Write more into the text report; -vv also times the stages
    #[arg(short, long, action = clap::ArgAction::Count, help_heading = "Report")]
    verbose: u8,

    /// When to use colour
    #[arg(long, value_name = "auto|always|never", default_value_t = ColorChoice::Auto)]
    #[arg(hide_possible_values = true, help_heading = "Report")]
    color: ColorChoice,

    /// Show no progress and no notes on stderr
    #[arg(short, long, help_heading = "Report")]
    quiet: bool,

    /// Exit with code 1 where a finding is at or above this
    #[arg(long, value_name = "critical|warning|info", value_enum)]
    #[arg(hide_possible_values = true, help_heading = "Report")]
    fail_on: Option<Level>,

    /// Address of a service
    #[arg(long, value_name = "IP", value_parser = role::vip)]
    #[arg(help_heading = STATED)]
    vip: Vec<Ip>,

    /// A director
    #[arg(long, value_name = "IP|MAC", value_parser = role::who)]
    #[arg(help_heading = STATED)]
    director: Vec<Who>,

    /// A real server
    #[arg(long, value_name = "IP|MAC", value_parser = role::who)]
    #[arg(help_heading = STATED)]
    real_server: Vec<Who>,

    /// A client
    #[arg(long, value_name = "IP|MAC", value_parser = role::who)]
    #[arg(help_heading = STATED)]
    client: Vec<Who>,

    /// Output of ipvsadm, ip, arp, sysctl, nstat, or keepalived.conf: a file, or a folder of hosts
    #[arg(long, value_name = "PATH", value_hint = clap::ValueHint::AnyPath)]
    #[arg(help_heading = "What hosts say of themselves (may be repeated)")]
    host_state: Vec<PathBuf>,
}

const STATED: &str = "Roles that you know better (each may be repeated)";

// The variants have no doc comments: clap would print them and the help would be twice as long.

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Listed {
    All,
    Affected,
    None,
}

// In rising order, which the comparison uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
enum Level {
    Info,
    Warning,
    Critical,
}

impl Level {
    fn reached(self, report: &Report) -> bool {
        // A word that is not known is newer than this list, and is taken as severe.
        let level = |word: &str| Self::from_str(word, false).unwrap_or(Self::Critical);
        report.findings.iter().any(|finding| level(&finding.severity) >= self)
    }
}

/// Reads, judges and writes.
pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let say = Say::new(args.color, args.quiet);
    let output = Output::new(args.output.as_deref())?;
    let mut stages = Stages::new((args.verbose > 1).then_some(say));

    let (inputs, unnamed) = find(&args.captures)?;
    if inputs.inputs.iter().any(|i| i.files.contains(&Source::Stdin)) && io::stdin().is_terminal() {
        bail!("standard input is the terminal; send a capture into it: tcpdump -w - | lbdiag -");
    }
    for failure in &unnamed {
        say.error(&with_hint(failure));
    }
    // On a terminal the report itself shows them.
    for note in inputs.notes.iter().filter(|_| !output.is_terminal()) {
        say.note(note);
    }
    let states = state::read(&args.host_state)?;
    for note in states.notes.iter().filter(|_| !output.is_terminal()) {
        say.note(note);
    }
    stages.ended("finding the captures");

    let mut loaded = read(&inputs.inputs, args);
    loaded.trace = loaded.trace.with_states(states.hosts);
    for failure in &loaded.failures {
        say.error(&failure.to_string());
    }
    if loaded.trace.captures.is_empty() {
        return Ok(ExitCode::from(FAILED));
    }
    stages.ended("reading and joining");

    let diagnosis = diagnose::diagnose(&loaded.trace);
    stages.ended("diagnosing");

    let failures = unnamed.iter().chain(&loaded.failures).map(ToString::to_string);
    let options = report::Options {
        connections: match args.connections {
            Listed::All => ConnectionFilter::All,
            Listed::Affected => ConnectionFilter::Affected,
            Listed::None => ConnectionFilter::None,
        },
        notes: failures.chain(inputs.notes.iter().cloned()).chain(states.notes).collect(),
    };
    let report = report::build(&loaded.trace, &diagnosis, &options);
    stages.ended("reporting");

    let style = Style {
        colour: output.colour(args.color),
        width: output.width(),
        coverage: args.coverage,
        verbose: args.verbose > 0,
        max_evidence: match args.verbose {
            0 => Style::default().max_evidence,
            _ => MORE_EVIDENCE,
        },
    };
    let text = if args.json || args.format == Format::Json {
        render::json(&report)
    } else {
        let ladder = ladder::telling(&loaded.trace, &diagnosis);
        render::text(&report, ladder.as_ref(), &style)
    };
    stages.ended("drawing");
    output.write(&text, style.colour)?;

    let found = args.fail_on.is_some_and(|level| level.reached(&report));
    Ok(if found { ExitCode::from(FOUND) } else { ExitCode::SUCCESS })
}

/// Finds the captures. A name that leads nowhere is left out where others do not.
fn find(names: &[String]) -> Result<(Inputs, Vec<CaptureError>), CaptureError> {
    let all = match capture::inputs(names) {
        Ok(inputs) => return Ok((inputs, Vec::new())),
        Err(error) => error,
    };
    let mut failures = Vec::new();
    let mut good = Vec::new();
    for name in names {
        match capture::inputs(std::slice::from_ref(name)) {
            Ok(_) => good.push(name.clone()),
            Err(error) => failures.push(error),
        }
    }
    // Where each is right alone, the mistake is in naming them together.
    if failures.is_empty() {
        return Err(all);
    }
    let inputs = if good.is_empty() { Inputs::default() } else { capture::inputs(&good)? };
    Ok((inputs, failures))
}

fn read(inputs: &[Input], args: &Args) -> load::Loaded {
    let stated = StatedRoles {
        vips: args.vip.clone(),
        directors: args.director.clone(),
        real_servers: args.real_server.clone(),
        clients: args.client.clone(),
    };
    let shown = !args.quiet && io::stderr().is_terminal();
    progress::watch(shown, progress::total(inputs), |counter| load::load(inputs, &stated, counter))
}

/// A command that was taken for a file, because it is misspelt or not the first word.
fn with_hint(failure: &CaptureError) -> String {
    let text = failure.to_string();
    let CaptureError::Missing { path } = failure else { return text };
    let command = super::command();
    let names: Vec<&str> = command.get_subcommands().map(clap::Command::get_name).collect();
    match closest(path, names.iter().copied()).first() {
        Some(name) if name == path => format!(
            "{path}: no such file or folder; the command {name} comes first, before any option: lbdiag {name}"
        ),
        Some(name) if !path.contains(['.', '/', '=']) => {
            format!("{text}; for the command {name}: lbdiag {name}")
        }
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_rise() {
        assert!(Level::Critical > Level::Warning && Level::Warning > Level::Info);
    }

    #[test]
    fn a_name_that_leads_nowhere_does_not_stop_the_others() {
        let dir = tempfile::tempdir().unwrap();
        let there = dir.path().join("a.pcap");
        std::fs::write(&there, b"text").unwrap();
        let there = there.display().to_string();
        let (inputs, failures) = find(&["no-such-file".into(), there.clone()]).unwrap();
        assert_eq!((inputs.inputs.len(), failures.len()), (1, 1));
        let (inputs, failures) = find(&["no-such-file".into(), "nor-this".into()]).unwrap();
        assert_eq!((inputs.inputs.len(), failures.len()), (0, 2));
        assert!(matches!(find(&["-".into(), "-".into()]), Err(CaptureError::StdinTwice)));
        assert!(matches!(find(&[]), Err(CaptureError::NoInput)));
    }

    #[test]
    fn commands_in_the_wrong_place_are_recognised() {
        let told = |path: &str| with_hint(&CaptureError::Missing { path: path.into() });
        assert!(told("explain").ends_with("lbdiag explain"));
        assert!(told("explian").ends_with("for the command explain: lbdiag explain"));
        assert!(told("client.pcap").ends_with("ls -l ."));
    }
}
