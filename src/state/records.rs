//! What tables of sockets, rules, translations and proxies say: rows with the place where they
//! stand. Every list is bounded as those of [`model`](super::model).

use super::place::Place;
use crate::wire::{Ip, Protocol};
use serde::{Deserialize, Serialize};

/// A socket that waits for connections (ss(8), `-l`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listener {
    /// IP protocol number.
    pub protocol: Protocol,
    /// Address, `None` for any, and port.
    pub local: (Option<Ip>, u16),
    /// Connections that wait to be accepted (`Recv-Q`).
    pub waiting: u32,
    /// How many may wait (`Send-Q`); `None` where it is not printed (netstat).
    pub backlog: Option<u32>,
    /// Where.
    pub at: Place,
}

impl Listener {
    /// The kernel takes no connection more: `sk_acceptq_is_full` asks for more than the backlog.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.backlog.is_some_and(|most| self.waiting > most)
    }

    /// Whether connections to an endpoint come to this socket.
    #[must_use]
    pub fn takes(&self, ip: Ip, port: u16) -> bool {
        self.local.1 == port && self.local.0.is_none_or(|own| own == ip)
    }
}

/// What a rule of a packet filter does with what it matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// It passes.
    Accept,
    /// It goes without a word.
    Drop,
    /// It is answered with an error.
    Reject,
    /// Its destination is rewritten.
    Dnat(Option<(Ip, u16)>),
    /// Its source is rewritten.
    Snat,
    /// Another chain, a mark, a count, a log.
    Other,
}

/// A rule of a packet filter, or the policy of a chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Chain by its name; of nft the hook, in capitals, where the chain has one.
    pub chain: String,
    /// What it does.
    pub verdict: Verdict,
    /// It is what the chain does with what no rule matched.
    pub policy: bool,
    /// IP protocol; `None` for any.
    pub protocol: Option<Protocol>,
    /// Source network; `None` for any.
    pub from: Option<(Ip, u8)>,
    /// Destination network; `None` for any.
    pub to: Option<(Ip, u8)>,
    /// Destination ports, first and last; empty for any.
    pub ports: Vec<(u16, u16)>,
    /// Nothing else is asked of a packet, as far as the rule was understood.
    pub plain: bool,
    /// Packets that it matched; `None` where it does not count.
    pub packets: Option<u64>,
    /// Where.
    pub at: Place,
}

impl Rule {
    /// Its count is of packets to certain ports, and not of whatever else comes.
    #[must_use]
    pub fn counts_ports(&self) -> bool {
        !self.policy && !self.ports.is_empty()
    }
}

/// An entry of netfilter's table of connections (conntrack(8)).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tracked {
    /// IP protocol number.
    pub protocol: Protocol,
    /// State as printed (`SYN_SENT`); empty for protocols without one.
    pub state: String,
    /// Who began.
    pub from: (Ip, u16),
    /// What was asked.
    pub to: (Ip, u16),
    /// Who answers.
    pub reply_from: (Ip, u16),
    /// Whom answers go to.
    pub reply_to: (Ip, u16),
    /// Nobody answered.
    pub unreplied: bool,
    /// Where.
    pub at: Place,
}

impl Tracked {
    /// Whether it is another connection behind the host than before it.
    #[must_use]
    pub fn translates(&self) -> bool {
        self.to != self.reply_from || self.from != self.reply_to
    }
}

/// Both sides of a connection through a proxy (haproxy, `show sess all`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// The client, and what it asked.
    pub front: ((Ip, u16), (Ip, u16)),
    /// The proxy's own end, and the server.
    pub back: ((Ip, u16), (Ip, u16)),
    /// Where.
    pub at: Place,
}

