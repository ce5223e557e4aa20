//! The way that a connection's packets took, host by host.
//!
//! Connections are many, ways are few: routes are interned, and detectors look
//! at each route once. A step is a frame from one host to another; where a
//! capture shows only one end of it, the other stays open until another capture
//! closes it.

use super::steps::{Ends, Step, is_loop, sign, steps};
use super::{HostId, Hosts};
use crate::correlate::{Connection, Connections, TOGETHER};
use crate::flow::{Observations, VantageId};
use crate::hashed::HashMap;
use crate::parts::in_parts;
use std::collections::BTreeSet;
use std::ops::Range;

/// Index of a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RouteId(pub u32);

/// A way there and back.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Route {
    /// What the client sent, in path order.
    pub forward: Vec<Step>,
    /// What the server sent, in path order.
    pub back: Vec<Step>,
}

/// Routes that are compared before the table is asked.
const RECENT_ROUTES: usize = 2;

/// All distinct routes.
#[derive(Debug, Default)]
pub struct Routes {
    /// The routes.
    pub list: Vec<Route>,
    /// By connection: its route.
    pub of: Vec<RouteId>,
    /// Connections with a packet that passed one place several times, in order.
    pub looped: Vec<u32>,
}

impl Routes {
    pub(super) fn build(
        vantages: &[Observations],
        connections: &Connections,
        hosts: &Hosts,
    ) -> Self {
        let at: Vec<Option<HostId>> =
            VantageId::all(vantages).map(|v| hosts.of_vantage(v)).collect();
        let ends: Vec<Vec<Ends>> = vantages
            .iter()
            .zip(&at)
            .map(|(v, own)| v.hops.iter().map(|hop| Ends::of(hop, v, *own, hosts)).collect())
            .collect();
        let parts = in_parts(connections.list.len(), |part| {
            Self::of_part(vantages, connections, &ends, part)
        });
        Self::together(parts)
    }

    /// Puts the routes of several parts together.
    fn together(parts: Vec<Self>) -> Self {
        let mut parts = parts.into_iter();
        let mut all = parts.next().unwrap_or_default();
        let mut known: HashMap<Route, RouteId> = HashMap::default();
        if parts.len() > 0 {
            let ids = all.list.iter().enumerate();
            known.extend(ids.map(|(at, route)| (route.clone(), RouteId(at as u32))));
        }
        for part in parts {
            let ids: Vec<RouteId> = part
                .list
                .into_iter()
                .map(|route| {
                    let next = RouteId(all.list.len() as u32);
                    *known.entry(route).or_insert_with_key(|route| {
                        all.list.push(route.clone());
                        next
                    })
                })
                .collect();
            let base = all.of.len() as u32;
            all.of.extend(part.of.into_iter().map(|id| ids[id.0 as usize]));
            all.looped.extend(part.looped.into_iter().map(|at| base + at));
        }
        all
    }

    fn of_part(
        vantages: &[Observations],
        connections: &Connections,
        ends: &[Vec<Ends>],
        part: Range<usize>,
    ) -> Self {
        let mut routes = Self { of: Vec::with_capacity(part.len()), ..Self::default() };
        let mut known: HashMap<Route, RouteId> = HashMap::default();
        let mut recent: Vec<RouteId> = Vec::with_capacity(RECENT_ROUTES);
        let mut by_ways: HashMap<Vec<u64>, RouteId> = HashMap::default();
        let mut signature = Vec::new();
        let mut scratch = Route::default();
        let mut seen = Vec::new();
        let mut new: Vec<Connection> = Vec::new();
        let all = &connections.list[part];
        for (at, connection) in all.iter().enumerate() {
            if at.is_multiple_of(TOGETHER) {
                // What ways alone tell asks for no stream; the others' are fetched together.
                let some = &all[at..all.len().min(at + TOGETHER)];
                let mut told = |c: &&Connection| {
                    sign(c, connections.legs(c), &connections.ways, &mut signature)
                        && by_ways.contains_key(signature.as_slice())
                };
                new.clear();
                new.extend(some.iter().filter(|c| !told(c)).copied());
                connections.fetch(vantages, &new);
            }
            let legs = connections.legs(connection);
            let plain = sign(connection, legs, &connections.ways, &mut signature);
            if plain && let Some(id) = by_ways.get(signature.as_slice()) {
                routes.of.push(*id);
                continue;
            }
            steps(vantages, ends, legs, connection, true, &mut seen, &mut scratch.forward);
            let looped = is_loop(&seen);
            steps(vantages, ends, legs, connection, false, &mut seen, &mut scratch.back);
            if looped || is_loop(&seen) {
                routes.looped.push(routes.of.len() as u32);
            }
            // Few routes serve most connections: compare before hashing.
            let near = recent.iter().copied().find(|id: &RouteId| *routes.get(*id) == scratch);
            let id = match near.or_else(|| known.get(&scratch).copied()) {
                Some(id) => id,
                None => {
                    let id = RouteId(routes.list.len() as u32);
                    routes.list.push(scratch.clone());
                    known.insert(scratch.clone(), id);
                    id
                }
            };
            if near.is_none() {
                recent.truncate(RECENT_ROUTES - 1);
                recent.insert(0, id);
            }
            if plain {
                by_ways.insert(signature.clone(), id);
            }
            routes.of.push(id);
        }
        routes
    }

    /// Hosts that were seen to send on what others sent.
    #[must_use]
    pub fn passers(&self) -> BTreeSet<HostId> {
        let mut found = BTreeSet::new();
        for route in &self.list {
            for steps in [&route.forward, &route.back] {
                for (i, step) in steps.iter().enumerate().filter(|(_, step)| !step.loopback) {
                    let Some(from) = step.from else { continue };
                    let came = steps[..i].iter().any(|s| s.to == Some(from) && !s.loopback);
                    let opens = step.opening && !step.origin;
                    if came || opens {
                        found.insert(from);
                    }
                }
            }
        }
        found
    }

    /// A route.
    #[must_use]
    pub fn get(&self, id: RouteId) -> &Route {
        &self.list[id.0 as usize]
    }

    /// Has the routes of some connections fetched, by loads that do not wait for each other.
    pub fn fetch(&self, connections: Range<usize>) {
        let first = |steps: &[Step]| steps.first().map_or(0, |step| u32::from(step.tuple));
        let of = self.of[connections].iter().map(|id| self.get(*id));
        std::hint::black_box(of.fold(0, |all, r| all ^ first(&r.forward) ^ first(&r.back)));
    }
}

impl Route {
    /// Hosts that received the client's packets and sent them on with the same
    /// five-tuple, in path order.
    pub fn forwarders(&self) -> impl Iterator<Item = (&Step, &Step)> {
        self.forward.iter().enumerate().flat_map(move |(i, step)| {
            self.forward[i + 1..]
                .iter()
                .filter(move |next| {
                    next.tuple == step.tuple && step.to.is_some() && next.from == step.to
                })
                .map(move |next| (step, next))
        })
    }

    /// The host that answered, where a packet was seen that it originated.
    #[must_use]
    pub fn replier(&self) -> Option<HostId> {
        // A director may reset what a real server accepted.
        let accepted = self.back.iter().find(|step| step.origin && step.opening);
        let any = || self.back.iter().find(|step| step.origin);
        accepted.or_else(any).and_then(|step| step.from)
    }

    /// Whether a direction passes a host, as receiver.
    #[must_use]
    pub fn reaches(steps: &[Step], host: HostId) -> bool {
        steps.iter().any(|step| step.to == Some(host))
    }
}
