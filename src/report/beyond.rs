//! Connections that were counted and not kept: they are in the totals, and in no list.

use super::build::Builder;
use super::{Beyond, Endpoint, RealServer, Service, Totals, Uncounted};
use crate::diagnose::words::thousands;
use crate::flow::Answer;
use crate::trace;

/// Services and answers that are listed.
const MAX_LISTED: usize = 256;

impl Totals {
    /// Adds connections that failed by this answer.
    fn add(&mut self, answer: Answer, connections: u64) {
        let outcome = if answer == Answer::Reset { "refused" } else { "unanswered" };
        self.connections += connections;
        self.failed += connections;
        *self.outcomes.entry(outcome.to_owned()).or_default() += connections;
    }
}

/// Whether it is somebody's failed connection, and no flood's.
fn counts(beyond: &trace::Beyond) -> bool {
    matches!(beyond.answer, Answer::Reset | Answer::Error)
}

impl Builder<'_> {
    pub(super) fn beyond(&self) -> Vec<Beyond> {
        let list = self.trace.beyond.iter().take(MAX_LISTED).map(|beyond| {
            let (vip, port, number) = beyond.service;
            let servers = beyond.servers.iter().map(|((address, mac), connections)| Uncounted {
                server: Endpoint {
                    address: address.map(|(ip, _)| ip.to_string()),
                    port: address.map(|(_, port)| port),
                    mac: mac.map(|mac| mac.to_string()),
                },
                connections: *connections,
            });
            Beyond {
                service: vip.with_port(port),
                protocol: number.to_string(),
                answer: beyond.answer.name().to_owned(),
                connections: beyond.connections,
                real_servers: servers.collect(),
            }
        });
        list.collect()
    }

    /// Adds what failed and was not kept to the totals of all.
    pub(super) fn with_beyond(&self, mut totals: Totals) -> Totals {
        for beyond in self.trace.beyond.iter().filter(|beyond| counts(beyond)) {
            totals.add(beyond.answer, beyond.connections);
        }
        totals
    }

    /// Adds what failed and was not kept to the totals of its service and real servers.
    pub(super) fn add_beyond(
        &self,
        name: (crate::wire::Ip, u16, crate::wire::Protocol),
        service: &mut Service,
    ) {
        let own = |beyond: &&trace::Beyond| beyond.service == name && counts(beyond);
        for beyond in self.trace.beyond.iter().filter(own) {
            service.totals.add(beyond.answer, beyond.connections);
            for ((address, mac), connections) in &beyond.servers {
                let (ip, mac) = (address.map(|(ip, _)| ip.to_string()), mac.map(|m| m.to_string()));
                let same = |server: &&mut RealServer| {
                    ip.as_ref().is_none_or(|ip| server.address.as_ref() == Some(ip))
                        && address.is_none_or(|(_, port)| server.port == Some(port))
                        && mac.as_ref().is_none_or(|mac| server.mac.as_ref() == Some(mac))
                };
                if let Some(server) = service.real_servers.iter_mut().find(same) {
                    server.connections += connections;
                    server.totals.add(beyond.answer, *connections);
                }
            }
        }
    }

    /// What the headline must say of its own numbers, where connections that failed were
    /// not kept; `totals` count them.
    pub(super) fn lower_bounds(&self, totals: &Totals) -> String {
        let more: u64 = self.trace.beyond.iter().filter(|b| counts(b)).map(|b| b.connections).sum();
        if more == 0 {
            return String::new();
        }
        format!(
            "; its numbers are lower bounds: {} more connections that were refused are counted and not kept, {} of {} failed in all",
            thousands(more),
            thousands(totals.failed),
            thousands(totals.connections)
        )
    }
}
