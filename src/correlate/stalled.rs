//! Bytes that a side sends again and again, and that the other never acknowledges.

use crate::flow::{Flow, Observations, Repeat};
use crate::wire::seq_lt;

/// Bytes with which a side takes leave of one that has closed, at most: an alert of TLS, in the
/// longest of its ciphers 85 (AES-CBC with SHA-384), behind a GOAWAY of HTTP/2.
pub(super) const FAREWELL: u32 = 160;

/// Repeats without an acknowledgment that make a connection stalled.
const STALL_REPEATS: u16 = 2;
/// From the first of them to the end of the capture, where they are of different bytes, nanoseconds: what a stack sends
/// again when its timer ends it sends a second time after twice the least (200 ms, Linux's TCP_RTO_MIN); sooner it is
/// one loss of several segments, of which the acknowledgment is on its way.
const STALL_NS: i64 = 400_000_000;

/// Whether a side repeated bytes in vain, where the other side was seen too.
pub(super) fn in_vain(vantage: &Observations, sender: &Flow, receiver: &Flow) -> bool {
    sender.retransmissions >= STALL_REPEATS
        && receiver.seen()
        && seq_lt(receiver.max_ack, sender.end_seq)
        && !is_farewell(sender, receiver)
        && is_repeated_in_vain(vantage, sender, receiver)
}

/// Whether it is what was sent again that is not acknowledged: what is on its way when a capture ends is not either,
/// and was sent once. Who has reset the connection acknowledges nothing more.
fn is_repeated_in_vain(vantage: &Observations, sender: &Flow, receiver: &Flow) -> bool {
    let repeats = vantage.repeats_of(sender);
    // Of some it is no longer known which bytes they were.
    if repeats.len() < usize::from(sender.retransmissions) {
        return true;
    }
    let over = |r: &Repeat| receiver.rst.is_set() && receiver.rst.frame() < r.mark.frame();
    let open = |r: &&&Repeat| seq_lt(receiver.max_ack, r.to) && !over(r);
    let mut links: Vec<u32> = repeats.iter().filter(open).map(|r| r.link).collect();
    links.sort_unstable();
    links.dedup();
    links.into_iter().any(|link| {
        let mut vain = repeats.iter().filter(open).filter(|r| r.link == link);
        let Some(first) = vain.next() else { return false };
        let rest: Vec<&&Repeat> = vain.collect();
        let long = vantage.end.0.saturating_sub(first.mark.at().0) >= STALL_NS;
        !rest.is_empty() && (long || rest.iter().any(|r| r.from == first.from))
    })
}

/// Whether a farewell is all that is repeated in vain: every byte before it was acknowledged, and who does not answer
/// it has gone with what it had asked for. It is a FIN alone, or with what a server says last to a client that has
/// closed after its answer (the close_notify of TLS).
#[must_use]
pub fn is_farewell(sender: &Flow, receiver: &Flow) -> bool {
    let left = sender.end_seq.wrapping_sub(receiver.max_ack);
    let answered = receiver.opened()
        && receiver.max_ack.wrapping_sub(sender.isn) > 1
        && receiver.fin.is_set()
        && sender.data.frame() < receiver.fin.frame();
    let most = if answered { FAREWELL + 1 } else { 1 };
    sender.fin.is_set() && sender.payload > 0 && receiver.payload > 0 && (1..=most).contains(&left)
}
