//! The part of the captures' time that a run is about.
//!
//! A [`Moment`] is a time as a person writes it: whole, of the day, or counted
//! from the captures' first or last frame. A [`Window`] has two of them and
//! decides which frames are taken in. It is one pair of instants for all
//! captures, compared with each capture's own clock: offsets between clocks are
//! known only after reading. It refuses times that mean nothing, and never
//! guesses a time zone: everything is UTC.

use crate::capture::{self, Input, Timestamp};
use std::str::FromStr;
use std::sync::atomic::AtomicU64;

const MS: i64 = 1_000_000;
const S: i64 = 1_000 * MS;
const MIN: i64 = 60 * S;
const HOUR: i64 = 60 * MIN;
const DAY: i64 = 24 * HOUR;

/// How a moment is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    /// Nanoseconds since the epoch.
    At(i64),
    /// Nanoseconds since midnight.
    OfDay(i64),
    /// Nanoseconds after the first frame.
    AfterFirst(i64),
    /// Nanoseconds before the last frame.
    BeforeLast(i64),
}

/// A time as a person writes it.
///
/// `2026-11-20T07:41:51.529Z` (RFC 3339, also with a blank for the `T`, and UTC
/// where no offset is given), `07:41`, `07:41:51.529`, `+10s`, `-5m`, `+1h30m`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    when: When,
    /// Length of the time that the digits given leave open, nanoseconds.
    pub precision_ns: i64,
}

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bare = text.trim();
        let bare = bare.strip_suffix("UTC").map_or(bare, str::trim_end);
        let parsed = if let Some(rest) = bare.strip_prefix('+') {
            span(rest).map(|ns| Self { when: When::AfterFirst(ns), precision_ns: S })
        } else if let Some(rest) = bare.strip_prefix('-') {
            span(rest).map(|ns| Self { when: When::BeforeLast(ns), precision_ns: S })
        } else {
            let of_day = || of_day(bare).map(|ns| (When::OfDay(ns), bare));
            let whole = || whole(bare).map(|ns| (When::At(ns), bare.get(11..).unwrap_or_default()));
            of_day()
                .or_else(whole)
                .map(|(when, clock)| Self { when, precision_ns: precision(clock) })
        };
        parsed.ok_or_else(|| {
            "not a time: give 07:41:51 (UTC, of the captures' day), 2026-11-20T07:41:51Z, +10s (after the first frame) or -5m (before the last one)".to_owned()
        })
    }
}

impl Moment {
    /// The instant, for captures that begin at `first` and end at `last`.
    ///
    /// A time of day is of the day of `first`, and of the next day where it
    /// would be more than twelve hours before `first`: captures pass midnight.
    #[must_use]
    pub fn resolve(&self, first: Timestamp, last: Timestamp) -> Timestamp {
        Timestamp(match self.when {
            When::At(at) => at,
            When::OfDay(ns) => {
                let at = (first.0.div_euclid(DAY) * DAY).saturating_add(ns);
                if first.0.saturating_sub(at) > DAY / 2 { at.saturating_add(DAY) } else { at }
            }
            When::AfterFirst(ns) => first.0.saturating_add(ns),
            When::BeforeLast(ns) => last.0.saturating_sub(ns),
        })
    }

    fn needs_last(&self) -> bool {
        matches!(self.when, When::BeforeLast(_))
    }
}

/// `07:41`, `07:41:51`, `07:41:51.529`.
fn of_day(text: &str) -> Option<i64> {
    let mut parts = text.split(':');
    let two = |part: Option<&str>, below: i64| {
        let part = part.filter(|p| (1..=2).contains(&p.len()))?;
        let digits = part.bytes().all(|b| b.is_ascii_digit());
        part.parse::<i64>().ok().filter(|n| digits && *n < below)
    };
    let (hour, minute) = (two(parts.next(), 24)?, two(parts.next(), 60)?);
    let mut ns = hour * HOUR + minute * MIN;
    if let Some(rest) = parts.next() {
        let (whole, part) = rest.split_once('.').map_or((rest, None), |(w, p)| (w, Some(p)));
        // 60 is a leap second.
        ns += two(Some(whole), 61)? * S;
        ns += part.map_or(Some(0), fraction)?;
    }
    parts.next().is_none().then_some(ns)
}

/// Nanoseconds of the digits after a point.
fn fraction(digits: &str) -> Option<i64> {
    let known = (1..=9).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    known.then(|| format!("{digits:0<9}").parse().ok())?
}

