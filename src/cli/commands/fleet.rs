//! `lbdiag fleet`: the report of many hosts' tables, joined where they lie.

use crate::cli::options::reading::frames_of;
use crate::cli::options::redacting::Redacting;
use crate::cli::options::reporting::Reporting;
use crate::cli::options::role;
use crate::cli::options::screen::Screen;
use crate::cli::options::stating::Stating;
use crate::cli::stages::Stages;
use crate::cli::{memory, progress};
use lbdiag::fleet::{Fleet, Options, Said, cluster};
use lbdiag::redact::Map;
use lbdiag::window::Moment;
use lbdiag::wire::Ip;
use std::path::PathBuf;
use std::process::ExitCode;

/// Diagnose the tables of many hosts with a query engine, on this machine or on a cluster
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    serve: Option<Serve>,

    /// Folder that lbdiag index wrote, or that holds such ones; s3://BUCKET/PREFIX
    #[arg(value_name = "DIR", value_hint = clap::ValueHint::DirPath, required = true)]
    tables: Vec<String>,

    /// Leave out streams that began before TIME: 07:41[:51[.5]] (UTC), RFC 3339, +10s, -5m
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    since: Option<Moment>,

    /// Leave out streams that began after TIME
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    until: Option<Moment>,

    /// Address of the service that is asked for (may be repeated)
    #[arg(long, value_name = "IP", value_parser = role::vip)]
    vip: Vec<Ip>,

    /// Scheduler of a cluster that does the work: http://HOST:PORT
    #[arg(long, value_name = "URL")]
    scheduler: Option<String>,

    /// Streams up to which all are diagnosed together; more are dealt into parts
    #[arg(long, value_name = "STREAMS", default_value_t = Options::default().whole)]
    whole: u64,

    /// Streams of a part
    #[arg(long, value_name = "STREAMS", default_value_t = Options::default().part)]
    part: u64,

    /// Folder for what does not fit into memory [default: that for temporary files]
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    work: Option<PathBuf>,

    #[command(flatten)]
    reporting: Reporting,

    /// Write how all connections ended, by service, real server and vantage, as JSON into FILE too
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    #[arg(help_heading = "Report")]
    sums: Option<PathBuf>,

    #[command(flatten)]
    screen: Screen,

    #[command(flatten)]
    stating: Stating,

    #[command(flatten)]
    redacting: Redacting,
}

#[derive(Debug, clap::Subcommand)]
enum Serve {
    Scheduler(Scheduler),
    Executor(Executor),
}

/// Run the scheduler of a cluster
#[derive(Debug, clap::Args)]
struct Scheduler {
    /// Address and port to listen on
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:50050")]
    bind: std::net::SocketAddr,
}

/// Run an executor of a cluster
#[derive(Debug, clap::Args)]
struct Executor {
    /// The scheduler: HOST:PORT
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:50050")]
    scheduler: String,

    /// Address and port to listen on; the port after it is used too
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:50051")]
    bind: std::net::SocketAddr,

    /// Pieces of work at one time [default: one for each core]
    #[arg(long, value_name = "N")]
    cores: Option<usize>,

    /// Folder for what parts hand to each other, and what does not fit into memory [default: a temporary one]
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    work: Option<PathBuf>,
}

/// What stands below the options.
pub(crate) const AFTER: &str = "\
The report is that of `lbdiag DIR...`. Where there are more streams than --whole, every
connection is tied and counted, and those that failed or suffered are diagnosed with enough
that did well. Drawings need frames: index copies of the captures in question, or name them.

Examples:
  lbdiag index eth0.pcap -o /srv/tables/$(hostname)    on each host
  lbdiag fleet /srv/tables/                            the report of all of them
  lbdiag fleet s3://captures/tables/ --vip 203.0.113.8
  lbdiag fleet /srv/tables/ --host-state hosts/ --redact -o report.html
  lbdiag fleet scheduler --bind 10.0.0.1:50050         a cluster: one scheduler,
  lbdiag fleet executor --scheduler 10.0.0.1:50050     executors where the data is,
  lbdiag fleet s3://captures/ --scheduler http://10.0.0.1:50050";

/// Opens, asks and writes; or serves.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    match &args.serve {
        Some(Serve::Scheduler(own)) => {
            cluster::scheduler(own.bind)?;
            return Ok(ExitCode::SUCCESS);
        }
        Some(Serve::Executor(own)) => {
            cluster::executor(&own.scheduler, own.bind, own.cores, own.work.as_deref())?;
            return Ok(ExitCode::SUCCESS);
        }
        None => {}
    }
    let say = args.screen.say();
    memory::watch(say, || {});
    let Args { reporting, .. } = args;
    let output = reporting.open()?;
    let mut stages = Stages::new((reporting.verbose() > 1).then_some(say));
    let states = args.stating.states()?;
    // On a terminal the report itself shows them.
    states.notes.iter().filter(|_| !output.is_terminal()).for_each(|note| say.note(note));
    let map = args.redacting.map()?;
    let stated = args.stating.roles(&args.vip, &[]);
    let options = Options {
        vips: args.vip.clone(),
        since: args.since,
        until: args.until,
        connections: reporting.connections(),
        page: reporting.is_page(),
        notes: states.notes,
        said: Said {
            directors: stated.directors,
            real_servers: stated.real_servers,
            clients: stated.clients,
            states: states.hosts,
            own_clocks: !args.stating.aligns(),
            redact: map.as_ref().map(Map::text),
        },
        whole: args.whole,
        part: args.part,
        scheduler: args.scheduler.clone(),
        work: args.work.clone(),
        ..Options::default()
    };
    let fleet = Fleet::open(&args.tables, options)?;
    stages.ended("finding the tables");
    let shown = args.screen.shows_progress();
    let total = fleet.bytes();
    let answer = progress::watch(shown, Some(total), |counter| fleet.diagnose(counter))?;
    stages.ended("asking");
    for failure in &answer.failures {
        say.error(&failure.to_string());
    }
    let report = answer.report;
    if (reporting.has_drawing() || reporting.is_page()) && !report.findings.is_empty() {
        let files: Vec<&str> = report.captures.iter().map(|own| own.path.as_str()).collect();
        say.note(&format!("nothing is drawn: {}", frames_of(&files)));
    }
    args.redacting.map_file().keep(answer.map)?;
    if let Some(file) = &args.sums {
        std::fs::write(file, serde_json::to_vec(&answer.sums)?)?;
    }
    reporting.write(&output, args.screen.color, &report, None, answer.page.as_ref())?;
    stages.ended("drawing");
    Ok(reporting.code(&report))
}
