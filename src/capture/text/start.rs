//! Where in a line the text of a packet begins, if it does.

use super::record::Printer;
use super::scan::Scan;
use super::shown::Stamp;
use super::{anchor, listed, stamp, verbose};

/// Words that may stand between a time and its packet: as many as pf's log has.
const BETWEEN: usize = 9;
/// Bytes of something else that may stand before a packet: a prompt, a host's name, a number.
const BEFORE: usize = 96;

/// The beginning of a packet.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct Start {
    /// Where in the line.
    pub(super) at: usize,
    pub(super) stamp: Stamp,
    pub(super) printer: Printer,
    /// Nothing but blanks stands before it.
    pub(super) first: bool,
}

/// Looks for the beginning of a packet.
pub(super) fn find(line: &str) -> Option<Start> {
    let blanks = line.len() - line.trim_start().len();
    let rest = &line[blanks..];
    if rest.is_empty() {
        return None;
    }
    // By far the most: a time, and a packet behind it.
    let mut scan = Scan::new(rest);
    if let Some(stamp) = stamp::stamp(&mut scan) {
        let printer = if listed::begins(rest) { Printer::Tshark } else { Printer::Tcpdump };
        // A log put its own time before that of the packet.
        if printer == Printer::Tcpdump
            && let Some((ahead, stamp)) = own_time(scan.rest())
        {
            let at = line.len() - scan.rest().len() + ahead;
            return Some(Start { at, stamp, printer, first: false });
        }
        // Logs begin with the name of a month too: a packet must follow.
        let digit = rest.as_bytes()[0].is_ascii_digit();
        return (digit || holds_packet(scan.rest())).then_some(Start {
            at: blanks,
            stamp,
            printer,
            first: true,
        });
    }
    if verbose::begins(rest) && blanks == 0 {
        let (stamp, printer) = (Stamp::None, Printer::Verbose);
        return Some(Start { at: 0, stamp, printer, first: true });
    }
    if rest.as_bytes()[0].is_ascii_digit() && listed::begins(rest) {
        return Some(Start {
            at: blanks,
            stamp: Stamp::None,
            printer: Printer::Tshark,
            first: true,
        });
    }
    let of_pf = rest.starts_with("rule ") && rest.contains("(match)");
    if anchor::is_anchor(&Scan::new(rest)) || of_pf && holds_packet(rest) {
        return Some(Start {
            at: blanks,
            stamp: Stamp::None,
            printer: Printer::Tcpdump,
            first: true,
        });
    }
    behind(line, blanks)
}

/// A packet behind something else: each word is tried.
fn behind(line: &str, blanks: usize) -> Option<Start> {
    // A continuation of `-v` is indented, and so is a payload.
    if blanks > 0 && line.as_bytes()[0] != b' ' {
        return None;
    }
    let words = line.char_indices().skip_while(|(at, _)| *at <= blanks);
    let mut blank = false;
    for (at, c) in words {
        if at > BEFORE {
            return None;
        }
        if !c.is_whitespace() && blank {
            let mut scan = Scan::new(&line[at..]);
            let stamp = stamp::stamp(&mut scan);
            if let Some(stamp) = stamp {
                let printer =
                    if listed::begins(&line[at..]) { Printer::Tshark } else { Printer::Tcpdump };
                // Logs have times too: a packet must follow.
                let packet = printer == Printer::Tshark || holds_packet(scan.rest());
                return packet.then_some(Start { at, stamp, printer, first: false });
            }
            let named = ["IP ", "IP6 ", "ARP, "].iter().any(|w| line[at..].starts_with(w));
            if named && anchor::is_anchor(&scan) && line.contains(" > ") {
                return Some(Start {
                    at,
                    stamp: Stamp::None,
                    printer: Printer::Tcpdump,
                    first: false,
                });
            }
        }
        blank = c.is_whitespace();
    }
    None
}

/// Whether a line has a packet in it, and not only what begins like one.
pub(super) fn is_packet(line: &str) -> bool {
    find(line).is_some_and(|start| {
        let mut scan = Scan::new(&line[start.at..]);
        stamp::stamp(&mut scan);
        start.printer == Printer::Tshark || holds_packet(scan.rest())
    })
}

/// A time with a packet behind it, within the next words and before any packet: how many bytes on.
fn own_time(text: &str) -> Option<(usize, Stamp)> {
    let mut scan = Scan::new(text);
    for _ in 0..BETWEEN {
        scan.blanks();
        if scan.is_empty() || anchor::is_anchor(&scan) {
            return None;
        }
        let mut behind = scan;
        if let Some(stamp) = stamp::stamp(&mut behind) {
            let at = text.len() - scan.rest().len();
            return holds_packet(behind.rest()).then_some((at, stamp));
        }
        scan.token();
    }
    None
}

/// Whether a packet stands within the next words.
fn holds_packet(text: &str) -> bool {
    let mut scan = Scan::new(text);
    for _ in 0..BETWEEN {
        scan.blanks();
        if anchor::is_anchor(&scan) {
            return true;
        }
        scan.token();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::{Printer, find};

    #[test]
    fn packets_are_found_behind_what_is_pasted_before_them() {
        for (line, at) in [
            ("12:00:00.000001 IP 10.0.0.1.80 > 10.0.0.2.90: Flags [S]", 0),
            (" 00:00:00.000001 IP 10.0.0.1.80 > 10.0.0.2.90: Flags [S]", 1),
            ("IP 10.0.0.1.80 > 10.0.0.2.90: Flags [S]", 0),
            ("ARP, Request who-has 10.0.0.1 tell 10.0.0.2, length 28", 0),
            ("  7  12:00:00.000001 IP 10.0.0.1.80 > 10.0.0.2.90: x", 5),
            ("lb1: 12:00:00.000001 eth0  In  IP 10.0.0.1.80 > 10.0.0.2.90: x", 5),
            ("1) IP 10.0.0.1.80 > 10.0.0.2.90: Flags [S]", 3),
            ("10.0.0.1.80 > 10.0.0.2.90: Flags [S]", 0),
            ("2026-01-05T12:00:00.1Z stdout F 12:00:00.000001 IP 10.0.0.1.80 > 10.0.0.2.90: x", 32),
            ("2026-01-05T12:00:00.1+0100 lb1 tcpdump[7]: 12:00:00.1 IP 10.0.0.1 > 10.0.0.2: x", 43),
            ("Nov 12 12:00:00.1 rule 1/(match) block in on em1: 10.0.0.1.80 > 10.0.0.2.90: x", 0),
            ("rule 4/0(match): block in on vtnet0: (tos 0x0, ttl 64, id 0, length 64)", 0),
        ] {
            assert_eq!(
                find(line).map(|s| (s.at, s.printer)),
                Some((at, Printer::Tcpdump)),
                "{line}"
            );
        }
    }

    #[test]
    fn other_lines_are_none() {
        for line in [
            "",
            "$ tcpdump -nn -i eth0 port 80",
            "listening on eth0, link-type EN10MB (Ethernet), capture size 262144 bytes",
            "12 packets captured",
            "my IP is 10.0.0.1",
            "\tGET /status HTTP/1.1",
            "app: 12:00:00.123 request took 5 ms",
            "Mar  5 10:11:12.101: shop/a:51234 (ID:12) -> shop/b:80 (ID:33) to-endpoint FORWARDED",
            "    0x0000:  4500 003c",
        ] {
            assert_eq!(find(line), None, "{line}");
        }
    }
}
