//! Payload: none of it, save the PROXY header, which says who the client is.
//!
//! Version 1 is text, and stand-ins may be longer or shorter: the header then takes more
//! or less of the segment, whose length stays; where it does not fit, nothing is written.

use super::StandIns;
use super::address::{v4_at, v6_at};
use crate::wire::ProxyHeader;

/// Version 2: signature, version and command, family, length.
const V2: usize = 16;
/// A field that means nothing (PP2_TYPE_NOOP).
const NOOP: u8 = 4;

/// The payload of a TCP segment.
pub(super) fn tcp(with: &mut impl StandIns, old: &[u8], new: &mut [u8]) {
    let Some(header) = ProxyHeader::parse(old) else { return };
    if old.starts_with(b"PROXY ") {
        v1(with, &header, new);
    } else if let (Some(old), Some(new)) = (old.get(..header.len), new.get_mut(..header.len)) {
        v2(with, old, new);
    }
}

fn v1(with: &mut impl StandIns, header: &ProxyHeader, new: &mut [u8]) {
    let (client, server) = (with.ip(header.client.0), with.ip(header.server.0));
    let family = if client.is_v4() { 4 } else { 6 };
    let (from, to) = (header.client.1, header.server.1);
    let line = format!("PROXY TCP{family} {client} {server} {from} {to}\r\n");
    if let Some(place) = new.get_mut(..line.len()) {
        place.copy_from_slice(line.as_bytes());
    }
}

fn v2(with: &mut impl StandIns, old: &[u8], new: &mut [u8]) {
    // Addresses and ports of IPv4 take 12 bytes, those of IPv6 36.
    let v4 = old[13] >> 4 == 1;
    let fields = V2 + if v4 { 12 } else { 36 };
    if old.len() < fields {
        return;
    }
    new[..fields].copy_from_slice(&old[..fields]);
    for n in 0..2 {
        if v4 { v4_at(with, new, V2 + n * 4) } else { v6_at(with, new, V2 + n * 16) }
    }
    // What else it says (host names, certificates) is one field without meaning.
    if let [kind, hi, lo, rest @ ..] = &mut new[fields..] {
        *kind = NOOP;
        [*hi, *lo] = (rest.len() as u16).to_be_bytes();
    }
}
