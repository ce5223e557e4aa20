//! Numbers as people read them: durations, counts, times of day, and the few words that
//! several outputs put them in.
//!
//! Only the form changes here; a value is never combined with another.

use super::sanitise::clean;
pub(crate) use crate::diagnose::words::thousands as count;
use crate::report::{Affected, Status};

/// What a redacted report says of itself.
pub(crate) const REDACTED: &str =
    "names, addresses and MACs are stand-ins: commands below fit no real host as they stand";

const MS: u128 = 1_000_000;
const S: u128 = 1_000_000_000;

/// A duration without its sign: `240 ns`, `4.2 µs`, `0.24 ms`, `1.03 s`,
/// `2 min 3 s`, `3 h 0 min`, `2 d 4 h`.
pub(crate) fn duration(ns: i64) -> String {
    let ns = u128::from(ns.unsigned_abs());
    // Each bound is where the smaller unit would round up into the larger.
    match ns {
        0 => "0 ms".to_owned(),
        1..1_000 => format!("{ns} ns"),
        1_000..9_950 => format!("{} µs", decimals(ns, 1_000, 1)),
        9_950..999_995_000 => format!("{} ms", decimals(ns, MS, 2)),
        999_995_000..59_995_000_000 => format!("{} s", decimals(ns, S, 2)),
        _ => long(ns),
    }
}

/// Minutes and more, in two units.
fn long(ns: u128) -> String {
    let s = (ns + S / 2) / S;
    if s < 3_600 {
        return format!("{} min {} s", s / 60, s % 60);
    }
    let min = (s + 30) / 60;
    if min < 24 * 60 {
        return format!("{} h {} min", min / 60, min % 60);
    }
    let h = (min + 30) / 60;
    format!("{} d {} h", h / 24, h % 24)
}

/// A time since a first one: `+0.237 ms`, `+1.034 s`, `-2 min 3 s`. Three
/// decimals, for frames are compared with Wireshark's microseconds.
pub(crate) fn since(ns: i64) -> String {
    let sign = if ns < 0 { '-' } else { '+' };
    let abs = u128::from(ns.unsigned_abs());
    match abs {
        0..999_999_500 => format!("{sign}{} ms", decimals(abs, MS, 3)),
        999_999_500..59_999_500_000 => format!("{sign}{} s", decimals(abs, S, 3)),
        _ => format!("{sign}{}", long(abs)),
    }
}

/// A time in a ladder's margin: milliseconds bare (`0.27`), the rest with its
/// unit (`1.03 s`, `2 min 3 s`).
pub(crate) fn margin(ns: i64) -> String {
    let sign = if ns < 0 { "-" } else { "" };
    let abs = u128::from(ns.unsigned_abs());
    match abs {
        0..999_995_000 => format!("{sign}{}", decimals(abs, MS, 2)),
        999_995_000..59_995_000_000 => format!("{sign}{} s", decimals(abs, S, 2)),
        _ => format!("{sign}{}", long(abs)),
    }
}

/// `value / unit` rounded to `places` decimals.
fn decimals(value: u128, unit: u128, places: u32) -> String {
    let scale = 10_u128.pow(places);
    let scaled = (value * scale + unit / 2) / unit;
    format!("{}.{:0width$}", scaled / scale, scaled % scale, width = places as usize)
}

/// `1 connection`, `3 connections`.
pub(crate) fn plural(n: u64, noun: &str) -> String {
    format!("{} {noun}{}", count(n), if n == 1 { "" } else { "s" })
}

/// Date and time of an RFC 3339 string in UTC, to the millisecond; a string of
/// another form gives none.
fn moment(rfc3339: &str) -> Option<(&str, &str)> {
    let date = rfc3339.get(..10)?;
    let rest = rfc3339.get(10..)?.strip_prefix('T')?.strip_suffix('Z')?;
    let time = rest.get(..12).unwrap_or(rest);
    let digits =
        |s: &str, also: &[char]| s.chars().all(|c| c.is_ascii_digit() || also.contains(&c));
    (digits(date, &['-']) && digits(time, &[':', '.'])).then_some((date, time))
}

/// The date of an RFC 3339 string in UTC; nothing where it is none.
pub(crate) fn day(rfc3339: &str) -> &str {
    moment(rfc3339).map_or("", |(date, _)| date)
}

/// The time of day in `places` characters: `03:04:05`, `03:04:05.123`; cleaned as
/// it is where it is not RFC 3339.
pub(crate) fn clock(rfc3339: &str, places: usize) -> String {
    moment(rfc3339).map_or_else(
        || clean(rfc3339).into_owned(),
        |(_, time)| time.get(..places).unwrap_or(time).to_owned(),
    )
}

