//! Which files are the parts of one rotated capture.
//!
//! Names as `tcpdump -C` and `-W` (a count after the extension), `tcpdump -G` (a date in the name)
//! and dumpcap's ring buffer (`_00001_20260101120000`) write them only propose it. The files must
//! also be of one format and link type, and their first frames must follow each other in the order
//! of the names: names alone would join captures of different hosts.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::label::parts;
use super::stamp;
use super::{Peek, Timestamp};

/// A day in seconds, for time zones and the time that a first frame may be late.
const DAY: i64 = 86_400;

/// A file's place in a rotation that its name proposes.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    /// Equal for all parts.
    key: String,
    /// What the parts are called together.
    label: String,
    /// Sorts the parts: digits of the date, then the count.
    order: (String, u64),
    /// A count that begins with an explicit 0, as a ring of `-W` files has it.
    ring: bool,
    epoch: Option<i64>,
}

/// Removes what joined the date to the rest of the name.
fn trim(text: &str) -> &str {
    text.trim_matches(|c: char| "-_. ".contains(c))
}

/// What the name proposes; `None` where it is no part of anything.
fn place(path: &Path) -> Option<Place> {
    let name = path.file_name()?.to_str()?;
    let p = parts(name);
    let tail = format!("{}{}", p.extension.to_ascii_lowercase(), p.compression);
    if let Some((label, order)) = dumpcap(p.stem).filter(|_| p.count.is_empty()) {
        let key = format!("dumpcap {label} {tail}");
        return Some(Place {
            key,
            label: label.to_owned(),
            order,
            ring: false,
            epoch: None,
        });
    }
    let count = if p.count.is_empty() {
        0
    } else {
        p.count.parse().ok()?
    };
    let ring = !p.count.is_empty();
    if let Some(s) = stamp::find(p.stem) {
        let (front, back) = (&p.stem[..s.start], &p.stem[s.end..]);
        let key = format!("date {front} {} {back} {tail}", s.shape);
        let label = match (trim(front), trim(back)) {
            ("", "") => p.stem.to_owned(),
            ("", one) | (one, "") => one.to_owned(),
            (one, two) => format!("{one}-{two}"),
        };
        return Some(Place {
            key,
            label,
            order: (s.digits, count),
            ring: false,
            epoch: s.epoch,
        });
    }
    if p.extension.is_empty() {
        return None;
    }
    let key = format!("count {} {tail}", p.stem);
    Some(Place {
        key,
        label: p.stem.to_owned(),
        order: (String::new(), count),
        ring,
        epoch: None,
    })
}

/// `NAME_00001_20260101120000`, or with the two numbers the other way round.
fn dumpcap(stem: &str) -> Option<(&str, (String, u64))> {
    let (rest, last) = stem.rsplit_once('_')?;
    let (label, first) = rest.rsplit_once('_')?;
    let (count, date) = if last.len() == 14 {
        (first, last)
    } else {
        (last, first)
    };
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    let found = stamp::find(date)?;
    let whole = date.len() == 14 && found.start == 0 && found.end == 14;
    if label.is_empty() || count.len() < 5 || !digits(count) || !whole {
        return None;
    }
    Some((label, (String::new(), count.parse().ok()?)))
}

/// A file as far as rotation needs to know it.
pub(super) struct Part<'a> {
    pub(super) path: &'a Path,
    pub(super) peek: &'a Peek,
}

/// Parts that are one capture.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Joined {
    pub(super) label: String,
    /// Indices of the parts, in order.
    pub(super) parts: Vec<usize>,
}

/// Finds the rotated captures among `files`; what it does not return stands alone. Adds a note for
/// names that propose a rotation that the frames deny.
pub(super) fn join(files: &[Part<'_>], notes: &mut Vec<String>) -> Vec<Joined> {
    let mut groups: HashMap<(PathBuf, String), Vec<(Place, usize)>> = HashMap::new();
    for (at, file) in files.iter().enumerate() {
        if let Some(place) = place(file.path) {
            let folder = file.path.parent().unwrap_or(Path::new("")).to_owned();
            groups
                .entry((folder, place.key.clone()))
                .or_default()
                .push((place, at));
        }
    }
    let mut joined = Vec::new();
    let mut groups: Vec<_> = groups.into_values().filter(|g| g.len() > 1).collect();
    groups.sort_by_key(|g| g.iter().map(|(_, at)| *at).min());
    for mut group in groups {
        group.sort_by(|a, b| a.0.order.cmp(&b.0.order));
        let first = files[group[0].1].path.display().to_string();
        let more = group.len() - 1;
        let label = group[0].0.label.clone();
        match order(&group, files) {
            Ok(parts) => {
                let s = if more == 1 { "" } else { "s" };
                notes.push(format!("{first} and {more} more file{s} are read as one rotated capture, {label}"));
                joined.push(Joined { label, parts });
            }
            Err(why) => notes.push(format!(
                "{first} and {more} more by name look like one rotated capture, but {why}; they are read as separate captures (to join them, give each the same label, as in {label}=FILE)"
            )),
        }
    }
    joined
}

/// The parts in order of time, or why they are no rotation.
fn order(group: &[(Place, usize)], files: &[Part<'_>]) -> Result<Vec<usize>, &'static str> {
    let peek = |at: usize| files[at].peek;
    let kind = |at: usize| (peek(at).format, peek(at).link_type);
    let (_, head) = group[0];
    if group.iter().any(|(_, at)| kind(*at) != kind(head)) {
        return Err("their formats or link types differ");
    }
    if group.windows(2).any(|w| w[0].0.order == w[1].0.order) {
        return Err("two of them have the same place in it");
    }
    for (place, at) in group {
        if let (Some(epoch), Some(Timestamp(first))) = (place.epoch, peek(*at).first)
            && !(-DAY..=31 * DAY).contains(&(first / 1_000_000_000 - epoch))
        {
            return Err("the number in the name is not the time of the first frame");
        }
    }
    let parts: Vec<usize> = group.iter().map(|(_, at)| *at).collect();
    // Files without a frame say nothing about the order.
    let timed: Vec<(usize, Timestamp)> = (0..parts.len())
        .filter_map(|n| Some((n, peek(parts[n]).first?)))
        .collect();
    let falls: Vec<usize> = timed
        .windows(2)
        .filter(|w| w[1].1 <= w[0].1)
        .map(|w| w[1].0)
        .collect();
    match (falls.as_slice(), timed.first(), timed.last()) {
        ([], ..) => Ok(parts),
        // A ring that went round: the oldest file is somewhere in the middle.
        ([at], Some(first), Some(last)) if last.1 < first.1 && is_ring(group) => {
            Ok([&parts[*at..], &parts[..*at]].concat())
        }
        _ => Err("their first frames are not in the order of the names"),
    }
}

/// Counts from an explicit 0 without a gap, as `tcpdump -W` writes and overwrites them.
fn is_ring(group: &[(Place, usize)]) -> bool {
    group
        .iter()
        .enumerate()
        .all(|(n, (place, _))| place.ring && place.order.1 == n as u64)
}
