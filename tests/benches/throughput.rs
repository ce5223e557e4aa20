//! How fast lbdiag reads captures on one core and on all, and in how much memory, beside `tcpdump -r FILE -w /dev/null`.
//!
//! `cargo bench --bench throughput -- [OPTIONS]` writes worlds (see `tests/generator`) to a temporary folder, runs the
//! built binary and tcpdump over the same files in turns, and prints medians. tcpdump only copies frames, on one core: the
//! ratio to its time says what diagnosis costs, and holds better from machine to machine than seconds do.
//!
//! ```text
//! --world NAME       director, six, six-million (7 GB of disk), services, nat, dr-four or flood; may be repeated
//!                    (default: director, six and services)
//! --flood            the flood too: 10,000,000 spoofed SYNs, 2 GB of disk
//! --connections N    true connections of each world
//! --spoofed N        spoofed SYNs of the flood
//! --scale            instead: what 10,000, 100,000 and 1,000,000 connections cost, and whether all are tied as the
//!                    truth has it (--connections N: not more than N); 5 GB of disk
//! --growth           instead: how the work grows with each thing that captures hold, one and ten times as many
//! --tui              instead: how soon the terminal UI answers a key at 1,000,000 connections; 2 GB of disk, 3 GB of memory
//! --runs N           runs of each program over each world (default 5)
//! --keep DIR         write the worlds to DIR and leave them there
//! --write DIR        only write the worlds to DIR, each with its truth.json
//! ```
//!
//! Started otherwise than by `cargo bench` (which passes `--bench`), as `cargo test --all-targets` does, it takes small
//! worlds and one run: only to see that it works.

#[path = "../generator/mod.rs"]
mod generator;

mod growth;
mod measure;
mod scale;
mod services;
mod tui;

use generator::world::{Flood, FloodFate, Mode, Vantages};
use generator::{Truth, World};
use measure::{Cost, Pin, median};
use std::error::Error;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

type Fault = Box<dyn Error>;

/// What the command line asks for.
struct Options {
    worlds: Vec<String>,
    connections: Option<u32>,
    spoofed: Option<u32>,
    runs: usize,
    keep: Option<PathBuf>,
    write: Option<PathBuf>,
    /// The table of sizes instead.
    scale: bool,
    /// The growth of the work instead.
    growth: bool,
    /// The terminal UI's answers instead.
    tui: bool,
    /// Small worlds.
    trial: bool,
}

fn main() -> Result<(), Fault> {
    let options = options(std::env::args().skip(1))?;
    if let Some(folder) = &options.write {
        return write_only(&options, folder);
    }
    let temporary = tempfile::tempdir()?;
    let folder = options.keep.as_deref().unwrap_or(temporary.path());
    let pin = Pin::detect();
    if options.tui {
        let all = if options.trial { 1_000 } else { 1_000_000 };
        return tui::run(folder, options.connections.unwrap_or(all));
    }
    if options.growth {
        return growth::run(pin, folder, if options.trial { 100 } else { 1 });
    }
    if options.scale {
        return scale::run(pin, folder, options.connections);
    }
    let mut written = Vec::new();
    for name in &options.worlds {
        let world = match name.as_str() {
            "services" => write_services(&options, folder)?,
            name => Written::of(&write(name, &options, folder)?),
        };
        written.push((name, world));
    }
    let tcpdump = measure::works("tcpdump", &["--version"]);
    let mut costs: Vec<Costs> = written.iter().map(|_| Costs::default()).collect();
    for _ in 0..options.runs {
        for ((_, world), costs) in written.iter().zip(&mut costs) {
            costs.one.push(lbdiag(pin, &world.paths)?);
            costs.all.push(lbdiag(Pin::All, &world.paths)?);
            if tcpdump {
                costs.theirs.push(copy(pin, &world.paths)?);
            }
        }
    }
    let mut out = io::stdout().lock();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    writeln!(
        out,
        "\nmedians of {} runs; wall time on one core ({pin:?}) and on all {cores}, and its ratio to tcpdump's",
        options.runs
    )?;
    writeln!(
        out,
        "{:12} {:>5} {:>10} {:>7} {:>10} {:>9} {:>8} {:>6} {:>8} {:>6} {:>8} {:>11}",
        "world",
        "files",
        "frames",
        "MB",
        "flows seen",
        "tcpdump s",
        "one s",
        "ratio",
        "all s",
        "ratio",
        "peak MiB",
        "B/flow seen"
    )?;
    for ((name, world), costs) in written.iter().zip(&costs) {
        row(&mut out, name, world, costs)?;
    }
    writeln!(
        out,
        "flows seen: a connection or spoofed SYN counts once at each vantage that it passes"
    )?;
    Ok(())
}

