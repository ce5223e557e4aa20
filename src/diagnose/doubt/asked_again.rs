//! Servers that answer what a proxy passes on to them with 500 to 599, while the proxy asks another one for the same
//! client, who is served: nobody fails, and a server does.

use crate::correlate::Connection;
use crate::diagnose::Facts;
use crate::diagnose::thresholds::NO_COINCIDENCE;
use crate::diagnose::words::list;
use crate::exchange::Exchange;
use crate::trace::ConnectionId;
use crate::wire::Ip;
use std::collections::{BTreeMap, BTreeSet};

/// What one server answered a proxy: how often at all, and the errors that no client got.
#[derive(Default)]
struct Answers<'a> {
    all: usize,
    hidden: Vec<&'a Exchange>,
}

fn is_error(exchange: &Exchange) -> bool {
    exchange.status.is_some_and(|status| (500..600).contains(&status))
}

pub(super) fn asked_again(facts: &Facts) -> Option<String> {
    let pairs = &facts.pairs;
    let mut servers: BTreeMap<(Ip, u16), Answers<'_>> = BTreeMap::new();
    for (front, carried) in &pairs.carried {
        let served = !pairs.of(*front).any(is_error);
        let passed_on: Vec<&Exchange> =
            carried.iter().filter_map(|at| pairs.exchanges.get(*at)).collect();
        let elsewhere = passed_on.iter().any(|e| e.status.is_some() && !is_error(e));
        for exchange in passed_on {
            let leg: &Connection = facts.connection(ConnectionId(exchange.connection));
            let answers = servers.entry(leg.front.server).or_default();
            answers.all += usize::from(exchange.status.is_some());
            if served && elsewhere && is_error(exchange) {
                answers.hidden.push(exchange);
            }
        }
    }
    let enough = |answers: &Answers<'_>| answers.hidden.len() >= NO_COINCIDENCE;
    let (server, answers) = servers.into_iter().find(|(_, answers)| enough(answers))?;
    let first = answers.hidden.iter().min_by_key(|e| (e.vantage, e.response.frame()))?;
    let statuses: BTreeSet<u16> = answers.hidden.iter().filter_map(|e| e.status).collect();
    let statuses: Vec<String> = statuses.iter().map(u16::to_string).collect();
    Some(format!(
        "{} answers {} of {} requests that are passed on to it with HTTP {} ({} #{}): the proxy asks another server then, and its clients see nothing of it but the time",
        server.0.with_port(server.1),
        answers.hidden.len(),
        answers.all,
        list(&statuses),
        facts.vantages[first.vantage.index()].label,
        first.response.frame()
    ))
}
