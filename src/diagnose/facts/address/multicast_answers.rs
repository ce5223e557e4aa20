//! Questions for an address whose answers name a multicast MAC, and whose asker asks on.
//!
//! A cluster in multicast mode (Windows NLB) answers so. A router must not take a multicast MAC
//! for one host's (RFC 1812, section 3.3.2), so it learns nothing and sends nothing on.

use crate::diagnose::finding::Proof;
use crate::diagnose::thresholds::{MULTICAST_ANSWERS_PACE_NS, QUESTIONS};
use crate::flow::{Ask, VantageId};
use crate::trace::{At, Trace};
use crate::wire::Ip;

/// Who asks for an address again and again although each question is answered, where no answer
/// names a MAC that a host can have.
pub(in crate::diagnose) fn not_taken(trace: &Trace, ip: Ip) -> Option<(VantageId, &Ask)> {
    VantageId::each(&trace.vantages).find_map(|(v, vantage)| {
        // Claims are kept of hosts' MACs alone, and all of them where none was left out.
        let known = &vantage.neighbors;
        if known.dropped > 0 || known.bindings.iter().any(|b| b.ip == ip) {
            return None;
        }
        let mut asks = vantage.neighbors.asks.iter().filter(|ask| ask.target == ip);
        asks.find(|ask| {
            let pace = ask.last.since(ask.first) / i64::from(ask.count.max(2) - 1);
            ask.count > QUESTIONS
                && ask.answers >= QUESTIONS
                && ask.asker.is_host()
                && pace < MULTICAST_ANSWERS_PACE_NS
        })
        .map(|ask| (v, ask))
    })
}

/// Frames that show it.
pub(in crate::diagnose) fn proofs((vantage, ask): (VantageId, &Ask)) -> [Proof; 2] {
    let at = |mark| At { vantage, mark };
    [
        Proof::at(
            at(ask.first),
            format!(
                "who-has {} tell {}: the first of {}, answered with a multicast MAC",
                ask.target, ask.asker, ask.count
            ),
        ),
        Proof::at(at(ask.last), "it asks again, though it was answered"),
    ]
}