/// A server as a proxy sees it (haproxy, `show stat`, `show servers state`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProxyServer {
    /// Backend and server, by name.
    pub name: String,
    /// Address and port; `None` where they are not printed.
    pub address: Option<(Ip, u16)>,
    /// Weight; 0 takes no new connections.
    pub weight: Option<u32>,
    /// Checks pass; `None` where nothing is checked.
    pub up: Option<bool>,
    /// Somebody took it out.
    pub maintenance: bool,
    /// Where.
    pub at: Place,
}

/// One request in the log of a proxy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Logged {
    /// The client, with its port where it is printed.
    pub client: (Ip, Option<u16>),
    /// The status that the client got.
    pub status: u16,
    /// Servers that were asked, in order, with what each answered; 0 where it did not.
    pub upstream: Vec<((Ip, u16), u16)>,
    /// Backend and server by name (haproxy).
    pub server: Option<String>,
    /// How it ended (haproxy, termination state).
    pub ended: Option<String>,
    /// How long each part of it took.
    pub waits: Waits,
    /// When it is logged, seconds since 1970, as if by UTC where no zone is printed.
    pub time: Option<i64>,
    /// Where.
    pub at: Place,
}

/// How long the parts of a logged request took, milliseconds; `None` where a part is not logged
/// or was not reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Waits {
    /// The client, until its request was there (haproxy: TR, Tq).
    pub request: Option<u32>,
    /// In a queue for a server (Tw).
    pub queue: Option<u32>,
    /// For the connection to the server (Tc; `$upstream_connect_time`).
    pub connect: Option<u32>,
    /// For the server's answer (Tr; `$upstream_header_time`).
    pub answer: Option<u32>,
    /// All (Tt, Ta; `$request_time`).
    pub all: Option<u32>,
}

/// A connection that a program holds which carries it to another one (ss(8), `-p`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// The own end.
    pub local: (Ip, u16),
    /// The other end.
    pub peer: (Ip, u16),
    /// The process.
    pub pid: u32,
    /// Where.
    pub at: Place,
}

/// A packet or a flow that somebody says to have dropped: the log of a packet filter, pf, Cilium,
/// the kernel, a cloud.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dropped {
    /// IP protocol number.
    pub protocol: Protocol,
    /// Source, with its port where it is printed.
    pub from: (Ip, Option<u16>),
    /// Destination, with its port where it is printed.
    pub to: (Ip, Option<u16>),
    /// Who dropped it, and why.
    pub by: String,
    /// How many lines say so.
    pub count: u32,
    /// Where, the first of them.
    pub at: Place,
}

/// What the kernel's log says of a moment when it drops, without naming whose packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum KernelWord {
    /// The table of connections is full (netfilter).
    TableFull,
    /// More SYNs come to a port than its listener takes.
    SynFlood {
        /// The port.
        port: u16,
    },
}

/// Such a word, and how many lines have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KernelSaid {
    /// What it says.
    pub word: KernelWord,
    /// How many lines say so.
    pub count: u32,
    /// Where, the first of them.
    pub at: Place,
}

/// A counter of lost frames that is not zero (`ip -s link`, `ethtool -S`, `tc -s qdisc`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loss {
    /// Interface; `None` where it is not printed.
    pub device: Option<String>,
    /// The counter as printed.
    pub counter: String,
    /// Since boot.
    pub value: u64,
    /// Where.
    pub at: Place,
}

/// Work that is left to a network card, or to what takes its place (`ethtool -k`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offload {
    /// Interface; `None` where it is not printed.
    pub device: Option<String>,
    /// `large-receive-offload`.
    pub name: String,
    /// Whether it is on.
    pub on: bool,
    /// Where.
    pub at: Place,
}

/// A rule that chooses a table of routes (ip-rule(8)).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyRule {
    /// Lower goes first.
    pub priority: u32,
    /// Source network; `None` for any.
    pub from: Option<(Ip, u8)>,
    /// Destination network; `None` for any.
    pub to: Option<(Ip, u8)>,
    /// Something else is asked too: a mark, an interface, a port.
    pub more: bool,
    /// The table.
    pub table: String,
    /// Where.
    pub at: Place,
}