/// RFC 3339; UTC where no offset is given.
fn whole(text: &str) -> Option<i64> {
    let at = text.parse::<jiff::Timestamp>().ok().or_else(|| {
        let there = text.as_bytes().get(10).is_some_and(|b| matches!(b, b'T' | b't' | b' '));
        let civil = text.parse::<jiff::civil::DateTime>().ok().filter(|_| there)?;
        jiff::tz::TimeZone::UTC.to_timestamp(civil).ok()
    })?;
    i64::try_from(at.as_nanosecond()).ok()
}

/// What the digits of `07:41:51.5` leave open.
fn precision(clock: &str) -> i64 {
    if let Some((_, rest)) = clock.split_once('.') {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count().min(9);
        return 10_i64.pow(9 - digits as u32);
    }
    let end = clock.find(['Z', 'z', '+', '-']).unwrap_or(clock.len());
    let colons = clock.get(..end).unwrap_or_default().matches(':').count();
    if colons >= 2 { S } else { MIN }
}

/// `10s`, `1m30s`, `1.5h`, `250ms`.
fn span(text: &str) -> Option<i64> {
    let mut rest = text.trim();
    let mut ns = 0i64;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, after) = rest.split_at(digits);
        let letters = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        let (unit, next) = after.split_at(letters);
        let unit = match unit {
            "ms" => MS,
            "s" | "sec" => S,
            "m" | "min" => MIN,
            "h" => HOUR,
            "d" => DAY,
            _ => return None,
        };
        let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
        ns = ns.checked_add(whole.parse::<i64>().ok()?.checked_mul(unit)?)?;
        let part = i128::from(fraction(part)?) * i128::from(unit) / i128::from(S);
        ns = ns.checked_add(i64::try_from(part).ok()?)?;
        rest = next;
    }
    Some(ns)
}

/// Which frames a run is about, by time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Window {
    since: Option<Moment>,
    until: Option<Moment>,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
}

impl Window {
    /// The window of these captures from `since` to `until`, both included.
    ///
    /// Looks at the first frame of every file, which times of day and `+10s` count
    /// from. Only `-5m` needs the last one, for which the last file of each
    /// capture is read once more, without being decoded.
    ///
    /// # Errors
    /// In words: where `until` is before `since`, or where the last frame is asked
    /// for of something that can be read only once.
    pub fn new(
        inputs: &[Input],
        since: Option<Moment>,
        until: Option<Moment>,
    ) -> Result<Self, String> {
        let mut window = Self { since, until, first: None, last: None };
        if since.is_none() && until.is_none() {
            return Ok(window);
        }
        let first = |input: &Input| input.files.iter().find_map(|f| capture::peek(f).ok()?.first);
        window.first = inputs.iter().filter_map(first).min();
        if [since, until].iter().flatten().any(Moment::needs_last) {
            window.last = last(inputs)?;
        }
        if let (Some(since), Some(until)) = (window.at(since), window.at(until))
            && until < since
        {
            return Err(format!(
                "the window ends before it begins: --since is {}, --until is {}",
                text(since),
                text(until)
            ));
        }
        Ok(window)
    }

    /// Whether it leaves nothing out.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.since.is_none() && self.until.is_none()
    }

    fn at(&self, moment: Option<Moment>) -> Option<Timestamp> {
        let first = self.first?;
        Some(moment?.resolve(first, self.last.unwrap_or(first)))
    }

    /// First and last instant that it takes in. `first` counts where no capture
    /// could be looked at before: standard input.
    #[must_use]
    pub fn bounds(&self, first: Timestamp) -> (Timestamp, Timestamp) {
        let first = self.first.unwrap_or(first);
        let last = self.last.unwrap_or(first);
        (
            self.since.map_or(Timestamp(i64::MIN), |since| since.resolve(first, last)),
            self.until.map_or(Timestamp(i64::MAX), |until| until.resolve(first, last)),
        )
    }

    /// In words: `from 2026-11-20 07:41:51.000 to 2026-11-20 07:42:00.000 UTC`.
    #[must_use]
    pub fn describe(&self, first: Timestamp) -> String {
        let (since, until) = self.bounds(first);
        match (self.since, self.until) {
            (Some(_), Some(_)) => format!("from {} to {} UTC", text(since), text(until)),
            (Some(_), None) => format!("since {} UTC", text(since)),
            (None, Some(_)) => format!("until {} UTC", text(until)),
            (None, None) => "of the whole captures".to_owned(),
        }
    }
}

