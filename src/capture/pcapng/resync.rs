//! Finding the next block of a pcapng file after damage.
//!
//! Blocks state their length at both ends, so one whose type is known and whose lengths agree is
//! believed.

use super::blocks::{ENHANCED, INTERFACE, PACKET, SECTION, SIMPLE, STATISTICS, word};
use super::sections::Sections;
use crate::capture::collect::{Collector, Sink};
use crate::capture::source::ReadBuffer;

/// Longest block that is believed after damage.
const LIMIT: u32 = 1 << 20;

/// The size of a credible block at the start of `bytes`, which need not be there as a whole.
fn block(bytes: &[u8], big: bool) -> Option<(usize, bool)> {
    let kind = word(bytes, 0, big)?;
    let big = match kind {
        SECTION => match word(bytes, 8, false)? {
            0x1a2b_3c4d => false,
            0x4d3c_2b1a => true,
            _ => return None,
        },
        INTERFACE | PACKET | SIMPLE | STATISTICS | ENHANCED => big,
        _ => return None,
    };
    let length = word(bytes, 4, big)?;
    let fits = length % 4 == 0 && (16..=LIMIT).contains(&length);
    fits.then_some((length as usize, big))
}

/// Moves the window to the next credible block and states the loss. `false`: there is none.
pub(super) fn resync<F: Sink>(
    window: &mut ReadBuffer<'_>,
    sections: &Sections,
    collector: &mut Collector<'_, F>,
    what: &str,
) -> bool {
    let from = window.offset();
    window.consume(1);
    loop {
        if !window.fill(12) {
            collector.lost_rest(from, what);
            return false;
        }
        let data = window.data();
        let candidate = (0..=data.len() - 12)
            .find_map(|at| block(&data[at..], sections.big).map(|(size, big)| (at, size, big)));
        let Some((at, size, big)) = candidate else {
            let all = data.len() - 11;
            window.consume(all);
            continue;
        };
        window.consume(at);
        if window.fill(size)
            && word(window.data(), size - 4, big).is_some_and(|length| length as usize == size)
        {
            let lost = window.offset() - from;
            let what = format!("{what}, and {lost} bytes hold no readable block");
            collector.damaged(from, &what, "the frames before and after them were kept");
            return true;
        }
        window.consume(1);
    }
}
