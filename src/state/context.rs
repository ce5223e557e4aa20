//! What parsers of lines share: where a line goes, and what the lines before have opened.

use super::model::{Front, HostState};
use super::place::Place;
use crate::wire::{Ip, Protocol};

/// What the lines before have opened.
#[derive(Debug, Default)]
pub(super) enum Block {
    /// Nothing.
    #[default]
    None,
    /// An interface of `ip addr`, by its index.
    Interface(usize),
    /// A service of `ipvsadm -Ln`, by its index; `None` where it was not kept.
    Service(Option<usize>),
    /// Braces of keepalived.conf.
    Braces(Braces),
    /// A table of ss(8); without the column of states where one was asked for.
    Sockets {
        /// Without that column.
        stateless: bool,
    },
    /// A section of `netstat -s`.
    Netstat(&'static str),
    /// A chain of `iptables -L`.
    Chain(String),
    /// Braces of nft(8).
    Nft(Ruleset),
    /// haproxy's `show stat`, with its columns.
    ProxyStat(Vec<String>),
    /// haproxy's `show servers state`, with its columns.
    ProxyState(Vec<String>),
    /// A session of haproxy's `show sess all`.
    Session(ProxySession),
    /// A table of kubectl.
    Kubectl(KubectlTable),
    /// `cilium bpf lb list`, with the service above.
    CiliumServices(Option<Front>),
    /// A table of /proc/net.
    Proc(ProcTable),
    /// `route -n`; `netstat -rn` has no column of metrics.
    Routes {
        /// With that column.
        metric: bool,
    },
    /// The names above values of /proc/net/snmp.
    Paired {
        /// With its colon.
        section: String,
        /// In their order.
        names: Vec<String>,
    },
    /// The names above values of `ip -s link`.
    Counts {
        /// By its index.
        interface: usize,
        /// In their order.
        names: Vec<String>,
    },
    /// What ethtool says of an interface.
    Device(Option<String>),
    /// A queue of `tc -s qdisc`.
    Qdisc {
        /// `fq_codel`.
        kind: String,
        /// Its interface.
        device: String,
    },
    /// A packet that nftables traces.
    Trace {
        /// Its number.
        id: String,
        /// What it carries.
        protocol: Protocol,
        /// Source.
        from: (Ip, Option<u16>),
        /// Destination.
        to: (Ip, Option<u16>),
    },
}

impl Block {
    /// Comments and empty lines do not end it.
    pub fn is_braces(&self) -> bool {
        matches!(self, Self::Braces(_) | Self::Nft(_))
    }

    /// A row that is not understood does not end it.
    pub fn is_table(&self) -> bool {
        matches!(
            self,
            Self::Nft(_)
                | Self::Sockets { .. }
                | Self::Chain(_)
                | Self::ProxyStat(_)
                | Self::Kubectl(_)
                | Self::Proc(_)
                | Self::Routes { .. }
                | Self::Device(_)
                | Self::Trace { .. }
        )
    }
}

/// Where a line goes.
#[derive(Debug)]
pub(super) struct Cx<'a> {
    pub state: &'a mut HostState,
    pub at: Place,
    pub block: Block,
}

impl Cx<'_> {
    /// A note about this line.
    pub fn note(&mut self, what: &str) {
        let place = self.state.place(self.at);
        self.state.note(format!("{place}: {what}"));
    }

    /// A table is full.
    pub fn full(&mut self, what: &str) {
        let file = self.state.files.get(usize::from(self.at.file)).cloned().unwrap_or_default();
        self.state.note(format!("{file}: too many {what}, the rest is left out"));
    }
}

/// The blocks of keepalived.conf that are open.
#[derive(Debug, Default)]
pub(super) struct Braces {
    pub open: Vec<Level>,
    /// Blocks beyond [`MAX_DEPTH`].
    pub deeper: u32,
    /// Words before a brace that has not come yet.
    pub waiting: Option<Level>,
}

impl Braces {
    /// Whether a closing brace is missing.
    pub fn is_open(&self) -> bool {
        !self.open.is_empty() || self.deeper > 0 || self.waiting.is_some()
    }
}

/// One block of keepalived.conf.
#[derive(Debug, Clone, Copy)]
pub(super) enum Level {
    Other,
    /// A virtual server, by its index; `None` where it was not kept.
    Virtual(Option<usize>),
    /// A real server of it.
    Real(Option<(usize, usize)>),
    /// A VRRP instance, by its index.
    Vrrp(Option<usize>),
    /// Its addresses.
    Addresses(Option<usize>),
}

/// What of a session was read so far.
#[derive(Debug, Default, Clone)]
pub(super) struct ProxySession {
    pub source: Option<(Ip, u16)>,
    pub front: Option<(Ip, u16)>,
    pub own: Option<(Ip, u16)>,
    pub server: Option<(Ip, u16)>,
    pub stage: u8,
}

/// Which table of /proc/net is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ProcTable {
    Tcp,
    Udp,
    Arp,
    Routes,
    IpvsConnections,
}

/// Where in a ruleset a line stands.
#[derive(Debug, Default)]
pub(super) struct Ruleset {
    pub open: u32,
    pub chain: Option<String>,
}

/// Which table of kubectl is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KubectlTable {
    Services { spaces: bool },
    Slices { spaces: bool },
    Nodes,
    Pods,
}
