//! A real server that calls a proxy and is called back: its own capture shows both
//! connections, and a proxy between them of which it shows one address for each.
//!
//! A cloud's proxy answers as the VIP and connects from elsewhere (100.64.0.0/10, a
//! network of its own), so addresses alone do not make it one host. Which requests are
//! one is left to what they say: being there at the same time is no evidence.

use super::groups::Groups;
use super::sides::{Around, Sides};
use crate::correlate::{Connection, Connections, Leg};
use crate::flow::Observations;
use crate::hashed::HashMap;

/// Connections of one kind at one vantage that are held against each other; a host
/// with more is busy with others' business, and reading all of it again is not worth it.
const MAX_CALLS: usize = 1 << 10;

/// One connection at the capturing host: its index, first and last frame.
type Call = (u32, u32, u32);

/// Connections that may be a call of a proxy and the call that came back, by index.
pub(super) fn called_back(
    vantages: &[Observations],
    groups: &Groups,
    connections: &Connections,
) -> HashMap<u32, Sides> {
    let mut calls: Vec<[Vec<Call>; 2]> =
        vantages.iter().map(|_| <[Vec<Call>; 2]>::default()).collect();
    let mut passed = Passed::default();
    for (i, connection) in connections.list.iter().enumerate().filter(|(_, c)| talks(c)) {
        for leg in connections.legs(connection) {
            let at = leg.vantage;
            let Some(own) = side(connections, vantages, leg, &mut passed) else { continue };
            let of = &mut calls[at.index()][usize::from(own)];
            if of.len() <= MAX_CALLS {
                let stream = leg.of(vantages);
                of.push((i as u32, stream.first().frame(), stream.last().frame()));
            }
        }
    }
    let mut found = HashMap::default();
    for [out, back] in &calls {
        if out.len() > MAX_CALLS || back.len() > MAX_CALLS {
            continue;
        }
        for (front, first, last) in out {
            let client = connections.list[*front as usize].front.client.0;
            let name = groups.host(client);
            let meets = |(_, from, to): &&Call| from <= last && to >= first;
            for (back, ..) in back.iter().filter(meets) {
                let called = connections.list[*back as usize].front.server.0;
                if groups.host(called) != name {
                    continue;
                }
                let sides = |around| Sides { to: None, from: None, around };
                found.insert(*front, sides(Around::Calls(name)));
                found.insert(*back, sides(Around::Called(name)));
            }
        }
    }
    found
}

fn talks(c: &Connection) -> bool {
    c.protocol.is_tcp() && c.back.is_none() && c.progress.request && !c.has_self()
}

/// Whether the vantage's host called (`false`) or was called (`true`).
fn side(
    connections: &Connections,
    vantages: &[Observations],
    leg: &Leg,
    passed: &mut Passed,
) -> Option<bool> {
    let (there, _) = passed.of(connections, vantages, leg, true).filter(|(_, lo)| !lo)?;
    let (back, _) = passed.of(connections, vantages, leg, false)?;
    match (there?, back?) {
        (true, false) => Some(false),
        (false, true) => Some(true),
        _ => None,
    }
}

/// Where a direction first passed: whether the vantage's host sent it, and whether that was over lo.
type First = (Option<bool>, bool);

/// Ways are few and lie far apart in memory: each is looked at once.
#[derive(Debug, Default)]
struct Passed(Vec<Option<First>>);

impl Passed {
    fn of(
        &mut self,
        connections: &Connections,
        vantages: &[Observations],
        leg: &Leg,
        forward: bool,
    ) -> Option<First> {
        let id = if forward { leg.there } else { leg.back };
        let at = id.number() as usize;
        if let Some(Some(known)) = self.0.get(at) {
            return Some(*known);
        }
        let hop = connections.first_hop(vantages, leg, forward)?;
        let first = (vantages[leg.vantage.index()].own.sent(hop), hop.link.is_loopback());
        if connections.ways.get(id).is_some() {
            if self.0.len() <= at {
                self.0.resize(at + 1, None);
            }
            self.0[at] = Some(first);
        }
        Some(first)
    }
}
