//! Draws the conclusions from what the vantages saw, each by who knows how, once.

use super::{TiedError, Trace, beyond};
use crate::capture::Capture;
use crate::clock;
use crate::correlate::{self, ConnectionId, Connections, Stated, Tuple};
use crate::exchange::{self, Heard};
use crate::flow::{Observations, VantageId};
use crate::hashed::HashMap;
use crate::parts::both;
use crate::state::HostState;
use crate::topology::{self, StatedRoles, Who};
use crate::wire::{Ip, Protocol};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Lines that must be understood of what stands between packets: one alone may be anybody's words.
const FEW: u32 = 2;

impl Trace {
    /// Draws the conclusions from what the vantages saw, and of captures whose frames are elsewhere
    /// from what was `heard`; with `align` off, times stay on the captures' own clocks.
    #[must_use]
    pub fn new(
        captures: Vec<Capture>,
        mut vantages: Vec<Observations>,
        heard: &Heard,
        stated: &StatedRoles,
        align: bool,
    ) -> Self {
        correlate::even_out(&mut vantages);
        correlate::settle(&mut vantages);
        let known = Stated {
            translated: stated.translated.clone(),
            vips: stated.vips.clone(),
            clients: stated
                .clients
                .iter()
                .filter_map(|who| match who {
                    Who::Ip(ip) => Some(*ip),
                    Who::Mac(_) => None,
                })
                .collect(),
        };
        let (connections, joining) = timed(|| correlate::correlate(&vantages, &known));
        // Clocks and roles do not ask each other.
        let (clocks, roles) = both(
            connections.list.len(),
            || timed(|| clock::align(&vantages, &connections, captures.len(), align)),
            || {
                let (pairs, pairing) = timed(|| {
                    exchange::pair(
                        &captures,
                        &vantages,
                        &connections,
                        heard,
                        (&stated.proxied, &stated.carried),
                    )
                });
                let inferred = timed(|| topology::infer(&vantages, &connections, &pairs, stated));
                (pairs, pairing, inferred)
            },
        );
        let ((timeline, clocking), (pairs, pairing, (topology, inferring))) = (clocks, roles);
        let errors = tie_errors(&vantages, &connections);
        let beyond = beyond::of(&vantages, &topology);
        let spent = vec![
            ("joining", joining),
            ("clocks", clocking),
            ("requests through proxies", pairing),
            ("hosts, ways and services", inferring),
        ];
        Self {
            captures,
            vantages,
            timeline,
            connections,
            pairs,
            topology,
            errors,
            beyond,
            spent,
            sampled: false,
            states: Vec::new(),
            stated_servers: HashMap::default(),
            logged: HashMap::default(),
            losses: OnceLock::new(),
            missed: OnceLock::new(),
            shared: OnceLock::new(),
            claims: OnceLock::new(),
            reach: OnceLock::new(),
            roles: OnceLock::new(),
        }
    }

    /// What stands between the packets of texts and is the output of other commands: each with the
    /// only vantage of its text, on whose host it was pasted together.
    fn beside_packets(&self) -> Vec<(HostState, Option<VantageId>)> {
        let mut found = Vec::new();
        for (at, capture) in self.captures.iter().enumerate() {
            let texts = capture.files.iter().filter_map(|file| Some((file, file.text.as_ref()?)));
            for (file, facts) in texts.filter(|(_, facts)| !facts.aside.is_empty()) {
                let name = capture.label.clone();
                let mut state = HostState { name, ..HostState::default() };
                crate::state::parse(&mut state, &file.path, &facts.aside.text());
                // Words of a person are among it: the capture's own notes count them.
                state.notes.clear();
                if state.understood < FEW && state.dropped.is_empty() && state.kernel.is_empty() {
                    continue;
                }
                let mut own = VantageId::each(&self.vantages).filter(|(_, v)| v.capture == at);
                let only = own.next().map(|(id, _)| id).filter(|_| own.next().is_none());
                found.push((state, only));
            }
        }
        found
    }

    /// The same with what hosts said of themselves, each tied to its host.
    #[must_use]
    pub fn with_states(mut self, states: Vec<HostState>) -> Self {
        let beside = self.beside_packets();
        self.states = crate::state::identify(states, beside, &self.topology);
        self.logged = crate::state::lines(&self.states, &self.connections, &self.vantages);
        self.stated_servers = crate::state::servers(&self.states, &self.connections.list);
        self
    }
}

/// What a stage gives, and how long it took.
fn timed<T>(stage: impl FnOnce() -> T) -> (T, Duration) {
    let begin = Instant::now();
    (stage(), begin.elapsed())
}

/// An error quotes one of a connection's five-tuples, in either direction.
fn tie_errors(vantages: &[Observations], connections: &Connections) -> Vec<TiedError> {
    // By protocol, source and destination: which error of which vantage.
    type Quoted = (Protocol, (Ip, u16), (Ip, u16));
    let mut quoted: HashMap<Quoted, Vec<(VantageId, u32)>> = HashMap::default();
    for (v, vantage) in VantageId::each(vantages) {
        for (e, error) in vantage.errors.iter().enumerate() {
            let q = &error.quote;
            quoted
                .entry((q.protocol, (q.src, q.src_port), (q.dst, q.dst_port)))
                .or_default()
                .push((v, e as u32));
        }
    }
    let mut tied: Vec<TiedError> = Vec::new();
    if quoted.is_empty() {
        return tied;
    }
    for (i, connection) in connections.list.iter().enumerate() {
        let mut tuples: Vec<_> = connections
            .legs(connection)
            .iter()
            .map(|leg| Tuple::of(leg.of(vantages), leg.client))
            .collect();
        tuples.sort_unstable();
        tuples.dedup();
        for t in tuples {
            let (c, s) = (t.client, t.server);
            for key in [(connection.protocol, c, s), (connection.protocol, s, c)] {
                let errors = quoted.get(&key).into_iter().flatten();
                tied.extend(errors.map(|(vantage, error)| TiedError {
                    connection: ConnectionId(i as u32),
                    vantage: *vantage,
                    error: *error,
                }));
            }
        }
    }
    latest(vantages, connections, &mut tied);
    tied
}

/// Of several connections with one five-tuple an error is about the one that was there:
/// the latest that had begun where the error was seen.
fn latest(vantages: &[Observations], connections: &Connections, tied: &mut Vec<TiedError>) {
    let begun = |t: &TiedError| {
        let error = &vantages[t.vantage.index()].errors[t.error as usize];
        let legs = connections.legs(&connections.list[t.connection.0 as usize]).iter();
        let here = legs.filter(|leg| leg.vantage == t.vantage);
        let flows = here.flat_map(|leg| &leg.of(vantages).flows);
        let first = flows.filter_map(|flow| flow.first.get()).map(|mark| mark.frame()).min();
        first.filter(|first| *first <= error.mark.frame())
    };
    let mut of: HashMap<(VantageId, u32), u32> = HashMap::default();
    for t in tied.iter() {
        if let Some(first) = begun(t) {
            let known = of.entry((t.vantage, t.error)).or_insert(first);
            *known = (*known).max(first);
        }
    }
    tied.retain(|t| of.get(&(t.vantage, t.error)).is_none_or(|first| begun(t) == Some(*first)));
}
