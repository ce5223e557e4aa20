//! The columns that stand before what a line of tshark, or of the list that Wireshark exports, says of
//! its packet: number, time, source, destination, protocol, length, in the orders that there are.

use super::scan::Scan;
use super::shown::Stamp;
use super::{ends, stamp};

/// Columns of times behind the first at most.
const MORE_TIMES: usize = 2;

/// Whether a line is one of these.
pub(super) fn begins(text: &str) -> bool {
    head(&mut Scan::new(text)).is_some()
}

/// What stands in the columns.
pub(super) struct Head<'t> {
    pub(super) stamp: Stamp,
    pub(super) src: &'t str,
    pub(super) dst: &'t str,
    pub(super) protocol: &'t str,
    pub(super) length: Option<u32>,
    /// Of columns for both.
    pub(super) ports: Option<(u16, u16)>,
}

/// Reads the columns of a line, up to what it says of the packet.
pub(super) fn head<'t>(scan: &mut Scan<'t>) -> Option<Head<'t>> {
    scan.blanks();
    let before = *scan;
    let numbered = scan.number().is_some() && matches!(scan.peek(), Some(b' ' | b'\t'));
    if !numbered {
        *scan = before;
    }
    scan.blanks();
    let stamp = stamp::stamp(scan).or_else(|| stamp::seconds(scan))?;
    if !matches!(scan.peek(), Some(b' ' | b'\t')) {
        return None;
    }
    more_times(scan);
    let src = scan.token();
    let mut dst = scan.token();
    let arrow = is_arrow(dst);
    let mut protocol;
    let mut ports = Ports::default();
    let mut plain = true;
    if arrow {
        dst = scan.token();
        protocol = scan.token();
    } else {
        protocol = ports.columns(scan, &mut dst);
        let address = |token: &str| matches!(ends::end(token, None), Some((_, None)));
        plain = address(src) && address(dst);
        if !numbered && !plain {
            return None;
        }
    }
    let mut length: Option<u32> = protocol.parse().ok();
    if arrow && length.is_some() {
        // A cooked capture has no destination of ARP.
        protocol = std::mem::take(&mut dst);
    } else {
        let before = *scan;
        let token = scan.token();
        length = token.parse().ok().filter(|_| !is_arrow_next(*scan));
        if length.is_none() && token != "-" {
            // No column of it, or one before the protocol.
            *scan = before;
            if !plain || !names_what_it_is(*scan, protocol) {
                return None;
            }
            length = ports.take_length();
        }
    }
    let named = protocol.bytes().any(|b| b.is_ascii_uppercase());
    (named && protocol.len() <= 24).then_some(())?;
    let ports = ports.of[0].zip(ports.of[1]);
    Some(Head { stamp, src, dst, protocol, length, ports })
}

/// Columns of numbers that people add: the ports, each behind its address or both behind them; and
/// that of lengths, where somebody put it before the protocol.
#[derive(Default)]
struct Ports {
    of: [Option<u16>; 2],
    /// One stands between the addresses.
    between: bool,
}

impl Ports {
    /// Reads them, and the destination where it stands behind one; gives the protocol.
    fn columns<'t>(&mut self, scan: &mut Scan<'t>, dst: &mut &'t str) -> &'t str {
        let port = |token: &str| token.parse::<u16>().ok();
        if let Some(src_port) = port(dst) {
            self.of[0] = Some(src_port);
            self.between = true;
            *dst = scan.token();
        }
        let mut protocol = scan.token();
        for at in 0..2 {
            if let Some(told) = port(protocol) {
                // Both behind them, or that of the destination behind its address.
                let at = if self.of[0].is_some() { 1 } else { at };
                self.of[at] = Some(told);
                protocol = scan.token();
            }
        }
        protocol
    }

    /// One number behind the addresses, and none behind the protocol, is the length.
    fn take_length(&mut self) -> Option<u32> {
        if self.between || self.of[1].is_some() {
            return None;
        }
        self.of[0].take().map(u32::from)
    }
}

/// Whether an arrow between two ends comes next.
fn is_arrow_next(mut scan: Scan<'_>) -> bool {
    let token = scan.token();
    token == ">" || is_arrow(token)
}

/// Whether a text without a column of lengths is of a packet: ports and flags, or a protocol that
/// Wireshark tells of by its name alone.
fn names_what_it_is(mut scan: Scan<'_>, protocol: &str) -> bool {
    const NAMED: [&str; 9] = ["HTTP", "DNS", "ICMP", "ARP", "TLS", "SSL", "SSH", "SMTP", "MySQL"];
    scan.blanks();
    if scan.rest().starts_with("[TCP ") || NAMED.iter().any(|name| protocol.starts_with(name)) {
        return true;
    }
    scan.token();
    is_arrow_next(scan)
}

/// Steps over columns of seconds that people add: since the first packet, since the one before.
fn more_times(scan: &mut Scan<'_>) {
    for _ in 0..MORE_TIMES {
        let mut behind = *scan;
        let told = stamp::seconds(behind.blanks()).is_some();
        if !told || !matches!(behind.peek(), Some(b' ' | b'\t')) {
            return;
        }
        *scan = behind;
    }
}

/// The arrow between two ends. A terminal that has none of that shape prints a question mark, and
/// its three bytes in UTF-8 are sometimes read as Latin-1 or Windows-1252.
pub(super) fn is_arrow(token: &str) -> bool {
    [
        "\u{2192}",
        "->",
        "?",
        "\u{fffd}",
        "\u{fffd}\u{fffd}\u{fffd}",
        "\u{e2}\u{86}\u{92}",
        "\u{e2}\u{2020}\u{2019}",
    ]
    .contains(&token)
}
