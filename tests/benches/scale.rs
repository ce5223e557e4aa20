//! How cost grows with connections: the same world at 10,000, 100,000 and 1,000,000 connections over six vantages, and whether
//! every connection is still tied as the truth has it.

use crate::generator::World;
use crate::generator::ties;
use crate::generator::world::{Clock, Clocks, Mode};
use crate::measure::Pin;
use crate::{Fault, Written, lbdiag};
use std::fs;
use std::io::{self, Write};
use std::path::Path;

const SIZES: [u32; 3] = [10_000, 100_000, 1_000_000];

/// A DR service with four real servers, eight packets a connection, five-tuples that come again after 12 s, and clocks that
/// are off and drift.
pub fn world(connections: u32) -> World {
    let clock = |offset_ns, drift_ppm| Clock { offset_ns, drift_ppm };
    World {
        clients: 2_000,
        ports_per_client: 60,
        connections,
        packets_per_connection: 8,
        real_servers: 4,
        rate: 10_000,
        in_flight: 2_000,
        clocks: Clocks {
            director: clock(-1_250_000_000, -20),
            real_servers: vec![clock(700_000, 30), clock(3_600_000_000_000, 0), clock(0, 9)],
            ..Clocks::default()
        },
        ..World::new(Mode::Dr)
    }
}

/// Writes each world to `folder`, measures lbdiag over it, loads it once more in this process to hold every connection
/// against the truth, and removes it. `most` connections at most.
pub fn run(pin: Pin, folder: &Path, most: Option<u32>) -> Result<(), Fault> {
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "{:>11} {:>10} {:>7} {:>8} {:>14} {:>9} {:>21} ties",
        "connections",
        "frames",
        "MB",
        "CPU s",
        "us/connection",
        "peak MiB",
        "B/connection, vantage"
    )?;
    for connections in SIZES.into_iter().filter(|n| most.is_none_or(|most| *n <= most)) {
        let folder = folder.join(format!("scale-{connections}"));
        fs::create_dir_all(&folder)?;
        let truth = world(connections).write(&folder)?;
        let cost = lbdiag(pin, &Written::of(&truth).paths)?;
        let wrong = ties::wrongs(&truth, &ties::load(&truth));
        let verdict = match wrong.first() {
            None => "all right".to_owned(),
            Some(first) => format!("{} wrong, such as {first}", wrong.len()),
        };
        writeln!(
            out,
            "{connections:>11} {:>10} {:>7.0} {:>8.2} {:>14.2} {:>9.1} {:>21.0} {verdict}",
            truth.frames(),
            truth.bytes() as f64 / 1e6,
            cost.cpu,
            cost.cpu * 1e6 / f64::from(connections),
            cost.peak / 1_048_576.0,
            cost.peak / truth.sightings() as f64,
        )?;
        out.flush()?;
        fs::remove_dir_all(&folder)?;
    }
    writeln!(out, "one core ({pin:?}); a connection passes three of the six vantages")?;
    Ok(())
}
