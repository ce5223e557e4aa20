//! What values of traits are called.

use std::net::IpAddr;

/// Whether it has a trait that is had or not.
pub(super) fn yes(is: bool) -> String {
    if is { "yes" } else { "no" }.to_owned()
}

/// A version of TLS as people call it (RFC 8446, section 4.2.1).
pub(super) fn tls_name(version: u16) -> String {
    match version {
        0x0300 => "SSL 3.0".to_owned(),
        0x0301 => "TLS 1.0".to_owned(),
        0x0302 => "TLS 1.1".to_owned(),
        0x0303 => "TLS 1.2".to_owned(),
        0x0304 => "TLS 1.3".to_owned(),
        other => format!("TLS {other:#06x}"),
    }
}

/// The network that an address is told by.
pub(super) fn network(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, c, _] = ip.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        IpAddr::V6(ip) => {
            let bits = u128::from(ip) & !(u128::MAX >> 64);
            format!("{}/64", std::net::Ipv6Addr::from(bits))
        }
    }
}

/// Where ranges of ports begin that rules know: beyond those of well-known services (RFC 6335, section 6), those that
/// Linux and then those that IANA gives clients, and beyond those of Linux (`ip_local_port_range`).
const BOUNDS: [u16; 4] = [1024, 32768, 49152, 61000];

/// On which side of each bound a port is.
pub(super) fn port_ranges(port: u16) -> [String; 4] {
    BOUNDS.map(|bound| match port < bound {
        true => format!("below {bound}"),
        false => format!("of {bound} or above"),
    })
}
