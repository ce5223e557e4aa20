//! ARP as tcpdump prints it: `Request who-has 10.0.0.1 tell 10.0.0.2, length 28`.

use std::net::IpAddr;

use super::ends::{self, Names};
use super::scan::Scan;
use super::shown::{Arp, Body, Shown};

pub(super) fn arp(scan: &mut Scan<'_>, shown: &mut Shown, names: &mut Names) -> Option<()> {
    let mut arp = Arp { sender_mac: shown.src_mac, ..Arp::default() };
    scan.blanks();
    // `-v`: hardware and protocol; then `Announcement` and `Probe` of newer versions.
    while scan.eat("Ethernet (len 6)") || scan.eat("IPv4 (len 4)") || scan.eat(",") {
        scan.blanks();
    }
    if scan.eat("Request ") || scan.rest().starts_with("who-has ") {
        scan.blanks().eat("who-has ");
        arp.target = v4(scan, names);
        scan.blanks();
        if scan.peek() == Some(b'(') {
            arp.target_mac = ends::mac(scan.token()).filter(|mac| *mac != [0; 6]);
            scan.blanks();
        }
        if scan.eat("tell ") {
            arp.sender = v4(scan, names);
        }
    } else if scan.eat("Announcement ") {
        arp.target = v4(scan, names);
        arp.sender = arp.target;
    } else if scan.eat("Probe ") {
        arp.target = v4(scan, names);
        arp.sender = Some([0; 4]);
    } else if scan.eat("Reply ") || scan.eat("reply ") {
        arp.reply = true;
        arp.sender = v4(scan, names);
        scan.blanks().eat("is-at ");
        arp.sender_mac = ends::mac(scan.token());
        // The answer goes to who asked.
        arp.target_mac = shown.dst_mac;
    } else {
        return None;
    }
    arp.sender?;
    if !arp.reply {
        arp.target?;
    }
    shown.clean = true;
    shown.body = Body::Arp(arp);
    Some(())
}

/// An address, or what stands in its place.
fn v4(scan: &mut Scan<'_>, names: &mut Names) -> Option<[u8; 4]> {
    match ends::end(scan.token(), Some(names))? {
        (IpAddr::V4(address), None) => Some(address.octets()),
        _ => None,
    }
}
