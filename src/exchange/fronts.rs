//! What came in at proxies, for who looks for the client of what went out.

use super::read::Said;
use crate::correlate::Connections;
use crate::hashed::HashMap;
use crate::wire::Ip;

/// Exchanges and connections that came in at proxies.
pub(super) struct Fronts {
    /// Exchanges by proxy and request line.
    asked: HashMap<(Ip, u64), Vec<usize>>,
    /// Connections by proxy and client.
    by_client: HashMap<(Ip, (Ip, u16)), Vec<u32>>,
}

impl Fronts {
    /// `to` gives the proxy that a connection comes in at.
    pub(super) fn of(
        connections: &Connections,
        said: &Said,
        to: &dyn Fn(u32) -> Option<Ip>,
    ) -> Self {
        let exchanges = &said.exchanges;
        let mut asked: HashMap<(Ip, u64), Vec<usize>> = HashMap::default();
        for (at, exchange) in exchanges.iter().enumerate() {
            if let Some(proxy) = to(exchange.connection) {
                asked.entry((proxy, exchange.line)).or_default().push(at);
            }
        }
        let mut by_client: HashMap<(Ip, (Ip, u16)), Vec<u32>> = HashMap::default();
        let openings = said.openings.iter().map(|o| o.connection);
        for connection in exchanges.iter().map(|e| e.connection).chain(openings) {
            let Some(proxy) = to(connection) else { continue };
            let client = connections.list[connection as usize].front.client;
            let known = by_client.entry((proxy, client)).or_default();
            if known.last() != Some(&connection) && !known.contains(&connection) {
                known.push(connection);
            }
        }
        Self { asked, by_client }
    }

    /// Exchanges with a request line.
    pub(super) fn alike(&self, proxy: Ip, line: u64) -> &[usize] {
        self.asked.get(&(proxy, line)).map_or(&[], Vec::as_slice)
    }

    /// The only connection of the client that the proxy names on `connection`, another one than that.
    pub(super) fn named(
        &self,
        proxy: Ip,
        connection: u32,
        client: Option<(Ip, u16)>,
    ) -> Option<u32> {
        match self.by_client.get(&(proxy, client?)).map(Vec::as_slice) {
            Some([front]) if *front != connection => Some(*front),
            _ => None,
        }
    }
}
