//! What changed between two reports, of a good time and of a bad one.
//!
//! Only what differs is listed. A difference that chance explains, or that only one of
//! the two captures could show, is no change: the first is left out, the second goes to
//! the notes. It refuses to say which change caused which.

mod findings;
mod services;

use super::{Confidence, Report, SCHEMA_VERSION, Severity, Status, Totals};
use crate::breaks::chance;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Two reports held against each other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Comparison {
    /// Version of this document's schema; fields are only ever added within one.
    pub schema_version: String,
    /// The program and version that wrote it.
    pub generator: String,
    /// `worse`, `better`, `changed`, `same`.
    pub change: String,
    /// One sentence.
    pub summary: String,
    /// The good one.
    pub good: Side,
    /// The bad one.
    pub bad: Side,
    /// Services that both have and that differ.
    pub services: Vec<ServiceChange>,
    /// Services that only the bad one has.
    pub services_appeared: Vec<Sized>,
    /// Services that only the good one has.
    pub services_gone: Vec<Sized>,
    /// Findings that differ, most important first.
    pub findings: Vec<FindingChange>,
    /// What limits the comparison.
    pub notes: Vec<String>,
}

/// One of the two.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Side {
    /// What was given: a report or captures.
    pub name: String,
    /// Its verdict.
    pub status: Status,
    /// Its verdict in a sentence.
    pub summary: String,
    /// How its connections ended.
    pub totals: Totals,
}

/// Something with its connections.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Sized {
    /// `ip:port/protocol` of a service.
    pub name: String,
    /// Connections.
    pub connections: u64,
}

/// A service that both have.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ServiceChange {
    /// `ip:port/protocol` in the bad one.
    pub name: String,
    /// Its name in the good one, where addresses differ.
    pub was: Option<String>,
    /// Forwarding mode, where it differs.
    pub mode: Option<Words>,
    /// Connections that failed, where more or fewer did than chance explains.
    pub failed: Option<Counts>,
    /// Outcomes that differ so.
    pub outcomes: Vec<Counts>,
    /// Real servers that differ.
    pub real_servers: Vec<ServerChange>,
}

/// A word before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Words {
    /// In the good one.
    pub good: String,
    /// In the bad one.
    pub bad: String,
}

/// Counts before and after, of how many.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Counts {
    /// What is counted.
    pub what: String,
    /// In the good one.
    pub good: u64,
    /// Of so many.
    pub good_of: u64,
    /// In the bad one.
    pub bad: u64,
    /// Of so many.
    pub bad_of: u64,
    /// Probability of such a difference without a change (Fisher's exact test).
    pub p: f64,
}

/// A real server of one service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ServerChange {
    /// Its address, else its MAC.
    pub name: String,
    /// `appeared`, `gone`, or `stayed`.
    pub change: String,
    /// Whether there are too many connections for chance to have kept it out of one of
    /// the two; true where it stayed.
    pub sure: bool,
    /// Its share of the service's connections, where that differs.
    pub share: Option<Counts>,
    /// Those of its connections that failed, where that differs.
    pub failed: Option<Counts>,
    /// Median times that differ.
    pub times: Vec<TimeChange>,
}

/// A median before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TimeChange {
    /// `connect`, `first byte`, `server`, as in a report's `timing`.
    pub what: String,
    /// In the good one, nanoseconds.
    pub good_ns: i64,
    /// In the bad one.
    pub bad_ns: i64,
    /// Connections in the good one.
    pub good_of: u64,
    /// Connections in the bad one.
    pub bad_of: u64,
}

/// A finding of one of the two, or of both.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FindingChange {
    /// `appeared`, `gone`, `stayed` (and concerns another share), or `unsure`: the other
    /// one could not have shown it.
    pub change: String,
    /// The detector.
    pub id: String,
    /// Its number in the good report.
    pub n_good: Option<u32>,
    /// Its number in the bad report.
    pub n_bad: Option<u32>,
    /// As in the report that has it, the bad one where both do.
    pub severity: Severity,
    /// As above.
    pub confidence: Confidence,
    /// As above.
    pub title: String,
    /// Connections concerned, where that share differs.
    pub affected: Option<Counts>,
    /// Why the other could not have shown it.
    pub reason: Option<String>,
}

