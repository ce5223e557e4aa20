//! Clients that are sent again and again to the very place that they ask for.

use crate::exchange::Exchange;
use crate::topology::HostId;
use crate::trace::{ConnectionId, Trace};
use crate::wire::Ip;
use std::collections::{BTreeMap, BTreeSet};

/// So often one is sent back before it is a circle: a site that wants to see whether cookies are kept sends its
/// client back once, one that asks who it is perhaps twice.
const CIRCLE: usize = 3;

/// Who is sent in a circle.
pub(in crate::diagnose) struct Circle<'a> {
    pub ids: Vec<ConnectionId>,
    /// An exchange that shows it.
    pub shown: &'a Exchange,
    /// By TLS, of requests that reach the server without it.
    pub tls: bool,
    /// The proxy asked its server for another host than its client had named.
    pub renamed: bool,
}

/// Circles of clients' requests, and of what a proxy asks for clients whom it serves by TLS.
pub(in crate::diagnose) fn circles(trace: &Trace) -> Vec<Circle<'_>> {
    let pairs = &trace.pairs;
    if !pairs.exchanges.iter().any(|e| e.sent_back || e.sent_back_tls) {
        return Vec::new();
    }
    let mut for_tls: BTreeMap<HostId, bool> = BTreeMap::new();
    let behind: BTreeSet<u32> = pairs.clients.keys().chain(&pairs.alike).copied().collect();
    // By who asks, whom, and for what.
    let mut asked: BTreeMap<(Ip, Ip, u64, bool), Vec<&Exchange>> = BTreeMap::new();
    for e in pairs.exchanges.iter().filter(|e| e.status.is_some()) {
        let id = ConnectionId(e.connection);
        let front = trace.connection(id).front;
        if !behind.contains(&e.connection) {
            let host = trace.host_by_ip(front.client.0);
            let of_proxy = host.is_some_and(|host| {
                *for_tls.entry(host).or_insert_with(|| serves_by_tls(trace, host))
            });
            // Of a proxy's own any server of its pool may answer.
            let whom = if of_proxy { front.client.0 } else { front.server.0 };
            asked.entry((front.client.0, whom, e.line, of_proxy)).or_default().push(e);
        }
    }
    let circles = asked.into_iter().filter_map(|((.., tls), all)| {
        let goes_back = |e: &&&Exchange| if tls { e.sent_back_tls } else { e.sent_back };
        let back: Vec<&Exchange> = all.iter().filter(goes_back).copied().collect();
        // What servers of another pool answer to the like of it is none of this.
        let server = |e: &Exchange| trace.connection(ConnectionId(e.connection)).front.server;
        let pool: BTreeSet<(Ip, u16)> = back.iter().map(|e| server(e)).collect();
        let all: Vec<&Exchange> = all.into_iter().filter(|e| pool.contains(&server(e))).collect();
        let ids: BTreeSet<u32> = back.iter().map(|e| e.connection).collect();
        let shown = *back.first().filter(|_| back.len() >= CIRCLE && back.len() == all.len())?;
        Some(Circle {
            ids: ids.into_iter().map(ConnectionId).collect(),
            shown,
            tls,
            renamed: renamed(trace, shown),
        })
    });
    circles.collect()
}

/// Whether all that ask something of a host ask by TLS, those aside of whom it is known that it asks others for them.
fn serves_by_tls(trace: &Trace, host: HostId) -> bool {
    let mut served = trace.requests().filter(|(c, one)| {
        let here = trace.host_by_ip(trace.connection(*c).front.server.0) == Some(host);
        let elsewhere = trace.pairs.carried.contains_key(&c.0);
        one.protocol.is_tcp() && one.progress.request && here && !elsewhere
    });
    let hello = |c: ConnectionId| {
        let mut legs = trace.legs(c).iter();
        legs.any(|leg| trace.vantage(leg).side_tables.hello_of(leg.stream).is_some())
    };
    served.next().is_some_and(|(c, _)| hello(c)) && served.all(|(c, _)| hello(c))
}

/// Whether what a proxy asked for a client's request names another host.
fn renamed(trace: &Trace, front: &Exchange) -> bool {
    let pairs = &trace.pairs;
    let carried = pairs.carried.get(&front.connection).into_iter().flatten();
    let behind = carried.filter_map(|at| pairs.exchanges.get(*at));
    behind.filter(|back| back.line == front.line).any(|back| back.host != front.host)
}
