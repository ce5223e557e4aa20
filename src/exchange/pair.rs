//! Which backend request carries which client's request.

use super::Exchange;
use super::suspect::Suspects;
use crate::correlate::Connections;
use crate::flow::Observations;
use crate::wire::Ip;
use std::collections::HashMap;

/// Why a backend connection is taken for a client connection's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Evidence {
    /// The only request of its kind that was open at the time.
    Nesting,
    /// The backend request names the client's address.
    ForwardedFor,
    /// The same request identifier.
    RequestId,
    /// The PROXY header names the client's endpoint.
    ProxyHeader,
}

impl Evidence {
    /// As a reader wants it said.
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            Self::Nesting => "same request, nested in time, one choice",
            Self::ForwardedFor => "same request, and its header names the client",
            Self::RequestId => "same request identifier",
            Self::ProxyHeader => "PROXY header names the client's endpoint",
        }
    }
}

/// Pairs of connections, by index.
#[derive(Debug, Clone, Default)]
pub struct Pairs {
    /// Client connection to the backend connections that carried its requests.
    pub backends: HashMap<u32, Vec<u32>>,
    /// Backend connection to the client connections whose requests it carried.
    pub clients: HashMap<u32, Vec<u32>>,
    /// By client connection: its weakest evidence.
    pub evidence: HashMap<u32, Evidence>,
    /// Client connection to the backend exchanges that carried its requests, by
    /// index into `exchanges`.
    pub carried: HashMap<u32, Vec<usize>>,
    /// Client connection to the connections that the proxy tried in vain for it.
    pub attempts: HashMap<u32, Vec<u32>>,
    /// The same, from the attempt.
    pub attempted: HashMap<u32, u32>,
    /// All exchanges that were read.
    pub exchanges: Vec<Exchange>,
}

impl Pairs {
    fn add(&mut self, front: u32, back: u32, evidence: Evidence) {
        let backends = self.backends.entry(front).or_default();
        if !backends.contains(&back) {
            backends.push(back);
        }
        let clients = self.clients.entry(back).or_default();
        if !clients.contains(&front) {
            clients.push(front);
        }
        let weakest = self.evidence.entry(front).or_insert(evidence);
        *weakest = (*weakest).min(evidence);
    }
}

/// Requests of one kind that are compared with each other.
const MAX_ALIKE: usize = 4096;

pub(super) fn pair(
    vantages: &[Observations],
    connections: &Connections,
    suspects: &Suspects,
    exchanges: Vec<Exchange>,
) -> Pairs {
    let mut pairs = Pairs::default();
    let to = |e: &Exchange| suspects.sides.get(&e.connection)?.to;
    let from = |e: &Exchange| suspects.sides.get(&e.connection)?.from;
    // By proxy and request line: what came in.
    let mut fronts: HashMap<(Ip, u64), Vec<&Exchange>> = HashMap::new();
    let mut by_client: HashMap<(Ip, (Ip, u16)), Vec<u32>> = HashMap::new();
    for exchange in &exchanges {
        let Some(proxy) = to(exchange) else { continue };
        fronts.entry((proxy, exchange.line)).or_default().push(exchange);
        let client = connections.list[exchange.connection as usize].front.client;
        let known = by_client.entry((proxy, client)).or_default();
        if !known.contains(&exchange.connection) {
            known.push(exchange.connection);
        }
    }
    for (at, back) in exchanges.iter().enumerate() {
        let Some(proxy) = from(back) else { continue };
        let alike = fronts.get(&(proxy, back.line)).map_or(&[][..], Vec::as_slice);
        if alike.len() > MAX_ALIKE {
            continue;
        }
        if let Some(client) = back.proxied
            && let Some([front]) = by_client.get(&(proxy, client)).map(Vec::as_slice)
        {
            pairs.add(*front, back.connection, Evidence::ProxyHeader);
            pairs.carried.entry(*front).or_default().push(at);
        } else if let Some((front, evidence)) = choose(connections, alike, back) {
            pairs.add(front, back.connection, evidence);
            pairs.carried.entry(front).or_default().push(at);
        }
    }
    for (connection, proxy) in &suspects.attempts {
        if let Some(front) =
            open_at(vantages, connections, &exchanges, *connection, |e| to(e) == Some(*proxy))
        {
            pairs.attempts.entry(front).or_default().push(*connection);
            pairs.attempted.insert(*connection, front);
        }
    }
    pairs.exchanges = exchanges;
    pairs
}

/// The one client connection whose request waited when a proxy tried in vain.
fn open_at(
    vantages: &[Observations],
    connections: &Connections,
    exchanges: &[Exchange],
    attempt: u32,
    of_proxy: impl Fn(&Exchange) -> bool,
) -> Option<u32> {
    let legs = connections.legs(&connections.list[attempt as usize]);
    let mut waiting: Vec<u32> = Vec::new();
    for leg in legs {
        let syn = leg.forward(vantages).syn;
        let open = |e: &&Exchange| {
            e.vantage == leg.vantage
                && syn.is_set()
                && e.request.frame() <= syn.frame()
                && e.response.get().is_none_or(|r| r.frame() >= syn.frame())
        };
        waiting.extend(exchanges.iter().filter(open).filter(|e| of_proxy(e)).map(|e| e.connection));
    }
    waiting.sort_unstable();
    waiting.dedup();
    match waiting[..] {
        [only] => Some(only),
        _ => None,
    }
}

/// The one request of a kind that a backend request can be.
fn choose(
    connections: &Connections,
    alike: &[&Exchange],
    back: &Exchange,
) -> Option<(u32, Evidence)> {
    if back.id.is_some() {
        let same: Vec<&&Exchange> = alike.iter().filter(|f| f.id == back.id).collect();
        if let [front] = same[..] {
            return Some((front.connection, Evidence::RequestId));
        }
    }
    let client = |e: &Exchange| connections.list[e.connection as usize].front.client.0;
    let named: Vec<&Exchange> = match back.forwarded_for {
        Some(ip) => alike.iter().copied().filter(|f| client(f) == ip).collect(),
        None => alike.to_vec(),
    };
    let evidence =
        if back.forwarded_for.is_some() { Evidence::ForwardedFor } else { Evidence::Nesting };
    if let ([front], true) = (&named[..], back.forwarded_for.is_some()) {
        return Some((front.connection, evidence));
    }
    let open: Vec<&&Exchange> = named.iter().filter(|f| nests(f, back)).collect();
    match open[..] {
        [front] => Some((front.connection, evidence)),
        _ => None,
    }
}

/// Whether a backend request lies within a client's, at one vantage: clocks of
/// different captures are not asked.
fn nests(front: &Exchange, back: &Exchange) -> bool {
    if front.vantage != back.vantage || front.request.frame() > back.request.frame() {
        return false;
    }
    let answered_before = front.response.is_set() && front.response.frame() < back.request.frame();
    let answered_after = match (front.response.get(), back.response.get()) {
        (Some(front), Some(back)) => front.frame() >= back.frame(),
        _ => true,
    };
    !answered_before && answered_after
}
