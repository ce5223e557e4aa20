//! Strangers: sources of which each tries one dark port of a host, once. Whatever has a public address meets them all
//! day (Pang et al., "Characteristics of Internet Background Radiation", IMC 2004).
//!
//! None of them tries so many services that it scans by itself. What tells them from clients of a service that is
//! down: several ports of one host that otherwise serves, each dark to everybody, and nobody asks twice.

use super::tries::Try;
use crate::hashed::{HashMap, HashSet};
use crate::wire::Ip;

/// Dark ports of a host that must be tried: one or two may be services that are down.
const PORTS: usize = 4;
/// Tries of them in all. Judgement: of so many who want a service one asks again.
const MANY: usize = 8;

/// Tries of one port that are looked at: of so many, somebody wants it.
const MOST: usize = 4096;

/// What came to one port.
#[derive(Debug, Default)]
struct Port {
    sources: HashSet<Ip>,
    tries: usize,
    /// Somebody asked again, or was answered.
    wanted: bool,
    /// Somebody was answered.
    serves: bool,
}

/// The services that strangers alone try, each of them once; `tries` is walked twice.
pub(super) fn tried(tries: impl Iterator<Item = Try> + Clone) -> HashSet<(Ip, u16)> {
    let mut hosts: HashMap<Ip, HashMap<u16, Port>> = HashMap::default();
    for one in tries.clone().filter(|one| one.vain) {
        let port = hosts.entry(one.service.0).or_default().entry(one.service.1).or_default();
        port.tries += 1;
        port.wanted |= one.syns > 2 || port.tries > MOST || !port.sources.insert(one.source);
    }
    hosts.retain(|_, ports| ports.values().filter(|port| !port.wanted).count() >= PORTS);
    if hosts.is_empty() {
        return HashSet::default();
    }
    // Who is answered somewhere is a client.
    let mut clients: HashSet<Ip> = HashSet::default();
    for one in tries.filter(|one| !one.vain) {
        clients.insert(one.source);
        if let Some(ports) = hosts.get_mut(&one.service.0) {
            let port = ports.entry(one.service.1).or_default();
            (port.wanted, port.serves) = (true, true);
        }
    }
    let of_host = |(host, ports): (&Ip, &HashMap<u16, Port>)| {
        let host = *host;
        strange(ports, &clients).into_iter().map(move |port| (host, port))
    };
    hosts.iter().flat_map(of_host).collect()
}

/// Those of a host's ports that strangers alone try, if they are enough.
fn strange(ports: &HashMap<u16, Port>, clients: &HashSet<Ip>) -> Vec<u16> {
    let of_strangers = |port: &Port| !port.wanted && port.sources.is_disjoint(clients);
    let dark: Vec<(&u16, &Port)> = ports.iter().filter(|(_, port)| of_strangers(port)).collect();
    let all: usize = dark.iter().map(|(_, port)| port.tries).sum();
    let sources: HashSet<Ip> = dark.iter().flat_map(|(_, p)| p.sources.iter().copied()).collect();
    let served = ports.values().any(|port| port.serves);
    // A port that gets most of it is wanted, by whomever.
    let even = dark.iter().all(|(_, port)| port.tries * 2 <= all);
    let each_once = sources.len() * 4 >= all * 3;
    let told = served && even && each_once && dark.len() >= PORTS && all >= MANY;
    if told { dark.into_iter().map(|(port, _)| *port).collect() } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(last: u8) -> Ip {
        Ip::from(std::net::IpAddr::from([192, 0, 2, last]))
    }

    fn vain(source: u8, port: u16) -> Try {
        let service = (ip(200), port);
        Try { source: ip(source), port: 40_000, service, vain: true, empty: false, syns: 1 }
    }

    /// A client that is served, and strangers, each at one of six ports.
    fn noise() -> Vec<Try> {
        let mut tries: Vec<Try> =
            (1..=12).map(|source| vain(source, 20 + u16::from(source % 6))).collect();
        tries.push(Try { vain: false, ..vain(99, 443) });
        tries
    }

    fn found(tries: &[Try]) -> usize {
        tried(tries.iter().copied()).len()
    }

    #[test]
    fn strangers_at_the_dark_ports_of_a_host_that_serves() {
        assert_eq!(found(&noise()), 6);
    }

    #[test]
    fn a_port_that_somebody_wants_is_none_of_them() {
        // Asked again, by the same source or by its kernel; answered once; asked by a client of the host.
        for wanted in [
            vain(1, 21),
            Try { syns: 3, ..vain(50, 21) },
            Try { vain: false, ..vain(50, 21) },
            vain(99, 21),
        ] {
            let mut tries = noise();
            tries.push(wanted);
            assert_eq!(found(&tries), 5);
        }
    }

    #[test]
    fn services_that_are_down_are_none_of_them() {
        // Three ports; a host that serves nobody; one port that gets nearly all; few sources.
        let three: Vec<Try> =
            noise().into_iter().filter(|one| one.service.1 < 23 || !one.vain).collect();
        assert_eq!(found(&three), 0);
        assert_eq!(found(&noise()[..12]), 0);
        let mut one_port = noise();
        one_port.extend((100..=180).map(|source| vain(source, 25)));
        assert_eq!(found(&one_port), 0);
        let few: Vec<Try> = (0..12)
            .map(|n| vain(1 + n % 2, 20 + u16::from(n / 2)))
            .chain(std::iter::once(Try { vain: false, ..vain(99, 443) }))
            .collect();
        assert_eq!(found(&few), 0);
    }
}
