//! Servers that a client calls by their own addresses, as one that balances itself does, and of which one takes far
//! longer than the others for requests of one kind. That they serve the same is a guess by their addresses and their
//! port, so nobody is accused.

use super::two_paces::{Alike, alike};
use crate::diagnose::Facts;
use crate::diagnose::thresholds::NO_COINCIDENCE;
use crate::trace::ConnectionId;
use crate::wire::Ip;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// A server is slow by this factor at least. Judgement: nothing is in between.
const FACTOR: i64 = 10;
/// And takes so long, nanoseconds. Judgement: what a person notices.
const SLOW_NS: i64 = 500_000_000;
/// Other servers that there have to be.
const OTHERS: usize = 2;

/// Who calls which network on which port, with what.
type Pool = (Ip, IpAddr, u16, Alike);

/// Answers by server: how long each took, nanoseconds.
type ByServer = BTreeMap<Ip, Vec<(i64, ConnectionId)>>;

pub(super) fn slow_peer(facts: &Facts) -> Option<String> {
    if facts.topology.services.len() <= OTHERS {
        return None;
    }
    let mut pools: BTreeMap<Pool, ByServer> = BTreeMap::new();
    for (id, c) in facts.requests().filter(|(_, c)| c.protocol.is_tcp() && c.back.is_none()) {
        if !(c.progress.syn && c.progress.request && c.progress.response) {
            continue;
        }
        let (client, server) = (c.front.client.0, c.front.server);
        let Some(ns) = facts.timing(id).server_ns() else { continue };
        let Some(kind) = alike(facts, id) else { continue };
        let pool = (client, network(server.0.addr()), server.1, kind);
        pools.entry(pool).or_default().entry(server.0).or_default().push((ns, id));
    }
    pools.into_iter().find_map(|((client, _, port, _), servers)| {
        if servers.len() <= OTHERS {
            return None;
        }
        let (server, list) = servers.iter().max_by_key(|(_, list)| quickest(list))?;
        let others = || servers.iter().filter(|(ip, _)| *ip != server).map(|(_, list)| list);
        let slowest = others().flatten().map(|(ns, _)| *ns).max()?;
        let enough = list.len() >= NO_COINCIDENCE && others().flatten().count() >= NO_COINCIDENCE;
        let quickest = quickest(list);
        if !enough || quickest < SLOW_NS || quickest < slowest.saturating_mul(FACTOR) {
            return None;
        }
        let (_, first) = *list.iter().min_by_key(|(_, id)| *id)?;
        let leg = facts.legs(first).first()?;
        Some(format!(
            "each of {} answers of {} to {client} takes {:.1} s or longer, and none of those that {client} gets for requests of one kind from {} neighbours of it on that port takes longer than {:.3} s ({} #{})",
            list.len(),
            server.with_port(port),
            quickest as f64 / 1e9,
            servers.len() - 1,
            slowest as f64 / 1e9,
            facts.vantage(leg).label,
            facts.reply(leg).data.frame()
        ))
    })
}

fn quickest(list: &[(i64, ConnectionId)]) -> i64 {
    list.iter().map(|(ns, _)| *ns).min().unwrap_or(0)
}

/// Neighbours share 24 bits of IPv4, 64 of IPv6.
fn network(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(ip) => IpAddr::from((u32::from(ip) & !0xff).to_be_bytes()),
        IpAddr::V6(ip) => IpAddr::from((u128::from(ip) & !(u128::MAX >> 64)).to_be_bytes()),
    }
}
