//! Two speakers that are both master of one virtual router.

use super::disputes::claimants;
use super::vrrp::{self, host, is_own, patience_ns};
use crate::diagnose::thresholds::{VRRP_SPLIT_BRAIN_FEW, VRRP_SPLIT_BRAIN_MIN_CONTEST};
use crate::flow::{VantageId, VrrpSpeaker};
use crate::trace::{At, Trace};
use crate::wire::Ip;

/// Two speakers that are both master, each where it is seen.
pub(in crate::diagnose) struct Masters {
    pub a: (VantageId, VrrpSpeaker),
    pub b: (VantageId, VrrpSpeaker),
    /// How long both were, nanoseconds.
    pub ns: i64,
    /// Few advertisements show it, in less time than a backup waits.
    pub brief: bool,
}

impl Masters {
    pub fn new(x: (VantageId, VrrpSpeaker), y: (VantageId, VrrpSpeaker), ns: i64) -> Self {
        // The one that should have stood back first.
        let rank = |s: &VrrpSpeaker| (s.priority.1, s.src);
        let (a, b) = if rank(&x.1) <= rank(&y.1) { (x, y) } else { (y, x) };
        Self { a, b, ns, brief: false }
    }

    pub fn is(&self, other: &Self) -> bool {
        (self.a.1.vrid, self.a.1.src, self.b.1.src)
            == (other.a.1.vrid, other.a.1.src, other.b.1.src)
    }
}

/// Pairs that one vantage hears both of.
pub(in crate::diagnose) fn contests(trace: &Trace) -> Vec<Masters> {
    let mut pairs = Vec::new();
    for (v, vantage) in VantageId::each(&trace.vantages) {
        let speakers: Vec<&VrrpSpeaker> =
            vantage.vrrp.iter().filter(|s| is_long(s) || is_brief(s)).collect();
        for (i, x) in speakers.iter().enumerate() {
            for y in &speakers[i + 1..] {
                let overlap = x.contest.last.at().0.min(y.contest.last.at().0)
                    - x.contest.first.at().0.max(y.contest.first.at().0);
                if x.shares_router(y) && overlap > 0 && !vrrp::are_strangers(x, y) {
                    let brief = !(is_long(x) && is_long(y));
                    // One of them is heard for long, so the capture was not too short for both.
                    if !brief || !(is_long(x) || is_long(y)) {
                        let pair = Masters::new((v, **x), (v, **y), overlap);
                        pairs.push(Masters { brief, ..pair });
                    }
                }
            }
        }
    }
    pairs
}

/// Whether it held out against another for longer than a backup waits.
pub(in crate::diagnose) fn is_long(s: &VrrpSpeaker) -> bool {
    s.contest.count >= VRRP_SPLIT_BRAIN_MIN_CONTEST
        && s.contest.last.since(s.contest.first) > patience_ns(s)
}

/// Whether the few advertisements of it that there are came in its own time, all but the first
/// after the other's. Who is answered by a better master at once stands back and sends none;
/// and who asks for an election sends one more, at once.
fn is_brief(s: &VrrpSpeaker) -> bool {
    let (count, ns) = (s.contest.count, s.contest.last.since(s.contest.first));
    count >= VRRP_SPLIT_BRAIN_FEW
        && count + 1 >= s.count
        && ns >= i64::from(count).saturating_mul(s.interval_ns()) / 10 * 8
}

/// Pairs of which no capture hears both, best those of the two hosts, while both
/// claim one service address.
pub(in crate::diagnose) fn unheard(trace: &Trace) -> Vec<Masters> {
    let mut own: Vec<(VantageId, VrrpSpeaker)> = Vec::new();
    for (v, vantage) in VantageId::each(&trace.vantages) {
        if let [only] = vantage.vrrp[..]
            && (vantage.own.macs.is_empty() || is_own(trace, v, &only))
            && is_steady(&only)
        {
            own.push((v, only));
        }
    }
    let mut pairs = Vec::new();
    for (i, x) in own.iter().enumerate() {
        for y in own[i + 1..].iter().filter(|y| {
            y.1.vrid == x.1.vrid
                && y.1.src != x.1.src
                && y.1.src.is_v4() == x.1.src.is_v4()
                && !vrrp::are_strangers(&x.1, &y.1)
        }) {
            let time =
                |of: &(VantageId, VrrpSpeaker), mark| trace.time(At { vantage: of.0, mark }).0;
            let overlap = time(x, x.1.last)
                .min(time(y, y.1.last))
                .saturating_sub(time(x, x.1.first).max(time(y, y.1.first)));
            let pair = Masters::new(*x, *y, overlap);
            if overlap > 2 * patience_ns(&x.1) && !vips(trace, &pair).is_empty() {
                pairs.push(pair);
            }
        }
    }
    pairs
}

/// Whether it advertised without a pause.
fn is_steady(s: &VrrpSpeaker) -> bool {
    let meant = s.last.since(s.first) / s.interval_ns().max(1) + 1;
    s.priority.0 > 0 && i64::from(s.count) * 10 >= meant.saturating_mul(8)
}

/// Service addresses that both claim.
pub(in crate::diagnose) fn vips(trace: &Trace, pair: &Masters) -> Vec<Ip> {
    let (Some(a), Some(b)) = (host(trace, &pair.a.1), host(trace, &pair.b.1)) else {
        return Vec::new();
    };
    let services = trace.topology.services.iter().filter(|s| !s.is_backend);
    let mut vips: Vec<Ip> = services
        .map(|s| s.vip)
        .filter(|vip| {
            let claimants = claimants(trace, *vip);
            claimants.contains(&a) && claimants.contains(&b)
        })
        .collect();
    vips.sort_unstable();
    vips.dedup();
    vips
}
