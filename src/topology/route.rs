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
use crate::hashed::{HashMap, Nowhere, Places};
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

/// Routes by what signs them, one sign after the other.
#[derive(Debug, Default)]
struct Signs {
    words: Vec<u64>,
    /// Where each ends, and its route.
    ends: Vec<(usize, RouteId)>,
    places: Places,
}

impl Signs {
    fn find(&self, sign: &[u64]) -> Result<RouteId, Nowhere> {
        let begin = |at: usize| at.checked_sub(1).map_or(0, |before| self.ends[before].0);
        let is = |at: u32| self.words[begin(at as usize)..self.ends[at as usize].0] == *sign;
        self.places.find(sign, is).map(|at| self.ends[at as usize].1)
    }

    fn enter(&mut self, nowhere: Nowhere, sign: &[u64], id: RouteId) {
        self.places.enter(nowhere, self.ends.len() as u32);
        self.words.extend_from_slice(sign);
        self.ends.push((self.words.len(), id));
    }
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
        let mut known = Places::default();
        let mut recent: Vec<RouteId> = Vec::with_capacity(RECENT_ROUTES);
        let mut signs = Signs::default();
        let mut signature = Vec::new();
        let mut scratch = Route::default();
        let mut seen = Vec::new();
        let mut new: Vec<Connection> = Vec::new();
        for some in connections.list[part].chunks(TOGETHER) {
            // What ways alone tell asks for no stream; the others' are fetched together.
            let mut told = [None; TOGETHER];
            new.clear();
            for (connection, told) in some.iter().zip(&mut told) {
                let legs = connections.legs(connection);
                let plain = sign(connection, legs, &connections.ways, &mut signature);
                *told = signs.find(&signature).ok().filter(|_| plain);
                if told.is_none() {
                    new.push(*connection);
                }
            }
            connections.fetch(vantages, &new);
            for (connection, told) in some.iter().zip(told) {
                if let Some(id) = told {
                    routes.of.push(id);
                    continue;
                }
                let legs = connections.legs(connection);
                let plain = sign(connection, legs, &connections.ways, &mut signature);
                let unsigned = match signs.find(&signature) {
                    Ok(id) if plain => {
                        routes.of.push(id);
                        continue;
                    }
                    other => other.err(),
                };
                steps(vantages, ends, legs, connection, true, &mut seen, &mut scratch.forward);
                let looped = is_loop(&seen);
                steps(vantages, ends, legs, connection, false, &mut seen, &mut scratch.back);
                if looped || is_loop(&seen) {
                    routes.looped.push(routes.of.len() as u32);
                }
                // Few routes serve most connections: compare before hashing.
                let near = recent.iter().copied().find(|id: &RouteId| *routes.get(*id) == scratch);
                let id = near.unwrap_or_else(|| {
                    let id = routes.intern(&scratch, &mut known);
                    recent.truncate(RECENT_ROUTES - 1);
                    recent.insert(0, id);
                    id
                });
                if let Some(unsigned) = unsigned.filter(|_| plain) {
                    signs.enter(unsigned, &signature, id);
                }
                routes.of.push(id);
            }
        }
        routes
    }

    /// The number of a route, entered where it is new.
    fn intern(&mut self, route: &Route, known: &mut Places) -> RouteId {
        let place = known.find(route, |at| self.list[at as usize] == *route);
        RouteId(place.unwrap_or_else(|nowhere| {
            let next = self.list.len() as u32;
            self.list.push(route.clone());
            known.enter(nowhere, next);
            next
        }))
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
                    let opens = step.opening && step.aged;
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
