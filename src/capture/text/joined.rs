//! Lines that lost what ended them: a page, a chat or a mail program made one paragraph of several
//! packets. What stands behind the first would be passed over without a word.

use super::start;

/// What tcpdump says before the first packet; a command and a prompt stand before it.
const BEGUN: &str = "listening on ";
/// Bytes of `00:00:00.0`.
const CLOCK: usize = 10;
/// Bytes of `2026-01-05 `.
const DATE: usize = 11;

/// The packets of a line, each with what follows it; `None` where it is not more than one.
pub(super) fn parts(line: &str) -> Option<Vec<&str>> {
    let mut parts = Vec::new();
    let mut from = 0;
    for at in memchr::memchr_iter(b':', line.as_bytes()) {
        let begin = clock(line.as_bytes(), at).filter(|begin| *begin > from);
        if let Some(begin) = begin
            && (start::is_packet(&line[from..begin]) || from == 0 && line[..begin].contains(BEGUN))
            && start::is_packet(&line[begin..])
        {
            parts.push(&line[from..begin]);
            from = begin;
        }
    }
    parts.push(&line[from..]);
    (parts.len() > 1).then_some(parts)
}

/// Where a time begins, with the date before it, of which the first colon is told.
fn clock(line: &[u8], colon: usize) -> Option<usize> {
    let begin = colon.checked_sub(2)?;
    let time = line.get(begin..begin + CLOCK)?;
    let same = |(shape, byte): (&u8, &u8)| match shape {
        b'0' => byte.is_ascii_digit(),
        _ => shape == byte,
    };
    let fits = |shape: &[u8], text: &[u8]| shape.iter().zip(text).all(same);
    if !fits(b"00:00:00.0", time) {
        return None;
    }
    let date = begin.checked_sub(DATE).filter(|at| {
        let date = &line[*at..begin];
        fits(b"0000-00-00", date) && matches!(date[DATE - 1], b' ' | b'T')
    });
    let begin = date.unwrap_or(begin);
    // A tag of a page may stand there, or a line's end as programs write it: `\n`.
    let free = match line[..begin] {
        [] => true,
        [.., b'\\', b'n' | b'r' | b't'] => true,
        [.., last] => matches!(last, b' ' | b'\t' | b'\r' | b'>' | b'"' | b'\''),
    };
    free.then_some(begin)
}

#[cfg(test)]
mod tests {
    use super::parts;

    const FIRST: &str = "12:00:00.000001 IP 10.0.0.1.80 > 10.0.0.2.90: Flags [S], seq 1, length 0";
    const SECOND: &str = "12:00:01.000001 IP 10.0.0.1.80 > 10.0.0.2.90: Flags [S], seq 1, length 0";

    #[test]
    fn packets_of_one_paragraph_are_told_apart() {
        for between in [" ", "<br>", "</li><li>", "\\n", "\r", " 2026-01-05T"] {
            let line = format!("{FIRST}{between}{SECOND}");
            let parts = parts(&line).unwrap();
            assert_eq!(parts.len(), 2, "{line}");
            assert!(parts[0].starts_with(FIRST) && parts[1].contains(SECOND), "{line}");
        }
        let three = format!(
            "lb1: {FIRST} {SECOND} 12:00:02.5 ARP, Request who-has 10.0.0.1 tell 10.0.0.2, length 28"
        );
        assert_eq!(parts(&three).unwrap().len(), 3);
        let begun = format!(
            "[root@lb1 ~]# tcpdump -nn -i eth0 port 90 tcpdump: verbose output suppressed, use -v or -vv for full protocol decode listening on eth0, link-type EN10MB (Ethernet), capture size 262144 bytes {FIRST}"
        );
        assert_eq!(parts(&begun).unwrap()[1], FIRST);
    }

    #[test]
    fn one_packet_stays_whole() {
        for line in [
            FIRST.to_owned(),
            format!("2026-01-05T12:00:00.123456Z stdout F {FIRST}"),
            format!("{FIRST}: HTTP: GET /?at=12:00:00.5 HTTP/1.1"),
            format!("{FIRST} that was at 12:00:00.5, as I said"),
            "00:11:22.33 > 52:54:00:0d:47:99".to_owned(),
            "IP6 2001:db8::12:34:56.80 > 2001:db8::1.90: Flags [S]".to_owned(),
        ] {
            assert_eq!(parts(&line), None, "{line}");
        }
    }
}
