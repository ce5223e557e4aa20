//! What is to be said of a capture's clock beside its offset: that it is another time
//! zone's, that it was set meanwhile.

use crate::trace::Trace;

/// Zones are whole and half hours apart.
const HALF_HOUR_NS: i64 = 1_800_000_000_000;
/// Clocks that nobody sets are rarely closer to a multiple of that by chance.
const NEAR_NS: i64 = 5_000_000_000;

/// The sentences about one capture's clock.
pub(super) fn remarks(trace: &Trace, capture: usize) -> Vec<String> {
    let timeline = &trace.timeline;
    let mut said = Vec::new();
    let zone = timeline.offset(capture).and_then(|o| zone(o.ns, o.error_ns));
    if let (Some(minutes), true) = (zone, capture != timeline.reference) {
        let way = if minutes > 0 { "ahead of" } else { "behind" };
        said.push(format!(
            "its clock is {} {way} the reference's, to within seconds: a time zone, or a tool that stamps local time",
            hours(minutes.unsigned_abs())
        ));
    }
    for step in timeline.steps.iter().filter(|step| step.capture == capture) {
        let frame = trace.captures[capture].locate(step.frame).1;
        let how = match step.by {
            Some((by, error)) if by.unsigned_abs() > error.unsigned_abs() => {
                let way = if by > 0 { "forward" } else { "back" };
                format!("was put {way} by {}", seconds(by.unsigned_abs()))
            }
            _ => "changed its rate".to_owned(),
        };
        said.push(format!(
            "its clock {how} before frame {frame}; times before and after are corrected each by its own"
        ));
    }
    said
}

/// Minutes between two zones, where an offset is one.
fn zone(ns: i64, error_ns: i64) -> Option<i64> {
    let halves = ns.checked_add(ns.signum() * HALF_HOUR_NS / 2)? / HALF_HOUR_NS;
    let rest = ns.checked_sub(halves.checked_mul(HALF_HOUR_NS)?)?;
    let close = rest.abs() <= NEAR_NS && error_ns <= NEAR_NS;
    // The zones reach from UTC-12 to UTC+14.
    (close && halves != 0 && halves.abs() <= 52).then_some(halves * 30)
}

fn hours(minutes: u64) -> String {
    match (minutes / 60, minutes % 60) {
        (hours, 0) => format!("{hours} h"),
        (0, minutes) => format!("{minutes} min"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

fn seconds(ns: u64) -> String {
    match ns {
        0..10_000_000 => format!("{} \u{b5}s", ns / 1_000),
        10_000_000..10_000_000_000 => format!("{} ms", ns / 1_000_000),
        _ => format!("{} s", ns / 1_000_000_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 2 * HALF_HOUR_NS;

    #[test]
    fn whole_and_half_hours_are_zones() {
        assert_eq!(zone(HOUR + 12_000_000, 80_000), Some(60));
        assert_eq!(zone(-11 * HALF_HOUR_NS - 300_000_000, 80_000), Some(-330));
        assert_eq!(zone(0, 0), None);
        assert_eq!(zone(HOUR + 20_000_000_000, 80_000), None);
        assert_eq!(zone(HOUR, 60_000_000_000), None, "nobody knows");
        assert_eq!(zone(i64::MIN, 0), None);
        assert_eq!(zone(90 * HOUR, 0), None, "no zone is days away");
        assert_eq!(hours(330), "5 h 30 min");
    }
}
