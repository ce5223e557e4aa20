//! Addresses and ports as lines print them: `10.0.0.1.80`, `2001:db8::1.80`, `[2001:db8::1]:80`,
//! and with names where `-n` was not given.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::services;
use super::shown::MacBytes;

/// Names of hosts that are told apart.
const MAX_NAMES: usize = 1 << 12;

/// An address with the port that stands behind it.
pub(super) type End = (IpAddr, Option<u16>);

/// Names of hosts whose addresses the text does not print. Each stands for an address of
/// 240.0.0.0/4, which no host has (RFC 1112, section 4).
#[derive(Debug, Default)]
pub(super) struct Names {
    by_name: HashMap<String, Ipv4Addr>,
    /// In order of appearance.
    pub(super) list: Vec<String>,
    /// Names of services that the table of them lacks, in order of appearance.
    pub(super) services: Vec<String>,
}

/// The port that stands for the first service whose port is not told; the next stand for the next.
/// 1011 to 1020 are kept by IANA and given to nobody.
pub(in crate::capture) const FIRST_SERVICE: u16 = 1020;
/// Services that are told apart so.
const MAX_SERVICES: usize = 10;
/// The longest name of a service; RFC 6335, section 5.1, allows 15, tables have longer ones.
const LONGEST_SERVICE: usize = 24;
/// What ends the name of a host and is no service.
const DOMAINS: [&str; 10] =
    ["com", "net", "org", "io", "local", "localdomain", "internal", "lan", "home", "corp"];

impl Names {
    fn address(&mut self, name: &str) -> Option<IpAddr> {
        if let Some(known) = self.by_name.get(name) {
            return Some(IpAddr::V4(*known));
        }
        if self.list.len() >= MAX_NAMES {
            return None;
        }
        let n = self.list.len() as u32 + 1;
        let address = Ipv4Addr::from(0xf000_0000 + n);
        self.by_name.insert(name.to_owned(), address);
        self.list.push(name.to_owned());
        Some(IpAddr::V4(address))
    }

    /// The port that stands for a service.
    pub(super) fn service(&mut self, name: &str) -> Option<u16> {
        let known = self.services.iter().position(|service| service == name);
        let at = known.unwrap_or(self.services.len());
        if at >= MAX_SERVICES || !is_service(name) {
            return None;
        }
        if known.is_none() {
            self.services.push(name.to_owned());
        }
        Some(FIRST_SERVICE - at as u16)
    }
}

/// Whether an address stands for a name.
pub(super) fn is_stand_in(address: IpAddr) -> bool {
    matches!(address, IpAddr::V4(v4) if v4.octets()[0] >= 240)
}

/// Whether a word may be the name of a service.
fn is_service(word: &str) -> bool {
    (2..=LONGEST_SERVICE).contains(&word.len())
        && word.chars().all(|c| c.is_ascii_alphanumeric() || "-_+".contains(c))
        && word.contains(|c: char| c.is_ascii_alphabetic())
        && !DOMAINS.contains(&word)
}

/// Reads an end of something that has ports: a last part that no table has is a service too.
pub(super) fn ported(token: &str, names: &mut Names) -> Option<End> {
    let token = token.trim_matches(|c| matches!(c, ',' | ';' | '(' | ')'));
    let split = token.rsplit_once(['.', ':']);
    if let Some((host, last)) = split.filter(|(host, _)| !host.is_empty())
        && end(token, None).is_none()
        && port(last).is_none()
        && is_service(last)
    {
        let (address, _) = end(host, Some(names))?;
        return Some((address, Some(names.service(last)?)));
    }
    end(token, Some(names))
}

/// Reads one end; a name is taken for one where `names` is given.
pub(super) fn end(token: &str, names: Option<&mut Names>) -> Option<End> {
    let token = token.trim_matches(|c| matches!(c, ',' | ';' | '(' | ')'));
    if let Some((address, rest)) = token.strip_prefix('[').and_then(|t| t.split_once(']'))
        && let Some(address) = v6(address)
    {
        let port = rest.strip_prefix([':', '.']).and_then(port);
        return Some((IpAddr::V6(address), port));
    }
    if let Some(found) = v4_end(token) {
        return Some(found);
    }
    if token.bytes().filter(|b| *b == b':').count() >= 2 {
        if let Some(address) = v6(token) {
            return Some((IpAddr::V6(address), None));
        }
        let (address, after) = token.rsplit_once('.')?;
        return Some((IpAddr::V6(v6(address)?), Some(port(after)?)));
    }
    names.and_then(|names| named(token, names))
}

fn v6(text: &str) -> Option<Ipv6Addr> {
    text.split('%').next()?.parse().ok()
}

