//! What became of every connection, and where each that failed or suffered broke.
//!
//! This comes before any cause: [`Breaks::of`] walks a [`Trace`] once and gives each
//! connection its [`Fate`]. One that failed or suffered has a [`Break`] as well: the
//! *packet* that did not do its work, the *place* where it was last seen, and the
//! *manner*, what became of it there. Breaks of one service that are alike are a
//! [`Group`], and [`apart`] says what sets a group apart from the connections that did
//! well. Causes explain groups; what no cause explains is told all the same.
//!
//! Everything here states what frames show. A packet that nothing shows beyond a place
//! is [`Manner::UnseenBeyond`]; it is [`Manner::LostBetween`] only where the next capture
//! would have shown it, since it shows the same packet of connections that did well.

mod account;
pub mod apart;
mod asked_elsewhere;
mod at_once;
mod backscatter;
mod behind;
mod beyond;
pub mod chance;
mod datagram;
mod dropped_talk;
mod excused;
mod fate;
mod faults;
mod fell_back;
mod first_words;
mod group;
mod handshake;
mod held;
mod hung;
mod journey;
mod judged;
mod kept_back;
mod leases;
mod logged;
mod manner;
mod one_sided;
mod other_family;
mod own_calls;
mod own_names;
mod pace;
mod probed;
mod proved;
mod raced;
mod relayed;
mod said;
mod talk;
mod unacknowledged;
mod unfilled;
mod unheeded;
mod unproved;

pub use account::{Account, Accounts};
pub use apart::Apart;
pub use at_once::cut_at_once;
pub use datagram::{heard_late, pair_ended, torn};
pub use dropped_talk::{Dropped, dropped};
pub use excused::Excused;
pub use fate::is_unknown_to_server;
pub use faults::{Fault, answered_again, service_fault, turned_away};
pub use first_words::greeting;
pub use group::Group;
pub use handshake::wait_ns as connect_wait;
pub use held::{Held, Untold, held};
pub use hung::{hung, is_left_midway};
pub use journey::{Journey, Milestone, Passage, Sighting};
pub use manner::{By, Manner};
pub use own_calls::{Called, InVain};
pub use own_names::Unanswered;
pub use pace::Pace;
pub use probed::probed;
pub use said::{
    Refused, cut_short, end_is_unseen, http2_refused, server_error, tls_refused, unwelcome,
};
pub use talk::reset_by;
pub use unfilled::unfilled;
pub use unheeded::{asks_again, takes_nothing};

use crate::hashed::HashMap;
use crate::parts::in_parts;
use crate::topology::{HostId, ServiceId};
use crate::trace::{ConnectionId, Trace};
use std::collections::BTreeMap;

/// What became of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fate {
    /// It did what it was opened for, as far as the captures show.
    Well,
    /// The client did not get what it connected for.
    Failed,
    /// It got it, and much later than it should.
    Suffered,
    /// The captures do not show enough.
    Untold,
}

impl Fate {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Well, Self::Failed, Self::Suffered, Self::Untold];

    /// The name in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Well => "well",
            Self::Failed => "failed",
            Self::Suffered => "suffered",
            Self::Untold => "untold",
        }
    }

    /// Whether somebody was harmed.
    #[must_use]
    pub fn is_harm(self) -> bool {
        matches!(self, Self::Failed | Self::Suffered)
    }
}

/// The packet that did not do its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Packet {
    /// The client's SYN.
    Syn,
    /// The server's SYN-ACK.
    SynAck,
    /// The client's first acknowledgment, which the server goes on asking for.
    Ack,
    /// The first words of a server that speaks first.
    Greeting,
    /// What the client sent.
    Request,
    /// What the server sent.
    Response,
    /// A datagram that asks.
    Datagram,
    /// A datagram of the server's that waits for the client's.
    ServerDatagram,
    /// The question of a health check.
    HealthCheck,
}

impl Packet {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Syn,
        Self::SynAck,
        Self::Ack,
        Self::Greeting,
        Self::Request,
        Self::Response,
        Self::Datagram,
        Self::ServerDatagram,
        Self::HealthCheck,
    ];

    /// The name in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Syn => "syn",
            Self::SynAck => "syn-ack",
            Self::Ack => "ack",
            Self::Greeting => "greeting",
            Self::Request => "request",
            Self::Response => "response",
            Self::Datagram => "datagram",
            Self::ServerDatagram => "server-datagram",
            Self::HealthCheck => "health-check",
        }
    }

    /// Whether the client sends it.
    #[must_use]
    pub fn is_forward(self) -> bool {
        !matches!(self, Self::SynAck | Self::Greeting | Self::Response | Self::ServerDatagram)
    }
}

/// Where and how a connection broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Break {
    /// The connection.
    pub connection: ConnectionId,
    /// The packet that did not do its work.
    pub packet: Packet,
    /// What became of it.
    pub manner: Manner,
    /// The last place that surely had it.
    pub last: Option<Sighting>,
    /// The next that should have had it, as connections that did well show, or the
    /// address on the frame.
    pub next: Option<HostId>,
    /// What it cost, nanoseconds: how long the client waited, as far as it shows.
    pub cost_ns: i64,
    /// Where what a proxy opened for it broke, if that is why.
    pub behind: Option<Behind>,
}

