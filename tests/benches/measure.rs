//! What a child process costs: CPU time, wall time and peak memory, from `/proc` (Linux) alone.

use std::fs;
use std::io;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// The cost of one run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cost {
    /// User and system time of the process and all its threads, in seconds; steps of 10 ms.
    pub cpu: f64,
    /// From start to exit, in seconds.
    pub wall: f64,
    /// Peak resident memory in bytes (VmHWM), as last read before the exit.
    pub peak: f64,
}

impl Cost {
    /// One run after the other.
    pub fn then(self, next: Self) -> Self {
        Self {
            cpu: self.cpu + next.cpu,
            wall: self.wall + next.wall,
            peak: self.peak.max(next.peak),
        }
    }
}

/// How many cores children have.
#[derive(Clone, Copy, Debug)]
pub enum Pin {
    /// All that there are.
    All,
    /// `taskset -c 0`.
    Core,
    /// No taskset here: `RAYON_NUM_THREADS=1`, which leaves the process free to move.
    Threads,
}

impl Pin {
    /// `taskset` where it works, which a restricted set of CPUs may prevent.
    pub fn detect() -> Self {
        if works("taskset", &["-c", "0", "true"]) { Self::Core } else { Self::Threads }
    }

    fn command(self, program: &str) -> Command {
        match self {
            Self::All => Command::new(program),
            Self::Core => {
                let mut command = Command::new("taskset");
                command.args(["-c", "0", program]);
                command
            }
            Self::Threads => {
                let mut command = Command::new(program);
                command.env("RAYON_NUM_THREADS", "1");
                command
            }
        }
    }
}

/// Whether a program is installed and ends well.
pub fn works(program: &str, arguments: &[&str]) -> bool {
    let status =
        Command::new(program).args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

/// Runs a program to its end and measures it; stdout is thrown away, stderr too unless `loud`.
///
/// # Errors
/// Where the program cannot be started or ends badly, or `/proc` cannot be read.
pub fn run(pin: Pin, program: &str, arguments: &[String], loud: bool) -> io::Result<Cost> {
    let before = children_cpu()?;
    let begin = Instant::now();
    let stderr = if loud { Stdio::inherit() } else { Stdio::null() };
    let mut child = pin
        .command(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(stderr)
        .spawn()?;
    let mut peak = 0;
    let status = loop {
        // After the exit nothing is left to read: the last value before it is at most one pause old.
        peak = peak_memory(&child).unwrap_or(0).max(peak);
        if let Some(status) = child.try_wait()? {
            break status;
        }
        thread::sleep(Duration::from_millis(3));
    };
    if !status.success() {
        return Err(io::Error::other(format!("{program}: {status}")));
    }
    let wall = begin.elapsed().as_secs_f64();
    Ok(Cost { cpu: children_cpu()? - before, wall, peak: peak as f64 })
}

/// CPU seconds of all children waited for: fields 16 and 17 of `/proc/self/stat` (proc(5)), in ticks of 1/100 s, which is
/// Linux's USER_HZ on all but historic machines.
fn children_cpu() -> io::Result<f64> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    // The second field, the name, may hold blanks and parentheses; field 3 is the first after its last parenthesis.
    let fields: Vec<&str> =
        stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace().collect();
    let ticks = |field: usize| fields.get(field - 3).and_then(|text| text.parse::<u64>().ok());
    match (ticks(16), ticks(17)) {
        (Some(user), Some(system)) => Ok((user + system) as f64 / 100.0),
        _ => Err(io::Error::other("/proc/self/stat is not as expected")),
    }
}

/// VmHWM of a living child in bytes.
fn peak_memory(child: &Child) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kibibytes| kibibytes * 1024)
}

/// The median of what `value` takes from each cost.
pub fn median(costs: &[Cost], value: impl Fn(&Cost) -> f64) -> f64 {
    let mut values: Vec<f64> = costs.iter().map(value).collect();
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => 0.0,
        n if n % 2 == 1 => values[n / 2],
        n => f64::midpoint(values[n / 2 - 1], values[n / 2]),
    }
}
