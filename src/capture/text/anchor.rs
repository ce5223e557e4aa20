//! Whether a packet's own text begins somewhere.

use super::ends;
use super::scan::Scan;

/// Whether a packet's own text begins here.
pub(super) fn is_anchor(scan: &Scan<'_>) -> bool {
    let rest = scan.rest();
    match rest.as_bytes().first() {
        Some(b'I') => {
            ["IP ", "IP6 ", "IP\n", "IP6\n", "IP(", "IP6("].iter().any(|w| rest.starts_with(w))
        }
        Some(b'A' | b'a' | b'R') => {
            let arp = ["ARP, ", "arp who-has", "arp reply", "RARP", "ARP,\n"];
            arp.iter().any(|w| rest.starts_with(w)) || is_flow(*scan)
        }
        Some(b'(') => {
            rest.starts_with("(tos ")
                || rest.starts_with("(hlim ")
                || rest.starts_with("(flowlabel")
                || rest.starts_with("(class ")
        }
        Some(b'e') if rest.starts_with("ethertype ") => true,
        Some(b'v') if rest.starts_with("vlan ") => true,
        Some(b't') if rest.starts_with("truncated-ip") => true,
        Some(_) => is_flow(*scan),
        None => false,
    }
}

/// `A > B`, of addresses or MACs, or one MAC before its EtherType.
fn is_flow(mut scan: Scan<'_>) -> bool {
    let first = scan.token();
    if ends::mac(first).is_some() || ends::is_masked_mac(first) {
        let next = scan.token();
        return next == ">" || next == "ethertype" || ends::mac(next).is_some();
    }
    let arrow = scan.token();
    if arrow != ">" {
        return false;
    }
    let dst = scan.token();
    ends::end(first, None).is_some() || dst.ends_with(':') && first.contains('.')
}
