//! How soon the terminal UI answers a key: the time from the key to the drawn screen, and to the screen that has what a worker
//! computed, at a million connections and 200 columns by 60 rows.

use crate::Fault;
use crate::generator::World;
use crate::generator::ties;
use crate::generator::world::{Between, Loss, Mode, Vantages};
use lbdiag::tui::{Config, Probe};
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, Instant};

const SIZE: (u16, u16) = (200, 60);

/// What is done: its name, the keys before it, the key, how often.
const DEEDS: [(&str, &[&str], &str, usize); 19] = [
    ("move down in the table", &["3"], "j", 200),
    ("to the last row", &["3"], "G", 20),
    ("to the first row", &["3"], "g", 20),
    ("next failed connection", &["3", "g"], "n", 50),
    ("sort by the next column", &["3"], ">", 16),
    ("turn the order round", &["3"], "r", 8),
    ("type in the filter", &["3", "/"], "c", 20),
    ("open a ladder", &["esc", "3", "g"], "enter", 1),
    ("next packet", &["4"], "j", 6),
    ("overview", &[], "1", 10),
    ("findings", &[], "5", 10),
    ("path", &[], "6", 10),
    ("next connection's path", &["6"], "j", 50),
    ("timeline", &["1"], "2", 1),
    ("zoom in", &["2"], "+", 16),
    ("move the cursor", &["2"], "l", 100),
    ("pan", &["2"], "d", 20),
    ("zoom out", &["2"], "-", 16),
    ("change the lanes", &["2"], "L", 6),
];

/// A NAT service at whose director all is seen twice; two packets of a thousand are lost behind it.
fn world(connections: u32) -> World {
    World {
        clients: 2_000,
        ports_per_client: 500,
        connections,
        packets_per_connection: 8,
        real_servers: 4,
        rate: 10_000,
        in_flight: 2_000,
        loss: Some(Loss { between: Between::DirectorServer, per_mille: 2 }),
        vantages: Vantages { client: false, director: true, real_servers: false },
        ..World::new(Mode::Nat)
    }
}

/// Writes the world, loads it, sends keys and prints how long each was answered after, median and worst.
pub fn run(folder: &Path, connections: u32) -> Result<(), Fault> {
    let mut out = io::stdout().lock();
    let folder = folder.join("tui");
    fs::create_dir_all(&folder)?;
    let truth = world(connections).write(&folder)?;
    let begin = Instant::now();
    let trace = ties::load(&truth);
    let read = begin.elapsed();
    let begin = Instant::now();
    // Panning by half a screen is ctrl-d, which a probe has no name for.
    let config = Config::parse("[keys]\nhalf-down = \"d\"\n").map_err(|(_, why)| why)?;
    let mut probe = Probe::new(trace, "bench", config, SIZE);
    probe.settle();
    writeln!(
        out,
        "{} connections, {} frames: read in {:.1} s, diagnosed and prepared in {:.1} s",
        truth.connections.len(),
        truth.frames(),
        read.as_secs_f64(),
        begin.elapsed().as_secs_f64()
    )?;
    writeln!(out, "{:26} {:>12} {:>12} {:>12} {:>12}", "", "drawn", "worst", "computed", "worst")?;
    for (name, before, key, times) in DEEDS {
        for key in before {
            probe.key(key);
            probe.settle();
        }
        let measured: Vec<(Duration, Duration)> =
            (0..times).map(|_| timed(&mut probe, key)).collect();
        line(&mut out, name, &measured)?;
    }
    // What is typed is answered at once; what it leaves comes after.
    for filter in ["outcome failed", "client 10.0.0.0/8 and bytes > 1k or rs none", "duration > 1s"]
    {
        for key in ["esc", "3", "x", "/"] {
            probe.key(key);
            probe.settle();
        }
        probe.type_text(filter);
        let measured = [timed(&mut probe, "enter")];
        line(&mut out, &format!("filter: {}", &filter[..filter.len().min(18)]), &measured)?;
    }
    fs::remove_dir_all(&folder)?;
    Ok(())
}

/// Until the key is drawn, and until what it asked for is.
fn timed(probe: &mut Probe, key: &str) -> (Duration, Duration) {
    let begin = Instant::now();
    probe.key(key);
    let drawn = begin.elapsed();
    probe.settle();
    (drawn, begin.elapsed())
}

fn line(out: &mut impl Write, name: &str, measured: &[(Duration, Duration)]) -> io::Result<()> {
    let ms = |duration: Duration| format!("{:.2} ms", duration.as_secs_f64() * 1e3);
    let of = |value: fn(&(Duration, Duration)) -> Duration| {
        let mut all: Vec<Duration> = measured.iter().map(value).collect();
        all.sort_unstable();
        let middle = all.get(all.len() / 2).copied().unwrap_or_default();
        (ms(middle), ms(all.last().copied().unwrap_or_default()))
    };
    let ((drawn, worst), (computed, slowest)) = (of(|m| m.0), of(|m| m.1));
    writeln!(out, "{name:26} {drawn:>12} {worst:>12} {computed:>12} {slowest:>12}")?;
    out.flush()
}
