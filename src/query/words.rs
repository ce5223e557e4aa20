//! The words that a trace gives to the language: addresses, names, findings.

use super::eval::KINDS;
use super::field::{FIELDS, Field};
use crate::breaks::Fate;
use crate::correlate::Outcome;
use crate::diagnose::Diagnosis;
use crate::topology::Mode;
use crate::trace::Trace;
use std::collections::BTreeSet;

/// Client addresses that are offered; nobody reads more.
const MAX_CLIENTS: usize = 1_000;

/// What can be typed, by field.
#[derive(Debug, Clone, Default)]
pub struct Vocabulary {
    clients: Vec<String>,
    services: Vec<String>,
    servers: Vec<String>,
    captures: Vec<String>,
    findings: Vec<String>,
    breaks: Vec<String>,
    traits: Vec<String>,
}

impl Vocabulary {
    /// The words of a trace.
    #[must_use]
    pub fn new(trace: &Trace, diagnosis: &Diagnosis) -> Self {
        let mut clients = BTreeSet::new();
        for (_, connection) in trace.requests() {
            if clients.len() >= MAX_CLIENTS {
                break;
            }
            clients.insert(connection.front.client.0);
        }
        let services = || trace.topology.services.iter().filter(|s| !s.is_backend);
        let mut servers = BTreeSet::new();
        for server in services().flat_map(|s| &s.real_servers) {
            match (server.address, server.mac) {
                (Some(ip), _) => servers.insert(ip.to_string()),
                (None, Some(mac)) => servers.insert(mac.to_string()),
                (None, None) => false,
            };
            let host = server.host.map(|host| trace.topology.hosts.get(host));
            let vantages = host.into_iter().flat_map(|host| &host.vantages);
            servers.extend(
                vantages.filter_map(|v| Some(trace.vantages.get(v.index())?.label.clone())),
            );
        }
        let found = &diagnosis.findings;
        let ids: BTreeSet<&str> = found.iter().map(|finding| finding.id.as_str()).collect();
        let numbers = (1..=found.len()).map(|n| n.to_string());
        let (breaks, traits) = super::broken::words(diagnosis);
        Self {
            breaks,
            traits,
            clients: clients.iter().map(ToString::to_string).collect(),
            services: services().map(crate::topology::Service::name).collect(),
            servers: servers.into_iter().collect(),
            captures: trace.vantages.iter().map(|v| v.label.clone()).collect(),
            findings: numbers.chain(ids.iter().map(ToString::to_string)).collect(),
        }
    }

    /// The same words, each as `shown` writes it.
    #[must_use]
    pub fn map(mut self, mut shown: impl FnMut(String) -> String) -> Self {
        let all = [
            &mut self.clients,
            &mut self.services,
            &mut self.servers,
            &mut self.captures,
            &mut self.breaks,
            &mut self.traits,
        ];
        for word in all.into_iter().flatten() {
            *word = shown(std::mem::take(word));
        }
        self
    }

    /// What may stand behind a field.
    pub(super) fn of(&self, field: Field) -> Vec<String> {
        let owned = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        match field {
            Field::Client => self.clients.clone(),
            Field::Service => self.services.clone(),
            Field::Server => [self.servers.clone(), owned(&["none"])].concat(),
            Field::Host => {
                let all = [&self.servers, &self.captures, &self.clients].map(Clone::clone).concat();
                let mut seen = BTreeSet::new();
                all.into_iter().filter(|word| seen.insert(word.clone())).collect()
            }
            Field::Outcome => [owned(&["failed"]), owned(&Outcome::ALL.map(|o| o.name()))].concat(),
            Field::Fate => owned(&Fate::ALL.map(Fate::name)),
            Field::Break => [self.breaks.clone(), owned(&["any", "none"])].concat(),
            Field::Apart => [self.traits.clone(), owned(&["any", "none"])].concat(),
            Field::Mode => owned(&Mode::ALL.map(|m| m.name())),
            Field::Proto => owned(&["tcp", "udp"]),
            Field::Finding => [self.findings.clone(), owned(&["any", "none"])].concat(),
            Field::Seen => self.captures.clone(),
            Field::Kind => [owned(&["request"]), owned(&KINDS.map(|k| k.name()))].concat(),
            Field::Port | Field::Id | Field::Duration | Field::Bytes | Field::Start => Vec::new(),
        }
    }

    /// What may begin a condition.
    pub(super) fn beginnings() -> Vec<String> {
        let mut words: Vec<String> = FIELDS.iter().map(|f| f.names[0].to_owned()).collect();
        words.push("not".to_owned());
        words
    }
}
