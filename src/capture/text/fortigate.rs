//! What the sniffer of a FortiGate prints (`diagnose sniffer packet`), put as tcpdump would print it:
//! an arrow of its own, flags in words, of numbers those that it has, and never a length.
//!
//! ```text
//! 2.345678 port1 in 192.0.2.5.40000 -> 203.0.113.9.443: syn 1234567
//! 2.345790 port2 out 10.0.0.1.40000 -> 10.0.0.9.443: syn 1234567
//! 2.346100 port2 in 10.0.0.9.443 -> 10.0.0.1.40000: syn 7654321 ack 1234568
//! ```
//!
//! Its times are of the day (`a`, `l` as the last argument) or seconds from the beginning. Dumps of its
//! levels 2, 3, 5, and 6 have no colon behind their offsets.

use super::ends;
use std::borrow::Cow;

const ARROW: &str = " -> ";
/// Words before the addresses at most: a date, a time, an interface, a direction.
const BEFORE: usize = 4;

/// A line as tcpdump would print it; any other line as it is.
pub(super) fn line(text: &str) -> Cow<'_, str> {
    packet(text).or_else(|| dumped(text)).map_or(Cow::Borrowed(text), Cow::Owned)
}

fn packet(text: &str) -> Option<String> {
    let (head, body) = text.split_once(ARROW)?;
    let (dst, what) = body.split_once(':')?;
    let mut words: Vec<&str> = head.split_whitespace().collect();
    let src = words.pop()?;
    ends::end(src, None)?;
    ends::end(dst, None)?;
    if words.is_empty() || words.len() > BEFORE || words.iter().any(|word| word.ends_with(':')) {
        return None;
    }
    let what = what.trim();
    let what = match tcp(what) {
        Some(tcp) => tcp,
        None => udp(what).or_else(|| what.starts_with("icmp").then(|| what.to_owned()))?,
    };
    let mut out = time(words[0])?;
    // Between interface and packet two dashes stand where no direction is known.
    for word in words[1..].iter().filter(|word| **word != "--") {
        out.extend([" ", word]);
    }
    out.extend([" IP ", src, " > ", dst, ": ", &what]);
    Some(out)
}

/// A date or a time of the day as it is; seconds from the beginning as a time of the day.
fn time(word: &str) -> Option<String> {
    if word.contains([':', '-']) {
        return Some(word.to_owned());
    }
    let (seconds, fraction) = word.split_once('.')?;
    let seconds: u64 = seconds.parse().ok()?;
    fraction.bytes().all(|b| b.is_ascii_digit()).then_some(())?;
    let (minutes, hours) = (seconds / 60 % 60, seconds / 3600 % 100);
    Some(format!("{hours:02}:{minutes:02}:{:02}.{fraction}", seconds % 60))
}

/// `syn 1 ack 2`, `psh 1 ack 2`, `fin 1 ack 2`, `rst 1`, `ack 2`
fn tcp(what: &str) -> Option<String> {
    let mut flags = String::new();
    let (mut seq, mut ack) = (None, None);
    let mut words = what.split_whitespace().peekable();
    while let Some(word) = words.next() {
        let number = words.next_if(|next| next.parse::<u32>().is_ok());
        match word {
            "ack" => ack = Some(number?),
            "syn" | "fin" | "rst" | "psh" | "urg" => {
                flags.extend(word.chars().next().map(|c| c.to_ascii_uppercase()));
                seq = seq.or(number);
            }
            _ => return None,
        }
    }
    let dot = if ack.is_some() { "." } else { "" };
    let mut out = format!("Flags [{flags}{dot}]");
    for (name, number) in [("seq", seq), ("ack", ack)] {
        if let Some(number) = number {
            out.extend([", ", name, " ", number]);
        }
    }
    (seq.is_some() || ack.is_some()).then_some(out)
}

/// `udp 120`
fn udp(what: &str) -> Option<String> {
    let length: u32 = what.strip_prefix("udp ")?.trim().parse().ok()?;
    Some(format!("UDP, length {length}"))
}

/// `0x0010   0034 1c46 4000 4006 ...    .4.F@.@.`
fn dumped(text: &str) -> Option<String> {
    let digits = text.strip_prefix("0x")?;
    let (offset, bytes) = digits.split_at_checked(4)?;
    let is_offset = offset.ends_with('0') && offset.bytes().all(|b| b.is_ascii_hexdigit());
    let blank = bytes.starts_with(['\t', ' ']);
    (is_offset && blank)
        .then(|| format!("\t0x{offset}:  {}", bytes.trim_start().replace('\t', "  ")))
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn lines_become_those_of_tcpdump() {
        let ends = ("10.0.0.1.40000 -> 10.0.0.2.80", "IP 10.0.0.1.40000 > 10.0.0.2.80");
        for (head, out) in [
            ("2.345678 port1 in", "00:00:02.345678 port1 in"),
            ("3725.000001 wan1 --", "01:02:05.000001 wan1"),
            ("12.5", "00:00:12.5"),
            ("2026-11-03 10:00:00.123456 port2 out", "2026-11-03 10:00:00.123456 port2 out"),
        ] {
            for (what, said) in [
                ("syn 7", "Flags [S], seq 7"),
                ("syn 9 ack 8", "Flags [S.], seq 9, ack 8"),
                ("psh 8 ack 10", "Flags [P.], seq 8, ack 10"),
                ("ack 10", "Flags [.], ack 10"),
                ("fin 9 ack 8", "Flags [F.], seq 9, ack 8"),
                ("rst 9", "Flags [R], seq 9"),
                ("udp 120", "UDP, length 120"),
            ] {
                let text = format!("{head} {}: {what}", ends.0);
                assert_eq!(line(&text), format!("{out} {}: {said}", ends.1));
            }
        }
        assert_eq!(
            line("2.000001 port1 in 10.0.0.1 -> 10.0.0.2: icmp: echo request"),
            "00:00:02.000001 port1 in IP 10.0.0.1 > 10.0.0.2: icmp: echo request"
        );
        assert_eq!(
            line("0x0000 \t 0000 0000 0001 0009 0f09 0001 0800 4500\t..............E."),
            "\t0x0000:  0000 0000 0001 0009 0f09 0001 0800 4500  ..............E."
        );
    }

    #[test]
    fn other_lines_stay() {
        for text in [
            "",
            "  1 0.000000 10.0.0.1 -> 10.0.0.2 TCP 74 40000 > 80 [SYN] Seq=0",
            "12:00:00.1 IP 10.0.0.1.80 > 10.0.0.2.90: Flags [S]",
            "0xffff9a1c 2 ip_rcv 10.0.0.1:1 -> 10.0.0.2:80: syn 1",
            "1.5 port1 in 10.0.0.1.40000 -> 10.0.0.2.80: hello 1",
            "1.5 10.0.0.1 -> 10.0.0.2: ack",
            "\t0x0000:  4500 003c",
        ] {
            assert_eq!(line(text), text);
        }
    }
}
