//! What interfaces of the hosts that a finding names count as lost, and whether they merge segments.
//! Counters run since boot, so they name a place to look at and prove nothing by themselves.

use super::say;
use crate::diagnose::settled::Settled;
use crate::diagnose::{Finding, words};
use crate::trace::Trace;

/// Findings of frames that are lost or late.
const LOST: [&str; 4] =
    ["packet-loss", "openings-lost", "adverts-lost-at-times", "network-latency"];
/// The one of segments that a card merged.
const MERGED: &str = "director-lro-oversize";
/// Counters that are told.
const MOST: usize = 4;

/// Adds what is counted and set.
pub(in crate::diagnose) fn tell(trace: &Trace, finding: &mut Finding) {
    let lost = LOST.contains(&finding.id.as_str());
    if !lost && finding.id.as_str() != MERGED {
        return;
    }
    let known = std::mem::take(&mut finding.settled);
    for matched in &trace.states {
        let state = &matched.state;
        let losses = state.losses.iter().filter(|_| lost).take(MOST);
        let told: Vec<Settled> = losses
            .map(|l| Settled::Counts {
                who: state.name.clone(),
                device: l.device.clone(),
                counter: l.counter.clone(),
                value: l.value,
                at: state.place(l.at),
            })
            .chain(state.offloads.iter().filter(|o| !lost && merges(&o.name)).map(|o| {
                Settled::Offload {
                    name: o.name.clone(),
                    device: o.device.clone(),
                    on: o.on,
                    at: state.place(o.at),
                }
            }))
            .take(MOST)
            .collect();
        for settled in told {
            say(finding, settled);
        }
    }
    words::tell(finding);
    finding.settled.splice(0..0, known);
}

fn merges(name: &str) -> bool {
    name.ends_with("receive-offload")
}
