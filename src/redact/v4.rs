//! IPv4 addresses, one to one: addresses of one /24 or /16 stay in one /24 or /16, and
//! in the class that findings reason with.
//!
//! Networks are given out in order, hosts within them from 1 on. A network that is
//! somebody's own in these captures is not given to another while there is a choice,
//! so that no stand-in is mistaken for an original.

use std::collections::{HashMap, HashSet};
use std::net::Ipv4Addr;

/// What a range of addresses is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Class {
    /// Nobody's own: unspecified, loopback, multicast, broadcast, masks.
    Kept,
    /// 10.0.0.0/8 (RFC 1918).
    Ten,
    /// 172.16.0.0/12.
    OneSevenTwo,
    /// 192.168.0.0/16.
    OneNineTwo,
    /// 100.64.0.0/10 (RFC 6598).
    Shared,
    /// 169.254.0.0/16 (RFC 3927).
    LinkLocal,
    /// All others.
    Public,
}

type Half = [u8; 2];

fn class([a, b]: Half) -> Class {
    match (a, b) {
        (0 | 127 | 224..=239 | 255, _) => Class::Kept,
        (10, _) => Class::Ten,
        (172, 16..=31) => Class::OneSevenTwo,
        (192, 168) => Class::OneNineTwo,
        (100, 64..=127) => Class::Shared,
        (169, 254) => Class::LinkLocal,
        _ => Class::Public,
    }
}

/// The /16s that stand for those of a class, in the order in which they are given out.
/// Public ones come from the benchmark range (RFC 2544) and the reserved one, which
/// belong to nobody, and only after those from all others.
fn pool(class: Class) -> Vec<Half> {
    let of = |a: u8, b: std::ops::RangeInclusive<u8>| b.map(move |b| [a, b]);
    match class {
        Class::Kept => Vec::new(),
        Class::Ten => of(10, 100..=255).chain(of(10, 0..=99)).collect(),
        Class::OneSevenTwo => of(172, 16..=31).collect(),
        Class::OneNineTwo => vec![[192, 168]],
        Class::Shared => of(100, 64..=127).collect(),
        Class::LinkLocal => vec![[169, 254]],
        Class::Public => of(198, 18..=19)
            .chain((240..=254).flat_map(|a| of(a, 0..=255)))
            .chain((1..=223).flat_map(|a| of(a, 0..=255)))
            .collect(),
    }
}

/// The map.
#[derive(Debug, Default)]
pub(super) struct V4 {
    wide: HashMap<Half, Half>,
    wide_taken: HashSet<Half>,
    nets: HashMap<[u8; 3], u8>,
    nets_taken: HashSet<[u8; 3]>,
    hosts: HashMap<[u8; 4], u8>,
    hosts_taken: HashSet<[u8; 4]>,
    /// Whose own these are.
    own_wide: HashSet<Half>,
    own_nets: HashSet<[u8; 3]>,
    /// Where the search for a free /16 goes on, by class.
    next: HashMap<Class, usize>,
    pools: HashMap<Class, Vec<Half>>,
}

impl V4 {
    /// An address that is somebody's own.
    pub(super) fn note(&mut self, ip: Ipv4Addr) {
        let [a, b, c, _] = ip.octets();
        self.own_wide.insert([a, b]);
        self.own_nets.insert([a, b, c]);
    }

    /// What stands for an address.
    pub(super) fn map(&mut self, ip: Ipv4Addr) -> Ipv4Addr {
        let [a, b, c, d] = ip.octets();
        if class([a, b]) == Class::Kept {
            return ip;
        }
        let [x, y] = self.wide([a, b]);
        let z = self.net([a, b, c], [x, y]);
        let w = self.host([a, b, c, d], [x, y, z]);
        Ipv4Addr::new(x, y, z, w)
    }