/// Four octets, with a port behind a dot or a colon.
fn v4_end(token: &str) -> Option<End> {
    let bytes = token.as_bytes();
    let mut octets = [0_u8; 4];
    let mut at = 0;
    for (n, octet) in octets.iter_mut().enumerate() {
        let mut value = 0_u16;
        let begin = at;
        while let Some(digit) = bytes.get(at).filter(|b| b.is_ascii_digit()) {
            value = value * 10 + u16::from(digit - b'0');
            at += 1;
            if at - begin > 3 {
                return None;
            }
        }
        if at == begin {
            return None;
        }
        *octet = u8::try_from(value).ok()?;
        if n < 3 {
            if bytes.get(at) != Some(&b'.') {
                return None;
            }
            at += 1;
        }
    }
    let address = IpAddr::V4(Ipv4Addr::from(octets));
    match bytes.get(at) {
        None => Some((address, None)),
        Some(b'.' | b':') => Some((address, Some(port(token.get(at + 1..)?)?))),
        Some(_) => None,
    }
}

/// A port by number or by its name in the table of services.
pub(super) fn port(text: &str) -> Option<u16> {
    let text = text.trim_end_matches(':');
    text.parse().ok().or_else(|| services::port(text))
}

/// `web1.example.com.http`: the last part is the port, if it is one. What people put in the place
/// of an address that nobody is to see is a name too: `<client>.http`, `$VIP.http`, `*.*.*.12.http`.
fn named(token: &str, names: &mut Names) -> Option<End> {
    let plain = |c: char| c.is_alphanumeric() || "-_.<>[]{}$*#".contains(c);
    let letter = token.chars().any(|c| c.is_alphabetic() || matches!(c, '*' | '#' | '-'));
    // Four numbers with a port that is not known are no name.
    let quad = token.split('.').take(4).filter(|p| p.parse::<u8>().is_ok()).count() == 4;
    if token.is_empty() || quad || token.len() > 255 || !letter || !token.chars().all(plain) {
        return None;
    }
    if is_masked_v4(token) {
        return Some((names.address(token)?, None));
    }
    let (host, port) = match token.rsplit_once('.').or_else(|| token.rsplit_once(':')) {
        Some((host, last)) if !host.is_empty() => match port(last) {
            Some(port) => (host, Some(port)),
            None => (token, None),
        },
        _ => (token, None),
    };
    Some((spelled(host).or_else(|| names.address(host))?, port))
}

/// Whether a token is four octets of which some are masked: what stands last is no port.
fn is_masked_v4(token: &str) -> bool {
    let masked = |part: &str| {
        (1..=3).contains(&part.len()) && part.chars().all(|c| matches!(c, 'x' | 'X' | '*' | '#'))
    };
    let parts: Vec<&str> = token.split('.').collect();
    parts.len() == 4
        && parts.iter().any(|part| masked(part))
        && parts.iter().all(|part| masked(part) || part.parse::<u8>().is_ok())
}

/// Names that IANA or every system gives: mcast.net, /etc/hosts of Debian.
const GIVEN: [(&str, IpAddr); 6] = [
    ("localhost", IpAddr::V4(Ipv4Addr::LOCALHOST)),
    ("all-systems.mcast.net", IpAddr::V4(Ipv4Addr::new(224, 0, 0, 1))),
    ("vrrp.mcast.net", IpAddr::V4(Ipv4Addr::new(224, 0, 0, 18))),
    ("ip6-localhost", IpAddr::V6(Ipv6Addr::LOCALHOST)),
    ("ip6-allnodes", IpAddr::V6(Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1))),
    ("ip6-allrouters", IpAddr::V6(Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 2))),
];

