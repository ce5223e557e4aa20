//! How all connections ended, by service, real server and vantage: exact, whatever of them is diagnosed.

use crate::breaks::{Breaks, Fate};
use crate::diagnose::count;
use crate::report::{Report, Totals};
use crate::topology::Ordinary;
use crate::trace::{ConnectionId, Trace};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};

/// What connections were to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct To {
    /// Address of the service.
    pub vip: String,
    /// Its port.
    pub port: u16,
    /// `tcp` or `udp`.
    pub protocol: String,
    /// The real server: address, MAC, port; `None` where it is not known.
    pub server: Option<(Option<String>, Option<String>, u16)>,
    /// Why they are nobody's requests, if they are not.
    pub ordinary: Option<String>,
    /// They are a balancer's or proxy's own, on behalf of clients.
    pub backend: bool,
}

/// What became of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// All of them.
    pub connections: u64,
    /// By fate, in the order of [`Fate::ALL`].
    pub fates: [u64; 4],
    /// By outcome.
    pub outcomes: BTreeMap<String, u64>,
    /// Those that each vantage shows.
    pub vantages: BTreeMap<String, u64>,
}

/// The sums of a fleet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sums {
    /// By what connections were to.
    pub by: Vec<(To, Ended)>,
    /// Connections that were diagnosed.
    pub diagnosed: u64,
}

/// What a connection was to.
pub(super) fn to(trace: &Trace, id: ConnectionId) -> To {
    let service = trace.service(id);
    let server = trace.server(id);
    To {
        vip: service.vip.to_string(),
        port: service.port,
        protocol: service.protocol.to_string(),
        server: server.map(|own| {
            (own.address.map(|ip| ip.to_string()), own.mac.map(|mac| mac.to_string()), own.port)
        }),
        ordinary: trace.ordinary(id).map(|why: Ordinary| why.name().to_owned()),
        backend: service.is_backend,
    }
}

/// Sentences that count the diagnosed connections of a service count all of them: `3 of 506 connections`.
fn reword(report: &mut Report, told: &[(u64, u64)]) {
    let words = |n: u64| count(usize::try_from(n).unwrap_or(usize::MAX), "connection");
    let mut known: HashMap<u64, u64> = HashMap::new();
    for (before, now) in told {
        // Where two services have as many, a number tells neither.
        known
            .entry(*before)
            .and_modify(|all| *all = if *all == *now { *now } else { 0 })
            .or_insert(*now);
    }
    for finding in &mut report.findings {
        if let Some(now) = known.get(&finding.affected.of).filter(|now| **now > 0) {
            finding.affected.of = *now;
        }
    }
    let changes: Vec<(String, String)> = known
        .into_iter()
        .filter(|(before, now)| *now > *before)
        .map(|(before, now)| (format!(" of {}", words(before)), format!(" of {}", words(now))))
        .collect();
    let change = |text: &mut String| {
        for (before, now) in &changes {
            if text.contains(before.as_str()) {
                *text = text.replace(before.as_str(), now);
            }
        }
    };
    change(&mut report.verdict.summary);
    report.verdict.lines.iter_mut().for_each(change);
    for finding in &mut report.findings {
        change(&mut finding.title);
        change(&mut finding.explanation);
    }
}

impl Ended {
    fn add(&mut self, other: &Self) {
        self.connections += other.connections;
        self.fates.iter_mut().zip(other.fates).for_each(|(own, more)| *own += more);
        for (list, more) in
            [(&mut self.outcomes, &other.outcomes), (&mut self.vantages, &other.vantages)]
        {
            more.iter().for_each(|(name, n)| *list.entry(name.clone()).or_default() += n);
        }
    }

    /// As a report has it.
    fn totals(&self) -> Totals {
        let [well, failed, suffered, untold] = self.fates;
        let outcomes = self.outcomes.clone().into_iter().collect();
        Totals { connections: self.connections, well, failed, suffered, untold, outcomes }
    }
}