/// What the runs over one world cost.
#[derive(Default)]
struct Costs {
    one: Vec<Cost>,
    all: Vec<Cost>,
    theirs: Vec<Cost>,
}

/// A world on disk.
struct Written {
    paths: Vec<PathBuf>,
    frames: u64,
    bytes: u64,
    sightings: u64,
}

impl Written {
    fn of(truth: &Truth) -> Self {
        Self {
            paths: truth.captures.iter().map(|capture| capture.path.clone()).collect(),
            frames: truth.frames(),
            bytes: truth.bytes(),
            sightings: truth.sightings(),
        }
    }
}

fn row(out: &mut impl Write, name: &str, world: &Written, costs: &Costs) -> io::Result<()> {
    let wall = |costs: &[Cost]| median(costs, |cost| cost.wall);
    let peak = median(&costs.one, |cost| cost.peak);
    let theirs = wall(&costs.theirs);
    let (one, all) = (wall(&costs.one), wall(&costs.all));
    let told =
        |value: f64| if costs.theirs.is_empty() { "-".into() } else { format!("{value:.2}") };
    // A run too short to be measured must not divide by zero.
    let ratio = |ours: f64| told(ours / theirs.max(0.001));
    writeln!(
        out,
        "{name:12} {:>5} {:>10} {:>7.0} {:>10} {:>9} {one:>8.2} {:>6} {all:>8.2} {:>6} {:>8.1} {:>11.0}",
        world.paths.len(),
        world.frames,
        world.bytes as f64 / 1e6,
        world.sightings,
        told(theirs),
        ratio(one),
        ratio(all),
        peak / 1_048_576.0,
        peak / world.sightings.max(1) as f64,
    )
}

/// lbdiag over all captures of a world at once.
fn lbdiag(pin: Pin, paths: &[PathBuf]) -> io::Result<Cost> {
    let mut arguments: Vec<String> =
        ["--format", "json", "--connections", "none", "-o", "/dev/null"]
            .map(str::to_owned)
            .to_vec();
    arguments.extend(paths.iter().map(|path| path.display().to_string()));
    measure::run(pin, env!("CARGO_BIN_EXE_lbdiag"), &arguments, true)
}

/// tcpdump over the captures of a world, one after the other.
fn copy(pin: Pin, paths: &[PathBuf]) -> io::Result<Cost> {
    let mut sum = Cost::default();
    for path in paths {
        let arguments =
            ["-r".to_owned(), path.display().to_string(), "-w".to_owned(), "/dev/null".to_owned()];
        sum = sum.then(measure::run(pin, "tcpdump", &arguments, false)?);
    }
    Ok(sum)
}

fn write_only(options: &Options, folder: &Path) -> Result<(), Fault> {
    for name in &options.worlds {
        if name != "services" {
            let truth = write(name, options, folder)?;
            truth.write_json(&folder.join(name).join("truth.json"))?;
        } else {
            write_services(options, folder)?;
        }
    }
    Ok(())
}

/// Writes 1,000 services of 120 connections to `folder/services`.
fn write_services(options: &Options, folder: &Path) -> Result<Written, Fault> {
    let folder = folder.join("services");
    fs::create_dir_all(&folder)?;
    let services = if options.trial { 10 } else { 1_000 };
    let connections = options.connections.unwrap_or(services * 120);
    let (path, frames, bytes) = services::write(&folder, services, connections)?;
    Ok(Written { paths: vec![path], frames, bytes, sightings: u64::from(connections) })
}

