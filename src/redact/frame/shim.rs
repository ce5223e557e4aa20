//! PPPoE sessions and MPLS labels: what says how to read on is kept, numbers are not.

use super::{IPV4, IPV6, copy};
use crate::wire::shim;

/// Copies what is between a link header and IP, without session number and labels; what follows
/// and where. Nothing of it where what is inside is not IP.
pub(super) fn step_over(kind: u16, old: &[u8], new: &mut [u8]) -> (u16, usize) {
    let Some((inside, at)) = shim::header(kind, old) else { return (kind, 0) };
    if inside != IPV4 && inside != IPV6 {
        return (kind, 0);
    }
    copy(old, new, 0, at);
    match kind {
        shim::PPPOE => new[2..4].fill(0),
        // The label is in the first 20 bits of each entry.
        _ => new[..at].chunks_exact_mut(4).for_each(|entry| {
            entry[..2].fill(0);
            entry[2] &= 0x0f;
        }),
    }
    (inside, at)
}
