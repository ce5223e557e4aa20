//! The sums: did well, failed, suffered, cannot be told.

use super::Fate;
use crate::topology::Ordinary;
use crate::trace::{ConnectionId, Trace};

/// How many connections met which fate; the four add up to all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Account {
    /// Did well.
    pub well: u64,
    /// Failed.
    pub failed: u64,
    /// Suffered.
    pub suffered: u64,
    /// Cannot be told.
    pub untold: u64,
}

impl Account {
    /// Counts one more.
    pub fn count(&mut self, fate: Fate) {
        match fate {
            Fate::Well => self.well += 1,
            Fate::Failed => self.failed += 1,
            Fate::Suffered => self.suffered += 1,
            Fate::Untold => self.untold += 1,
        }
    }

    /// All of them.
    #[must_use]
    pub fn all(&self) -> u64 {
        self.well + self.failed + self.suffered + self.untold
    }

    /// Those that failed or suffered.
    #[must_use]
    pub fn harmed(&self) -> u64 {
        self.failed + self.suffered
    }
}

/// The accounts of a trace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Accounts {
    /// Clients' connections.
    pub requests: Account,
    /// Health checks.
    pub checks: Account,
    /// Clients' connections by service.
    pub services: Vec<Account>,
}

impl Accounts {
    pub(super) fn of(trace: &Trace, fates: &[Fate]) -> Self {
        let mut accounts = Self {
            services: vec![Account::default(); trace.topology.services.len()],
            ..Self::default()
        };
        for (i, fate) in fates.iter().enumerate() {
            let id = ConnectionId(i as u32);
            match trace.ordinary(id) {
                None => {
                    accounts.requests.count(*fate);
                    accounts.services[trace.service_of(id).0 as usize].count(*fate);
                }
                Some(Ordinary::HealthCheck) => accounts.checks.count(*fate),
                Some(
                    Ordinary::ProxyLeg | Ordinary::Scan | Ordinary::Flood | Ordinary::StrayAnswer,
                ) => {}
            }
        }
        accounts
    }
}
