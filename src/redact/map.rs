//! Which address stands for which, and the file that keeps it.
//!
//! One to one, always: no two addresses become one. The same captures, read in the same
//! way, give the same map in every command. The file holds originals, so only its owner
//! may read it.

use super::table::Table;
use super::v4::V4;
use super::v6::V6;
use crate::trace::Trace;
use crate::wire::{Ip, Mac};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;

/// Locally administered addresses from 02:00:00:00:00:00 on stand for all others.
const FIRST_MAC: u64 = 0x0200_0000_0000;
/// Stand-ins that there are for MACs.
const MACS: u64 = (1 << 40) - 1;
/// Bytes of a map file that are read.
const MAX_FILE: u64 = 256 << 20;

/// The file's version.
const VERSION: u32 = 1;

/// What stands for another, or is stood for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token {
    /// An address.
    Ip(Ip),
    /// A MAC.
    Mac(Mac),
}

/// Why a map file is of no use.
#[derive(Debug, thiserror::Error)]
pub enum MapError {
    /// It cannot be read or written.
    #[error("{path}: {why}")]
    Io {
        /// The file.
        path: String,
        /// What the system says.
        why: std::io::Error,
    },
    /// It is no map.
    #[error("{path} is no map that --redact-map wrote: {why}; give another file")]
    NoMap {
        /// The file.
        path: String,
        /// What is wrong.
        why: String,
    },
}

/// The map as a file keeps it: original to stand-in.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Kept {
    lbdiag_redact_map: u32,
    addresses: BTreeMap<String, String>,
    macs: BTreeMap<String, String>,
}

/// Stand-ins for addresses and MACs.
#[derive(Debug, Default)]
pub struct Map {
    v4: V4,
    v6: V6,
    macs: Table<u64>,
    /// What was handed out.
    ips: BTreeMap<Ip, Ip>,
    given_macs: BTreeMap<Mac, Mac>,
}

impl Map {
    /// A map that knows the addresses of a trace, in an order that depends on it alone.
    pub(super) fn prime(&mut self, trace: &Trace) {
        for ip in ips(trace) {
            self.note_ip(ip);
        }
        for mac in macs(trace) {
            self.note_mac(mac);
        }
        for ip in ips(trace) {
            self.ip(ip);
        }
        for mac in macs(trace) {
            self.mac(mac);
        }
    }

    /// An address that must not stand for another.
    pub fn note_ip(&mut self, ip: Ip) {
        match ip.addr() {
            IpAddr::V4(ip) => self.v4.note(ip),
            IpAddr::V6(ip) => self.v6.note(ip),
        }
    }

    /// A MAC that must not stand for another.
    pub fn note_mac(&mut self, mac: Mac) {
        self.macs.own(number(mac));
    }

    /// What stands for an address. Unspecified, loopback and multicast ones, which are
    /// nobody's own, stand for themselves.
    pub fn ip(&mut self, ip: Ip) -> Ip {
        let to = match ip.addr() {
            IpAddr::V4(ip) => IpAddr::V4(self.v4.map(ip)),
            IpAddr::V6(ip) => IpAddr::V6(self.v6.map(ip, |inner| self.v4.map(inner))),
        };
        let to = Ip::from(to);
        if to != ip {
            self.ips.insert(ip, to);
        }
        to
    }

    /// What stands for a MAC. Group addresses, virtual routers' (RFC 5798, section 7.3)
    /// and the empty one stand for themselves.
    pub fn mac(&mut self, mac: Mac) -> Mac {
        // RFC 2464, section 7, of a group that solicits a neighbour.
        if let [0x33, 0x33, 0xff, a, b, c] = mac.0 {
            let [_, a, b, c] = self.v6.low(u32::from_be_bytes([0, a, b, c])).to_be_bytes();
            return Mac([0x33, 0x33, 0xff, a, b, c]);
        }
        if !mac.is_unicast() || mac.is_vrrp() {
            return mac;
        }
        let to = self.macs.map(number(mac), MACS, |n| FIRST_MAC + n);
        let [_, _, bytes @ ..] = to.to_be_bytes();
        self.given_macs.insert(mac, Mac(bytes));
        Mac(bytes)
    }

