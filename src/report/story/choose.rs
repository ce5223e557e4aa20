//! Which connection is meant by a client, and what to say where none is.
//!
//! Refuses to guess: what does not match is an error that names what does.

use super::super::listing::End;
use super::explanations;
use crate::capture::Timestamp;
use crate::diagnose::{Diagnosis, count};
use crate::topology::{Mode, Ordinary};
use crate::trace::{ConnectionId, Trace};
use crate::window;
use crate::wire::Ip;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Clients or ports that an error names.
const NAMED: usize = 5;

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Ask {
    /// The client, as it calls itself or as a real server sees it.
    pub client: End,
    /// First and last instant between which the connection is alive.
    pub at: Option<(Timestamp, Timestamp)>,
    /// The captures as they were given, for commands to paste.
    pub captures: String,
}

/// The connection that tells most of those that match.
#[derive(Debug, Clone)]
pub struct Chosen {
    /// The connection.
    pub id: ConnectionId,
    /// Index of the finding that explains it, or that concerns it most.
    pub finding: Option<usize>,
    /// The others, most telling first.
    pub others: Vec<ConnectionId>,
    /// How to see the others; empty where there are none.
    pub see_others: String,
}

/// Chooses: failed before whole, explained before not, and then the one that most
/// captures show.
///
/// # Errors
/// In words, with what is there instead, and the command that lists it.
pub fn choose(trace: &Trace, diagnosis: &Diagnosis, ask: &Ask) -> Result<Chosen, String> {
    let all = matching(trace, ask.client);
    if all.is_empty() {
        return Err(no_client(trace, ask));
    }
    let mut alive = all.clone();
    if let Some((from, to)) = ask.at {
        alive.retain(|id| span(trace, *id).is_some_and(|(start, end)| start <= to && end >= from));
    }
    let explained = explanations(diagnosis);
    let rank = |id: &ConnectionId| {
        let connection = trace.connection(*id);
        (
            trace.ordinary(*id).is_some(),
            !connection.outcome.failed(),
            explained.get(id).copied().unwrap_or(usize::MAX),
            Reverse(trace.legs(*id).len()),
            span(trace, *id),
            *id,
        )
    };
    alive.sort_by_cached_key(rank);
    let Some(id) = alive.first().copied() else {
        return Err(not_alive(trace, ask, &all));
    };
    let others = alive.split_off(1);
    let see_others = see(trace, ask, id, &others);
    Ok(Chosen { id, finding: explained.get(&id).copied(), others, see_others })
}

fn matching(trace: &Trace, client: End) -> Vec<ConnectionId> {
    let shown = |id: ConnectionId| trace.ordinary(id) != Some(Ordinary::ProxyLeg);
    let by = |fits: &dyn Fn(ConnectionId) -> bool| -> Vec<ConnectionId> {
        trace.iter().map(|(id, _)| id).filter(|id| fits(*id)).collect()
    };
    let front = |id: ConnectionId| client.is(trace.connection(id).front.client);
    // As a real server sees it, where the director puts its own address.
    let back =
        |id: ConnectionId| trace.connection(id).back.is_some_and(|back| client.is(back.client));
    let mut found = by(&|id| front(id) && shown(id));
    if found.is_empty() {
        found = by(&|id| back(id) && shown(id));
    }
    if found.is_empty() {
        found = by(&front);
    }
    found
}

fn span(trace: &Trace, id: ConnectionId) -> Option<(Timestamp, Timestamp)> {
    Some((trace.time(trace.start(id)?), trace.time(trace.end(id)?)))
}

fn name(trace: &Trace, id: ConnectionId) -> String {
    let client = trace.connection(id).front.client;
    client.0.with_port(client.1)
}

/// `--at` takes it, to the millisecond below.
fn began(trace: &Trace, id: ConnectionId) -> String {
    span(trace, id).map_or_else(String::new, |(start, _)| {
        window::text(start).split_once(' ').map_or_else(String::new, |(_, time)| time.to_owned())
    })
}

