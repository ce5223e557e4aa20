//! Heads of HTTP/1 messages (RFC 9112), as far as ties and outcomes need them.

use super::Ip;
use std::net::IpAddr;

/// The head of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestHead<'a> {
    /// Method and target, as on the request line.
    pub line: &'a [u8],
    /// First address of X-Forwarded-For, Forwarded (RFC 7239) or X-Real-IP.
    pub forwarded_for: Option<Ip>,
    /// Value of X-Request-ID or traceparent.
    pub request_id: Option<&'a [u8]>,
}

const METHODS: [&[u8]; 9] = [
    b"GET ",
    b"POST ",
    b"HEAD ",
    b"PUT ",
    b"DELETE ",
    b"OPTIONS ",
    b"PATCH ",
    b"CONNECT ",
    b"TRACE ",
];
/// Bytes of a head that are looked at.
const MAX_HEAD: usize = 8192;

impl<'a> RequestHead<'a> {
    /// Reads the head at the start of a segment's payload.
    #[must_use]
    pub fn parse(payload: &'a [u8]) -> Option<Self> {
        METHODS.iter().find(|method| payload.starts_with(method))?;
        let head = &payload[..payload.len().min(MAX_HEAD)];
        let mut lines =
            head.split(|b| *b == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        let first = lines.next()?;
        let version =
            first.len().checked_sub(9).filter(|at| first[*at..].starts_with(b" HTTP/"))?;
        let mut found = Self { line: &first[..version], forwarded_for: None, request_id: None };
        for line in lines.take_while(|line| !line.is_empty()) {
            let Some(colon) = line.iter().position(|b| *b == b':') else { continue };
            found.field(&line[..colon], line[colon + 1..].trim_ascii());
        }
        Some(found)
    }

    fn field(&mut self, name: &[u8], value: &'a [u8]) {
        if name.eq_ignore_ascii_case(b"x-forwarded-for") || name.eq_ignore_ascii_case(b"x-real-ip")
        {
            let first = value.split(|b| *b == b',').next().unwrap_or(value);
            self.forwarded_for = self.forwarded_for.or_else(|| address(first));
        } else if name.eq_ignore_ascii_case(b"forwarded") {
            let mut pairs = value.split(|b| matches!(b, b',' | b';'));
            let node = pairs.find_map(|pair| {
                let pair = pair.trim_ascii();
                pair.get(..4).filter(|k| k.eq_ignore_ascii_case(b"for="))?;
                Some(&pair[4..])
            });
            self.forwarded_for = self.forwarded_for.or_else(|| address(node?));
        } else if name.eq_ignore_ascii_case(b"x-request-id")
            || name.eq_ignore_ascii_case(b"traceparent")
        {
            self.request_id = self.request_id.or(Some(value));
        }
    }
}

/// An address with or without quotes, brackets and port.
fn address(text: &[u8]) -> Option<Ip> {
    let text = std::str::from_utf8(text).ok()?.trim().trim_matches('"');
    let bare = match text.strip_prefix('[') {
        Some(rest) => rest.split(']').next()?,
        None if text.matches(':').count() == 1 => text.split(':').next()?,
        None => text,
    };
    bare.parse::<IpAddr>().ok().map(Ip::from)
}

/// The status code at the start of a segment's payload.
#[must_use]
pub fn status(payload: &[u8]) -> Option<u16> {
    let rest = payload.strip_prefix(b"HTTP/1.")?;
    let [_, b' ', a, b, c, ..] = rest else { return None };
    let digit = |d: u8| d.is_ascii_digit().then(|| u16::from(d - b'0'));
    let code = digit(*a)? * 100 + digit(*b)? * 10 + digit(*c)?;
    (100..600).contains(&code).then_some(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_names_its_client() {
        let text = b"GET /a?b HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 192.0.2.7, 10.0.0.1\r\nX-Request-Id: q1\r\n\r\nbody: no";
        let head = RequestHead::parse(text).unwrap();
        assert_eq!(head.line, b"GET /a?b");
        assert_eq!(head.forwarded_for.unwrap().to_string(), "192.0.2.7");
        assert_eq!(head.request_id, Some(&b"q1"[..]));
    }

    #[test]
    fn forwarded_nodes_have_quotes_brackets_and_ports() {
        for (value, address) in [
            ("for=192.0.2.60;proto=http", "192.0.2.60"),
            ("proto=http; For=\"[2001:db8::17]:4711\"", "2001:db8::17"),
            ("for=192.0.2.43:8080, for=198.51.100.17", "192.0.2.43"),
        ] {
            let text = format!("GET / HTTP/1.1\r\nForwarded: {value}\r\n\r\n");
            let head = RequestHead::parse(text.as_bytes()).unwrap();
            assert_eq!(head.forwarded_for.unwrap().to_string(), address);
        }
    }

    #[test]
    fn every_cut_is_read_as_far_as_it_goes() {
        let text = b"POST /x HTTP/1.1\r\nX-Real-IP: 192.0.2.7\r\n\r\n";
        for len in 0..text.len() {
            let head = RequestHead::parse(&text[..len]);
            assert_eq!(head.is_some(), len >= 16, "cut at {len}");
        }
    }

    #[test]
    fn only_status_lines_have_a_status() {
        assert_eq!(status(b"HTTP/1.1 503 Service Unavailable\r\n"), Some(503));
        assert_eq!(status(b"HTTP/1.0 200"), Some(200));
        assert_eq!(status(b"HTTP/1.1 9999"), None);
        assert_eq!(status(b"HTTP/1.1 2"), None);
        assert_eq!(status(b"GET / HTTP/1.1"), None);
    }
}