    /// What an address stands for, written: itself where it is nobody's own; none where
    /// it stands for no other. A network of `bits` stands for the one of the address that
    /// one in it stands for, where networks of that size stay together.
    pub(super) fn original(&self, shown: Token, bits: Option<u8>) -> Option<String> {
        match shown {
            Token::Ip(ip) => {
                let kept: &[u8] = if ip.is_v4() { &[16, 24, 32] } else { &[48, 64, 128] };
                let given = match bits {
                    None => self.ips.iter().find(|(_, to)| **to == ip),
                    Some(bits) if !kept.contains(&bits) => return None,
                    Some(bits) => self.ips.iter().find(|(_, to)| to.is_within(ip, bits)),
                };
                let own = bits.is_none() && (!ip.is_host() || ip.is_loopback());
                given.map(|(from, _)| from.to_string()).or_else(|| own.then(|| ip.to_string()))
            }
            Token::Mac(mac) => {
                let given = self.given_macs.iter().find(|(_, to)| **to == mac);
                let own = !mac.is_unicast() || mac.is_vrrp();
                given.map(|(from, _)| from.to_string()).or_else(|| own.then(|| mac.to_string()))
            }
        }
    }

    /// Goes on with the map of a file, if there is one.
    ///
    /// # Errors
    /// Where the file cannot be read, is no map, or contradicts itself.
    pub fn read(path: &Path) -> Result<Self, MapError> {
        let shown = path.display().to_string();
        let text = match std::fs::metadata(path) {
            Err(why) if why.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Ok(there) if there.len() > MAX_FILE => {
                return Err(MapError::NoMap { path: shown, why: "it is too long".into() });
            }
            _ => std::fs::read_to_string(path)
                .map_err(|why| MapError::Io { path: shown.clone(), why })?,
        };
        Self::parse(&text).map_err(|why| MapError::NoMap { path: shown, why })
    }

    /// The map that [`Self::text`] wrote.
    ///
    /// # Errors
    /// What is wrong with a text that is no map, or contradicts itself.
    pub fn parse(text: &str) -> Result<Self, String> {
        let kept: Kept = serde_json::from_str(text).map_err(|why| why.to_string())?;
        if kept.lbdiag_redact_map != VERSION {
            return Err(format!("version {} is not known", kept.lbdiag_redact_map));
        }
        let mut map = Self::default();
        for (from, to) in &kept.addresses {
            map.learn_ip(from, to).ok_or_else(|| format!("{from} cannot become {to}"))?;
        }
        for (from, to) in &kept.macs {
            map.learn_mac(from, to).ok_or_else(|| format!("{from} cannot become {to}"))?;
        }
        Ok(map)
    }

    fn learn_ip(&mut self, from: &str, to: &str) -> Option<()> {
        let (from, to): (IpAddr, IpAddr) = (from.parse().ok()?, to.parse().ok()?);
        let right = match (from, to) {
            (IpAddr::V4(from), IpAddr::V4(to)) => self.v4.learn(from, to),
            (IpAddr::V6(from), IpAddr::V6(to)) => self.v6.learn(from, to),
            _ => false,
        };
        right.then(|| {
            self.note_ip(Ip::from(from));
            self.ips.insert(Ip::from(from), Ip::from(to));
        })
    }

    fn learn_mac(&mut self, from: &str, to: &str) -> Option<()> {
        let (from, to) = (from.parse().ok()?, to.parse().ok()?);
        self.macs.learn(number(from), number(to)).then(|| {
            self.note_mac(from);
            self.given_macs.insert(from, to);
        })
    }

    /// The file's text.
    #[must_use]
    pub fn text(&self) -> String {
        let addresses = self.ips.iter().map(|(a, b)| (a.to_string(), b.to_string())).collect();
        let macs = self.given_macs.iter().map(|(a, b)| (a.to_string(), b.to_string())).collect();
        crate::render::json(&Kept { lbdiag_redact_map: VERSION, addresses, macs })
    }
}