    fn wide(&mut self, from: Half) -> Half {
        if let Some(known) = self.wide.get(&from) {
            return *known;
        }
        let class = class(from);
        let pool = self.pools.entry(class).or_insert_with(|| pool(class));
        let usable = |to: &&Half| self::class(**to) == class && !self.wide_taken.contains(*to);
        let start = self.next.entry(class).or_default();
        let free = pool.get(*start..).unwrap_or_default();
        let foreign = free.iter().position(|to| usable(&to) && !self.own_wide.contains(to));
        let to = match foreign {
            Some(at) => {
                *start += at + 1;
                free.get(at)
            }
            // The class is full of originals; each is still given out once.
            None => pool.iter().find(usable),
        };
        let to = to.copied().unwrap_or(from);
        self.keep_wide(from, to);
        to
    }

    fn net(&mut self, from: [u8; 3], [x, y]: Half) -> u8 {
        if let Some(known) = self.nets.get(&from) {
            return *known;
        }
        let free = |z: &u8| !self.nets_taken.contains(&[x, y, *z]);
        let foreign = |z: &u8| free(z) && !self.own_nets.contains(&[x, y, *z]);
        let z = (0..=255).find(foreign).or_else(|| (0..=255).find(free)).unwrap_or(from[2]);
        self.nets.insert(from, z);
        self.nets_taken.insert([x, y, z]);
        z
    }

    fn host(&mut self, from: [u8; 4], [x, y, z]: [u8; 3]) -> u8 {
        // A network's own address and its broadcast stay what they are.
        if matches!(from[3], 0 | 255) {
            return from[3];
        }
        if let Some(known) = self.hosts.get(&from) {
            return *known;
        }
        let free = |w: &u8| !self.hosts_taken.contains(&[x, y, z, *w]);
        let w = (1..=254).find(free).unwrap_or(from[3]);
        self.hosts.insert(from, w);
        self.hosts_taken.insert([x, y, z, w]);
        w
    }

    fn keep_wide(&mut self, from: Half, to: Half) {
        self.wide.insert(from, to);
        self.wide_taken.insert(to);
    }

    /// Takes in a pair of an earlier map; `false` where it contradicts what is known.
    pub(super) fn learn(&mut self, from: Ipv4Addr, to: Ipv4Addr) -> bool {
        let ([a, b, c, d], [x, y, z, w]) = (from.octets(), to.octets());
        if class([a, b]) != class([x, y]) {
            return false;
        }
        if class([a, b]) == Class::Kept {
            return from == to;
        }
        if matches!(d, 0 | 255) || matches!(w, 0 | 255) {
            return d == w && self.learn_net([a, b, c], [x, y, z]);
        }
        let host = self.hosts.get(&[a, b, c, d]).copied();
        self.learn_net([a, b, c], [x, y, z])
            && match host {
                Some(known) => known == w,
                None => {
                    self.hosts.insert([a, b, c, d], w);
                    self.hosts_taken.insert([x, y, z, w])
                }
            }
    }

