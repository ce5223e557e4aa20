//! Where the time of a connection goes: network by segment of the path, and server.
//!
//! Clocks are never compared. A handshake takes longer the farther from the server it is
//! seen; what it takes longer at one vantage than at the next is the way there and back
//! between them. What it takes at the last is the server's, and whatever network lies
//! behind that vantage. The first answer is told apart in the same way. What was sent
//! again tells of loss and not of slowness, and is left out.

use crate::correlate::Leg;
use crate::flow::VantageId;
use crate::trace::{ConnectionId, Trace};

/// What one vantage shows of a connection's time, on its own clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// Index of the vantage.
    pub vantage: VantageId,
    /// SYN to SYN-ACK, nanoseconds.
    pub connect_ns: i64,
    /// First byte of the request to first byte of the answer, nanoseconds; absent where
    /// the client did not speak first, or nothing answered.
    pub answer_ns: Option<i64>,
}

/// A part of the path between two vantages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// Index of the vantage nearer to the client.
    pub from: VantageId,
    /// Index of the vantage nearer to the server.
    pub to: VantageId,
    /// There and back, nanoseconds.
    pub round_trip_ns: i64,
}

/// Where the time of a connection goes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Timing {
    /// What each vantage shows that saw the handshake both ways, nearest to the client
    /// first.
    pub seen: Vec<Seen>,
}

impl Timing {
    /// The segments between the vantages, in path order.
    pub fn segments(&self) -> impl Iterator<Item = Segment> + '_ {
        self.seen.windows(2).map(|pair| Segment {
            from: pair[0].vantage,
            to: pair[1].vantage,
            round_trip_ns: pair[0].connect_ns.saturating_sub(pair[1].connect_ns),
        })
    }

    /// SYN to SYN-ACK as the vantage nearest to the client saw it.
    #[must_use]
    pub fn connect_ns(&self) -> Option<i64> {
        self.seen.first().map(|seen| seen.connect_ns)
    }

    /// Request to first byte of the answer as the vantage nearest to the client saw it.
    #[must_use]
    pub fn answer_ns(&self) -> Option<i64> {
        self.seen.iter().find_map(|seen| seen.answer_ns)
    }

    /// What the vantage nearest to the server shows of the server's own time from request
    /// to answer: less what the network behind that vantage takes, which its handshake
    /// tells.
    #[must_use]
    pub fn server_ns(&self) -> Option<i64> {
        let last = self.seen.last()?;
        Some(last.answer_ns?.saturating_sub(last.connect_ns).max(0))
    }
}

impl Trace {
    /// Where the time of a connection goes, as far as vantages saw its handshake both ways.
    #[must_use]
    pub fn timing(&self, id: ConnectionId) -> Timing {
        // A proxy answers for itself: what lies behind it is another connection.
        let mut seen: Vec<Seen> = self.legs(id).iter().filter_map(|leg| self.seen(leg)).collect();
        seen.sort_by_key(|s| (std::cmp::Reverse(s.connect_ns), s.vantage));
        // In and out of one host are two legs of one vantage.
        let mut kept = 0;
        for at in 0..seen.len() {
            if seen[..kept].iter().all(|before| before.vantage != seen[at].vantage) {
                seen[kept] = seen[at];
                kept += 1;
            }
        }
        seen.truncate(kept);
        Timing { seen }
    }

    fn seen(&self, leg: &Leg) -> Option<Seen> {
        let flows = || (self.forward(leg), self.reply(leg));
        let (connect_ns, answer_ns) = leg.spans.get(flows)?;
        Some(Seen { vantage: leg.vantage, connect_ns, answer_ns })
    }
}

/// The middle of some durations; `None` of none.
#[must_use]
pub fn median(mut durations: Vec<i64>) -> Option<i64> {
    let middle = durations.len().checked_sub(1)? / 2;
    Some(*durations.select_nth_unstable(middle).1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const US: i64 = 1_000;

    fn seen(vantage: u16, connect: i64, answer: Option<i64>) -> Seen {
        Seen {
            vantage: VantageId(vantage),
            connect_ns: connect * US,
            answer_ns: answer.map(|ns| ns * US),
        }
    }

    #[test]
    fn the_path_is_what_is_left_of_the_vantages_times() {
        let timing = Timing {
            seen: vec![
                seen(0, 20_300, Some(70_400)),
                seen(1, 310, Some(50_300)),
                seen(2, 60, Some(50_080)),
            ],
        };
        let segments: Vec<(u16, u16, i64)> =
            timing.segments().map(|s| (s.from.0, s.to.0, s.round_trip_ns / US)).collect();
        assert_eq!(segments, [(0, 1, 19_990), (1, 2, 250)]);
        assert_eq!(timing.connect_ns(), Some(20_300 * US));
        assert_eq!(timing.server_ns(), Some(50_020 * US));
    }

    #[test]
    fn one_vantage_alone_has_no_segment() {
        let timing = Timing { seen: vec![seen(0, 100, None)] };
        assert_eq!(timing.segments().count(), 0);
        assert_eq!((timing.answer_ns(), timing.server_ns()), (None, None));
        assert_eq!(Timing::default().connect_ns(), None);
    }

    #[test]
    fn a_median_is_one_of_them() {
        assert_eq!(median(vec![5, 1, 9]), Some(5));
        assert_eq!(median(vec![4, 2]), Some(2));
        assert_eq!(median(Vec::new()), None);
    }
}
