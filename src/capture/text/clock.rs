//! From the times of lines to moments: days that lines do not tell, midnights, differences.

use super::shown::Stamp;

const DAY: i64 = 86_400_000_000_000;
/// Nanoseconds by which packets of several processors are out of order.
const SLACK: i64 = 1_000_000;

/// What times without a date count from.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default)]
pub(super) enum Counting {
    /// Midnight.
    #[default]
    OfDay,
    /// The packet before (`-ttt`).
    Before,
    /// The first packet (`-ttttt`).
    First,
}

/// How a text tells times, found by a look at its beginning.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default)]
pub(crate) struct Timing {
    pub(super) counting: Counting,
    /// Nanoseconds since the epoch that times without a date are added to.
    pub(super) base: i64,
}

impl Timing {
    /// From the first times of a text; `near` is a moment of another capture of the incident.
    pub(super) fn of(stamps: &[Stamp], near: Option<i64>) -> Self {
        let times: Vec<i64> = stamps
            .iter()
            .filter_map(|s| if let Stamp::OfDay(t) = s { Some(*t) } else { None })
            .collect();
        let counting = match times.first() {
            Some(0) if times.is_sorted() && times.len() > 2 => Counting::First,
            Some(0) if times.len() > 1 && times[1] < DAY / 2 => Counting::Before,
            _ if are_differences(&times) => Counting::Before,
            _ => Counting::OfDay,
        };
        let base = match (near, counting, stamps.first()) {
            (None, ..) | (_, _, Some(Stamp::Whole(_)) | None) => 0,
            // The day on which the time of day is nearest.
            (Some(near), Counting::OfDay, Some(Stamp::OfDay(first))) => {
                near.saturating_sub(*first).saturating_add(DAY / 2).div_euclid(DAY) * DAY
            }
            (Some(near), ..) => near,
        };
        Self { counting, base }
    }
}

/// Whether times of which the first is missing are differences: tcpdump prints in order, and these
/// go back again and again, all of them within an hour after midnight.
fn are_differences(times: &[i64]) -> bool {
    let back = times.windows(2).filter(|two| two[1] + SLACK < two[0]).count();
    times.len() > 3 && back * 3 >= times.len() && times.iter().all(|t| *t < DAY / 24)
}

/// Moments of one capture of a text.
#[derive(Copy, Clone, Debug)]
pub(super) struct Clock {
    timing: Timing,
    /// Days that passed since the first line.
    midnights: i64,
    last: Option<i64>,
}

impl Clock {
    pub(super) fn new(timing: Timing) -> Self {
        Self { timing, midnights: 0, last: None }
    }

    /// The moment of a packet; `None` where its line tells none.
    pub(super) fn moment(&mut self, stamp: Stamp) -> Option<i64> {
        let base = self.timing.base;
        let moment = match (stamp, self.timing.counting) {
            (Stamp::None, _) => return None,
            (Stamp::Whole(at), _) => at,
            (Stamp::SinceFirst(t), _) | (Stamp::OfDay(t), Counting::First) => {
                base.saturating_add(t)
            }
            (Stamp::OfDay(t), Counting::Before) => self.last.unwrap_or(base).saturating_add(t),
            (Stamp::OfDay(t), Counting::OfDay) => {
                let at = |midnights: i64| {
                    base.saturating_add(t).saturating_add(midnights.saturating_mul(DAY))
                };
                if self.last.is_some_and(|last| last.saturating_sub(at(self.midnights)) > DAY / 2) {
                    self.midnights += 1;
                }
                at(self.midnights)
            }
        };
        self.last = Some(moment);
        Some(moment)
    }

    /// Whether a time lies before the one that came last.
    pub(super) fn is_back(&self, stamp: Stamp, slack: i64) -> bool {
        let mut ahead = *self;
        let Some(last) = self.last else { return false };
        self.timing.counting != Counting::Before
            && ahead.moment(stamp).is_some_and(|at| last.saturating_sub(at) > slack)
    }
}

#[cfg(test)]
mod tests {
    use super::{Clock, Counting, DAY, Stamp, Timing};

    const HOUR: i64 = DAY / 24;

    fn counting(times: &[i64]) -> Counting {
        let stamps: Vec<Stamp> = times.iter().map(|t| Stamp::OfDay(*t)).collect();
        Timing::of(&stamps, None).counting
    }

    #[test]
    fn differences_are_told_from_times_of_day() {
        assert_eq!(counting(&[HOUR, HOUR + 1, HOUR + 2]), Counting::OfDay);
        assert_eq!(counting(&[0, 240, 201_560, 480, 0]), Counting::Before);
        assert_eq!(counting(&[0, 240, 201_800, 202_280]), Counting::First);
        let ms = 1_000_000;
        assert_eq!(counting(&[3, 2, 209 * ms, 100 * ms, 203 * ms, 100 * ms]), Counting::Before);
        let two = [10 * ms, 20 * ms, 30 * ms, 40 * ms, 5 * ms, 15 * ms, 25 * ms, 35 * ms];
        assert_eq!(counting(&two), Counting::OfDay, "two captures just after midnight");
    }

    #[test]
    fn midnight_passes() {
        let mut clock = Clock::new(Timing::default());
        assert_eq!(clock.moment(Stamp::OfDay(DAY - 5)), Some(DAY - 5));
        assert_eq!(clock.moment(Stamp::OfDay(7)), Some(DAY + 7));
        assert_eq!(clock.moment(Stamp::None), None);
        assert!(clock.is_back(Stamp::OfDay(6), 0) && !clock.is_back(Stamp::OfDay(8), 0));
    }

    #[test]
    fn a_day_is_taken_from_another_capture() {
        let near = 20_000 * DAY + 23 * HOUR;
        let day = |hour: i64| Timing::of(&[Stamp::OfDay(hour * HOUR)], Some(near)).base / DAY;
        assert_eq!((day(22), day(1)), (20_000, 20_001), "an hour after midnight is the next day");
    }
}
