//! What `-e` prints of an Ethernet header: the EtherType, the length, and the header of a frame
//! inside a tunnel.

use super::ends;
use super::scan::Scan;
use super::shown::{MacBytes, Shown};

/// `IPv4 (0x0800)`, with what ends it.
pub(super) fn ether_type(scan: &mut Scan<'_>) -> Option<u16> {
    let before = *scan;
    let kind = scan.until("(").filter(|name| name.len() < 24).and_then(|_| scan.hex());
    match kind.and_then(|kind| u16::try_from(kind).ok()) {
        Some(kind) => {
            scan.eat(")");
            scan.eat(",");
            Some(kind)
        }
        None => {
            *scan = before;
            match scan.token().trim_end_matches(',') {
                "IPv4" => Some(0x0800),
                "IPv6" => Some(0x86dd),
                "ARP" => Some(0x0806),
                _ => None,
            }
        }
    }
}

pub(super) fn frame_length(scan: &mut Scan<'_>, shown: &mut Shown) {
    scan.blanks();
    if scan.eat("length ") {
        let length = scan.blanks().num();
        shown.frame_len = shown.frame_len.or(length);
        scan.eat(":");
    }
    scan.blanks();
}

/// A frame inside a tunnel: two MACs, then IP. Gives the MACs, where they are printed.
pub(super) fn inner_frame(scan: &mut Scan<'_>) -> Option<(MacBytes, MacBytes)> {
    scan.blanks();
    let before = *scan;
    let macs = ends::mac(scan.token()).and_then(|src| {
        scan.blanks();
        scan.eat("> ").then(|| ends::mac(scan.token())).flatten().map(|dst| (src, dst))
    });
    if macs.is_none() {
        *scan = before;
        return None;
    }
    scan.blanks();
    if scan.eat("ethertype ") {
        ether_type(scan);
        frame_length(scan, &mut Shown::default());
    }
    macs
}
