//! The text of one packet as tcpdump prints it, from the time to where its line ends:
//! interface and direction, the link header, then what is in it.

use super::anchor::is_anchor;
use super::ends::{self, Names};
use super::ether::{ether_type, frame_length};
use super::scan::Scan;
use super::shown::Shown;
use super::{arp, logged, network, stamp};

/// Words between the time and the packet at most: an interface, a direction, its index.
const MAX_WORDS: usize = 4;

/// Reads a packet; `None` where it is none.
pub(super) fn parse(text: &str, names: &mut Names) -> Option<Shown> {
    let mut scan = Scan::new(text);
    let mut shown = Shown::default();
    scan.blanks();
    if let Some(stamp) = stamp::stamp(&mut scan) {
        shown.stamp = stamp;
        zone(&mut scan);
    }
    logged::before(&mut scan, &mut shown);
    place(&mut scan, &mut shown)?;
    link(&mut scan, &mut shown, names)?;
    Some(shown)
}

/// A zone behind the time, as `+0200` or `Z`.
fn zone(scan: &mut Scan<'_>) {
    if scan.peek() == Some(b'Z') {
        scan.skip(1);
    } else if matches!(scan.peek(), Some(b'+' | b'-')) {
        scan.token();
    }
}

/// Interface, direction and index, which `-i any` prints.
fn place(scan: &mut Scan<'_>, shown: &mut Shown) -> Option<()> {
    for _ in 0..=MAX_WORDS {
        scan.blanks();
        if is_anchor(scan) {
            return Some(());
        }
        let word = scan.token();
        if let Some(kind) = direction(word) {
            shown.direction = Some(kind);
            shown.cooked = true;
        } else if word == "ifindex" {
            shown.ifindex = scan.blanks().num();
        } else if shown.interface.is_none() && shown.direction.is_none() {
            shown.interface = Some(word.to_owned()).filter(|word| word != "?");
            shown.cooked = true;
        } else {
            return None;
        }
    }
    None
}

fn direction(word: &str) -> Option<u8> {
    Some(match word {
        "In" | "in" => 0,
        "B" | "Bcast" => 1,
        "M" | "Mcast" => 2,
        "P" | "PROMISC" => 3,
        "Out" | "out" => 4,
        _ => return None,
    })
}

/// The link header, where it is printed, and what is in it.
fn link(scan: &mut Scan<'_>, shown: &mut Shown, names: &mut Names) -> Option<()> {
    let before = *scan;
    let sender = scan.token();
    let first = ends::mac(sender).is_some() || ends::is_masked_mac(sender);
    if first {
        shown.src_mac = ends::mac(sender);
        scan.blanks();
        if scan.eat("> ") || !scan.rest().starts_with("ethertype") {
            // The oldest print two MACs, the protocol and the length: `0:1:2:3:4:5 6:7:8:9:a:b 0800 74: `
            let receiver = scan.token();
            shown.dst_mac = ends::mac(receiver);
            if shown.dst_mac.is_none() && !ends::is_masked_mac(receiver) {
                return None;
            }
        } else {
            shown.cooked = true;
        }
    } else {
        *scan = before;
    }
    scan.blanks();
    let mut kind = None;
    if first && !scan.rest().starts_with("ethertype") {
        kind = oldest(scan, shown);
    }
    loop {
        scan.blanks();
        if scan.eat("ethertype ") {
            if !shown.cooked && !first {
                shown.cooked = true;
            }
            kind = Some(ether_type(scan)?);
            frame_length(scan, shown);
        } else if scan.eat("vlan ") {
            shown.vlans.push(scan.num()?);
            // Priority and drop eligibility, up to the EtherType or the packet.
            while scan.eat(", ") && !scan.rest().starts_with("ethertype") {
                if is_anchor(scan) {
                    break;
                }
                let n = scan.rest().bytes().take_while(|b| *b != b',').count();
                scan.skip(n);
            }
        } else {
            break;
        }
        if shown.vlans.len() > 4 {
            return None;
        }
    }
    match kind {
        Some(0x0806) => arp::arp(scan, shown, names),
        _ if scan.eat("ARP, ") || scan.eat("ARP,\n") || scan.eat("arp ") => {
            arp::arp(scan, shown, names)
        }
        Some(0x0800 | 0x86dd | 0x0004) | None => network::network(scan, shown, names, 0),
        Some(_) => Some(()),
    }
}

/// `0800 74: ` or `ip 74: `, as versions before 3.9 print it.
fn oldest(scan: &mut Scan<'_>, shown: &mut Shown) -> Option<u16> {
    let kind = match scan.token().trim_end_matches(',') {
        "ip" | "0800" => 0x0800,
        "arp" | "0806" => 0x0806,
        "ip6" | "86dd" => 0x86dd,
        _ => return None,
    };
    shown.frame_len = scan.blanks().num();
    scan.eat(":");
    scan.blanks();
    Some(kind)
}