fn number(mac: Mac) -> u64 {
    let [a, b, c, d, e, f] = mac.0;
    u64::from_be_bytes([0, 0, a, b, c, d, e, f])
}

/// The addresses of a trace: services first, then servers, hosts, and all others.
fn ips(trace: &Trace) -> impl Iterator<Item = Ip> {
    let topology = &trace.topology;
    let services = topology.services.iter().map(|service| service.vip);
    let servers = topology.services.iter().flat_map(|s| &s.real_servers).filter_map(|r| r.address);
    let hosts = topology
        .hosts
        .iter()
        .flat_map(|(_, host)| host.ips.iter().chain(&host.contested).chain(&host.claimed).copied());
    let seen = trace.vantages.iter().flat_map(|vantage| {
        let streams = vantage.streams.iter().flat_map(|stream| stream.key.ips);
        let bound = vantage.neighbors.bindings.iter().map(|binding| binding.ip);
        let asked = vantage.neighbors.asks.iter().flat_map(|ask| [ask.target, ask.asker]);
        let errors = vantage.errors.iter().flat_map(|e| [e.src, e.dst, e.quote.src, e.quote.dst]);
        let routers = vantage.vrrp.iter().map(|speaker| speaker.src);
        streams.chain(bound).chain(asked).chain(errors).chain(routers)
    });
    services.chain(servers).chain(hosts).chain(seen)
}

/// The MACs of a trace, those of hosts first.
fn macs(trace: &Trace) -> impl Iterator<Item = Mac> {
    let hosts = trace.topology.hosts.iter().flat_map(|(_, host)| host.macs.iter().copied());
    let seen = trace.vantages.iter().flat_map(|vantage| {
        let hops = vantage.hops.iter().flat_map(|hop| [hop.link.src, hop.link.dst]).flatten();
        let bound = vantage.neighbors.bindings.iter().map(|binding| binding.mac);
        hops.chain(bound).chain(vantage.neighbors.asks.iter().map(|ask| ask.asker_mac))
    });
    hosts.chain(seen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_keeps_the_map_and_gives_it_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("map.json");
        let mut first = Map::read(&path).unwrap();
        let ip = |text: &str| Ip::from(text.parse::<IpAddr>().unwrap());
        let (a, b) = (first.ip(ip("10.1.2.3")), first.ip(ip("2620::1")));
        let mac = Mac([0x52, 0x54, 0, 1, 2, 3]);
        let c = first.mac(mac);
        std::fs::write(&path, first.text()).unwrap();
        let mut second = Map::read(&path).unwrap();
        assert_eq!(second.ip(ip("10.1.2.9")), first.ip(ip("10.1.2.9")));
        assert_eq!(
            (second.ip(ip("10.1.2.3")), second.ip(ip("2620::1")), second.mac(mac)),
            (a, b, c)
        );
        for wrong in [
            "",
            "[]",
            r#"{"lbdiag_redact_map":2,"addresses":{},"macs":{}}"#,
            r#"{"lbdiag_redact_map":1,"addresses":{"10.0.0.1":"10.1.0.1","10.0.0.2":"10.2.0.2"},"macs":{}}"#,
            r#"{"lbdiag_redact_map":1,"addresses":{"10.0.0.1":"x"},"macs":{}}"#,
        ] {
            std::fs::write(&path, wrong).unwrap();
            assert!(matches!(Map::read(&path), Err(MapError::NoMap { .. })), "{wrong}");
        }
    }

    #[test]
    fn macs_keep_their_class() {
        let mut map = Map::default();
        for kept in
            [Mac::ZERO, Mac::BROADCAST, Mac([1, 0, 0x5e, 0, 0, 0x12]), Mac([0, 0, 0x5e, 0, 1, 51])]
        {
            assert_eq!(map.mac(kept), kept);
        }
        let to = [1u8, 2].map(|n| map.mac(Mac([0x52, 0x54, 0, 0, 0, n])));
        assert!(to[0] != to[1] && to.iter().all(|mac| mac.is_unicast()));
    }
}