/// The break of a proxy's own connection, told of the client's for which it was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Behind {
    /// The packet that did not do its work.
    pub packet: Packet,
    /// What became of it.
    pub manner: Manner,
    /// The last place that surely had it.
    pub last: Sighting,
}

/// What is proved of a connection that looks well by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proved {
    /// It failed.
    Failed,
    /// It was answered from elsewhere than where it asked.
    Astray,
    /// Its host seeks the next hop in vain, from this frame on.
    Unresolved(crate::trace::At),
}

/// Index of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GroupId(pub u32);

/// What became of all connections.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Breaks {
    fates: Vec<Fate>,
    list: HashMap<ConnectionId, (Break, GroupId)>,
    /// Groups, most harm first.
    pub groups: Vec<Group>,
    /// How many did well, failed, suffered, or cannot be told.
    pub accounts: Accounts,
    /// Health checks that failed and say nothing ill of their server.
    pub excused: BTreeMap<ConnectionId, Excused>,
}

impl Breaks {
    /// Accounts for every connection of a trace.
    #[must_use]
    pub fn of(trace: &Trace) -> Self {
        let pace = Pace::of(trace);
        let judged = in_parts(trace.connections.list.len(), |part| {
            let mut harmed = Vec::new();
            let ahead = trace.connections.ahead(&trace.vantages, part);
            let fates = ahead.map(|at| {
                let (fate, broken) = fate::judge(trace, &pace, ConnectionId(at as u32));
                harmed.extend(broken);
                fate
            });
            (fates.collect::<Vec<Fate>>(), harmed)
        });
        let (mut fates, mut harmed) = (Vec::new(), Vec::new());
        for (some, broken) in judged {
            fates.extend(some);
            harmed.extend(broken);
        }
        unproved::doubt(trace, &mut fates, &mut harmed);
        own_names::wait(trace, &mut fates, &mut harmed);
        own_calls::wait(trace, &mut fates, &mut harmed);
        let excused = excused::excuse(trace, &mut fates, &mut harmed);
        let accounts = Accounts::of(trace, &fates);
        beyond::complete(trace, &fates, &mut harmed);
        let groups = group::group(trace, &fates, &harmed);
        let list = listed(&groups, harmed);
        Self { fates, list, groups, accounts, excused }
    }

    /// Takes over what is proved of connections that did well, or could not be told of, by what they
    /// show alone: they failed.
    pub fn prove(&mut self, trace: &Trace, failed: impl Iterator<Item = (ConnectionId, Proved)>) {
        let mut proved = Vec::new();
        for (id, how) in failed {
            if let Some(known) = self.fates.get_mut(id.0 as usize).filter(|known| !known.is_harm())
            {
                *known = Fate::Failed;
                proved.push(proved::broken(trace, id, how));
            }
        }
        if proved.is_empty() {
            return;
        }
        beyond::complete(trace, &self.fates, &mut proved);
        proved.extend(self.list.values().map(|(broken, _)| *broken));
        proved.sort_unstable_by_key(|broken| broken.connection);
        self.accounts = Accounts::of(trace, &self.fates);
        self.groups = group::group(trace, &self.fates, &proved);
        self.list = listed(&self.groups, proved);
    }

    /// What became of a connection.
    #[must_use]
    pub fn fate(&self, id: ConnectionId) -> Fate {
        self.fates.get(id.0 as usize).copied().unwrap_or(Fate::Untold)
    }

    /// Where and how a connection broke, if it failed or suffered.
    #[must_use]
    pub fn broken(&self, id: ConnectionId) -> Option<&Break> {
        self.list.get(&id).map(|(broken, _)| broken)
    }

    /// The group of a connection that failed or suffered.
    #[must_use]
    pub fn group_of(&self, id: ConnectionId) -> Option<GroupId> {
        self.list.get(&id).map(|(_, group)| *group)
    }

    /// A group.
    #[must_use]
    pub fn group(&self, id: GroupId) -> &Group {
        &self.groups[id.0 as usize]
    }

    /// Connections whose break satisfies a test, in order.
    #[must_use]
    pub fn broken_as(&self, test: impl Fn(&Group) -> bool) -> Vec<ConnectionId> {
        let mut ids: Vec<ConnectionId> = self
            .groups
            .iter()
            .filter(|group| test(group))
            .flat_map(|group| group.connections.iter().copied())
            .collect();
        ids.sort_unstable();
        ids
    }

    /// Groups of a service.
    pub fn of_service(&self, service: ServiceId) -> impl Iterator<Item = &Group> {
        self.groups.iter().filter(move |group| group.service == service)
    }
}

/// Breaks by their connections, each with the group that it is of.
fn listed(groups: &[Group], breaks: Vec<Break>) -> HashMap<ConnectionId, (Break, GroupId)> {
    let mut of: HashMap<ConnectionId, GroupId> =
        HashMap::with_capacity_and_hasher(breaks.len(), Default::default());
    for (i, group) in groups.iter().enumerate() {
        of.extend(group.connections.iter().map(|id| (*id, GroupId(i as u32))));
    }
    let known = |broken: Break| Some((broken.connection, (broken, *of.get(&broken.connection)?)));
    breaks.into_iter().filter_map(known).collect()
}
