//! Connections of which a host's table names both sides, as ties for the streams of captures.

use super::{Held, HostState};
use crate::correlate::{BothSides, Carried, Tuple};
use crate::wire::{Ip, Protocol};
use std::collections::BTreeMap;

type End = (Ip, u16);

/// Connections that hosts rewrote: netfilter's table, and that of a FullNAT director.
#[must_use]
pub fn translated(states: &[HostState]) -> Vec<BothSides> {
    let tracked = states.iter().flat_map(|state| &state.tracked);
    let tracked = tracked.filter(|t| t.translates() && t.from.1 > 0).map(|t| BothSides {
        protocol: t.protocol,
        front: Tuple { client: t.from, server: t.to },
        back: Tuple { client: t.reply_to, server: t.reply_from },
    });
    let entries = states.iter().flat_map(|state| &state.entries).filter_map(|entry| {
        Some(BothSides {
            protocol: entry.protocol,
            front: Tuple { client: entry.client, server: entry.service },
            back: Tuple { client: entry.local?, server: entry.server },
        })
    });
    tracked.chain(entries).collect()
}

/// Connections that proxies ended, with those that they opened for them.
#[must_use]
pub fn proxied(states: &[HostState]) -> Vec<BothSides> {
    let sessions = states.iter().flat_map(|state| &state.sessions);
    let sessions = sessions.map(|session| BothSides {
        protocol: Protocol::TCP,
        front: Tuple { client: session.front.0, server: session.front.1 },
        back: Tuple { client: session.back.0, server: session.back.1 },
    });
    sessions.chain(states.iter().flat_map(held)).collect()
}

/// A program that carries connections, and holds one which it accepted and one that it opened.
fn held(state: &HostState) -> Vec<BothSides> {
    let both = |(accepted, opened): (Vec<&Held>, Vec<&Held>)| match (&accepted[..], &opened[..]) {
        ([front], [back]) => Some(BothSides {
            protocol: Protocol::TCP,
            front: Tuple { client: front.peer, server: front.local },
            back: Tuple { client: back.local, server: back.peer },
        }),
        _ => None,
    };
    by_process(state).into_values().filter_map(both).collect()
}

/// By process: connections that it accepted, on a port that is listened on, and others. `ss` without
/// `-a` lists no listeners: a client's port is then the higher one.
fn by_process(state: &HostState) -> BTreeMap<u32, (Vec<&Held>, Vec<&Held>)> {
    let mut of: BTreeMap<u32, (Vec<&Held>, Vec<&Held>)> = BTreeMap::new();
    for held in &state.held {
        let (ip, port) = held.local;
        let mut listeners = state.listeners.iter().filter(|l| l.protocol.is_tcp()).peekable();
        let accepted = match listeners.peek() {
            Some(_) => listeners.any(|l| l.takes(ip, port)),
            None => port < held.peer.1,
        };
        let own = of.entry(held.pid).or_default();
        if accepted { own.0.push(held) } else { own.1.push(held) }
    }
    of
}

/// What proxies' logs say that they carried, and whom they asked; and what processes do that hold
/// several connections to one server.
#[must_use]
pub fn carried(states: &[HostState]) -> Vec<Carried> {
    let logs = states.iter().any(|state| !state.logged.is_empty());
    // A name is one proxy's, whose table may stand in another file; two that differ leave it open.
    let mut own: BTreeMap<(usize, &str), Option<End>> = BTreeMap::new();
    for (at, state) in states.iter().enumerate().filter(|_| logs) {
        for server in &state.proxy_servers {
            own.entry((at, &server.name)).or_insert(server.address);
        }
    }
    let mut anybodys: BTreeMap<&str, Option<End>> = BTreeMap::new();
    for ((_, name), address) in &own {
        if let Some(address) = address {
            let known = anybodys.entry(name).or_insert(Some(*address));
            *known = known.filter(|known| known == address);
        }
    }
    let address = |at: usize, name: &str| {
        own.get(&(at, name)).copied().flatten().or_else(|| anybodys.get(name).copied().flatten())
    };
    let rows = states.iter().enumerate();
    let rows = rows.flat_map(|(at, state)| state.logged.iter().map(move |row| (at, row)));
    let logged = rows.map(|(at, row)| {
        let mut servers: Vec<End> = row.upstream.iter().map(|(server, _)| *server).collect();
        servers.extend(row.server.as_ref().and_then(|name| address(at, name)));
        Carried { client: row.client, servers, time: row.time }
    });
    let of_processes = states.iter().flat_map(|state| {
        by_process(state).into_values().filter(|(a, b)| a.len() + b.len() > 2).flat_map(
            |(accepted, opened)| {
                let mut servers: Vec<End> = opened.iter().map(|held| held.peer).collect();
                servers.sort_unstable();
                servers.dedup();
                let one = servers.len() == 1;
                let client = |held: &&Held| (held.peer.0, Some(held.peer.1));
                let clients: Vec<_> = accepted.iter().filter(|_| one).map(client).collect();
                clients.into_iter().map(move |client| Carried {
                    client,
                    servers: servers.clone(),
                    time: None,
                })
            },
        )
    });
    logged.filter(|carried| !carried.servers.is_empty()).chain(of_processes).collect()
}
