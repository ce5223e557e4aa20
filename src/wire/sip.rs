//! Where a SIP request wants its answers: the topmost Via.

use super::Ip;
use std::net::IpAddr;

/// What the end of the first line of a request is (RFC 3261, section 7.1).
const VERSION: &[u8] = b" SIP/2.0";
/// Bytes of a message that are looked at.
const MAX_HEAD: usize = 2048;
/// Where answers go if the Via names no port (section 18.2.2).
const PORT: u16 = 5060;

/// The sent-by of a request's topmost Via (RFC 3261, section 20.42) whose answers go to the
/// port that it names: one with `rport` (RFC 3581) is answered where it came from, and is
/// none. The address is the sender's own word; where a name stands, none is given.
#[must_use]
pub fn answer_to(payload: &[u8]) -> Option<(Option<Ip>, u16)> {
    let head = &payload[..payload.len().min(MAX_HEAD)];
    let mut lines =
        head.split(|b| *b == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let first = lines.next()?;
    if !first.ends_with(VERSION) || !first.first()?.is_ascii_uppercase() {
        return None;
    }
    let via = lines.take_while(|line| !line.is_empty()).find_map(|line| {
        let colon = line.iter().position(|b| *b == b':')?;
        let name = line[..colon].trim_ascii();
        let is_via = name.eq_ignore_ascii_case(b"via") || name.eq_ignore_ascii_case(b"v");
        is_via.then(|| line[colon + 1..].trim_ascii())
    })?;
    let via = std::str::from_utf8(via).ok()?;
    let rest = via.strip_prefix("SIP/2.0/UDP")?.trim_start();
    // Several may stand in one field.
    let rest = rest.split(',').next()?;
    let mut parts = rest.split(';');
    let sent_by = parts.next()?.trim();
    if parts.any(|p| p.trim().split('=').next().is_some_and(|k| k.eq_ignore_ascii_case("rport"))) {
        return None;
    }
    if sent_by.starts_with('[') {
        let (ip, port) = sent_by.rsplit_once("]:").unwrap_or((sent_by.trim_end_matches(']'), ""));
        let ip = ip.trim_start_matches('[').parse::<IpAddr>().ok().map(Ip::from);
        return Some((ip, port.parse().unwrap_or(PORT)));
    }
    let (host, port) = sent_by.split_once(':').unwrap_or((sent_by, ""));
    Some((host.parse::<IpAddr>().ok().map(Ip::from), port.parse().unwrap_or(PORT)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(via: &str) -> Vec<u8> {
        format!(
            "REGISTER sip:example.com SIP/2.0\r\n{via}\r\nVia: SIP/2.0/UDP 192.0.2.9\r\n\r\nv=0\r\n"
        )
        .into_bytes()
    }

    #[test]
    fn the_topmost_via_says_where_answers_go() {
        let own = Some(Ip::v4([192, 168, 0, 23]));
        for (via, told) in [
            ("Via: SIP/2.0/UDP 192.168.0.23:5062;branch=z9hG4bK7", Some((own, 5062))),
            ("v: SIP/2.0/UDP 192.168.0.23;branch=z9hG4bK7", Some((own, 5060))),
            ("Via: SIP/2.0/UDP phone.example:5070", Some((None, 5070))),
            (
                "Via: SIP/2.0/UDP [2001:db8::7]:5062;branch=z",
                Some((Some("2001:db8::7".parse::<IpAddr>().unwrap().into()), 5062)),
            ),
            ("Via: SIP/2.0/UDP 192.168.0.23:5062;rport;branch=z9hG4bK7", None),
            ("Via: SIP/2.0/TCP 192.168.0.23:5062;branch=z9hG4bK7", None),
        ] {
            assert_eq!(answer_to(&request(via)), told, "{via}");
        }
    }

    #[test]
    fn answers_and_other_text_say_nothing() {
        assert_eq!(answer_to(b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.0.2.1\r\n\r\n"), None);
        assert_eq!(answer_to(b"GET / HTTP/1.1\r\nVia: 1.1 proxy\r\n\r\n"), None);
        assert_eq!(answer_to(&request("From: <sip:a@b>")[..40]), None);
        assert_eq!(answer_to(b""), None);
    }
}
