//! How fast lbdiag reads captures on one core, and in how much memory, beside `tcpdump -r FILE -w /dev/null`.
//!
//! `cargo bench --bench throughput -- [OPTIONS]` writes worlds (see `tests/generator`) to a temporary folder, runs the
//! built binary and tcpdump over the same files in turns, and prints medians. tcpdump only copies frames: the ratio to its
//! CPU time says what diagnosis costs, and holds better from machine to machine than seconds do.
//!
//! ```text
//! --world NAME       nat, dr-four or flood; may be repeated (default: nat and dr-four)
//! --flood            the flood too: 10,000,000 spoofed SYNs, 2 GB of disk
//! --connections N    true connections of each world
//! --spoofed N        spoofed SYNs of the flood
//! --scale            instead: what 10,000, 100,000 and 1,000,000 connections cost, and whether all are tied as the
//!                    truth has it (--connections N: not more than N); 5 GB of disk
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

mod measure;
mod scale;
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
    if options.scale {
        return scale::run(pin, folder, options.connections);
    }
    let mut written = Vec::new();
    for name in &options.worlds {
        written.push((name, write(name, &options, folder)?));
    }
    let tcpdump = measure::works("tcpdump", &["--version"]);
    let mut costs = vec![(Vec::new(), Vec::new()); written.len()];
    for _ in 0..options.runs {
        for ((_, truth), (ours, theirs)) in written.iter().zip(&mut costs) {
            ours.push(lbdiag(pin, truth)?);
            if tcpdump {
                theirs.push(copy(pin, truth)?);
            }
        }
    }
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "\nmedians of {} runs, one core ({pin:?}); rates and ratio by CPU time",
        options.runs
    )?;
    writeln!(
        out,
        "{:8} {:>5} {:>11} {:>9} {:>11} {:>8} {:>8} {:>10} {:>8} {:>9} {:>12} {:>10} {:>7}",
        "world",
        "files",
        "frames",
        "MB",
        "flows seen",
        "CPU s",
        "wall s",
        "frames/s",
        "MB/s",
        "peak MiB",
        "B/flow seen",
        "tcpdump s",
        "ratio"
    )?;
    for ((name, truth), (ours, theirs)) in written.iter().zip(&costs) {
        row(&mut out, name, truth, ours, theirs)?;
    }
    writeln!(
        out,
        "flows seen: a connection or spoofed SYN counts once at each vantage that it passes"
    )?;
    Ok(())
}

fn row(
    out: &mut impl Write,
    name: &str,
    truth: &Truth,
    ours: &[Cost],
    theirs: &[Cost],
) -> io::Result<()> {
    // A run too short for the clock's steps must not divide by zero.
    let cpu = median(ours, |cost| cost.cpu).max(0.01);
    let peak = median(ours, |cost| cost.peak);
    let megabytes = truth.bytes() as f64 / 1e6;
    let (beside, ratio) = if theirs.is_empty() {
        ("-".to_owned(), "-".to_owned())
    } else {
        let cost = median(theirs, |cost| cost.cpu).max(0.01);
        (format!("{cost:.2}"), format!("{:.2}", cpu / cost))
    };
    writeln!(
        out,
        "{name:8} {:>5} {:>11} {megabytes:>9.0} {:>11} {cpu:>8.2} {:>8.2} {:>10.0} {:>8.0} {:>9.1} {:>12.0} {beside:>10} {ratio:>7}",
        truth.captures.len(),
        truth.frames(),
        truth.sightings(),
        median(ours, |cost| cost.wall),
        truth.frames() as f64 / cpu,
        megabytes / cpu,
        peak / 1_048_576.0,
        peak / truth.sightings().max(1) as f64,
    )
}

/// lbdiag over all captures of a world at once.
fn lbdiag(pin: Pin, truth: &Truth) -> io::Result<Cost> {
    let mut arguments: Vec<String> =
        ["--format", "json", "--connections", "none", "-o", "/dev/null"]
            .map(str::to_owned)
            .to_vec();
    arguments.extend(truth.captures.iter().map(|capture| capture.path.display().to_string()));
    measure::run(pin, env!("CARGO_BIN_EXE_lbdiag"), &arguments, true)
}

/// tcpdump over the captures of a world, one after the other.
fn copy(pin: Pin, truth: &Truth) -> io::Result<Cost> {
    let mut sum = Cost::default();
    for capture in &truth.captures {
        let arguments = [
            "-r".to_owned(),
            capture.path.display().to_string(),
            "-w".to_owned(),
            "/dev/null".to_owned(),
        ];
        sum = sum.then(measure::run(pin, "tcpdump", &arguments, false)?);
    }
    Ok(sum)
}

fn write_only(options: &Options, folder: &Path) -> Result<(), Fault> {
    for name in &options.worlds {
        let truth = write(name, options, folder)?;
        truth.write_json(&folder.join(name).join("truth.json"))?;
    }
    Ok(())
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
        other => return Err(format!("no world is named {other}: nat, dr-four, flood").into()),
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
        options.worlds = vec!["nat".to_owned(), "dr-four".to_owned()];
    }
    if flood && !options.worlds.iter().any(|name| name == "flood") {
        options.worlds.push("flood".to_owned());
    }
    if options.runs == 0 {
        options.runs = if options.trial { 1 } else { 5 };
    }
    Ok(options)
}
