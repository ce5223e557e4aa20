//! Which real server a director says that it gave a connection to (`ipvsadm -Lnc`, conntrack), for
//! captures that do not show it.

use super::MatchedState;
use crate::correlate::Connection;
use crate::hashed::HashMap;
use crate::wire::{Ip, Protocol};

/// A connection's protocol, client and service.
type Asked = (Protocol, (Ip, u16), (Ip, u16));

/// The server of each connection, by its index, that one entry and no other is about: an
/// entry names its connection, whether or not the captures show its director. A
/// client's port that comes again within the captures leaves open whose entry it is.
pub(crate) fn servers(
    states: &[MatchedState],
    connections: &[Connection],
) -> HashMap<u32, (Ip, u16)> {
    let mut stated: HashMap<Asked, Option<(Ip, u16)>> = HashMap::default();
    let tables = states.iter().map(|m| &m.state);
    let entries = tables.clone().flat_map(|state| &state.entries);
    let entries = entries.map(|e| ((e.protocol, e.client, e.service), e.server));
    // Netfilter's table names it as who answers.
    let tracked = tables.flat_map(|state| &state.tracked).filter(|t| t.to != t.reply_from);
    let tracked = tracked.map(|t| ((t.protocol, t.from, t.to), t.reply_from));
    for (key, server) in entries.chain(tracked) {
        let known = stated.entry(key).or_insert(Some(server));
        *known = known.filter(|one| *one == server);
    }
    if stated.is_empty() {
        return HashMap::default();
    }
    let mut of: HashMap<Asked, Vec<u32>> = HashMap::default();
    for (index, c) in connections.iter().enumerate() {
        let key = (c.protocol, c.front.client, c.front.server);
        if stated.contains_key(&key) {
            of.entry(key).or_default().push(index as u32);
        }
    }
    let one = |(key, indexes): (Asked, Vec<u32>)| match indexes[..] {
        [index] => Some((index, stated.get(&key).copied().flatten()?)),
        _ => None,
    };
    of.into_iter().filter_map(one).collect()
}
