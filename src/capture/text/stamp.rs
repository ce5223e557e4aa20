//! Times at the beginning of lines (`-t` to `-ttttt`, tshark `-t`).

use super::scan::Scan;
use super::shown::Stamp;

const SECOND: i64 = 1_000_000_000;
/// Seconds of epoch times that a line is taken to begin with: 1990 to 2100. Others are
/// numbers of something else.
const EPOCH: std::ops::Range<u64> = 631_152_000..4_102_444_800;

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Reads a time and steps over it.
pub(super) fn stamp(scan: &mut Scan<'_>) -> Option<Stamp> {
    let before = *scan;
    let read = read(scan);
    if read.is_none() {
        *scan = before;
    }
    read
}

fn read(scan: &mut Scan<'_>) -> Option<Stamp> {
    let digits = scan.rest().bytes().take_while(u8::is_ascii_digit).count();
    match (digits, scan.rest().as_bytes().get(digits)?) {
        (1..=2, b':') => Some(Stamp::OfDay(clock(scan)?)),
        (4, b'-' | b'/') => dated(scan),
        (0, _) => named_month(scan),
        (9..=10, b'.') => {
            let seconds = scan.number().filter(|s| EPOCH.contains(s))?;
            Some(Stamp::Whole(seconds as i64 * SECOND + fraction(scan)?))
        }
        _ => None,
    }
}

/// Hours, minutes and seconds with a fraction; without one it is rather a time of something else.
fn clock(scan: &mut Scan<'_>) -> Option<i64> {
    let hours: i64 = scan.num::<u32>()?.into();
    let minutes: i64 = scan.eat(":").then(|| scan.num::<u32>())??.into();
    let seconds: i64 = scan.eat(":").then(|| scan.num::<u32>())??.into();
    if hours > 99 || minutes > 59 || seconds > 60 {
        return None;
    }
    let fraction = fraction(scan)?;
    // A zone may stand behind it, as journals print it; it is not made use of.
    Some(((hours * 60 + minutes) * 60 + seconds) * SECOND + fraction)
}

/// `Nov 12 10:22:31.904312`, as OpenBSD prints it, and `Nov 12, 2026 10:22:31.904312` of tshark.
fn named_month(scan: &mut Scan<'_>) -> Option<Stamp> {
    let month = MONTHS.iter().position(|month| scan.rest().starts_with(month))? as i64 + 1;
    scan.skip(3);
    let day: i64 = scan.blanks().num::<u8>()?.into();
    let year: Option<i64> = scan.eat(", ").then(|| scan.num::<u16>().map(i64::from)).flatten();
    scan.blanks();
    let of_day = clock(scan)?;
    match year {
        // A date without a year is none.
        None => Some(Stamp::OfDay(of_day)),
        Some(year) => {
            let days = days(year, month, day)?;
            Some(Stamp::Whole((days * 86_400).checked_mul(SECOND)?.checked_add(of_day)?))
        }
    }
}

/// `2026-09-21 14:13:20.000000`, also with a T.
fn dated(scan: &mut Scan<'_>) -> Option<Stamp> {
    let year: i64 = scan.num::<u16>()?.into();
    let mut part = || (scan.eat("-") || scan.eat("/")).then(|| scan.num::<u8>()).flatten();
    let (month, day) = (part()?, part()?);
    if !scan.eat("T") {
        scan.blanks();
    }
    let of_day = clock(scan)?;
    let days = days(year, i64::from(month), i64::from(day))?;
    Some(Stamp::Whole((days * 86_400).checked_mul(SECOND)?.checked_add(of_day)?))
}

/// Days from the epoch to a date of the Gregorian calendar.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(1970..=2200).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // Years begin in March, so that the leap day is the last.
    let (y, m) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (era, of_era) = (y.div_euclid(400), y.rem_euclid(400));
    let of_year = (153 * m + 2) / 5 + day - 1;
    Some(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
}

/// A point and one to nine digits, in nanoseconds.
fn fraction(scan: &mut Scan<'_>) -> Option<i64> {
    if !scan.eat(".") && !scan.eat(",") {
        return None;
    }
    let digits = scan.rest().bytes().take_while(u8::is_ascii_digit).count();
    if !(1..=9).contains(&digits) {
        return None;
    }
    let value = i64::try_from(scan.number()?).ok()?;
    Some(value * 10_i64.pow(9 - digits as u32))
}

/// Seconds with a fraction, as tshark counts them from the first packet.
pub(super) fn seconds(scan: &mut Scan<'_>) -> Option<Stamp> {
    let before = *scan;
    let whole = scan.num::<u32>();
    let fraction = whole.and_then(|_| fraction(scan));
    match (whole, fraction) {
        (Some(whole), Some(fraction)) => {
            Some(Stamp::SinceFirst(i64::from(whole) * SECOND + fraction))
        }
        _ => {
            *scan = before;
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Scan, Stamp, seconds, stamp};

    fn read(text: &str) -> Option<Stamp> {
        stamp(&mut Scan::new(text))
    }

    #[test]
    fn times_are_read_in_all_forms() {
        assert_eq!(read("14:13:20.000240 IP"), Some(Stamp::OfDay(51_200_000_240_000)));
        assert_eq!(read("00:00:00.201560"), Some(Stamp::OfDay(201_560_000)));
        assert_eq!(read("1700000000.123456"), Some(Stamp::Whole(1_700_000_000_123_456_000)));
        let whole = Some(Stamp::Whole(1_790_000_000_000_000_000));
        assert_eq!(read("2026-09-21 14:13:20.000000 IP"), whole);
        assert_eq!(read("2026-09-21T14:13:20.000000Z"), whole);
        assert_eq!(read("Nov 12 14:13:20.000240 rule"), Some(Stamp::OfDay(51_200_000_240_000)));
        assert_eq!(read("Sep 21, 2026 14:13:20.000000 UTC"), whole);
        assert_eq!(read("2024-02-29 00:00:00.5"), Some(Stamp::Whole(1_709_164_800_500_000_000)));
    }

    #[test]
    fn other_numbers_are_no_times() {
        for text in [
            "14:13:20 IP",
            "Nov 12 14:13:20 host",
            "May I ask",
            "10.0.0.1.80",
            "123456.5",
            "52:54:00:0d",
            "2026-13-01 00:00:00.1",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(seconds(&mut Scan::new("0.929718 x")), Some(Stamp::SinceFirst(929_718_000)));
        assert_eq!(seconds(&mut Scan::new("10.0.0.1")), Some(Stamp::SinceFirst(10_000_000_000)));
    }
}
