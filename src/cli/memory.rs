//! What this program may use of memory, and what is said before the system takes it away.
//!
//! A control group that is full ends in SIGKILL, an address space that is full in an abort, and
//! neither says whose bound it was. What is in use is looked at while captures are read: near a
//! bound the program ends by itself, names the bound, and leaves no half file. Linux alone tells
//! these numbers. Refuses to guess what a machine without bounds has left for others.

use super::FAILED;
use super::say::Say;
use lbdiag::render::sanitise::clean;
use lbdiag::unfinished;
use std::fs::read_to_string;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Time between two looks.
const PERIOD: Duration = Duration::from_millis(5);
/// Part of a bound, in percent, from which on the next allocation may be the last.
const NEAR: u64 = 92;
/// What is to be left at least, bytes: a table that doubles, and what is read between two looks. Of a
/// small bound a third.
const LEFT: u64 = 32 << 20;

/// A bound and what counts against it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Bound {
    bytes: u64,
    name: String,
    counts: &'static str,
}

/// Watches from now on; `before` gives the terminal back, where it was taken.
pub(super) fn watch(say: Say, before: fn()) {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let bounds = bounds();
        if bounds.is_empty() {
            return;
        }
        std::thread::spawn(move || {
            loop {
                std::thread::sleep(PERIOD);
                let status = read_to_string("/proc/self/status").unwrap_or_default();
                if let Some((bound, used)) = reached(&bounds, &status) {
                    before();
                    say.error(&message(bound, used));
                    unfinished::remove_all();
                    std::process::exit(i32::from(FAILED));
                }
            }
        });
    });
}

/// What is said where captures will need more memory than the machine has free, told from what the part
/// of them needed that was read; nothing before that part tells.
pub(super) fn shortage(read: u64, total: u64) -> Option<String> {
    let text = |path: &str| read_to_string(path).unwrap_or_default();
    let used = field(&text("/proc/self/status"), "RssAnon")?;
    let free = field(&text("/proc/meminfo"), "MemAvailable")?;
    short(used, free, read, total)
}

/// Bytes that are read before an estimate is worth something.
const ENOUGH: u64 = 64 << 20;
/// Joining takes about a third more than was kept of frames.
const JOINING: u64 = 3;

fn short(used: u64, free: u64, read: u64, total: u64) -> Option<String> {
    if read < ENOUGH || read >= total {
        return None;
    }
    let whole = u128::from(used) * u128::from(total) / u128::from(read);
    let whole = u64::try_from(whole).ok()?;
    let needed = whole.saturating_add(whole / JOINING);
    (needed > used.saturating_add(free)).then(|| {
        format!(
            "these captures will need about {} MiB of memory, and {} MiB are free: the machine may swap; take in a part of the time with --since and --until or fewer captures at once",
            needed >> 20,
            used.saturating_add(free) >> 20
        )
    })
}

fn message(bound: &Bound, used: u64) -> String {
    format!(
        "these captures need more memory than {} allows: {} MiB of {} MiB are in use; take in a part of the time with --since and --until, or fewer captures at once, or allow more",
        clean(&bound.name),
        used >> 20,
        bound.bytes >> 20
    )
}

/// The bound that is as good as reached, with what is in use.
fn reached<'a>(bounds: &'a [Bound], status: &str) -> Option<(&'a Bound, u64)> {
    bounds.iter().find_map(|bound| {
        let used = field(status, bound.counts)?;
        let left = (bound.bytes / 100 * (100 - NEAR)).max(LEFT.min(bound.bytes / 3));
        (used > bound.bytes - left).then_some((bound, used))
    })
}

