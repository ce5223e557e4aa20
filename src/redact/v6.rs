//! IPv6 addresses, one to one: addresses of one /64 or /48 stay in one, unique local
//! ones (RFC 4193) and link-local ones stay what they are, and all others come to lie in
//! 2001:db8::/32, the range for documentation (RFC 3849), then in 3fff::/20 (RFC 9637).
//!
//! The last 24 bits are mapped alike in every network: the group address by which a
//! neighbour is solicited (RFC 4291, section 2.7.1) goes on to fit its address.

use super::table::Table;
use std::net::Ipv6Addr;

/// 64:ff9b::/96 (RFC 6052), which holds an IPv4 address.
const TRANSLATED: u128 = 0x0064_ff9b << 96;
/// ff02::1:ff00:0/104.
const SOLICITED: u128 = 0xff02_0000_0000_0000_0000_0001_ff00_0000;

/// The map.
#[derive(Debug, Default)]
pub(super) struct V6 {
    /// The first 48 bits of unique local networks, and of all others.
    local: Table<u64>,
    global: Table<u64>,
    /// The next 16 bits, with the network that they are of.
    subnets: std::collections::HashMap<u64, Table<u64>>,
    /// The first 40 bits of an interface identifier.
    high: Table<u64>,
    /// Its last 24 bits.
    pub(super) low: Table<u32>,
}

fn is_local(ip: u128) -> bool {
    ip >> 121 == 0xfc >> 1
}

fn is_link_local(ip: u128) -> bool {
    ip >> 118 == 0xfe80 >> 6
}

fn is_kept(ip: u128) -> bool {
    ip <= 1 || ip >> 120 == 0xff
}

/// The n-th network that stands for a unique local one.
fn local(n: u64) -> u64 {
    0xfd00 << 32 | n & 0xffff_ffff
}

/// The n-th network that stands for another.
fn global(n: u64) -> u64 {
    if n < 1 << 16 {
        0x2001_0db8 << 16 | n
    } else {
        0x3fff_0000_0000 | (n - (1 << 16)) & 0xfff_ffff
    }
}

impl V6 {
    /// An address that is somebody's own.
    pub(super) fn note(&mut self, ip: Ipv6Addr) {
        let ip = ip.to_bits();
        if is_kept(ip) || ip >> 32 == TRANSLATED >> 32 {
            return;
        }
        self.low.own((ip & 0xff_ffff) as u32);
        let wide = (ip >> 80) as u64;
        if is_local(ip) {
            self.local.own(wide);
        } else if !is_link_local(ip) {
            self.global.own(wide);
        }
    }

    /// What stands for an address; `v4` maps the one that it may hold.
    pub(super) fn map(
        &mut self,
        ip: Ipv6Addr,
        v4: impl FnOnce(std::net::Ipv4Addr) -> std::net::Ipv4Addr,
    ) -> Ipv6Addr {
        let ip = ip.to_bits();
        if ip >> 24 == SOLICITED >> 24 {
            return Ipv6Addr::from_bits(SOLICITED | u128::from(self.low(ip as u32 & 0xff_ffff)));
        }
        if is_kept(ip) {
            return Ipv6Addr::from_bits(ip);
        }
        if ip >> 32 == TRANSLATED >> 32 {
            let inner = v4(std::net::Ipv4Addr::from_bits(ip as u32));
            return Ipv6Addr::from_bits(TRANSLATED | u128::from(inner.to_bits()));
        }
        let identifier = ip as u64;
        let mapped = self.high.map(identifier >> 24, (1 << 40) - 1, |n| n) << 24
            | u64::from(self.low(identifier as u32 & 0xff_ffff));
        let front = (ip >> 64) as u64;
        if is_link_local(ip) {
            return Ipv6Addr::from_bits(u128::from(front) << 64 | u128::from(mapped));
        }
        let wide = front >> 16;
        let to = match is_local(ip) {
            true => self.local.map(wide, (1 << 32) - 1, local),
            false => self.global.map(wide, (1 << 28) + (1 << 16) - 1, global),
        };
        let subnet = self.subnets.entry(wide).or_default().map(front & 0xffff, 0xffff, |n| n);
        Ipv6Addr::from_bits(u128::from(to << 16 | subnet) << 64 | u128::from(mapped))
    }

