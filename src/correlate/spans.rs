//! How long a leg's handshake and its first answer took, told once and kept beside the leg: it is asked again
//! and again, service by service, and the streams lie far apart in memory.

use crate::flow::Flow;

/// Not there.
const NONE: u32 = u32::MAX;
/// Longer than is kept: it is read from the flows.
const LONG: u32 = u32::MAX - 1;

/// Two spans in eight bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spans {
    connect: u32,
    answer: u32,
}

/// SYN to SYN-ACK, and first byte of the request to first byte of the answer, nanoseconds; the second is absent
/// where the client did not speak first, or nothing answered.
pub type Measured = (i64, Option<i64>);

impl Spans {
    /// Of a leg of which nothing is told.
    pub const UNKNOWN: Self = Self { connect: NONE, answer: NONE };

    pub(super) fn of(there: &Flow, back: &Flow) -> Self {
        let kept = |ns: i64| u32::try_from(ns).map_or(LONG, |ns| ns.min(LONG));
        match measure(there, back) {
            None => Self { connect: NONE, answer: NONE },
            Some((connect, answer)) => {
                Self { connect: kept(connect), answer: answer.map_or(NONE, kept) }
            }
        }
    }

    /// Both; `flows` gives the leg's own, for what is too long to be kept.
    #[inline]
    pub fn get<'a>(self, flows: impl FnOnce() -> (&'a Flow, &'a Flow)) -> Option<Measured> {
        if self.connect == NONE {
            return None;
        }
        if self.connect == LONG || self.answer == LONG {
            let (there, back) = flows();
            return measure(there, back);
        }
        let answer = (self.answer != NONE).then_some(i64::from(self.answer));
        Some((i64::from(self.connect), answer))
    }
}

/// Both, where a vantage saw the handshake both ways and nothing of it twice. What was sent again tells of loss
/// and not of slowness, and is left out.
fn measure(there: &Flow, back: &Flow) -> Option<Measured> {
    let once = there.syns == 1 && back.syns == 1 && back.isns <= 1;
    if !there.opened() || !back.accepted() || !once {
        return None;
    }
    let connect = back.syn.since(there.syn);
    let clean = there.retransmissions == 0 && back.retransmissions == 0;
    let asked = there.data.is_set() && back.data.is_set();
    let answer = (clean && asked && back.data.frame() > there.data.frame())
        .then(|| back.data.since(there.data))
        .filter(|ns| *ns >= 0);
    (connect >= 0).then_some((connect, answer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_what_was_measured() {
        let flows = || -> (&Flow, &Flow) { unreachable!("it is kept") };
        let of = |connect, answer| Spans { connect, answer }.get(flows);
        assert_eq!(of(7, 9), Some((7, Some(9))));
        assert_eq!(of(0, NONE), Some((0, None)));
        assert_eq!(of(NONE, NONE), None);
        assert_eq!(of(LONG - 1, LONG - 1), Some((4_294_967_293, Some(4_294_967_293))));
    }
}