/// Time of the latest last frame of all captures.
fn last(inputs: &[Input]) -> Result<Option<Timestamp>, String> {
    let mut latest = None;
    for source in inputs.iter().filter_map(|input| input.files.last()) {
        let regular = source.path().is_some_and(std::path::Path::is_file);
        if !regular {
            return Err(
                "a time before the last frame needs files: a stream is read only once; write it to a file, or give --since +10s or a time of day"
                    .to_owned(),
            );
        }
        // A file that cannot be read is named when it is read in earnest.
        let end = capture::read(source, &AtomicU64::new(0), &mut |_| {}).ok().and_then(|f| f.end);
        latest = latest.max(end);
    }
    Ok(latest)
}

/// `2026-11-20 07:41:51.529`, UTC.
#[must_use]
pub fn text(at: Timestamp) -> String {
    jiff::Timestamp::from_nanosecond(i128::from(at.0))
        .map_or_else(|_| String::new(), |t| format!("{t:.3}").replace('T', " ").replace('Z', ""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::Source;

    /// 2026-11-20T07:41:51Z.
    const NOW: Timestamp = Timestamp(1_795_160_511 * S);

    fn at(moment: &str) -> String {
        let last = Timestamp(NOW.0 + 10 * MIN);
        text(moment.parse::<Moment>().unwrap().resolve(NOW, last))
    }

    #[test]
    fn times_are_read_as_people_write_them() {
        assert_eq!(text(NOW), "2026-11-20 07:41:51.000");
        for (moment, wanted) in [
            ("07:42", "2026-11-20 07:42:00.000"),
            ("7:42:03.5", "2026-11-20 07:42:03.500"),
            ("2026-11-20T07:41:51.529Z", "2026-11-20 07:41:51.529"),
            ("2026-11-20T08:41:51+01:00", "2026-11-20 07:41:51.000"),
            ("2026-11-20 07:41:51.529", "2026-11-20 07:41:51.529"),
            ("2026-11-20 07:41:51.529 UTC", "2026-11-20 07:41:51.529"),
            ("+10s", "2026-11-20 07:42:01.000"),
            ("+1m30s", "2026-11-20 07:43:21.000"),
            ("+1.5s", "2026-11-20 07:41:52.500"),
            ("+250ms", "2026-11-20 07:41:51.250"),
            ("-5m", "2026-11-20 07:46:51.000"),
        ] {
            assert_eq!(at(moment), wanted, "{moment}");
        }
        for wrong in [
            "",
            "7",
            "25:00",
            "07:60",
            "07:41:5x",
            "07:41:51:00",
            "+10",
            "+s",
            "+",
            "-",
            "soon",
            "2026-11-20",
            "07:41:51.",
            "+99999999999999d",
            "+9.9999999999s",
        ] {
            assert!(wrong.parse::<Moment>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn captures_pass_midnight() {
        let late = Timestamp(NOW.0.div_euclid(DAY) * DAY + 23 * HOUR + 50 * MIN);
        let of = |moment: &str| text(moment.parse::<Moment>().unwrap().resolve(late, late));
        assert_eq!(of("00:05"), "2026-11-21 00:05:00.000");
        assert_eq!(of("23:55"), "2026-11-20 23:55:00.000");
        assert_eq!(of("23:40"), "2026-11-20 23:40:00.000");
    }

    #[test]
    fn digits_that_are_not_given_stay_open() {
        let open = |moment: &str| moment.parse::<Moment>().unwrap().precision_ns;
        assert_eq!(open("07:41"), MIN);
        assert_eq!(open("07:41:51"), S);
        assert_eq!(open("07:41:51.529"), MS);
        assert_eq!(open("2026-11-20T07:41:51.529Z"), MS);
        assert_eq!(open("2026-11-20T07:41:51+01:00"), S);
        assert_eq!(open("2026-11-20T07:41:51.529+01:00"), MS);
    }

    #[test]
    fn a_stream_has_no_last_frame_to_count_from() {
        let stdin = Input { label: "a".into(), labelled: false, files: vec![Source::Stdin] };
        let minus = "-5m".parse::<Moment>().ok();
        assert!(Window::new(std::slice::from_ref(&stdin), minus, None).is_err());
        let plus = Window::new(&[stdin], "+5s".parse().ok(), None).unwrap();
        assert_eq!(plus.bounds(NOW).0, Timestamp(NOW.0 + 5 * S));
    }
}
