//! Two VRRP clusters on one link with one virtual router identifier.

use super::vrrp;
use crate::flow::{VantageId, VrrpSpeaker};
use crate::trace::Trace;
use crate::wire::Ip;

/// Collisions that are told; a hostile capture holds more.
const MAX_PAIRS: usize = 16;

/// A speaker of each, and the vantage that hears both.
pub(in crate::diagnose) struct Strangers {
    pub vantage: VantageId,
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
    fn is(&self, other: &Self) -> bool {
        let clusters = |pair: &Self| {
            let mut both = [addresses(&pair.a), addresses(&pair.b)];
            both.sort_unstable();
            both
        };
        self.a.vrid == other.a.vrid && clusters(self) == clusters(other)
    }
}

/// All of them, each two clusters once.
pub(in crate::diagnose) fn all(trace: &Trace) -> Vec<Strangers> {
    let mut pairs: Vec<Strangers> = Vec::new();
    for (v, vantage) in VantageId::each(&trace.vantages) {
        for (i, x) in vantage.vrrp.iter().enumerate() {
            for y in &vantage.vrrp[i + 1..] {
                if pairs.len() >= MAX_PAIRS {
                    break;
                }
                if x.shares_router(y) && vrrp::are_strangers(x, y) {
                    let (a, b) = if x.src <= y.src { (x, y) } else { (y, x) };
                    let pair = Strangers { vantage: v, a: *a, b: *b };
                    // Every vantage on the link hears the same two, and each cluster
                    // may have several speakers.
                    if !pairs.iter().any(|known| known.is(&pair)) {
                        pairs.push(pair);
                    }
                }
            }
        }
    }
    pairs
}
