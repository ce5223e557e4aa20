//! VRRP as tcpdump prints it (RFC 3768, RFC 5798); of the addresses only `-v` tells.

use std::net::IpAddr;

use super::ends;
use super::scan::Scan;
use super::shown::{Body, Shown};

pub(super) fn vrrp(scan: &mut Scan<'_>, shown: &mut Shown) -> Option<()> {
    scan.eat("VRRPv");
    let version: u8 = scan.num()?;
    if !matches!(version, 2 | 3) {
        return None;
    }
    let line = scan.rest();
    let after = |word: &str| line.split_once(word).map(|(_, after)| Scan::new(after));
    let number = |names: [&str; 2]| {
        names.iter().find_map(|name| after(name)).and_then(|mut scan| scan.num::<u8>())
    };
    let vrid = number(["vrid ", "vrid="])?;
    let priority = number(["prio ", "prio="])?;
    let interval = interval(["intvl ", "intvl="].iter().find_map(|name| after(name)), version);
    let listed = line.split_once("addrs").and_then(|(_, after)| after.split_once(": "));
    let mut addresses: Vec<IpAddr> = Vec::new();
    for token in listed.map(|(_, list)| list).unwrap_or("").split([',', ' ', '\n']) {
        match ends::end(token, None) {
            Some((address, None)) if addresses.len() < 64 => addresses.push(address),
            _ => break,
        }
    }
    // Where none are printed their count is not either; the message's length tells it.
    let v6 = shown.layers.last()?.dst.is_ipv6();
    let size = if v6 { 16 } else { 4 };
    let length: Option<u32> = after("length ").and_then(|mut scan| scan.num());
    let authentication = if version == 2 { 8 } else { 0 };
    let count = length
        .and_then(|length| length.checked_sub(8 + authentication))
        .map_or(addresses.len(), |left| (left / size) as usize);
    let (a, b) = match version {
        2 => (0, u8::try_from(interval / 100).unwrap_or(u8::MAX)),
        _ => ((interval >> 8) as u8 & 0x0f, interval as u8),
    };
    let mut bytes = vec![version << 4 | 1, vrid, priority, count.min(255) as u8, a, b, 0, 0];
    for address in addresses {
        match address {
            IpAddr::V4(address) => bytes.extend(address.octets()),
            IpAddr::V6(address) => bytes.extend(address.octets()),
        }
    }
    shown.body = Body::Proto { number: 112, bytes, length };
    shown.clean = true;
    Some(())
}

/// Hundredths of a second between advertisements.
fn interval(scan: Option<Scan<'_>>, version: u8) -> u16 {
    let Some(mut scan) = scan else { return 0 };
    let value: u16 = scan.num().unwrap_or(0);
    let hundredths = scan.eat("cs") || version == 3 && !scan.eat("s");
    if hundredths { value } else { value.saturating_mul(100) }
}
