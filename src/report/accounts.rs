//! The sums in words: what became of clients' connections, and what else was captured
//! that is nobody's request.
//!
//! Every output takes its numbers and its words from here.

use super::build::Builder;
use super::{Beside, Scans, Totals};
use crate::breaks::Account;
use crate::diagnose::words::{agree, count, thousands};
use crate::topology::Ordinary;
use crate::wire::Ip;
use std::collections::BTreeSet;

/// Addresses of scanning sources that are named.
const MAX_NAMED: usize = 8;

impl Totals {
    /// `15,933 did well, 94 failed, 12 suffered, 3 cannot be told`; what is nought is left
    /// out, empty where there is no connection.
    #[must_use]
    pub fn fates(&self) -> String {
        let said = [
            (self.well, "did well"),
            (self.failed, "failed"),
            (self.suffered, "suffered"),
            (self.untold, "cannot be told"),
        ];
        let some = said.iter().filter(|(n, _)| *n > 0);
        some.map(|(n, what)| format!("{} {what}", thousands(*n))).collect::<Vec<_>>().join(", ")
    }
}

impl From<Account> for Totals {
    fn from(account: Account) -> Self {
        Self {
            connections: account.all(),
            well: account.well,
            failed: account.failed,
            suffered: account.suffered,
            untold: account.untold,
            ..Self::default()
        }
    }
}

impl Builder<'_> {
    /// What was captured and is no client's request.
    pub(super) fn beside(&self) -> Beside {
        let mut scans = Scans::default();
        let (mut sources, mut services) = (BTreeSet::new(), BTreeSet::new());
        let mut floods = 0;
        for (id, connection) in self.trace.iter() {
            match self.trace.ordinary(id) {
                Some(Ordinary::Scan) => {
                    scans.connections += 1;
                    sources.insert(connection.front.client.0);
                    services.insert(connection.front.server);
                }
                Some(Ordinary::Flood) => floods += 1,
                Some(Ordinary::HealthCheck | Ordinary::ProxyLeg | Ordinary::StrayAnswer) | None => {
                }
            }
        }
        scans.sources = sources.len() as u64;
        scans.ports = services.len() as u64;
        let addresses: BTreeSet<Ip> = services.into_iter().map(|(ip, _)| ip).collect();
        scans.addresses = addresses.len() as u64;
        scans.from = sources.iter().take(MAX_NAMED).map(ToString::to_string).collect();
        Beside { checks: self.breaks.accounts.checks.into(), scans, floods }
    }

    /// All of it in one line; empty where nothing was captured.
    pub(super) fn accounts(&self, totals: &Totals, services: usize, beside: &Beside) -> String {
        let mut said = Vec::new();
        if totals.connections > 0 {
            let n = sum(totals.connections, "connection");
            let to = if services > 1 {
                format!(" to {}", count(services, "service"))
            } else {
                String::new()
            };
            said.push(format!("{n}{to}: {}", totals.fates()));
        }
        if beside.checks.connections > 0 {
            let n = sum(beside.checks.connections, "health check");
            said.push(format!("{n}: {}", beside.checks.fates()));
        }
        if beside.scans.connections > 0 {
            let scans = &beside.scans;
            said.push(format!(
                "{} of scans, in no count: {} tried {} of {}",
                sum(scans.connections, "connection"),
                source(scans),
                sum(scans.ports, "port"),
                count_of(scans.addresses, "address", "addresses"),
            ));
        }
        if beside.floods > 0 {
            said.push(format!("{} of a flood, in no count", sum(beside.floods, "SYN")));
        }
        said.join("; ")
    }
}

fn sum(n: u64, what: &str) -> String {
    count(usize::try_from(n).unwrap_or(usize::MAX), what)
}

fn count_of(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", thousands(n), agree(usize::try_from(n).unwrap_or(usize::MAX), one, many))
}

/// The one source by its address, several by their number.
fn source(scans: &Scans) -> String {
    match scans.from.as_slice() {
        [one] => one.clone(),
        _ => sum(scans.sources, "source"),
    }
}
