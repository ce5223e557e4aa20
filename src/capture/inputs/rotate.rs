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
use crate::capture::{Peek, Timestamp};

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
        return Some(Place { key, label: label.to_owned(), order, ring: false, epoch: None });
    }
    let count = if p.count.is_empty() { 0 } else { p.count.parse().ok()? };
    let ring = !p.count.is_empty();
    if let Some(s) = stamp::find(p.stem) {
        let (front, back) = (&p.stem[..s.start], &p.stem[s.end..]);
        let key = format!("date {front} {} {back} {tail}", s.shape);
        let label = match (trim(front), trim(back)) {
            ("", "") => p.stem.to_owned(),
            ("", one) | (one, "") => one.to_owned(),
            (one, two) => format!("{one}-{two}"),
        };
        return Some(Place { key, label, order: (s.digits, count), ring: false, epoch: s.epoch });
    }
    if p.extension.is_empty() {
        return None;
    }
    let key = format!("count {} {tail}", p.stem);
    Some(Place { key, label: p.stem.to_owned(), order: (String::new(), count), ring, epoch: None })
}

/// `NAME_00001_20260101120000`, or with the two numbers the other way round.
fn dumpcap(stem: &str) -> Option<(&str, (String, u64))> {
    let (rest, last) = stem.rsplit_once('_')?;
    let (label, first) = rest.rsplit_once('_')?;
    let (count, date) = if last.len() == 14 { (first, last) } else { (last, first) };
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
            groups.entry((folder, place.key.clone())).or_default().push((place, at));
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
    let timed: Vec<(usize, Timestamp)> =
        (0..parts.len()).filter_map(|n| Some((n, peek(parts[n]).first?))).collect();
    let falls: Vec<usize> = timed.windows(2).filter(|w| w[1].1 <= w[0].1).map(|w| w[1].0).collect();
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
    group.iter().enumerate().all(|(n, (place, _))| place.ring && place.order.1 == n as u64)
}

#[cfg(test)]
mod tests {
    use super::{Joined, Part, join};
    use crate::capture::{LinkType, Peek, Timestamp};
    use std::path::Path;

    /// Names with the second of their first frame; what joins, as names.
    fn joined(files: &[(&str, i64)]) -> Vec<(String, Vec<String>)> {
        let peeks: Vec<Peek> = files.iter().map(|(_, second)| look(*second)).collect();
        let parts: Vec<Part<'_>> = files
            .iter()
            .zip(&peeks)
            .map(|((name, _), peek)| Part { path: Path::new(name), peek })
            .collect();
        let name = |at: usize| files[at].0.to_owned();
        join(&parts, &mut Vec::new())
            .into_iter()
            .map(|Joined { label, parts }| (label, parts.into_iter().map(name).collect()))
            .collect()
    }

    fn look(second: i64) -> Peek {
        let first = Some(Timestamp(second * 1_000_000_000));
        Peek { format: "pcap", link_type: Some(LinkType::ETHERNET), first }
    }

    fn one(label: &str, names: &[&str]) -> Vec<(String, Vec<String>)> {
        vec![(label.to_owned(), names.iter().map(|n| (*n).to_owned()).collect())]
    }

    #[test]
    fn counted_parts_join_in_order_of_count() {
        let files = [("x.pcap10", 110), ("x.pcap", 100), ("x.pcap2", 102), ("x.pcap1", 101)];
        assert_eq!(joined(&files), one("x", &["x.pcap", "x.pcap1", "x.pcap2", "x.pcap10"]));
        let files = [("x.pcap01", 101), ("x.pcap00", 100)];
        assert_eq!(joined(&files), one("x", &["x.pcap00", "x.pcap01"]));
        let files = [("x.pcap1.gz", 101), ("x.pcap.gz", 100)];
        assert_eq!(joined(&files), one("x", &["x.pcap.gz", "x.pcap1.gz"]));
    }

    #[test]
    fn a_ring_that_went_round_begins_at_its_oldest_part() {
        let files = [("x.pcap0", 104), ("x.pcap1", 105), ("x.pcap2", 102), ("x.pcap3", 103)];
        assert_eq!(joined(&files), one("x", &["x.pcap2", "x.pcap3", "x.pcap0", "x.pcap1"]));
        assert_eq!(joined(&[("x.pcap1", 105), ("x.pcap2", 102)]), []);
    }

    #[test]
    fn dumpcap_parts_join_by_their_number() {
        let files =
            [("d/lb_00002_20260101130000.pcapng", 7), ("d/lb_00001_20260101120000.pcapng", 5)];
        assert_eq!(joined(&files), one("lb", &[files[1].0, files[0].0]));
    }

    #[test]
    fn dated_parts_join_by_date() {
        let files = [("lb-20260102.pcap", 8), ("lb-20260101.pcap", 5)];
        assert_eq!(joined(&files), one("lb", &[files[1].0, files[0].0]));
        let files = [("2026-01-01_10.00.00-eth0.pcap", 5), ("2026-01-01_11.00.00-eth0.pcap", 8)];
        assert_eq!(joined(&files), one("eth0", &[files[0].0, files[1].0]));
        let files = [("x-20260101.pcap", 5), ("x-20260101.pcap1", 6), ("x-20260102.pcap", 7)];
        assert_eq!(joined(&files), one("x", &[files[0].0, files[1].0, files[2].0]));
        let files = [("lb.1767225600.pcap", 1_767_225_600), ("lb.1767225660.pcap", 1_767_225_661)];
        assert_eq!(joined(&files), one("lb", &[files[0].0, files[1].0]));
    }

    #[test]
    fn what_only_looks_alike_stays_apart() {
        for files in [
            [("12345678.cap", 1), ("12345679.cap", 2)],
            [("rs1.pcap", 1), ("rs2.pcap", 2)],
            [("rs1", 1), ("rs2", 2)],
            [("a/x.pcap", 1), ("b/x.pcap1", 2)],
            [("client-20260101.pcap", 1), ("server-20260102.pcap", 2)],
            [("lb-20260101.pcap", 1), ("lb-2026-01-02.pcap", 2)],
            // The frames deny the order of the names, or begin at the same time.
            [("x.pcap", 2), ("x.pcap1", 1)],
            [("x.pcap", 2), ("x.pcap1", 2)],
            // Ten digits that are no epoch of the frames.
            [("1234567890.pcap", 1_700_000_000), ("1234567891.pcap", 1_700_000_001)],
        ] {
            assert_eq!(joined(&files), [], "{files:?}");
        }
    }

    #[test]
    fn other_link_types_stay_apart_with_a_note() {
        let other = Peek { link_type: Some(LinkType::LINUX_SLL), ..look(2) };
        let (a, b) = (Path::new("x.pcap"), Path::new("x.pcap1"));
        let parts = [Part { path: a, peek: &look(1) }, Part { path: b, peek: &other }];
        let mut notes = Vec::new();
        assert_eq!(join(&parts, &mut notes), []);
        assert!(notes[0].contains("link types differ"), "{notes:?}");
    }
}
