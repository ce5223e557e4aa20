//! Dates and times in file names, as `tcpdump -G` writes them with strftime(3).
//!
//! Only what is a plausible date counts: at least year, month and day, or seconds since the epoch in
//! ten digits. Eight digits of a random name are rarely a date.

/// A date, perhaps with a time, or an epoch in a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    /// Where it begins in the name, in bytes.
    pub(super) start: usize,
    /// Where it ends.
    pub(super) end: usize,
    /// Its digits, which sort like the time.
    pub(super) digits: String,
    /// Its form, every digit as `0`.
    pub(super) shape: String,
    /// The time itself where it is an epoch, in seconds.
    pub(super) epoch: Option<i64>,
}

/// The first date or epoch in a name.
pub(super) fn find(name: &str) -> Option<Stamp> {
    let bytes = name.as_bytes();
    let mut start = 0;
    while start < bytes.len() {
        let digit = bytes[start].is_ascii_digit();
        if digit && (start == 0 || !bytes[start - 1].is_ascii_digit()) {
            let run = bytes[start..].iter().take_while(|b| b.is_ascii_digit()).count();
            if let Some(end) = date(bytes, start) {
                return Some(stamp(name, start, end, None));
            }
            if run == 10
                && let Ok(seconds) = name[start..start + run].parse::<i64>()
                && (1_000_000_000..4_102_444_800).contains(&seconds)
            {
                return Some(stamp(name, start, start + run, Some(seconds)));
            }
        }
        start += 1;
    }
    None
}

fn stamp(name: &str, start: usize, end: usize, epoch: Option<i64>) -> Stamp {
    let text = &name[start..end];
    let shape = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    let digits = text.chars().filter(char::is_ascii_digit).collect();
    Stamp { start, end, digits, shape, epoch }
}

/// Two or four digits at `at`.
fn number(bytes: &[u8], at: usize, digits: usize) -> Option<u32> {
    let text = bytes.get(at..at + digits)?;
    let digit = |b: &u8| b.is_ascii_digit().then(|| u32::from(*b - b'0'));
    text.iter().try_fold(0, |n, b| Some(n * 10 + digit(b)?))
}

/// The separator at `at`, if it is one of `of`; its length.
fn separator(bytes: &[u8], at: usize, of: &[u8]) -> usize {
    usize::from(bytes.get(at).is_some_and(|b| of.contains(b)))
}

/// Where a date at `at`, with the time after it if there is one, ends.
fn date(bytes: &[u8], at: usize) -> Option<usize> {
    let year = number(bytes, at, 4)?;
    let gap = separator(bytes, at + 4, b"-_.");
    let month = number(bytes, at + 4 + gap, 2)?;
    let second_gap = at + 6 + gap;
    if gap == 1 && bytes.get(second_gap) != bytes.get(at + 4) {
        return None;
    }
    let day = number(bytes, second_gap + gap, 2)?;
    let end = second_gap + gap + 2;
    if !(1990..=2099).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let ends = |end: usize| !bytes.get(end).is_some_and(u8::is_ascii_digit);
    time(bytes, end).filter(|end| ends(*end)).or(Some(end).filter(|end| ends(*end)))
}

/// Where hours and minutes, with the seconds if there are any, after a date end.
fn time(bytes: &[u8], at: usize) -> Option<usize> {
    let at = at + separator(bytes, at, b"-_T. ");
    let hour = number(bytes, at, 2)?;
    let gap = separator(bytes, at + 2, b"-_:.h");
    let minute = number(bytes, at + 2 + gap, 2)?;
    if hour > 23 || minute > 59 {
        return None;
    }
    let end = at + 4 + gap;
    let gap = separator(bytes, end, b"-_:.m");
    match number(bytes, end + gap, 2) {
        Some(0..=60) => Some(end + gap + 2),
        _ => Some(end),
    }
}

#[cfg(test)]
mod tests {
    use super::find;

    fn text(name: &str) -> Option<&str> {
        find(name).map(|s| &name[s.start..s.end])
    }

    #[test]
    fn dates_and_times_are_found() {
        assert_eq!(text("lb-20260131.pcap"), Some("20260131"));
        assert_eq!(text("lb-2026-01-31_12.30.59.pcap"), Some("2026-01-31_12.30.59"));
        assert_eq!(text("20260131123059.pcap"), Some("20260131123059"));
        assert_eq!(text("lb_2026_01_31T12:30.pcap"), Some("2026_01_31T12:30"));
        assert_eq!(text("lb-1767225600.pcap"), Some("1767225600"));
        assert_eq!(text("eth0-20260131-7.pcap"), Some("20260131"));
    }

    #[test]
    fn other_numbers_are_not() {
        for name in
            ["12345678.cap", "20261331.pcap", "20260132.cap", "deadbeef.pcap", "9876543210123.cap"]
        {
            assert_eq!(text(name), None, "{name}");
        }
        assert_eq!(text("2026-01.pcap"), None);
        assert_eq!(text("0123456789.pcap"), None);
    }
}