impl Sums {
    /// Of a trace.
    pub(super) fn of(trace: &Trace, breaks: &Breaks) -> Self {
        let mut by: HashMap<To, Ended> = HashMap::new();
        for (id, connection) in trace.iter() {
            let ended = by.entry(to(trace, id)).or_default();
            ended.connections += 1;
            let fate = Fate::ALL.iter().position(|fate| *fate == breaks.fate(id));
            ended.fates[fate.unwrap_or(0)] += 1;
            *ended.outcomes.entry(connection.outcome.name().to_owned()).or_default() += 1;
            let mut vantages: Vec<_> = trace.legs(id).iter().map(|leg| leg.vantage).collect();
            vantages.sort_unstable();
            vantages.dedup();
            for vantage in vantages {
                let name = &trace.vantages[vantage.index()].label;
                match ended.vantages.get_mut(name) {
                    Some(n) => *n += 1,
                    None => *ended.vantages.entry(name.clone()).or_default() += 1,
                }
            }
        }
        let mut by: Vec<_> = by.into_iter().collect();
        by.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        Self { by, diagnosed: 0 }
    }

    /// Adds those of another part.
    pub(super) fn add(&mut self, other: Self) {
        let mut by: BTreeMap<To, Ended> = std::mem::take(&mut self.by).into_iter().collect();
        for (to, ended) in other.by {
            by.entry(to).or_default().add(&ended);
        }
        self.by = by.into_iter().collect();
        self.diagnosed += other.diagnosed;
    }

    /// All connections.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.by.iter().map(|(_, ended)| ended.connections).sum()
    }

    fn sum<'a>(&'a self, test: impl Fn(&To) -> bool + 'a) -> Totals {
        let mut all = Ended::default();
        let chosen = self.by.iter().filter(|(to, _)| test(to));
        chosen.for_each(|(_, ended)| all.add(ended));
        all.totals()
    }

    /// Puts the exact sums in the place of those of the connections that were diagnosed.
    pub(super) fn tell(&self, report: &mut Report) {
        let all = self.connections();
        if self.diagnosed >= all {
            return;
        }
        let mut told: Vec<(u64, u64)> = Vec::new();
        for service in &mut report.services {
            let own = |to: &To| {
                to.ordinary.is_none()
                    && (&to.vip, to.port, &to.protocol)
                        == (&service.vip, service.port, &service.protocol)
            };
            for server in &mut service.real_servers {
                let totals = self.sum(|to| {
                    let is = |of: &(Option<String>, Option<String>, u16)| {
                        // What one part knows by its MAC alone is the same server.
                        let same = if server.mac.is_some() && of.1.is_some() {
                            server.mac == of.1
                        } else {
                            server.address == of.0
                        };
                        same && server.port.is_none_or(|port| port == of.2)
                    };
                    own(to) && to.server.as_ref().is_some_and(is)
                });
                server.connections = totals.connections;
                server.totals = totals;
            }
            let totals = self.sum(own);
            told.push((service.totals.connections, totals.connections));
            service.totals = totals;
        }
        let totals = self.sum(|to| to.ordinary.is_none());
        told.push((report.totals.connections, totals.connections));
        report.totals = totals;
        reword(report, &told);
        let checks = self.sum(|to| to.ordinary.as_deref() == Some("health-check"));
        let number = |n: u64, what: &str| count(usize::try_from(n).unwrap_or(usize::MAX), what);
        let services = number(report.services.len() as u64, "service");
        let totals = &report.totals;
        let mut accounts = format!(
            "{} to {services}: {}",
            number(totals.connections, "connection"),
            totals.fates()
        );
        if checks.connections > 0 {
            let n = number(checks.connections, "health check");
            accounts.push_str(&format!("; {n}: {}", checks.fates()));
        }
        report.verdict.accounts = accounts;
        report.beside.checks = checks;
        report.notes.insert(
            0,
            format!(
                "{} of {} were diagnosed one by one: those that failed or suffered, and of those that did well enough for each real server; sums, and \"of so many connections\", count all",
                number(self.diagnosed, "connection"),
                number(all, "connection")
            ),
        );
    }
}