/// Writes the world of this name to `folder/name`.
fn write(name: &str, options: &Options, folder: &Path) -> Result<Truth, Fault> {
    let folder = folder.join(name);
    fs::create_dir_all(&folder)?;
    let begin = Instant::now();
    let truth = world(name, options)?.write(&folder)?;
    let seconds = begin.elapsed().as_secs_f64();
    writeln!(
        io::stdout(),
        "{}: {} frames, {:.0} MB, {} connections, {} spoofed SYNs, written in {seconds:.2} s ({:.1} million frames/s)",
        folder.display(),
        truth.frames(),
        truth.bytes() as f64 / 1e6,
        truth.connections.len(),
        truth.spoofed,
        truth.frames() as f64 / seconds / 1e6,
    )?;
    Ok(truth)
}

fn world(name: &str, options: &Options) -> Result<World, Fault> {
    let small = if options.trial { 100 } else { 1 };
    let connections = |usual: u32| options.connections.unwrap_or(usual / small);
    let director = Vantages { client: false, director: true, real_servers: false };
    Ok(match name {
        // 600,000 packets, each seen twice by the two-armed director.
        "director" => World {
            clients: 1_000,
            connections: connections(25_000),
            packets_per_connection: 24,
            rate: 2_000,
            in_flight: 1_000,
            vantages: director,
            ..World::new(Mode::Nat)
        },
        "six" => World { rate: 10_000, ..scale::world(connections(100_000)) },
        // At any time 20,000 connections are open, whose packets come in any order.
        "six-million" => World {
            clients: 4_000,
            ports_per_client: 250,
            packets_per_connection: 12,
            in_flight: 20_000,
            ..scale::world(connections(1_000_000))
        },
        // A million packets, each seen twice by the two-armed director.
        "nat" => World {
            clients: 1_000,
            connections: connections(20_000),
            packets_per_connection: 50,
            rate: 2_000,
            in_flight: 1_000,
            vantages: director,
            ..World::new(Mode::Nat)
        },
        // Short connections, whose five-tuples come again after 12 s.
        "dr-four" => World {
            clients: 2_000,
            ports_per_client: 60,
            connections: connections(200_000),
            rate: 10_000,
            in_flight: 2_000,
            ..World::new(Mode::Dr)
        },
        // A million SYNs a second at a NAT director, which forwards them to real servers that do not answer.
        "flood" => World {
            clients: 500,
            connections: connections(2_000),
            rate: 200,
            in_flight: 100,
            flood: Some(Flood {
                syns: options.spoofed.unwrap_or(10_000_000 / small),
                same_isn_every: 10,
                fate: FloodFate::DroppedAtRealServer,
            }),
            vantages: director,
            ..World::new(Mode::Nat)
        },
        other => {
            return Err(format!(
                "no world is named {other}: see the head of tests/benches/throughput.rs"
            )
            .into());
        }
    })
}

fn options(mut arguments: impl Iterator<Item = String>) -> Result<Options, Fault> {
    let mut options = Options {
        worlds: Vec::new(),
        connections: None,
        spoofed: None,
        runs: 0,
        keep: None,
        write: None,
        scale: false,
        growth: false,
        tui: false,
        trial: true,
    };
    let mut flood = false;
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value"));
        match argument.as_str() {
            "--bench" => options.trial = false,
            "--flood" => flood = true,
            "--scale" => options.scale = true,
            "--growth" => options.growth = true,
            "--tui" => options.tui = true,
            "--world" => options.worlds.push(value()?),
            "--connections" => options.connections = Some(value()?.parse()?),
            "--spoofed" => options.spoofed = Some(value()?.parse()?),
            "--runs" => options.runs = value()?.parse()?,
            "--keep" => options.keep = Some(value()?.into()),
            "--write" => options.write = Some(value()?.into()),
            other => {
                return Err(format!(
                    "{other} is not known: see the head of tests/benches/throughput.rs"
                )
                .into());
            }
        }
    }
    if options.worlds.is_empty() {
        options.worlds = ["director", "six", "services"].map(str::to_owned).to_vec();
    }
    if flood && !options.worlds.iter().any(|name| name == "flood") {
        options.worlds.push("flood".to_owned());
    }
    if options.runs == 0 {
        options.runs = if options.trial { 1 } else { 5 };
    }
    Ok(options)
}
