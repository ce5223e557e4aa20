//! TCP as tcpdump prints it: version 4 (`Flags [S.], seq ..`), version 3 (`S 1:1(0) win ..`) and
//! with `-q` (`tcp 43`), where neither flags nor numbers are told.

use super::options;
use super::scan::Scan;
use super::shown::{Body, Extent, Shown, Sum, Tcp};

/// Bits of the flags by their letters; `E` and `W` are ECN's (RFC 3168), `e` of RFC 9768.
fn flag(letter: u8) -> Option<u8> {
    Some(match letter {
        b'F' => 0x01,
        b'S' => 0x02,
        b'R' => 0x04,
        b'P' => 0x08,
        b'.' => 0x10,
        b'U' => 0x20,
        b'E' => 0x40,
        b'W' => 0x80,
        b'e' => 0,
        _ => return None,
    })
}

fn flags(letters: &str) -> Option<u8> {
    if letters == "none" {
        return Some(0);
    }
    let mut bits = 0;
    for letter in letters.bytes() {
        bits |= flag(letter)?;
    }
    (!letters.is_empty()).then_some(bits)
}

/// Whether what stands here is of TCP.
pub(super) fn begins(scan: &Scan<'_>) -> bool {
    let mut scan = *scan;
    eat_flags(&mut scan)
        || scan.rest().starts_with("tcp ")
        || scan.rest().starts_with("[|tcp]")
        || old_flags(scan.token()).is_some()
}

/// `Flags [`; the blank gets lost where brackets are full-width.
fn eat_flags(scan: &mut Scan<'_>) -> bool {
    scan.eat("Flags [") || scan.eat("Flags[")
}

/// Whether what stands here tries to be of TCP and is garbled; so it is not of UDP.
pub(super) fn is_garbled(scan: &Scan<'_>) -> bool {
    let line = scan.rest();
    let begins = line.get(..5).is_some_and(|word| word.eq_ignore_ascii_case("flags"));
    begins || line.contains("Flags [") && line.contains(" win ")
}

/// `S`, and `S,` of versions 3.9 and 4.0 where `-v` has a checksum behind them.
fn old_flags(token: &str) -> Option<u8> {
    flags(token.strip_suffix(',').unwrap_or(token))
}

pub(super) fn tcp(scan: &mut Scan<'_>, shown: &mut Shown, ports: (u16, u16)) -> Option<()> {
    let mut tcp = Tcp { ports, ..Tcp::default() };
    if scan.eat("tcp ") {
        tcp.length = scan.blanks().num();
        shown.clean = tcp.length.is_some();
    } else if scan.eat("[|tcp]") {
        shown.clean = true;
    } else if eat_flags(scan) {
        tcp.flags = Some(flags(scan.until("]")?)?);
        shown.clean = fields(scan, &mut tcp).is_some();
        if shown.clean {
            payload(scan, &mut shown.payload);
        }
    } else {
        shown.clean = old(scan, &mut tcp, shown).is_some();
    }
    shown.body = Body::Tcp(tcp);
    Some(())
}

/// What follows the flags, up to the length.
fn fields(scan: &mut Scan<'_>, tcp: &mut Tcp) -> Option<()> {
    let mut end = None;
    let mut whole = true;
    loop {
        scan.blanks();
        if scan.is_empty() {
            // The line was cut off: what is there is good, unless it is nothing.
            return tcp.ack.or(tcp.seq).map(|_| ());
        }
        if !(scan.eat(",") || scan.eat(";")) {
            // A comma that got lost is none to fail for, garbage is.
            scan.rest().starts_with("[|tcp]").then_some(())?;
        }
        scan.blanks();
        if scan.eat("seq ") {
            tcp.seq = Some(scan.blanks().num()?);
            if scan.eat(":") {
                end = Some(scan.num::<u32>()?);
            }
        } else if scan.eat("ack ") {
            tcp.ack = Some(scan.blanks().num()?);
        } else if scan.eat("win ") {
            tcp.window = Some(scan.blanks().num()?);
        } else if scan.eat("urg ") {
            tcp.urgent = scan.blanks().num()?;
        } else if scan.eat("cksum ") {
            tcp.sum = sum(scan);
        } else if scan.eat("options [") {
            whole &= options::parse(scan, &mut tcp.options);
        } else if scan.eat("length ") {
            let length: u32 = scan.blanks().num()?;
            tcp.length = Some(length);
            if tcp.options.extent == Extent::Unknown && tcp.window.is_some() {
                tcp.options.extent = Extent::All;
            }
            return (whole && fits(tcp, end)).then_some(());
        } else if scan.eat("[|tcp]") {
            return by_numbers(tcp, end);
        } else if scan.eat("...") {
            tcp.options.extent = Extent::Some;
        } else if scan.eat("bad hdr length") || scan.eat("[bad hdr length") {
            scan.until("]")?;
        } else if scan.is_empty() {
            return by_numbers(tcp, end);
        } else {
            return None;
        }
    }
}

