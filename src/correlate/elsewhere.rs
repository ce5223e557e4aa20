//! Whose capture one is where its own frames leave two hosts: those of one direction
//! alone do. Captures are taken on different hosts, so who was captured elsewhere is
//! out, and so is who is seen elsewhere to pass others' packets on.

use crate::flow::{Observations, Own, OwnEvidence};
use crate::hashed::{HashMap, HashSet};
use crate::wire::Mac;

/// Tells own MACs where few are left and other captures show more.
pub(super) fn settle(vantages: &mut [Observations]) {
    if vantages.iter().all(|v| v.own.between.is_empty()) {
        return;
    }
    // By MAC: a capture that it is of, and whether it is of others too. One capture may have
    // vantages by the ten thousand.
    let mut owned: HashMap<Mac, (usize, bool)> = HashMap::default();
    for vantage in vantages.iter() {
        for mac in &vantage.own.macs {
            let (capture, several) = owned.entry(*mac).or_insert((vantage.capture, false));
            *several |= *capture != vantage.capture;
        }
    }
    let mut relays: HashSet<Mac> = HashSet::default();
    for hop in vantages.iter().flat_map(|v| &v.hops) {
        if !matches!(hop.ttl, 64 | 128 | 255) && !hop.link.overlay {
            relays.extend(hop.link.src);
        }
    }
    for vantage in vantages.iter_mut().filter(|v| !v.own.between.is_empty()) {
        let elsewhere = |mac: &Mac| {
            let of = owned.get(mac);
            of.is_some_and(|(capture, several)| *several || *capture != vantage.capture)
        };
        let between = &vantage.own.between;
        let left: Vec<Mac> = between.iter().copied().filter(|mac| !elsewhere(mac)).collect();
        let ends: Vec<Mac> = left.iter().copied().filter(|mac| !relays.contains(mac)).collect();
        let mac = match (&left[..], &ends[..]) {
            ([mac], _) | (_, [mac]) => *mac,
            _ => continue,
        };
        let own = Own { macs: vec![mac], evidence: OwnEvidence::OneWay, ..Own::default() };
        vantage.adopt(Own { overlay: vantage.own.overlay, ..own });
    }
}