/// Holds two reports against each other; the names say what each was made of.
#[must_use]
pub fn compare(good: (&str, &Report), bad: (&str, &Report)) -> Comparison {
    let mut notes = Vec::new();
    let matched = services::matched(good.1, bad.1, &mut notes);
    let services: Vec<ServiceChange> =
        matched.pairs.iter().filter_map(|pair| services::change(pair, &mut notes)).collect();
    let findings = findings::changes(good.1, bad.1, matched.by_port);
    let side = |(name, report): (&str, &Report)| Side {
        name: name.to_owned(),
        status: report.verdict.status,
        summary: report.verdict.summary.clone(),
        totals: report.totals.clone(),
    };
    let mut comparison = Comparison {
        schema_version: SCHEMA_VERSION.to_owned(),
        generator: super::generator(),
        change: String::new(),
        summary: String::new(),
        good: side(good),
        bad: side(bad),
        services,
        services_appeared: matched.appeared,
        services_gone: matched.gone,
        findings,
        notes,
    };
    comparison.change = comparison.direction().to_owned();
    comparison.summary = comparison.sentence();
    comparison
}

/// The JSON Schema of [`Comparison`].
#[must_use]
pub fn json_schema() -> serde_json::Value {
    schemars::schema_for!(Comparison).to_value()
}

impl Comparison {
    fn is_empty(&self) -> bool {
        self.services.is_empty()
            && self.services_appeared.is_empty()
            && self.services_gone.is_empty()
            && self.findings.iter().all(|finding| finding.change == "unsure")
    }

    fn direction(&self) -> &'static str {
        let rank = |status: Status| match status {
            Status::Healthy => Some(0),
            Status::Degraded => Some(1),
            Status::Failing => Some(2),
            Status::Inconclusive => None,
        };
        match (rank(self.good.status), rank(self.bad.status)) {
            (Some(good), Some(bad)) if good < bad => "worse",
            (Some(good), Some(bad)) if good > bad => "better",
            _ if self.is_empty() && self.good.status == self.bad.status => "same",
            _ => "changed",
        }
    }

    /// What changed most, in one sentence.
    fn sentence(&self) -> String {
        let (good, bad) = (self.good.status.word(), self.bad.status.word());
        let head = match good == bad {
            true => format!("both are {bad}"),
            false => format!("was {good}, is {bad}"),
        };
        match self.foremost() {
            Some(what) => format!("{head}: {what}"),
            None if good == bad => format!("{head}, and nothing that can be told apart changed"),
            None => head,
        }
    }

    fn foremost(&self) -> Option<String> {
        let loud = |change: &str| {
            let of = |f: &&FindingChange| f.change == change && f.severity.is_loud();
            self.findings.iter().find(of)
        };
        if let Some(finding) = loud("appeared") {
            return Some(format!("{} appeared, {}", finding.id, finding.title));
        }
        let mut unsure = self.findings.iter().filter(|f| f.change == "unsure" && f.n_bad.is_some());
        if let Some(finding) = unsure.find(|f| f.severity.is_loud()) {
            return Some(format!(
                "{} is found, which could not be looked for before, {}",
                finding.id, finding.title
            ));
        }
        if let Some(service) = self.services_gone.first() {
            return Some(format!("the service {} is not seen any more", service.name));
        }
        if let Some((service, server)) = self.server("gone") {
            return Some(format!("{server} no longer serves {service}"));
        }
        if let Some((service, failed)) =
            self.services.iter().find_map(|s| Some((&s.name, s.failed.as_ref()?)))
        {
            return Some(format!(
                "{} of {} connections to {service} fail, before {} of {}",
                failed.bad, failed.bad_of, failed.good, failed.good_of
            ));
        }
        if let Some(finding) = loud("gone") {
            return Some(format!("{} is gone", finding.id));
        }
        if let Some((service, server)) = self.server("appeared") {
            return Some(format!("{server} serves {service} now"));
        }
        if let Some(service) = self.services.first() {
            return Some(format!("{} differs", service.name));
        }
        let service = self.services_appeared.first()?;
        Some(format!("the service {} is new", service.name))
    }

    /// A real server that surely appeared or went, with its service.
    fn server(&self, change: &str) -> Option<(&str, &str)> {
        self.services.iter().find_map(|service| {
            let mut servers = service.real_servers.iter();
            let server = servers.find(|server| server.change == change && server.sure)?;
            Some((service.name.as_str(), server.name.as_str()))
        })
    }
}

impl Status {
    /// As the document has it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::Failing => "failing",
            Self::Inconclusive => "inconclusive",
        }
    }
}

/// Counts, where they differ by more than chance.
fn counts(what: &str, good: (u64, u64), bad: (u64, u64)) -> Option<Counts> {
    let p = chance::probability(good.0, good.1, bad.0, bad.1);
    (p < chance::LEVEL).then(|| Counts {
        what: what.to_owned(),
        good: good.0,
        good_of: good.1,
        bad: bad.0,
        bad_of: bad.1,
        p,
    })
}

#[cfg(test)]
mod tests;