fn see(trace: &Trace, ask: &Ask, id: ConnectionId, others: &[ConnectionId]) -> String {
    let Some(next) = others.first() else { return String::new() };
    let captures = &ask.captures;
    let list = format!("lbdiag connections --from {} {captures}", ask.client.shown());
    let one = if name(trace, *next) == name(trace, id) {
        format!("lbdiag why {} --at {} {captures}", name(trace, *next), began(trace, *next))
    } else {
        format!("lbdiag why {} {captures}", name(trace, *next))
    };
    format!("{list}\n{one}")
}

fn not_alive(trace: &Trace, ask: &Ask, all: &[ConnectionId]) -> String {
    let at = ask.at.map_or(0, |(from, _)| from.0);
    let far = |id: &&ConnectionId| {
        span(trace, **id)
            .map_or(u64::MAX, |(start, end)| start.0.abs_diff(at).min(end.0.abs_diff(at)))
    };
    let nearest = all.iter().min_by_key(far).and_then(|id| {
        let (start, end) = span(trace, *id)?;
        Some(format!(
            "the nearest, {}, lived from {} to {} UTC",
            name(trace, *id),
            window::text(start),
            window::text(end)
        ))
    });
    format!(
        "no connection of {} is alive at {} UTC: {}; try lbdiag why {} {}",
        ask.client.shown(),
        window::text(Timestamp(at)),
        nearest.unwrap_or_default(),
        ask.client.shown(),
        ask.captures
    )
}

fn no_client(trace: &Trace, ask: &Ask) -> String {
    let asked = ask.client.shown();
    let list = format!("list what is there: lbdiag connections {}", ask.captures);
    let of_ip: Vec<ConnectionId> = matching(trace, End { port: None, ..ask.client });
    if let Some(first) = of_ip.first() {
        let names: Vec<String> = of_ip
            .iter()
            .take(NAMED)
            .map(|id| format!("{} ({})", name(trace, *id), trace.connection(*id).outcome.name()))
            .collect();
        let more = of_ip.len().saturating_sub(NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let ip = trace.connection(*first).front.client.0;
        return format!(
            "no connection of {asked} is in these captures; {ip} has {}{more}; list them: lbdiag connections --from {} {}",
            names.join(", "),
            ask.client.ip,
            ask.captures
        );
    }
    let ip = ask.client.ip;
    let services = || trace.topology.services.iter();
    if services().any(|s| s.vip == ip && (s.mode != Mode::Unknown || !s.is_backend)) {
        return format!(
            "{ip} is no client here but a service; list its connections: lbdiag connections --to {ip} {}",
            ask.captures
        );
    }
    if services().any(|s| s.real_servers.iter().any(|r| r.address == Some(ip))) {
        return format!(
            "{ip} is no client here but a real server; list its connections: lbdiag connections --served-by {ip} {}",
            ask.captures
        );
    }
    let mut clients: BTreeMap<Ip, usize> = BTreeMap::new();
    for (_, connection) in trace.requests() {
        *clients.entry(connection.front.client.0).or_default() += 1;
    }
    let mut near: Vec<(Ip, usize)> = clients.into_iter().collect();
    near.sort_by_key(|(other, n)| (Reverse(common(*other, ip)), Reverse(*n)));
    let named = |(ip, n): &(Ip, usize)| format!("{ip} ({})", count(*n, "connection"));
    let names: Vec<String> = near.iter().take(NAMED).map(named).collect();
    if names.is_empty() {
        return format!("{asked} is in no connection, and no client is in these captures; {list}");
    }
    format!(
        "{asked} is the client of no connection; the nearest clients here: {}; {list}",
        names.join(", ")
    )
}

/// Leading bits that two addresses share.
fn common(a: Ip, b: Ip) -> u32 {
    let ([a, b], [c, d]) = (a.words(), b.words());
    match (a ^ c).leading_zeros() {
        64 => 64 + (b ^ d).leading_zeros(),
        bits => bits,
    }
}
