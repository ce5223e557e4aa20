//! Two VRRP clusters on one link with one virtual router identifier.

use crate::flow::VrrpSpeaker;
use crate::wire::Ip;

/// Collisions that are told; a hostile capture holds more.
pub(in crate::diagnose) const MAX_PAIRS: usize = 16;

/// A speaker of each, and the vantage that hears both.
pub(in crate::diagnose) struct Strangers {
    pub vantage: usize,
    pub a: VrrpSpeaker,
    pub b: VrrpSpeaker,
}

/// Addresses of a cluster, sorted.
pub(in crate::diagnose) fn addresses(s: &VrrpSpeaker) -> Vec<Ip> {
    let mut all = s.addresses.list().to_vec();
    all.sort_unstable();
    all
}

impl Strangers {
    pub fn is(&self, other: &Self) -> bool {
        let clusters = |pair: &Self| {
            let mut both = [addresses(&pair.a), addresses(&pair.b)];
            both.sort_unstable();
            both
        };
        self.a.vrid == other.a.vrid && clusters(self) == clusters(other)
    }
}