/// `2026-01-02 03:04:05.123`, in UTC; cleaned as it is where it is not RFC 3339.
pub(crate) fn instant(rfc3339: &str) -> String {
    moment(rfc3339)
        .map_or_else(|| clean(rfc3339).into_owned(), |(date, time)| format!("{date} {time}"))
}

/// `2026-01-02 03:04:05.123 to 03:04:09.456 UTC`; the date once if it is the same.
pub(crate) fn span(first: &str, last: &str) -> String {
    match (moment(first), moment(last)) {
        (Some(a), Some(b)) if a == b => format!("{} {} UTC", a.0, a.1),
        (Some((d1, t1)), Some((d2, t2))) if d1 == d2 => format!("{d1} {t1} to {t2} UTC"),
        _ => format!("{} to {} UTC", instant(first), instant(last)),
    }
}

/// The verdict as a heading.
pub(crate) fn verdict(status: Status) -> &'static str {
    match status {
        Status::Healthy => "Healthy",
        Status::Degraded => "Degraded",
        Status::Failing => "Failing",
        Status::Inconclusive => "Inconclusive",
    }
}

/// What became of a connection, as the report has it, in words.
pub(crate) fn fate_words(fate: &str) -> &'static str {
    match fate {
        "well" => "did well",
        "failed" => "failed",
        "suffered" => "suffered",
        _ => "cannot be told",
    }
}

/// `affects 3 of 6 connections, 2026-01-02 03:04:05.123 to 03:04:09.500 UTC`; empty where
/// neither is known.
pub(crate) fn affects(a: &Affected) -> String {
    let mut said = match (a.connections, a.of) {
        (0, _) => String::new(),
        (n, of) if of >= n => format!("affects {} of {}", count(n), plural(of, a.noun())),
        (n, _) => format!("affects {}", plural(n, a.noun())),
    };
    if !said.is_empty() {
        said.push_str(&harmed(a));
    }
    if let (Some(first), Some(last)) = (&a.first_seen, &a.last_seen) {
        if !said.is_empty() {
            said.push_str(", ");
        }
        said.push_str(&span(first, last));
    }
    said
}

/// A word as a heading begins with it.
pub(super) fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// ` (1 suffered)`: what became of the connections that a finding affects, unless all of
/// them failed.
pub(crate) fn harmed(a: &Affected) -> String {
    let some = [(a.failed, "failed"), (a.suffered, "suffered")];
    let some = some.iter().filter(|(n, _)| *n > 0);
    let said: Vec<String> = some.map(|(n, what)| format!("{} {what}", count(*n))).collect();
    if said.is_empty() || a.failed == a.connections {
        return String::new();
    }
    format!(" ({})", said.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_people_say_them() {
        for (ns, text) in [
            (0, "0 ms"),
            (240, "240 ns"),
            (4_200, "4.2 µs"),
            (9_949, "9.9 µs"),
            (9_950, "0.01 ms"),
            (237_000, "0.24 ms"),
            (999_994_999, "999.99 ms"),
            (999_995_000, "1.00 s"),
            (1_030_000_000, "1.03 s"),
            (59_994_999_999, "59.99 s"),
            (59_995_000_000, "1 min 0 s"),
            (123_000_000_000, "2 min 3 s"),
            (10_800_000_000_000, "3 h 0 min"),
            (187_200_000_000_000, "2 d 4 h"),
        ] {
            assert_eq!(duration(ns), text);
            assert_eq!(duration(-ns), text);
        }
        assert_eq!(duration(i64::MIN), duration(i64::MAX));
    }

    #[test]
    fn times_since_keep_their_sign() {
        assert_eq!(since(237_000), "+0.237 ms");
        assert_eq!(since(-1_034_000_000), "-1.034 s");
        assert_eq!(since(0), "+0.000 ms");
        assert_eq!(margin(999_996_000), "1.00 s");
        assert_eq!(margin(-270_000), "-0.27");
    }

    #[test]
    fn counts_are_readable() {
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(count(999), "999");
        assert_eq!(plural(1, "connection"), "1 connection");
        assert_eq!(plural(0, "connection"), "0 connections");
    }

    #[test]
    fn times_lose_only_what_is_below_a_millisecond() {
        let a = "2026-01-02T03:04:05.123456789Z";
        assert_eq!(instant(a), "2026-01-02 03:04:05.123");
        assert_eq!(
            span(a, "2026-01-02T03:04:09.456000000Z"),
            "2026-01-02 03:04:05.123 to 03:04:09.456 UTC"
        );
        assert_eq!(span(a, a), "2026-01-02 03:04:05.123 UTC");
        assert_eq!(instant("2026-01-02T03:04:05Z"), "2026-01-02 03:04:05");
        assert_eq!(instant("yester\x1bday"), "yester\\x1bday");
    }
}