/// Whether the numbers say what the length says.
fn fits(tcp: &Tcp, end: Option<u32>) -> bool {
    match (tcp.seq, end, tcp.length) {
        (Some(seq), Some(end), Some(length)) => end.wrapping_sub(seq) == length,
        _ => true,
    }
}

/// The length where the line ends before it: the numbers have it too.
fn by_numbers(tcp: &mut Tcp, end: Option<u32>) -> Option<()> {
    tcp.length = match (tcp.seq, end) {
        (Some(seq), Some(end)) => Some(end.wrapping_sub(seq)),
        // A segment without bytes has no end, and without flags for them no number at all.
        _ => Some(0),
    };
    if tcp.options.extent == Extent::All {
        tcp.options.extent = Extent::Some;
    }
    Some(())
}

/// `0x4c53 (correct)`, `0x4c53 (incorrect -> 0x1a95)`
fn sum(scan: &mut Scan<'_>) -> Option<Sum> {
    let sent = u16::try_from(scan.blanks().hex()?).ok()?;
    scan.blanks();
    if scan.eat("(correct)") {
        return Some(Sum::Correct(sent));
    }
    let wrong = scan.eat("(incorrect -> ") || scan.eat("(incorrect (-> ");
    let right = wrong.then(|| scan.hex()).flatten();
    while scan.eat(")") {}
    Some(Sum::Incorrect(sent, u16::try_from(right?).ok()?))
}

/// The payload that is printed of HTTP and FTP: the first line, with `-v` the head.
fn payload(scan: &mut Scan<'_>, into: &mut Vec<u8>) {
    let mut scan = *scan;
    if !scan.eat(":") {
        return;
    }
    scan.blanks();
    if !(scan.eat("HTTP") || scan.eat("FTP")) {
        return;
    }
    if scan.eat(": ") {
        let line = scan.rest().lines().next().unwrap_or("");
        into.extend(line.bytes());
        return;
    }
    if scan.eat(", length: ") {
        let _: Option<u32> = scan.num();
        for line in scan.rest().lines().skip(1).filter_map(|line| line.strip_prefix('\t')) {
            into.extend(line.bytes());
            into.extend(b"\r\n");
        }
    }
}

/// `S 2001:2001(0) ack 1 win 5840 <mss 1460,nop> (DF) [tos 0x10] (ttl 64, id 1, len 60)`,
/// `S, cksum 0x4c53 (correct), 2001:2001(0) win 5840 <mss 1460>`
fn old(scan: &mut Scan<'_>, tcp: &mut Tcp, shown: &mut Shown) -> Option<()> {
    tcp.flags = Some(old_flags(scan.token())?);
    // Nothing is told of a segment's bytes: it has none.
    tcp.length = Some(0);
    loop {
        scan.blanks();
        if scan.eat("[tcp sum ok]") || scan.eat(",") {
        } else if scan.eat("cksum ") {
            tcp.sum = sum(scan);
        } else if scan.eat("[bad tcp cksum ") || scan.eat("[tos ") {
            scan.until("]")?;
        } else if scan.eat("ack ") {
            tcp.ack = Some(scan.blanks().num()?);
            tcp.flags = tcp.flags.map(|bits| bits | 0x10);
        } else if scan.eat("win ") {
            tcp.window = Some(scan.blanks().num()?);
            tcp.options.extent = Extent::All;
        } else if scan.eat("urg ") {
            tcp.urgent = scan.blanks().num()?;
        } else if scan.eat("<") {
            options::parse(scan, &mut tcp.options);
        } else if scan.eat("(DF)") {
            if let Some(layer) = shown.layers.last_mut() {
                layer.header.dont = true;
            }
        } else if scan.rest().starts_with("(ttl ") {
            old_header(scan, shown)?;
        } else if scan.peek().is_some_and(|b| b.is_ascii_digit()) {
            let seq: u32 = scan.num()?;
            tcp.seq = Some(seq);
            let end: u32 = scan.eat(":").then(|| scan.num())??;
            let length: u32 = scan.eat("(").then(|| scan.num())??;
            scan.eat(")").then_some(())?;
            tcp.length = Some(length);
            (end.wrapping_sub(seq) == length).then_some(())?;
        } else {
            break;
        }
    }
    // `.` stands for no flag of SFRP here, not for ACK; ACK is told by its number.
    if tcp.ack.is_none() {
        tcp.flags = tcp.flags.map(|bits| bits & !0x10);
    }
    tcp.window.map(|_| ())
}

