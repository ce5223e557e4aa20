//! What several detectors ask of a trace, answered once.
//!
//! [`Facts`] is what a detector gets: the trace, its connections by service, host and
//! client ([`Indexed`]), and tables that are drawn from it when they are first asked for.
//! One kind of fact a file, in a folder for each subject, as in `cause/`. A fact knows no
//! cause and no symptom; where the same fact can have several reasons, it carries the signs
//! that tell them apart, and `decide/` weighs them. Only this file knows all tables: a file
//! that needs another's table is given it.

pub(in crate::diagnose) mod address;
mod connection;
mod index;
pub(in crate::diagnose) mod left_open;
pub(in crate::diagnose) mod load;
pub(in crate::diagnose) mod proxy;
pub(in crate::diagnose) mod refusal;
pub(in crate::diagnose) mod silence;
pub(in crate::diagnose) mod size;
pub(in crate::diagnose) mod state;
pub(in crate::diagnose) mod way;

pub use connection::{Around, each_once, in_time, shared_bits, telling};
pub use index::Indexed;

use crate::breaks::Breaks;
use crate::flow::{Ask, VantageId};
use crate::hashed::{HashMap, HashSet};
use crate::trace::{ConnectionId, Trace};
use crate::wire::Ip;
use address::missing_neighbours::Missing;
use address::prompts::Asks;
use address::senders::Senders;
use load::durations::{Durations, Places};
use proxy::failed_pools::FailedPool;
use silence::local_endpoints::Nodes;
use silence::lost_openings::Openings;
use silence::silent_servers::Silent;
use size::rewritten_options::Rewritten;
use state::resets::Forgotten;
use state::stale_ports::Stale;
use state::syn_proxies::Spoilt;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Deref;
use std::sync::OnceLock;
use way::site_changes::Flap;