    /// The last 24 bits.
    pub(super) fn low(&mut self, low: u32) -> u32 {
        self.low.map(low, 0xff_ffff, |n| n as u32)
    }

    /// Takes in a pair of an earlier map; `false` where it contradicts what is known.
    pub(super) fn learn(&mut self, from: Ipv6Addr, to: Ipv6Addr) -> bool {
        let (from, to) = (from.to_bits(), to.to_bits());
        if is_kept(from) || from >> 32 == TRANSLATED >> 32 {
            return true;
        }
        let (a, b) = (from as u64, to as u64);
        let low = self.low.learn(a as u32 & 0xff_ffff, b as u32 & 0xff_ffff);
        let identifier = self.high.learn(a >> 24, b >> 24) && low;
        let (front, back) = ((from >> 64) as u64, (to >> 64) as u64);
        if is_link_local(from) {
            return identifier && front == back;
        }
        let table = if is_local(from) { &mut self.local } else { &mut self.global };
        identifier
            && is_local(from) == is_local(to)
            && table.learn(front >> 16, back >> 16)
            && self.subnets.entry(front >> 16).or_default().learn(front & 0xffff, back & 0xffff)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn ip(text: &str) -> Ipv6Addr {
        text.parse().unwrap()
    }

    fn mapped(map: &mut V6, text: &str) -> Ipv6Addr {
        map.map(ip(text), |_| std::net::Ipv4Addr::new(198, 18, 0, 1))
    }

    #[test]
    fn networks_stay_together_and_classes_apart() {
        let mut map = V6::default();
        let all = [
            "2001:db8::7",
            "2001:db8::8",
            "2001:db8:0:1::7",
            "2620:0:2d0:200::7",
            "fd12:3456:789a:1::1",
            "fd12:3456:789a:1::2",
            "fe80::5054:ff:fe0d:4799",
            "fe80::1",
            "2a00:1450:4001:82a::200e",
        ];
        all.iter().for_each(|text| map.note(ip(text)));
        let to: Vec<Ipv6Addr> = all.iter().map(|text| mapped(&mut map, text)).collect();
        assert_eq!(to.iter().collect::<HashSet<_>>().len(), all.len());
        let originals: HashSet<Ipv6Addr> = all.iter().map(|text| ip(text)).collect();
        for (i, a) in all.iter().enumerate() {
            assert!(!originals.contains(&to[i]), "{} stands for {a}", to[i]);
            for (j, b) in all.iter().enumerate() {
                for bits in [48, 64] {
                    let same = |a: Ipv6Addr, b: Ipv6Addr| {
                        a.to_bits() >> (128 - bits) == b.to_bits() >> (128 - bits)
                    };
                    assert_eq!(same(ip(a), ip(b)), same(to[i], to[j]), "{a} {b}");
                }
            }
            assert_eq!(is_local(ip(a).to_bits()), is_local(to[i].to_bits()));
            assert_eq!(is_link_local(ip(a).to_bits()), is_link_local(to[i].to_bits()));
        }
    }

    #[test]
    fn the_group_that_solicits_a_neighbour_fits_its_address() {
        let mut map = V6::default();
        let to = mapped(&mut map, "2001:db8::5054:ff:fe0d:4799").to_bits();
        let group = mapped(&mut map, "ff02::1:ff0d:4799").to_bits();
        assert_eq!(group, SOLICITED | to & 0xff_ffff);
        for text in ["::", "::1", "ff02::1", "ff02::12"] {
            assert_eq!(mapped(&mut map, text), ip(text));
        }
        assert_eq!(mapped(&mut map, "64:ff9b::8.8.8.8"), ip("64:ff9b::198.18.0.1"));
    }

    #[test]
    fn an_earlier_map_goes_on() {
        let mut first = V6::default();
        let all = ["2620::7", "2620::8", "fe80::1", "fd12::1"];
        let pairs: Vec<_> = all.iter().map(|text| (ip(text), mapped(&mut first, text))).collect();
        let mut second = V6::default();
        assert!(pairs.iter().all(|(from, to)| second.learn(*from, *to)));
        for (from, to) in &pairs {
            assert_eq!(second.map(*from, |ip| ip), *to);
        }
        assert!(!second.learn(ip("2620::7"), ip("2001:db8:9::1")));
    }
}
