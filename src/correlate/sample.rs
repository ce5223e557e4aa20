//! Vantages that kept a sample of answered openings keep the same one: a stream that one
//! shows and another had no room for would look lost between them.

use crate::flow::Observations;
use crate::hashed::HashSet;

/// Lets streams go, and counts them, that some vantage had no room for.
pub fn even_out(vantages: &mut [Observations]) {
    if vantages.iter().all(|vantage| vantage.evicted.keeps_answered()) {
        return;
    }
    let mut below = [u32::MAX; 2];
    let mut first: HashSet<u32> = HashSet::default();
    for evicted in vantages.iter().map(|vantage| &vantage.evicted) {
        for (least, own) in below.iter_mut().zip(evicted.below) {
            *least = own.min(*least);
        }
        first.extend(&evicted.first);
    }
    for vantage in vantages {
        vantage.thin_out(below, &first);
    }
}