/// Names that spell their address: `localhost`, `ip-10-0-0-12.ec2.internal`, `10-0-0-12.pod`.
fn spelled(host: &str) -> Option<IpAddr> {
    if let Some((_, address)) = GIVEN.iter().find(|(name, _)| *name == host) {
        return Some(*address);
    }
    if host.starts_with("localhost.") {
        return Some(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    let first = host.split('.').next()?;
    let digits = first.strip_prefix("ip-").unwrap_or(first);
    digits.replace('-', ".").parse().ok().map(IpAddr::V4)
}

/// An end of a packet of IPv6: what stands for a name, and what a name spells, is of that family too.
pub(super) fn in_v6(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(v4) if v4.is_loopback() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        IpAddr::V4(v4) if is_stand_in(address) => IpAddr::V6(v4.to_ipv6_mapped()),
        _ => address,
    }
}

/// Six bytes in hexadecimal digits, as tcpdump prints a MAC, old ones without leading zeros.
pub(super) fn mac(token: &str) -> Option<MacBytes> {
    let token = token.trim_end_matches([',', ':', ')']).trim_start_matches('(');
    if token.eq_ignore_ascii_case("broadcast") {
        return Some([0xff; 6]);
    }
    let mut bytes = [0; 6];
    let mut parts = token.split([':', '-']);
    for byte in &mut bytes {
        let part = parts.next().filter(|p| (1..=2).contains(&p.len()))?;
        *byte = u8::from_str_radix(part, 16).ok()?;
    }
    parts.next().is_none().then_some(bytes)
}

/// Whether a token stands where a MAC was, which nobody is to see: `xx:xx:xx:xx:xx:xx`.
pub(super) fn is_masked_mac(token: &str) -> bool {
    let token = token.trim_end_matches([',', ':', ')']);
    let masks = |part: &str| part.chars().all(|c| c.is_ascii_alphanumeric() || "*#_?".contains(c));
    let parts = || token.split([':', '-']);
    // Of some only the ends are left: `fa:16:xx:67`.
    let shortened = (3..6).contains(&parts().count())
        && parts().any(|part| ["xx", "XX", "**", "##", "__", "??"].contains(&part));
    (parts().count() == 6 || shortened)
        && parts().all(|part| part.len() == 2 && masks(part))
        && mac(token).is_none()
}

#[cfg(test)]
mod tests {
    use super::{Names, end, is_masked_mac, mac};

    fn read(token: &str) -> Option<(String, Option<u16>)> {
        end(token, Some(&mut Names::default())).map(|(a, p)| (a.to_string(), p))
    }

    #[test]
    fn ends_are_read_in_all_spellings() {
        let cases = [
            ("10.0.0.1.80", "10.0.0.1", Some(80)),
            ("10.0.0.1.https", "10.0.0.1", Some(443)),
            ("10.0.0.1:8080", "10.0.0.1", Some(8080)),
            ("10.0.0.1", "10.0.0.1", None),
            ("2001:db8::1.80", "2001:db8::1", Some(80)),
            ("fe80::1", "fe80::1", None),
            ("[2001:db8::1]:443", "2001:db8::1", Some(443)),
            ("ip-10-0-0-12.ec2.internal.ssh", "10.0.0.12", Some(22)),
            ("localhost.http", "127.0.0.1", Some(80)),
            ("10.X.X.11", "240.0.0.1", None),
            ("10.x.x.11.53", "240.0.0.1", Some(53)),
            ("192-168-0-200", "192.168.0.200", None),
            ("10-0-3-7.svc.example.8080", "10.0.3.7", Some(8080)),
            ("vrrp.mcast.net", "224.0.0.18", None),
            ("web1.example.com.http", "240.0.0.1", Some(80)),
            ("web1.example.com", "240.0.0.1", None),
            ("<client-ip>.80", "240.0.0.1", Some(80)),
            ("[redacted].443", "240.0.0.1", Some(443)),
            ("${VIP}.443", "240.0.0.1", Some(443)),
            ("***.***.***.12.58468", "240.0.0.1", Some(58468)),
        ];
        for (token, address, port) in cases {
            assert_eq!(read(token), Some((address.to_owned(), port)), "{token}");
        }
        for token in
            ["10.0.0.300.80", "1.2.3", "10.0.0.1.nosuchservice", "", "a/b", "12:30", ">", "[]"]
        {
            assert_eq!(read(token), None, "{token}");
        }
    }

    #[test]
    fn one_name_is_one_address() {
        let mut names = Names::default();
        let a = end("web1.http", Some(&mut names)).unwrap();
        let b = end("web2.http", Some(&mut names)).unwrap();
        assert_ne!(a.0, b.0);
        assert_eq!(end("web1.51000", Some(&mut names)).unwrap().0, a.0);
        assert_eq!(end("web1.http", None), None);
    }

    #[test]
    fn a_service_that_no_table_has_is_a_port_all_the_same() {
        let mut names = Names::default();
        let mut read =
            |token: &str| super::ported(token, &mut names).map(|(a, p)| (a.to_string(), p));
        assert_eq!(read("10.0.0.1.nosuch-svc"), Some(("10.0.0.1".to_owned(), Some(1020))));
        assert_eq!(read("6153a0852c22.other_svc"), Some(("240.0.0.1".to_owned(), Some(1019))));
        assert_eq!(read("2001:db8::1.nosuch-svc"), Some(("2001:db8::1".to_owned(), Some(1020))));
        assert_eq!(read("10.0.0.1.https"), Some(("10.0.0.1".to_owned(), Some(443))));
        assert_eq!(read("web.example.com"), Some(("240.0.0.2".to_owned(), None)));
        assert_eq!(read("10.0.0.1"), Some(("10.0.0.1".to_owned(), None)));
        assert_eq!(names.services, ["nosuch-svc", "other_svc"]);
    }

    #[test]
    fn macs_of_old_versions_have_no_leading_zeros() {
        assert_eq!(mac("52:54:00:0d:47:99,"), Some([0x52, 0x54, 0, 0x0d, 0x47, 0x99]));
        assert_eq!(mac("0:4:5a:d:2:1"), Some([0, 4, 0x5a, 0x0d, 2, 1]));
        assert_eq!(mac("Broadcast"), Some([0xff; 6]));
        assert_eq!(mac("fe80::1"), None);
    }

    #[test]
    fn what_stands_for_a_mac_is_none() {
        for masked in [
            "xx:xx:xx:xx:xx:xx",
            "zz:zz:zz:zz:zz:zz,",
            "52:54:00:XX:XX:XX",
            "**:**:**:**:**:01",
            "fa:16:xx:67,",
        ] {
            assert!(is_masked_mac(masked) && mac(masked).is_none(), "{masked}");
        }
        for other in ["52:54:00:0d:47:99", "fe80::1", "12:00:00", "a:b:c:d:e:f"] {
            assert!(!is_masked_mac(other), "{other}");
        }
    }
}