    fn learn_net(&mut self, [a, b, c]: [u8; 3], [x, y, z]: [u8; 3]) -> bool {
        let wide = match self.wide.get(&[a, b]) {
            Some(known) => *known == [x, y],
            None => {
                self.wide.insert([a, b], [x, y]);
                self.wide_taken.insert([x, y])
            }
        };
        wide && match self.nets.get(&[a, b, c]) {
            Some(known) => *known == z,
            None => {
                self.nets.insert([a, b, c], z);
                self.nets_taken.insert([x, y, z])
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> Ipv4Addr {
        text.parse().unwrap()
    }

    #[test]
    fn networks_and_classes_stay_together_and_nothing_becomes_one() {
        let mut map = V4::default();
        let all: Vec<Ipv4Addr> = (0..4000u32)
            .map(|n| {
                let bits = n.wrapping_mul(0x9e37_79b9);
                let base = [0x0a00_0000, 0xac10_0000, 0xc0a8_0000, 0x6440_0000, 0xcb00_7100];
                Ipv4Addr::from(base[n as usize % 5] | bits >> 14 & 0xf_ffff & 0x3ff)
            })
            .collect();
        all.iter().for_each(|ip| map.note(*ip));
        let mapped: Vec<Ipv4Addr> = all.iter().map(|ip| map.map(*ip)).collect();
        let distinct: HashSet<_> = all.iter().collect();
        assert_eq!(mapped.iter().collect::<HashSet<_>>().len(), distinct.len());
        for ((a, x), (b, y)) in all.iter().zip(&mapped).zip(all.iter().zip(&mapped).skip(1)) {
            for bits in [16, 24] {
                let same = |a: &Ipv4Addr, b: &Ipv4Addr| {
                    a.to_bits() >> (32 - bits) == b.to_bits() >> (32 - bits)
                };
                assert_eq!(same(a, b), same(x, y), "{a} {b} {x} {y}");
            }
            assert_eq!(a.is_private(), x.is_private());
            assert!(!distinct.contains(x), "{x} is an original");
        }
    }

    #[test]
    fn what_is_nobodys_own_stays() {
        let mut map = V4::default();
        for text in ["0.0.0.0", "127.0.0.1", "224.0.0.18", "255.255.255.0", "255.255.255.255"] {
            assert_eq!(map.map(ip(text)), ip(text));
        }
        assert_eq!(map.map(ip("10.1.2.0")).octets()[3], 0);
        assert_eq!(map.map(ip("10.1.2.255")).octets()[3], 255);
        assert_eq!(map.map(ip("169.254.1.1")).octets()[..2], [169, 254]);
        assert_eq!(map.map(ip("100.64.1.1")).octets()[0], 100);
        assert_eq!(map.map(ip("8.8.8.8")).octets()[..2], [198, 18]);
    }

    #[test]
    fn a_class_full_of_originals_is_still_one_to_one() {
        let mut map = V4::default();
        let all: Vec<Ipv4Addr> = (0..=255u8).map(|c| Ipv4Addr::new(192, 168, c, 7)).collect();
        all.iter().for_each(|ip| map.note(*ip));
        let mapped: HashSet<Ipv4Addr> = all.iter().map(|ip| map.map(*ip)).collect();
        assert_eq!(mapped.len(), 256);
        // Far more public networks than are reserved for the purpose.
        let many = (0..9000u32).map(|n| Ipv4Addr::from(0x1000_0000 + (n << 16)));
        let mapped: HashSet<Ipv4Addr> = many.map(|ip| map.map(ip)).collect();
        assert_eq!(mapped.len(), 9000);
    }

    #[test]
    fn an_earlier_map_goes_on_and_contradictions_are_told() {
        let mut first = V4::default();
        let old = [ip("10.1.2.3"), ip("10.1.2.4"), ip("8.8.8.8"), ip("10.1.2.0")];
        let pairs: Vec<_> = old.iter().map(|ip| (*ip, first.map(*ip))).collect();
        let mut second = V4::default();
        assert!(pairs.iter().all(|(from, to)| second.learn(*from, *to)));
        assert_eq!(second.map(ip("10.1.2.5")), first.map(ip("10.1.2.5")));
        assert!(pairs.iter().all(|(from, to)| second.map(*from) == *to));
        assert!(!second.learn(ip("10.1.2.3"), ip("10.9.9.9")));
        assert!(!second.learn(ip("10.1.9.3"), ip("192.168.0.1")));
        // Two must not become one: a host, a network, a wider network.
        for (from, to) in [("10.1.2.9", 3), ("10.1.2.9", 2), ("10.1.2.9", 1)] {
            let mut third = V4::default();
            assert!(third.learn(ip("10.1.2.3"), ip("10.7.7.7")));
            let taken = match to {
                3 => "10.7.7.7",
                2 => "10.7.8.1",
                _ => "10.8.7.1",
            };
            assert!(!third.learn(ip(from), ip(taken)), "{taken}");
        }
        let mut fourth = V4::default();
        assert!(fourth.learn(ip("10.1.2.3"), ip("10.7.7.7")));
        assert!(!fourth.learn(ip("10.2.2.3"), ip("10.7.9.7")), "two networks became one");
    }
}
