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

/// The address and port of the first Contact of a REGISTER (RFC 3261, sections 10.2.1 and 20.10), where it is no name.
#[must_use]
pub fn contact(payload: &[u8]) -> Option<(Ip, u16)> {
    if !payload.starts_with(b"REGISTER ") {
        return None;
    }
    let head = &payload[..payload.len().min(MAX_HEAD)];
    let lines = head.split(|b| *b == b'\n').map(<[u8]>::trim_ascii);
    let contact = lines.take_while(|line| !line.is_empty()).find_map(|line| {
        let colon = line.iter().position(|b| *b == b':')?;
        let name = line[..colon].trim_ascii();
        let is_contact = name.eq_ignore_ascii_case(b"contact") || name.eq_ignore_ascii_case(b"m");
        is_contact.then(|| line[colon + 1..].trim_ascii())
    })?;
    let uri = std::str::from_utf8(contact).ok()?;
    let uri = uri.split('<').nth(1).unwrap_or(uri).strip_prefix("sip:")?;
    let host = uri.split(['>', ';', ',']).next()?;
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let (ip, port) = match host.strip_prefix('[') {
        Some(rest) => rest.split_once(']').map(|(ip, port)| (ip, port.trim_start_matches(':')))?,
        None => host.split_once(':').unwrap_or((host, "")),
    };
    Some((Ip::from(ip.parse::<IpAddr>().ok()?), port.parse().unwrap_or(PORT)))
}

/// The status of a response (RFC 3261, section 7.2).
#[must_use]
pub fn status(payload: &[u8]) -> Option<u16> {
    let digits = payload.strip_prefix(b"SIP/2.0 ")?.first_chunk::<3>()?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// What stands between a head and its body.
const BLANK: &[u8] = b"\r\n\r\n";
/// How a session description begins (RFC 8866, section 5.1).
const SDP: &[u8] = b"v=0";

/// Whether a message may carry a session description: an INVITE, or an answer of success.
#[must_use]
pub fn has_media(payload: &[u8]) -> bool {
    payload.starts_with(b"INVITE ") || payload.starts_with(b"SIP/2.0 2")
}

/// Where a side wants its first stream of media: the port of the first `m=` line, with the address of the `c=`
/// line of that stream, else of the session (RFC 8866, sections 5.7 and 5.14). A stream that is held has no port or
/// the address 0.0.0.0 (RFC 3264, section 8.4).
#[must_use]
pub fn media(payload: &[u8]) -> Option<(Ip, u16)> {
    if !has_media(payload) {
        return None;
    }
    let read = &payload[..payload.len().min(2 * MAX_HEAD)];
    let body = read.windows(BLANK.len()).position(|seen| seen == BLANK)?;
    let body = &read[body + BLANK.len()..];
    if !body.starts_with(SDP) {
        return None;
    }
    let (mut port, mut ip) = (None, None);
    for line in body.split(|b| *b == b'\n') {
        let line = std::str::from_utf8(line).ok()?.trim_end();
        if let Some(address) = line.strip_prefix("c=IN IP").and_then(|c| c.split(' ').nth(1)) {
            ip = address.split('/').next()?.parse::<IpAddr>().ok();
        } else if let Some(stream) = line.strip_prefix("m=") {
            if port.is_some() {
                break;
            }
            port = stream.split(' ').nth(1)?.split('/').next()?.parse::<u16>().ok();
        }
    }
    Some((Ip::from(ip.filter(|ip| !ip.is_unspecified())?), port.filter(|port| *port != 0)?))
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
    fn a_client_says_where_it_is_to_be_called() {
        let read = |contact: &str| {
            let text = format!("REGISTER sip:pbx.example SIP/2.0\r\n{contact}\r\n\r\n");
            super::contact(text.as_bytes())
        };
        let own = Ip::v4([192, 168, 1, 50]);
        for (contact, told) in [
            ("Contact: <sip:1@192.168.1.50:5062>;expires=60", Some((own, 5062))),
            ("m: \"A\" <sip:1@192.168.1.50;transport=udp>", Some((own, 5060))),
            ("Contact: sip:192.168.1.50:5080;ob", Some((own, 5080))),
            ("Contact: <sip:1@phone.example>", None),
            ("Contact: *", None),
        ] {
            assert_eq!(read(contact), told, "{contact}");
        }
        assert_eq!(
            super::contact(b"INVITE sip:a@b SIP/2.0\r\nContact: <sip:1@10.0.0.1>\r\n"),
            None
        );
    }

    #[test]
    fn a_session_description_says_where_media_are_wanted() {
        let message = |head: &str, body: &str| format!("{head}\r\nCSeq: 1 INVITE\r\n\r\n{body}");
        let sdp = "v=0\r\ns=-\r\nc=IN IP4 10.1.33.103\r\nt=0 0\r\nm=audio 14264 RTP/AVP 0\r\n";
        let read = |head: &str, body: &str| media(message(head, body).as_bytes());
        let told = Some((Ip::v4([10, 1, 33, 103]), 14264));
        assert_eq!(read("INVITE sip:a@b SIP/2.0", sdp), told);
        assert_eq!(read("SIP/2.0 200 OK", sdp), told);
        let own =
            format!("{sdp}c=IN IP4 192.0.2.7\r\nm=video 9 RTP/AVP 31\r\nc=IN IP4 192.0.2.8\r\n");
        assert_eq!(read("SIP/2.0 200 OK", &own), Some((Ip::v4([192, 0, 2, 7]), 14264)));
        let held = sdp.replace("10.1.33.103", "0.0.0.0");
        for (head, body) in [
            ("SIP/2.0 404 no", sdp),
            ("OPTIONS sip:a@b SIP/2.0", sdp),
            ("SIP/2.0 200 OK", ""),
            ("SIP/2.0 200 OK", &held),
            ("SIP/2.0 200 OK", &sdp.replace("14264", "0")),
        ] {
            assert_eq!(read(head, body), None, "{head}");
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
