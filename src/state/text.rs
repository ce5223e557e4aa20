//! Addresses, endpoints and numbers as tools print them.

use crate::wire::{Ip, Protocol};
use std::net::{IpAddr, SocketAddr};

/// An address, also in brackets, without zone.
pub(super) fn ip(text: &str) -> Option<Ip> {
    let bare = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')).unwrap_or(text);
    let bare = bare.split_once('%').map_or(bare, |(ip, _)| ip);
    bare.parse::<IpAddr>().ok().map(Ip::from)
}

/// `ADDRESS/BITS`, or an address alone, which is a network of one.
pub(super) fn prefix(text: &str) -> Option<(Ip, u8)> {
    let (head, bits) = text.split_once('/').map_or((text, None), |(h, b)| (h, Some(b)));
    let ip = ip(head)?;
    let most = if ip.is_v4() { 32 } else { 128 };
    let bits = bits.map_or(Some(most), |b| b.parse().ok())?;
    (bits <= most).then_some((ip, bits))
}

/// `ADDRESS:PORT`; an address alone has port 0.
pub(super) fn endpoint(text: &str) -> Option<(Ip, u16)> {
    match text.parse::<SocketAddr>() {
        Ok(socket) => Some((Ip::from(socket.ip()), socket.port())),
        Err(_) => ip(text).map(|ip| (ip, 0)),
    }
}

/// As /proc/net/ip_vs has them: `0A000064:0050`, `[2001:0db8:...:0007]:0050`, ports of both
/// hexadecimal.
pub(super) fn wire_endpoint(text: &str) -> Option<(Ip, u16)> {
    let (host, port) = text.rsplit_once(':').filter(|(_, port)| port.len() == 4)?;
    let port = u16::from_str_radix(port, 16).ok()?;
    if host.len() == 8 {
        let bits = u32::from_str_radix(host, 16).ok()?;
        return Some((Ip::v4(bits.to_be_bytes()), port));
    }
    // Of a length that nobody else prints.
    let bare = host.trim_matches(['[', ']']);
    (bare.len() == 39).then(|| ip(bare).map(|ip| (ip, port))).flatten()
}

/// `TCP`, `UDP`, `SCTP` in either case.
pub(super) fn protocol(text: &str) -> Option<Protocol> {
    [("tcp", Protocol::TCP), ("udp", Protocol::UDP), ("sctp", Protocol(132))]
        .iter()
        .find(|(name, _)| text.eq_ignore_ascii_case(name))
        .map(|(_, number)| *number)
}

/// The word after a keyword.
pub(super) fn after<'a>(words: &[&'a str], keyword: &str) -> Option<&'a str> {
    let at = words.iter().position(|w| *w == keyword)?;
    words.get(at + 1).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_both_families_are_read() {
        let v6 = ip("2001:db8::7");
        assert!(v6.is_some());
        assert_eq!(endpoint("[2001:db8::7]:443"), v6.map(|ip| (ip, 443)));
        assert_eq!(prefix("2001:db8::7/64"), v6.map(|ip| (ip, 64)));
        assert_eq!(prefix("10.0.0.1"), Some((Ip::v4([10, 0, 0, 1]), 32)));
        assert_eq!(endpoint("10.0.0.1:80"), Some((Ip::v4([10, 0, 0, 1]), 80)));
    }

    #[test]
    fn what_is_no_address_is_none() {
        for odd in ["", "/", "10.0.0.1/33", "10.0.0/8", "[", "::/129", "1.2.3.4:http"] {
            assert_eq!((prefix(odd), endpoint(odd)), (None, None), "{odd:?}");
        }
    }
}
