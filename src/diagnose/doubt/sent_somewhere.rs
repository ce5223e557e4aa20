//! Clients that ask for the same again and again and are sent elsewhere each time, in a capture that kept too few bytes
//! to show where to: it may be the very place that they ask for.

use crate::diagnose::Facts;
use crate::diagnose::thresholds::NO_COINCIDENCE;
use crate::exchange::Exchange;
use crate::trace::ConnectionId;
use crate::wire::Ip;
use std::collections::BTreeMap;

/// Statuses that name another place (RFC 9110, section 15.4).
const ELSEWHERE: [u16; 5] = [301, 302, 303, 307, 308];

/// A client, a server, and what the one asks of the other, as a hash.
type Asked = (Ip, (Ip, u16), u64);

pub(super) fn sent_somewhere(facts: &Facts) -> Option<String> {
    let mut asked: BTreeMap<Asked, Vec<&Exchange>> = BTreeMap::new();
    for e in facts.pairs.exchanges.iter().filter(|e| e.status.is_some()) {
        let front = facts.connection(ConnectionId(e.connection)).front;
        asked.entry((front.client.0, front.server, e.line)).or_default().push(e);
    }
    let away = |e: &Exchange| {
        let cut = facts.vantages[e.vantage.index()].tally.cut > 0;
        cut && !e.sent_back && !e.sent_back_tls && e.status.is_some_and(|s| ELSEWHERE.contains(&s))
    };
    let all = |list: &&Vec<&Exchange>| list.len() >= NO_COINCIDENCE && list.iter().all(|e| away(e));
    let list = asked.values().find(all)?;
    let first = list.first()?;
    let service = facts.service_of(ConnectionId(first.connection));
    Some(format!(
        "each of {} times that one client asked {} for the same it was sent elsewhere (HTTP {}), and too few bytes of each packet were kept to show where to ({} #{}; tcpdump -s 0)",
        list.len(),
        facts.topology.service(service).name(),
        first.status?,
        facts.vantages[first.vantage.index()].label,
        first.response.frame()
    ))
}