/// A trace, and what detectors ask of it, each table computed once. Detectors run beside each other: who
/// computes a table hands no work to other threads, or one could wait for itself.
pub struct Facts<'a> {
    /// What became of every connection.
    pub breaks: Breaks,
    indexed: Indexed<'a>,
    unanswered: OnceLock<Vec<(VantageId, &'a Ask)>>,
    unanswered_by_target: OnceLock<HashMap<Ip, Vec<u32>>>,
    asks: OnceLock<Asks<'a>>,
    fell_silent: OnceLock<Vec<(VantageId, &'a Ask)>>,
    nodes: OnceLock<Nodes>,
    silences: OnceLock<Vec<Silent>>,
    site_changes: OnceLock<Vec<Flap>>,
    spoilt: OnceLock<Vec<Spoilt<'a>>>,
    spoilt_ids: OnceLock<HashSet<ConnectionId>>,
    resets: OnceLock<Vec<Forgotten>>,
    missing: OnceLock<Vec<Missing>>,
    lost_openings: OnceLock<Openings>,
    stale_ports: OnceLock<BTreeMap<ConnectionId, Stale<'a>>>,
    durations: OnceLock<Durations>,
    serving: OnceLock<load::shares::Serving>,
    asked_of_idle: OnceLock<load::shares::Asked>,
    around: OnceLock<HashMap<ConnectionId, Around>>,
    own_name_refusals: OnceLock<BTreeSet<ConnectionId>>,
    places: OnceLock<Places>,
    failed_pools: OnceLock<Vec<FailedPool>>,
    rewritten_options: OnceLock<Vec<Rewritten>>,
    senders: OnceLock<Senders>,
}

impl<'a> Facts<'a> {
    /// Of a trace: every connection is accounted for, the tables wait until they are
    /// asked for.
    #[must_use]
    pub fn new(trace: &'a Trace) -> Self {
        Self {
            breaks: Breaks::of(trace),
            indexed: Indexed::new(trace),
            unanswered: OnceLock::new(),
            unanswered_by_target: OnceLock::new(),
            asks: OnceLock::new(),
            fell_silent: OnceLock::new(),
            nodes: OnceLock::new(),
            silences: OnceLock::new(),
            site_changes: OnceLock::new(),
            spoilt: OnceLock::new(),
            spoilt_ids: OnceLock::new(),
            resets: OnceLock::new(),
            missing: OnceLock::new(),
            lost_openings: OnceLock::new(),
            stale_ports: OnceLock::new(),
            durations: OnceLock::new(),
            serving: OnceLock::new(),
            asked_of_idle: OnceLock::new(),
            around: OnceLock::new(),
            own_name_refusals: OnceLock::new(),
            places: OnceLock::new(),
            failed_pools: OnceLock::new(),
            rewritten_options: OnceLock::new(),
            senders: OnceLock::new(),
        }
    }

    /// Questions by ARP or neighbour discovery that nobody answered, with the vantage.
    pub(in crate::diagnose) fn unanswered(&self) -> &[(VantageId, &'a Ask)] {
        self.unanswered.get_or_init(|| address::asks::unanswered(self.indexed.trace))
    }

    /// The same by vantage and time.
    pub(in crate::diagnose) fn asks(&self) -> &Asks<'a> {
        self.asks.get_or_init(|| Asks::new(self.unanswered()))
    }

    /// Those of them for an address, in the same order.
    pub(in crate::diagnose) fn unanswered_for(
        &self,
        target: Ip,
    ) -> impl Iterator<Item = (VantageId, &'a Ask)> {
        let all = self.unanswered();
        let by_target = self.unanswered_by_target.get_or_init(|| {
            let mut by_target: HashMap<Ip, Vec<u32>> = HashMap::default();
            for (at, (_, ask)) in all.iter().enumerate() {
                by_target.entry(ask.target).or_default().push(at as u32);
            }
            by_target
        });
        by_target.get(&target).into_iter().flatten().map(move |at| all[*at as usize])
    }

    /// Questions for addresses that had answered and then did no more, with the vantage, by address.
    pub(in crate::diagnose) fn fell_silent(&self) -> &[(VantageId, &'a Ask)] {
        self.fell_silent.get_or_init(|| {
            let mut found = address::asks::fell_silent(self.indexed.trace);
            found.sort_by_key(|(_, ask)| ask.target);
            found
        })
    }

    /// What nodes of a cluster say of themselves.
    pub(in crate::diagnose) fn nodes(&self) -> &Nodes {
        self.nodes.get_or_init(|| Nodes::of(self))
    }

    /// Real servers that answer no SYN.
    pub(in crate::diagnose) fn silences(&self) -> &[Silent] {
        self.silences.get_or_init(|| silence::silent_servers::all(self, self.nodes()))
    }

    /// Addresses whose way changes back and forth.
    pub(in crate::diagnose) fn site_changes(&self) -> &[Flap] {
        self.site_changes.get_or_init(|| way::site_changes::flaps(self))
    }

    /// Connections that a SYN proxy spoilt.
    pub(in crate::diagnose) fn spoilt(&self) -> &[Spoilt<'a>] {
        self.spoilt.get_or_init(|| state::syn_proxies::spoilt(&self.indexed))
    }

    /// Their ids.
    pub(in crate::diagnose) fn spoilt_ids(&self) -> &HashSet<ConnectionId> {
        self.spoilt_ids.get_or_init(|| self.spoilt().iter().map(|s| s.id).collect())
    }

    /// Resets by hosts that do not know the connection.
    pub(in crate::diagnose) fn resets(&self) -> &[Forgotten] {
        let moved = || way::site_changes::moved(self.site_changes());
        self.resets.get_or_init(|| state::resets::all(self, &moved(), self.spoilt_ids()))
    }

    /// Connections whose real server is not on the wire, by service.
    pub(in crate::diagnose) fn missing(&self) -> &[Missing] {
        self.missing.get_or_init(|| address::missing_neighbours::all(self, self.asks()))
    }

    /// Openings that were lost between two captured hosts.
    pub(in crate::diagnose) fn lost_openings(&self) -> &Openings {
        self.lost_openings.get_or_init(|| silence::lost_openings::all(&self.indexed, &self.breaks))
    }

    /// Client ports whose datagrams go to a server that answers no more.
    pub(in crate::diagnose) fn stale_ports(&self) -> &BTreeMap<ConnectionId, Stale<'a>> {
        self.stale_ports.get_or_init(|| state::stale_ports::all(&self.indexed, self.unanswered()))
    }

    /// Which hosts serve whom of the directors, on which port.
    pub(in crate::diagnose) fn serving(&self) -> &load::shares::Serving {
        self.serving.get_or_init(|| load::shares::serving(self))
    }

    /// Answered connections to captured hosts that serve nothing.
    pub(in crate::diagnose) fn asked_of_idle(&self) -> &load::shares::Asked {
        self.asked_of_idle.get_or_init(|| load::shares::asked(self, self.serving()))
    }

    /// How long the real servers of balanced services take.
    pub(in crate::diagnose) fn durations(&self) -> &Durations {
        self.durations.get_or_init(|| load::durations::measure(self))
    }

    /// Connections that a server refuses in a name of its own, which nobody called.
    pub(in crate::diagnose) fn own_name_refusals(&self) -> &BTreeSet<ConnectionId> {
        self.own_name_refusals.get_or_init(|| refusal::own_name_refusals::all(&self.indexed))
    }

    /// How the answer of a translated connection went around its director, if it did: the step that did
    /// not lead there.
    #[must_use]
    pub fn return_around(&self, id: ConnectionId) -> Option<Around> {
        let own = self.own_name_refusals();
        let asked = || self.by_way().filter(|(id, _)| !own.contains(id));
        let all = || asked().filter_map(|(id, _)| Some((id, self.looks_around(id)?)));
        let around = self.around.get_or_init(|| all().collect());
        // Mostly there is none, and a hash for each connection to find that.
        if around.is_empty() { None } else { around.get(&id).copied() }
    }

    /// Connections by the real server of a service that they were sent to.
    pub(in crate::diagnose) fn places(&self) -> &Places {
        self.places.get_or_init(|| load::durations::places(self))
    }

    /// Hosts that turn clients away while what they ask for its health fails.
    pub(in crate::diagnose) fn failed_pools(&self) -> &[FailedPool] {
        self.failed_pools.get_or_init(|| proxy::failed_pools::all(self))
    }

    /// Who sends from the addresses that broken connections go to.
    pub(in crate::diagnose) fn senders(&self) -> &Senders {
        self.senders.get_or_init(|| Senders::of(self, &self.breaks))
    }

    /// SYNs and SYN-ACKs whose options are changed on the way, to somebody's harm.
    pub(in crate::diagnose) fn rewritten_options(&self) -> &[Rewritten] {
        self.rewritten_options.get_or_init(|| size::rewritten_options::all(self))
    }
}

impl<'a> Deref for Facts<'a> {
    type Target = Indexed<'a>;

    fn deref(&self) -> &Indexed<'a> {
        &self.indexed
    }
}
