//! Which connections may be the two sides of a proxy.

use super::groups::Groups;
use super::sides::{Around, Sides};
use crate::correlate::{Connection, Connections, Outcome};
use crate::flow::{Hop, Observations, Words};
use crate::hashed::{HashMap, HashSet};
use crate::wire::Ip;

/// Connections that are read; beyond the bound they are not.
const MAX_SUSPECTS: usize = 1 << 20;

/// Connections that are read, and those that a suspected proxy tried in vain.
#[derive(Debug, Default)]
pub(super) struct Suspects {
    /// By connection index.
    pub sides: HashMap<u32, Sides>,
    /// Connection index and the proxy that tried.
    pub attempts: Vec<(u32, Ip)>,
}

/// `transparent`: the hosts that opened connections in a client's name.
pub(super) fn suspects(
    vantages: &[Observations],
    groups: &Groups,
    connections: &Connections,
    transparent: &HashMap<u32, Ip>,
) -> Suspects {
    let comes_from = |index: usize, connection: &Connection| {
        let own = || groups.host(connection.front.client.0);
        transparent.get(&(index as u32)).copied().unwrap_or_else(own)
    };
    // A host that is connected to and connects, by any of its addresses.
    let talks = |c: &&Connection| c.protocol.is_tcp() && c.progress.request;
    // Behind a balancer of layer 4 it is the real server that may be a proxy.
    let called = |c: &Connection| c.back.unwrap_or(c.front).server.0;
    let mut serves: HashSet<Ip> = HashSet::default();
    let mut last = None;
    for connection in connections.list.iter().filter(talks) {
        let server = called(connection);
        if last.replace(server) != Some(server) {
            serves.insert(groups.host(server));
        }
    }
    let mut both: HashSet<Ip> = HashSet::default();
    for (i, connection) in connections.list.iter().enumerate().filter(|(_, c)| talks(c)) {
        let client = comes_from(i, connection);
        if serves.contains(&client) {
            both.insert(client);
        }
    }
    // Who opens connections in its clients' names is a proxy, whether or not any succeeds.
    both.extend(transparent.values().filter(|host| serves.contains(*host)));
    both.extend(luckless(vantages, groups, connections));
    let mut found = super::circle::redirected(vantages, connections);
    found.extend(super::around::called_back(vantages, groups, connections));
    if both.is_empty() {
        return Suspects { sides: found, attempts: Vec::new() };
    }
    for (i, connection) in connections.list.iter().enumerate().filter(|(_, c)| talks(c)) {
        let proxy = |host: Ip| Some(host).filter(|host| both.contains(host));
        let to = proxy(groups.host(called(connection)))
            .filter(|_| !is_sent_on(vantages, connections, connection));
        let around = found.get(&(i as u32)).map_or(Around::None, |sides: &Sides| sides.around);
        let sides = Sides { to, from: proxy(comes_from(i, connection)), around };
        if (sides.to.is_some() || sides.from.is_some()) && found.len() < MAX_SUSPECTS {
            found.insert(i as u32, sides);
        }
    }
    // What is answered past a transparent proxy did not come to it, whoever saw it.
    // Nor was what leaves from an address for the same one: its own proxy would ask over lo.
    let leaves = |c: &Connection| {
        connections.legs(c).iter().any(|leg| {
            let hop = connections.first_hop(vantages, leg, true);
            hop.is_some_and(|hop| !hop.link.is_loopback())
        })
    };
    let any_said = vantages.iter().any(|v| v.side_tables.has_spoken());
    let in_vain = |i: usize, c: &Connection| {
        let failed = match c.outcome {
            Outcome::Refused | Outcome::Unanswered => true,
            Outcome::Incomplete => transparent.contains_key(&(i as u32)),
            _ => any_said && is_turned_down(vantages, connections, c),
        };
        c.protocol.is_tcp() && c.back.is_none() && failed && !(c.has_self() && leaves(c))
    };
    let attempts = connections
        .list
        .iter()
        .enumerate()
        .filter(|(i, c)| in_vain(*i, c))
        .map(|(i, c)| (i as u32, comes_from(i, c)))
        .filter(|(_, proxy)| both.contains(proxy))
        .collect();
    Suspects { sides: found, attempts }
}

/// Whether the TLS handshake of a connection failed: by an alert of either side, or as the server speaks plain
/// HTTP. No request of a client's went that way.
fn is_turned_down(
    vantages: &[Observations],
    connections: &Connections,
    connection: &Connection,
) -> bool {
    connections.legs(connection).iter().any(|leg| {
        let tables = &vantages[leg.vantage.index()].side_tables;
        let Some(hello) = tables.hello_of(leg.stream) else { return false };
        let (there, back) = (leg.forward(vantages), leg.reply(vantages));
        tables.spoken(leg.stream).iter().any(|said| match said.words {
            Words::Alert(_) | Words::SealedAlert => true,
            Words::Status(_) => hello.mark == there.data && said.mark == back.data,
            _ => false,
        })
    })
}

/// Hosts that call others, not once with success, and none of whose own clients is answered but by a server's
/// error: what they call for is most likely what their clients wait for.
fn luckless(vantages: &[Observations], groups: &Groups, connections: &Connections) -> HashSet<Ip> {
    let tcp = || connections.list.iter().filter(|c| c.protocol.is_tcp());
    let in_vain = |c: &&Connection| matches!(c.outcome, Outcome::Refused | Outcome::Unanswered);
    let mut found: HashSet<Ip> = HashSet::default();
    for c in tcp().filter(in_vain).filter(|c| c.back.is_none() && !c.has_self()) {
        found.insert(groups.host(c.front.client.0));
    }
    if found.is_empty() {
        return found;
    }
    let called = |c: &Connection| groups.host(c.back.unwrap_or(c.front).server.0);
    // What a capture of one direction lacks is no silence: both sides of the opening show.
    let stands = tcp().filter(|c| c.progress.answered && c.progress.request);
    let serves: HashSet<Ip> = stands.map(called).filter(|host| found.contains(host)).collect();
    found.retain(|host| serves.contains(host));
    let errs = |c: &Connection| {
        connections.legs(c).iter().any(|leg| {
            let error = vantages[leg.vantage.index()].side_tables.first_error(leg.stream);
            error.is_some_and(|(_, status)| status >= 500)
        })
    };
    for c in tcp() {
        if c.progress.established {
            found.remove(&groups.host(c.front.client.0));
        }
        if c.progress.response && !errs(c) {
            found.remove(&called(c));
        }
    }
    found
}

/// Whether a host hands a connection's packets on and answers none: it balances them without a
/// rewrite (DR), and is no proxy to this one, whatever it is to others.
fn is_sent_on(
    vantages: &[Observations],
    connections: &Connections,
    connection: &Connection,
) -> bool {
    connections.legs(connection).iter().any(|leg| {
        let vantage = &vantages[leg.vantage.index()];
        let own = |hop: &Hop, sent: bool| {
            !hop.link.is_loopback()
                && if sent { vantage.own.sent(hop) } else { vantage.own.arrived(hop) } == Some(true)
        };
        let there = || vantage.path(leg.forward(vantages));
        there().any(|(_, hop)| own(hop, false))
            && there().any(|(_, hop)| own(hop, true))
            && !leg.reply(vantages).seen()
    })
}
