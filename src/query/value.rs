//! Values as people write them: endpoints, durations, sizes.

use crate::wire::Ip;
use std::net::IpAddr;

/// An address or a network, with a port where it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct End {
    ip: Ip,
    /// Bits of the address that count.
    bits: u8,
    port: Option<u16>,
}

impl End {
    /// `10.0.0.1`, `10.0.0.1:80`, `10.0.0.0/8`, `2001:db8::1`, `[2001:db8::1]:80`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (bare, port) = split(text);
        let (address, bits) = match bare.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse::<u8>().ok()?)),
            None => (bare, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(most);
        let port = match port {
            Some(port) => Some(port.parse().ok()?),
            None => None,
        };
        (bits <= most).then(|| Self { ip: address.into(), bits, port })
    }

    pub(super) fn is(&self, (other, port): (Ip, u16)) -> bool {
        self.port.is_none_or(|wanted| wanted == port) && self.holds(other)
    }

    /// Whether an address lies in it, whatever the port.
    pub(super) fn holds(&self, other: Ip) -> bool {
        other.is_within(self.ip, self.bits)
    }

    pub(super) fn port(&self) -> Option<u16> {
        self.port
    }
}

/// Address and port apart.
fn split(text: &str) -> (&str, Option<&str>) {
    if let Some(rest) = text.strip_prefix('[') {
        return match rest.split_once(']') {
            Some((address, "")) => (address, None),
            Some((address, port)) => (address, Some(port.strip_prefix(':').unwrap_or("?"))),
            None => (text, None),
        };
    }
    match text.split_once(':') {
        Some((address, port)) if !port.contains(':') => (address, Some(port)),
        _ => (text, None),
    }
}

/// `250us`, `10ms`, `1.5s`, `2m`, `1h`; nanoseconds.
pub(super) fn duration(text: &str) -> Option<i64> {
    const UNITS: [(&str, f64); 7] = [
        ("ns", 1.0),
        ("us", 1e3),
        ("µs", 1e3),
        ("ms", 1e6),
        ("s", 1e9),
        ("m", 6e10),
        ("h", 3.6e12),
    ];
    let at = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, unit) = text.split_at(at);
    let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit)?;
    scaled(number, *factor)
}

/// `1500`, `10k`, `2M`, `1G`; bytes.
pub(super) fn size(text: &str) -> Option<i64> {
    const UNITS: [(&str, f64); 4] = [("", 1.0), ("k", 1e3), ("m", 1e6), ("g", 1e9)];
    let at = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(at);
    let (_, factor) = UNITS.iter().find(|(name, _)| unit.eq_ignore_ascii_case(name))?;
    scaled(number, *factor)
}

fn scaled(number: &str, factor: f64) -> Option<i64> {
    let value = number.parse::<f64>().ok()? * factor;
    (value.is_finite() && value < 9e18).then_some(value as i64)
}

/// That a value is none of those that there are.
pub(super) fn one_of<const N: usize>(value: &str, what: &str, names: [&str; N]) -> String {
    format!("{value} is no {what}; there are {}", names.join(", "))
}
