//! What other programs than plain tcpdump print between the time and the packet: tcpdump of macOS
//! (`-k`), the log of pf (`-i pflog0`), pktmon of Windows, the capture of a Cisco ASA.

use super::anchor::is_anchor;
use super::scan::Scan;
use super::shown::{Filtered, Shown};

/// The longest head of a line of pf's log, bytes.
const HEAD: usize = 160;
/// The longest name of an interface.
const NAME: usize = 64;

/// Steps over it, and takes what it tells.
pub(super) fn before(scan: &mut Scan<'_>, shown: &mut Shown) {
    scan.blanks();
    let rest = scan.rest();
    if rest.starts_with('(') && !is_anchor(scan) {
        process(scan, shown);
    } else if rest.starts_with("rule ") {
        filtered(scan, shown);
    } else if rest.starts_with("PktGroupId ") {
        pktmon(scan, shown);
    } else if rest.starts_with("802.1Q vlan#") {
        tagged(scan, shown);
    }
}

/// `PACKET_HOST` and `PACKET_OUTGOING` of linux/if_packet.h.
fn direction(word: &str) -> Option<u8> {
    match word {
        "in" | "Rx" => Some(0),
        "out" | "Tx" => Some(4),
        _ => None,
    }
}

/// `(en0, proc curl:4711, svc BE, out, so)`
fn process(scan: &mut Scan<'_>, shown: &mut Shown) {
    let before = *scan;
    let Some(inside) = scan.group() else { return };
    let mut parts = inside.split(',').map(str::trim);
    let name = parts.next().filter(|name| !name.is_empty() && !name.contains(' '));
    let Some(way) = parts.find_map(direction) else {
        *scan = before;
        return;
    };
    shown.interface = name.map(|name| name.chars().take(NAME).collect());
    (shown.direction, shown.cooked) = (Some(way), true);
}

/// `rule 14/(match) block in on em1: `, `rule 3.relayd.1/0(match) [uid 0] pass out on em0: `
fn filtered(scan: &mut Scan<'_>, shown: &mut Shown) {
    let before = *scan;
    // A colon may stand behind the rule as well as behind the interface.
    let mut head = String::new();
    while head.len() <= HEAD && !head.contains(" on ") {
        match scan.until(": ") {
            Some(part) => head.extend([part, " "]),
            None => break,
        }
    }
    let words: Vec<&str> = head.split_whitespace().collect();
    let on = words.iter().position(|word| *word == "on");
    let found = on.and_then(|on| {
        let way = direction(words.get(on.checked_sub(1)?)?)?;
        let action = *words.get(on.checked_sub(2)?)?;
        Some((way, action, *words.get(on + 1)?))
    });
    let Some((way, action, interface)) = found else {
        *scan = before;
        return;
    };
    let rule = words.get(1).and_then(|rule| rule.split('/').next()).unwrap_or("");
    shown.interface = Some(interface.chars().take(NAME).collect());
    (shown.direction, shown.cooked) = (Some(way), true);
    let side = if way == 0 { "in" } else { "out" };
    shown.filtered = Some(Filtered {
        passed: !action.starts_with("block"),
        rule: format!("rule {rule}, {action} {side} on {interface}").chars().take(HEAD).collect(),
    });
}

/// `PktGroupId 1, PktNumber 1, Appearance 2, Direction Rx , .. Component 12, ..`, and the packet on
/// the next line. A packet appears at each component of the stack that it passes.
fn pktmon(scan: &mut Scan<'_>, shown: &mut Shown) {
    let before = *scan;
    let Some(head) = scan.until("\n") else {
        *scan = before;
        return;
    };
    let field = |name: &str| head.split(',').find_map(|part| part.trim().strip_prefix(name));
    shown.direction = field("Direction ").and_then(|way| direction(way.trim()));
    shown.interface = field("Component ").map(|n| format!("component-{}", n.trim()));
    shown.cooked = true;
}

/// `802.1Q vlan#100 P0 10.0.0.1.40000 > ..`
fn tagged(scan: &mut Scan<'_>, shown: &mut Shown) {
    scan.until("#");
    shown.vlans.extend(scan.num::<u16>());
    if scan.blanks().peek() == Some(b'P') {
        scan.token();
    }
}

#[cfg(test)]
mod tests {
    use super::super::ends::Names;
    use super::super::packet::parse;
    use super::Shown;

    fn read(line: &str) -> Shown {
        let shown = parse(line, &mut Names::default()).unwrap_or_else(|| panic!("{line}"));
        assert!(shown.clean, "{line}");
        shown
    }

    #[test]
    fn what_stands_before_a_packet_is_read() {
        let syn = "IP 192.0.2.5.40000 > 10.0.0.10.443: Flags [S], seq 7, win 9, length 0";
        let place = |s: &Shown| (s.interface.clone().unwrap_or_default(), s.direction);
        for head in ["(en0, proc curl:4711, svc BE, out, so)", "(en0, out)"] {
            let shown = read(&format!("09:14:02.118201 {head} {syn}"));
            assert_eq!(place(&shown), ("en0".to_owned(), Some(4)), "{head}");
        }
        let old = "192.0.2.5.40000 > 10.0.0.10.443: S 7:7(0) win 9 <mss 1460> (DF)";
        for line in [
            format!("Nov 12 10:22:31.904312 rule 14/(match) block in on em1: {old}"),
            format!("00:00:01.904312 rule 14/0(match): block in on em1: {syn}"),
            format!("1700000001.100000 rule 14/0(match) [uid 0]: block in on em1: {syn}"),
        ] {
            let shown = read(&line);
            assert_eq!(place(&shown), ("em1".to_owned(), Some(0)), "{line}");
            let filtered = shown.filtered.unwrap();
            assert!(!filtered.passed, "{line}");
            assert_eq!(filtered.rule, "rule 14, block in on em1");
        }
        let shown = read(&format!(
            "10:00:00.000001100 PktGroupId 1, PktNumber 1, Appearance 1, Direction Tx , Type Ethernet , Component 12, Edge 1, Filter 1\n\t52-54-00-AA-00-01 > 52-54-00-BB-00-01, ethertype IPv4 (0x0800), length 66: {}",
            syn.trim_start_matches("IP ")
        ));
        assert_eq!(place(&shown), ("component-12".to_owned(), Some(4)));
        assert_eq!(shown.dst_mac, Some([0x52, 0x54, 0, 0xbb, 0, 1]));
        let shown = read(&format!("10:00:00.000001 802.1Q vlan#100 P0 {old}"));
        assert_eq!(shown.vlans, [100]);
    }
}
