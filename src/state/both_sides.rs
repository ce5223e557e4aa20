//! Connections of which a host's table names both sides, as ties for the streams of captures.

use super::HostState;
use crate::correlate::{BothSides, Tuple};
use crate::wire::Protocol;

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
    sessions
        .map(|session| BothSides {
            protocol: Protocol::TCP,
            front: Tuple { client: session.front.0, server: session.front.1 },
            back: Tuple { client: session.back.0, server: session.back.1 },
        })
        .collect()
}
