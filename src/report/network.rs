//! What the document says of hosts, services and real servers, with their sums.

use super::connection::Timing;
use crate::topology::Role;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A host with its role.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Host {
    /// `client`, `router`, `director`, `real server`, `server`, `host`.
    pub role: Role,
    /// The address that names it and no other host; null where none was seen.
    #[serde(default)]
    pub own: Option<String>,
    /// Addresses, the host's own first, then VIPs that it answers for.
    pub addresses: Vec<String>,
    /// Hardware addresses of its interfaces.
    pub macs: Vec<String>,
    /// Labels of the vantages that were taken on this host.
    pub vantages: Vec<String>,
    /// Why it was given this role.
    pub evidence: String,
}

/// A virtual service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Service {
    /// The address that clients connect to.
    pub vip: String,
    /// Port.
    pub port: u16,
    /// `tcp`, `udp`.
    pub protocol: String,
    /// `nat`, `dr`, `tun`, `fullnat`, `proxy`, `unknown`.
    pub mode: String,
    /// Who forwards it.
    pub directors: Vec<HostRef>,
    /// Who serves it.
    pub real_servers: Vec<RealServer>,
    /// How its connections ended.
    pub totals: Totals,
}

impl Service {
    /// The rows of its table, which add up to its totals: its real servers, and what reached none
    /// that is known.
    #[must_use]
    pub fn rows(&self) -> Vec<RealServer> {
        let mut rows = self.real_servers.clone();
        let served = rows.iter().fold(Totals::default(), |sum, row| sum.and(&row.totals));
        let totals = self.totals.without(&served);
        if totals.connections > 0 && !rows.is_empty() {
            let connections = totals.connections;
            let (address, port, mac, timing, remark) = (None, None, None, None, None);
            rows.push(RealServer { address, port, mac, connections, totals, timing, remark });
        }
        rows
    }
}

/// A host by its addresses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HostRef {
    /// The address that names it and no other host; null where none was seen.
    #[serde(default)]
    pub own: Option<String>,
    /// Network addresses, its own first; of a service's director its own, 16 of them at most, and the service's
    /// VIP: all that it has stand in [`Report::hosts`](super::Report::hosts).
    pub addresses: Vec<String>,
    /// Hardware addresses; of a service's director 16 of them at most.
    pub macs: Vec<String>,
}

impl HostRef {
    /// What it is called: its own address, else its MAC, else what address it has.
    #[must_use]
    pub fn name(&self) -> Option<&String> {
        name(self.own.as_ref(), &self.macs, &self.addresses)
    }
}

impl Host {
    /// What it is called: its own address, else its MAC, else what address it has.
    #[must_use]
    pub fn name(&self) -> Option<&String> {
        name(self.own.as_ref(), &self.macs, &self.addresses)
    }
}

fn name<'a>(
    own: Option<&'a String>,
    macs: &'a [String],
    addresses: &'a [String],
) -> Option<&'a String> {
    own.or_else(|| macs.first()).or_else(|| addresses.first())
}

/// A real server of a service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RealServer {
    /// Its own address; null where only the MAC was seen.
    pub address: Option<String>,
    /// Port on the real server.
    pub port: Option<u16>,
    /// Hardware address, where one was seen.
    pub mac: Option<String>,
    /// Connections that were sent to it.
    pub connections: u64,
    /// How those ended.
    pub totals: Totals,
    /// Where the time of its connections goes, medians; null where no vantage shows it.
    pub timing: Option<Timing>,
    /// What is worth saying beside the numbers ("the caller itself").
    pub remark: Option<String>,
}

/// How connections ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Totals {
    /// All.
    pub connections: u64,
    /// Count by outcome; outcomes without a connection are left out.
    pub outcomes: BTreeMap<String, u64>,
    /// Those that did what they were opened for.
    #[serde(default)]
    pub well: u64,
    /// Those whose client did not get what it connected for.
    pub failed: u64,
    /// Those that got it much later than they should.
    #[serde(default)]
    pub suffered: u64,
    /// Those of which the captures do not show enough. The four add up to `connections`.
    #[serde(default)]
    pub untold: u64,
}

impl Totals {
    /// These and those.
    #[must_use]
    fn and(mut self, other: &Self) -> Self {
        self.combine(other, u64::saturating_add);
        self
    }

    /// These without those, which are among them.
    #[must_use]
    fn without(&self, other: &Self) -> Self {
        let mut rest = self.clone();
        rest.combine(other, u64::saturating_sub);
        rest.outcomes.retain(|_, n| *n > 0);
        rest
    }

    fn combine(&mut self, other: &Self, how: fn(u64, u64) -> u64) {
        for (own, add) in [
            (&mut self.connections, other.connections),
            (&mut self.well, other.well),
            (&mut self.failed, other.failed),
            (&mut self.suffered, other.suffered),
            (&mut self.untold, other.untold),
        ] {
            *own = how(*own, add);
        }
        for (outcome, n) in &other.outcomes {
            let own = self.outcomes.entry(outcome.clone()).or_default();
            *own = how(*own, *n);
        }
    }
}