/// A field of proc_pid_status(5), in bytes.
fn field(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

fn bounds() -> Vec<Bound> {
    let group = read_to_string("/proc/self/cgroup").unwrap_or_default();
    let limits = read_to_string("/proc/self/limits").unwrap_or_default();
    let own = |path: &Path| read_to_string(path).ok();
    groups(&group, own).into_iter().chain(address_space(&limits)).collect()
}

/// The narrowest of the control groups that it is in (cgroups(7)): version 2, or the memory
/// controller of version 1.
fn groups(own: &str, read: impl Fn(&Path) -> Option<String>) -> Option<Bound> {
    let mut found: Vec<Bound> = Vec::new();
    for line in own.lines() {
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (parts.next(), parts.next()) else { continue };
        let (root, file) = if controllers.is_empty() {
            ("/sys/fs/cgroup", "memory.max")
        } else if controllers.split(',').any(|c| c == "memory") {
            ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")
        } else {
            continue;
        };
        let mut group = Some(Path::new(path));
        while let Some(at) = group {
            let folder = PathBuf::from(root).join(at.strip_prefix("/").unwrap_or(at));
            let bytes = read(&folder.join(file)).and_then(|text| text.trim().parse().ok());
            // Version 1 writes "no limit" as a number near the largest.
            if let Some(bytes) = bytes.filter(|bytes| *bytes < 1 << 60) {
                let name = format!("its control group ({file} of {})", at.display());
                found.push(Bound { bytes, name, counts: "RssAnon" });
            }
            group = at.parent();
        }
    }
    found.into_iter().min_by_key(|bound| bound.bytes)
}

/// `ulimit -v` (getrlimit(2), `RLIMIT_AS`).
fn address_space(limits: &str) -> Option<Bound> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max address space"))?;
    let bytes = line.split_whitespace().next()?.parse().ok()?;
    Some(Bound {
        bytes,
        name: "the limit of its address space (ulimit -v)".into(),
        counts: "VmSize",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_narrowest_control_group_counts() {
        let read = |path: &Path| match path.to_str().unwrap() {
            "/sys/fs/cgroup/a/b/memory.max" => Some("max\n".to_owned()),
            "/sys/fs/cgroup/a/memory.max" => Some("1073741824\n".to_owned()),
            "/sys/fs/cgroup/memory/x/memory.limit_in_bytes" => {
                Some("9223372036854771712\n".to_owned())
            }
            _ => None,
        };
        let bound = groups("4:cpu:/y\n3:memory:/x\n0::/a/b\n", read).unwrap();
        assert_eq!((bound.bytes, bound.counts), (1 << 30, "RssAnon"));
        assert!(bound.name.contains("memory.max of /a"), "{}", bound.name);
        assert_eq!(groups("3:memory:/x\n", read), None, "no limit is none");
    }

    #[test]
    fn a_shortage_is_told_once_enough_was_read() {
        let gib = |n: u64| n << 30;
        let said = short(gib(1), gib(6), gib(1), gib(10)).unwrap();
        assert!(said.contains("about 13653 MiB") && said.contains("7168 MiB are free"), "{said}");
        assert_eq!(short(gib(1), gib(16), gib(1), gib(10)), None);
        assert_eq!(short(gib(1), 0, ENOUGH - 1, gib(10)), None);
        assert_eq!(short(gib(1), 0, gib(10), gib(10)), None, "all was read");
    }

    #[test]
    fn an_address_space_is_bounded_or_not() {
        let limits = "Max address space         536870912            unlimited            bytes\n";
        assert_eq!(address_space(limits).unwrap().bytes, 512 << 20);
        assert_eq!(address_space(&limits.replace("536870912", "unlimited")), None);
    }

    #[test]
    fn it_speaks_before_the_bound_and_not_long_before() {
        let bound = Bound { bytes: 1000 << 20, name: "ulimit -v".into(), counts: "VmSize" };
        let status =
            |mib: u64| format!("Name:\tlbdiag\nVmSize:\t {} kB\nRssAnon:\t 1 kB\n", mib << 10);
        assert_eq!(reached(std::slice::from_ref(&bound), &status(900)), None);
        let (_, used) = reached(std::slice::from_ref(&bound), &status(950)).unwrap();
        let said = message(&bound, used);
        assert!(said.contains("950 MiB of 1000 MiB") && said.contains("--since"), "{said}");
    }
}