/// `(ttl 64, id 1, len 60)` behind the packet, with `-v` of versions before 3.8.
fn old_header(scan: &mut Scan<'_>, shown: &mut Shown) -> Option<()> {
    let inside = scan.group()?;
    let header = &mut shown.layers.last_mut()?.header;
    for part in inside.split(',') {
        let mut part = Scan::new(part.trim_start());
        if part.eat("ttl ") {
            header.ttl = part.num();
        } else if part.eat("id ") {
            header.id = part.num();
        } else if part.eat("len ") {
            header.length = part.num();
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::{Body, Extent, Scan, Shown, Sum, Tcp, begins, is_garbled, tcp};

    fn read(text: &str) -> (Tcp, bool) {
        let mut shown = Shown::default();
        tcp(&mut Scan::new(text), &mut shown, (1, 2)).unwrap();
        let Body::Tcp(tcp) = shown.body else { panic!("TCP") };
        (tcp, shown.clean)
    }

    #[test]
    fn lines_of_both_ages_say_the_same() {
        let new =
            "Flags [P.], seq 1:44, ack 1, win 46, options [nop,nop,TS val 7 ecr 9], length 43";
        let old = "P 1:44(43) ack 1 win 46 <nop,nop,timestamp 7 9> (DF)";
        for text in [new, old] {
            let (tcp, clean) = read(text);
            assert!(clean, "{text}");
            assert_eq!((tcp.flags, tcp.seq, tcp.ack), (Some(0x18), Some(1), Some(1)));
            assert_eq!((tcp.window, tcp.length), (Some(46), Some(43)));
            assert_eq!(tcp.options.bytes, [1, 1, 8, 10, 0, 0, 0, 7, 0, 0, 0, 9]);
            assert_eq!(tcp.options.extent, Extent::All);
        }
        let (tcp, _) = read(". ack 1 win 46");
        assert_eq!((tcp.flags, tcp.seq, tcp.length), (Some(0x10), None, Some(0)));
        let (tcp, clean) = read("S, cksum 0x4c53 (correct), 7:7(0) win 46 <mss 1460>");
        assert!(clean);
        assert_eq!((tcp.flags, tcp.seq, tcp.length), (Some(2), Some(7), Some(0)));
        assert_eq!(tcp.sum, Some(Sum::Correct(0x4c53)));
        let (tcp, clean) = read("., cksum 0x4c53 (incorrect (-> 0x1), 1:1(0) ack 1 win 46");
        assert!(clean);
        assert_eq!((tcp.flags, tcp.ack), (Some(0x10), Some(1)));
        let (tcp, _) = read("R 5:5(0) win 0");
        assert_eq!((tcp.flags, tcp.seq), (Some(4), Some(5)));
    }

    #[test]
    fn quiet_lines_tell_neither_flags_nor_numbers() {
        let (tcp, clean) = read("tcp 43");
        assert!(clean);
        assert_eq!((tcp.flags, tcp.seq, tcp.length), (None, None, Some(43)));
    }

    #[test]
    fn flags_may_stand_on_the_next_line_and_garbage_is_not_udp() {
        assert!(begins(&Scan::new("Flags\n[P.], seq 1:44, ack 1, win 0, length 43")));
        let (tcp, clean) = read("Flags\n[P.], seq 1:44, ack 1, win 0, length 43");
        assert!(clean);
        assert_eq!((tcp.flags, tcp.window), (Some(0x18), Some(0)));
        assert!(begins(&Scan::new("Flags[S.], seq 1, ack 2")));
        assert!(is_garbled(&Scan::new("Flags P., seq 1:44")));
        assert!(is_garbled(&Scan::new("flags [s], seq 1, ack 2")));
        assert!(!is_garbled(&Scan::new("SIP, length: 40")));
    }

    #[test]
    fn numbers_that_contradict_each_other_are_not_clean() {
        assert!(!read("Flags [P.], seq 1:4, ack 1, win 46, length 43").1);
        assert!(!read("Flags [P.], seq 1:44, ack 1, garbage 5, length 43").1);
        assert!(read("Flags [P.], seq 1:44, ack 1, win 46, options [nop,nop,TS [|tcp]>").1);
    }
}
