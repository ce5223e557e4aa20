//! Heads of HTTP/1 messages (RFC 9112), as far as ties and outcomes need them.

use super::Ip;
use memchr::memmem::Finder;
use std::net::IpAddr;
use std::sync::LazyLock;

/// The first bytes of a client that begins in HTTP/2 (RFC 9113, section 3.4).
pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n";

/// The head of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestHead<'a> {
    /// Method and target, as on the request line.
    pub line: &'a [u8],
    /// First address of X-Forwarded-For, Forwarded (RFC 7239) or X-Real-IP.
    pub forwarded_for: Option<Ip>,
    /// Value of X-Request-ID.
    pub request_id: Option<&'a [u8]>,
    /// The trace-id of traceparent (W3C Trace Context, section 3.2.2.3): a proxy that
    /// takes part in the trace writes its own parent-id after it.
    pub trace_id: Option<&'a [u8]>,
    /// Value of Host.
    pub host: Option<&'a [u8]>,
    /// Whether it asks to go on in WebSocket (RFC 6455, section 4.1).
    pub upgrade: bool,
}

/// The methods that a request is known by (RFC 9110, section 9.3; RFC 5789).
pub const METHODS: [&str; 9] =
    ["GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "CONNECT", "TRACE"];

/// The method that a payload begins with.
#[must_use]
pub fn method(payload: &[u8]) -> Option<&'static str> {
    let is_it = |method: &&&str| {
        payload.strip_prefix(method.as_bytes()).is_some_and(|rest| rest.first() == Some(&b' '))
    };
    METHODS.iter().find(is_it).copied()
}

/// Bytes of an answer's head in which its length is looked for.
const MAX_ANSWER: usize = 2048;

/// How an answer says where its content ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// After so many bytes (RFC 9110, section 8.6).
    Length(u32),
    /// With its last chunk (RFC 9112, section 7.1). Events that are streamed until somebody ends it have none, and
    /// are none of these.
    Chunked,
}

/// Of a successful answer that begins a payload and says where its content ends: the bytes of its head, and how.
#[must_use]
pub fn content(payload: &[u8]) -> Option<(usize, Content)> {
    let head = with_content(payload)?;
    let (mut length, mut chunked) = (None, false);
    for line in memchr::memchr_iter(b'\n', head).map(|end| &head[end + 1..]) {
        // Few fields begin so: the others cost one comparison.
        if !matches!(line.first(), Some(b'C' | b'c' | b'T' | b't')) {
            continue;
        }
        if let Some(value) = value_of(line, b"content-length:") {
            length = length.or_else(|| std::str::from_utf8(value).ok()?.parse().ok());
        } else if let Some(value) = value_of(line, b"transfer-encoding:") {
            chunked |= begins(value, b"chunked");
        } else if value_of(line, b"content-type:").is_some_and(|v| begins(v, b"text/event-stream"))
        {
            return None;
        }
    }
    let content = if chunked { Content::Chunked } else { Content::Length(length?) };
    Some((head.len(), content))
}

/// The value of a field with which a text begins, where its name, with the colon, is this one.
fn value_of<'a>(text: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let (own, rest) = text.split_at_checked(name.len())?;
    let end = || memchr::memchr(b'\n', rest).unwrap_or(rest.len());
    own.eq_ignore_ascii_case(name).then(|| rest[..end()].trim_ascii())
}

fn begins(value: &[u8], with: &[u8]) -> bool {
    value.get(..with.len()).is_some_and(|value| value.eq_ignore_ascii_case(with))
}

/// The head of a successful answer that has content, where it ends in the payload that it begins.
fn with_content(payload: &[u8]) -> Option<&[u8]> {
    let told = matches!(payload, [b'H', b'T', b'T', b'P', b'/', b'1', b'.', _, b' ', b'2', b'0', last, ..] if *last != b'4');
    static END: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new(b"\r\n\r\n"));
    let head = told.then(|| &payload[..payload.len().min(MAX_ANSWER)])?;
    Some(&head[..END.find(head)? + 4])
}

/// Digits in which a chunk's length is given, at most: what is longer is none that comes in one.
const DIGITS: usize = 7;
/// Bytes of the line that begins a chunk, with its extensions.
const CHUNK_LINE: usize = 256;

/// The line with which a payload begins a chunk (RFC 9112, section 7.1): its length with the line end, and that of
/// the data. The last chunk has none.
#[must_use]
pub fn chunk(payload: &[u8]) -> Option<(usize, u32)> {
    let digits = payload.iter().take(DIGITS + 1).take_while(|b| b.is_ascii_hexdigit()).count();
    let text = payload.get(..digits).filter(|_| (1..=DIGITS).contains(&digits))?;
    let size = u32::from_str_radix(std::str::from_utf8(text).ok()?, 16).ok()?;
    let line = &payload[..payload.len().min(CHUNK_LINE)];
    let end = memchr::memchr(b'\n', line)? + 1;
    let extension = &line[digits..end];
    let plain = matches!(extension.trim_ascii_start().first(), None | Some(b';'));
    (extension.ends_with(b"\r\n") && plain).then_some((end, size))
}

/// Bytes of a head that are looked at.
const MAX_HEAD: usize = 8192;

impl<'a> RequestHead<'a> {
    /// Reads the head at the start of a segment's payload.
    #[must_use]
    pub fn parse(payload: &'a [u8]) -> Option<Self> {
        method(payload)?;
        let head = &payload[..payload.len().min(MAX_HEAD)];
        let mut lines =
            head.split(|b| *b == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        let first = lines.next()?;
        let version =
            first.len().checked_sub(9).filter(|at| first[*at..].starts_with(b" HTTP/"))?;
        let mut found = Self {
            line: &first[..version],
            forwarded_for: None,
            request_id: None,
            trace_id: None,
            host: None,
            upgrade: false,
        };
        fields(lines, |name, value| found.field(name, value));
        Some(found)
    }

    /// The method of a request at the start of a payload, and the host that it is for (RFC 9110, section
    /// 7.2), without its port.
    #[must_use]
    pub fn asks(payload: &'a [u8]) -> Option<(&'static str, Option<&'a [u8]>)> {
        let method = method(payload)?;
        let head = &payload[..payload.len().min(MAX_HEAD)];
        let mut host = None;
        for line in memchr::memchr_iter(b'\n', head).map(|end| &head[end + 1..]) {
            match line.first() {
                Some(b'H' | b'h') => host = value_of(line, b"host:"),
                // The end of the head.
                Some(b'\r' | b'\n') => break,
                _ => {}
            }
            if host.is_some() {
                break;
            }
        }
        let host = host.map(|value| {
            let colon = value.iter().rposition(|b| *b == b':');
            let port = colon.filter(|at| value[at + 1..].iter().all(u8::is_ascii_digit));
            port.map_or(value, |at| &value[..at])
        });
        Some((method, host))
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
        } else if name.eq_ignore_ascii_case(b"x-request-id") {
            self.request_id = self.request_id.or(Some(value));
        } else if name.eq_ignore_ascii_case(b"traceparent") {
            self.trace_id = self.trace_id.or_else(|| trace_id(value));
        } else if name.eq_ignore_ascii_case(b"host") {
            self.host = self.host.or(Some(value));
        } else if name.eq_ignore_ascii_case(b"upgrade") {
            self.upgrade |= value.eq_ignore_ascii_case(b"websocket");
        }
    }
}

/// Each field of a head, as far as the head goes.
fn fields<'a>(lines: impl Iterator<Item = &'a [u8]>, mut field: impl FnMut(&'a [u8], &'a [u8])) {
    for line in lines.take_while(|line| !line.is_empty()) {
        let Some(colon) = line.iter().position(|b| *b == b':') else { continue };
        field(&line[..colon], line[colon + 1..].trim_ascii());
    }
}

/// Of `version-traceid-parentid-flags`; all zeros are none.
fn trace_id(value: &[u8]) -> Option<&[u8]> {
    let id = value.split(|b| *b == b'-').nth(1)?;
    let is_id = id.len() == 32 && id.iter().all(u8::is_ascii_hexdigit);
    (is_id && id.iter().any(|b| *b != b'0')).then_some(id)
}

/// What tells one response from another in its head.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ResponseHead<'a> {
    /// Value of X-Request-ID.
    pub request_id: Option<&'a [u8]>,
    /// Value of the first Set-Cookie (RFC 6265): a proxy adds its own after it.
    pub cookie: Option<&'a [u8]>,
    /// Value of ETag (RFC 9110, section 8.8.3).
    pub etag: Option<&'a [u8]>,
    /// Value of Content-Length.
    pub length: Option<&'a [u8]>,
    /// Value of Date.
    pub date: Option<&'a [u8]>,
    /// Value of Location.
    pub location: Option<&'a [u8]>,
}

impl<'a> ResponseHead<'a> {
    /// Reads the head at the start of a segment's payload; a line that was cut off
    /// says nothing.
    #[must_use]
    pub fn parse(payload: &'a [u8]) -> Self {
        let mut found = Self::default();
        let head = &payload[..payload.len().min(MAX_HEAD)];
        let Some(end) = head.iter().rposition(|b| *b == b'\n') else { return found };
        let lines =
            head[..end].split(|b| *b == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        fields(lines.skip(1), |name, value| {
            let known: [(&[u8], &mut Option<&'a [u8]>); 6] = [
                (b"x-request-id", &mut found.request_id),
                (b"set-cookie", &mut found.cookie),
                (b"etag", &mut found.etag),
                (b"content-length", &mut found.length),
                (b"date", &mut found.date),
                (b"location", &mut found.location),
            ];
            if let Some((_, field)) = known.into_iter().find(|(n, _)| name.eq_ignore_ascii_case(n))
            {
                *field = field.or(Some(value));
            }
        });
        found
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

/// 101 Switching Protocols (RFC 9110, section 15.2.2).
pub const SWITCHING: u16 = 101;

/// The status code at the start of a segment's payload.
#[must_use]
pub fn status(payload: &[u8]) -> Option<u16> {
    let rest = payload.strip_prefix(b"HTTP/1.")?;
    let [_, b' ', a, b, c, ..] = rest else { return None };
    let digit = |d: u8| d.is_ascii_digit().then(|| u16::from(d - b'0'));
    let code = digit(*a)? * 100 + digit(*b)? * 10 + digit(*c)?;
    (100..600).contains(&code).then_some(code)
}

/// How servers tell a client that it speaks plain HTTP to a port of TLS: nginx, Apache and Go.
const SPEAKS_TLS: [&[u8]; 3] = [
    b"plain HTTP request was sent to HTTPS port",
    b"speaking plain HTTP to an SSL-enabled server port",
    b"Client sent an HTTP request to an HTTPS server",
];
/// How far into an answer that is looked for.
const SPEAKS_TLS_WITHIN: usize = 1024;

/// Whether an answer says that its port speaks TLS.
#[must_use]
pub fn says_that_it_speaks_tls(payload: &[u8]) -> bool {
    let near = &payload[..payload.len().min(SPEAKS_TLS_WITHIN)];
    SPEAKS_TLS.iter().any(|says| near.windows(says.len()).any(|seen| seen == *says))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_that_an_answer_announces_is_read() {
        let whole = b"HTTP/1.1 200 OK\r\nServer: a\r\nContent-Length: 96000\r\n\r\nbody";
        assert_eq!(content(whole), Some((whole.len() - 4, Content::Length(96_000))));
        let small = b"HTTP/1.0 206 Partial\r\ncontent-length:17\r\nA: b\r\n\r\n";
        assert_eq!(content(small), Some((small.len(), Content::Length(17))));
        for none in [
            &b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"[..],
            b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n",
            b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nX-Content-Length: 5\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
        ] {
            assert_eq!(content(none), None, "{}", String::from_utf8_lossy(none));
        }
    }

    #[test]
    fn an_answer_in_chunks_says_so_and_how_long_each_is() {
        let head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\ntransfer-encoding: chunked\r\n\r\n5\r\n";
        assert_eq!(content(head), Some((head.len() - 3, Content::Chunked)));
        for none in [
            &b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: text/event-stream\r\n\r\n"[..],
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n",
        ] {
            assert_eq!(content(none), None, "{}", String::from_utf8_lossy(none));
        }
        assert_eq!(chunk(b"1f\r\nabc"), Some((4, 31)));
        assert_eq!(chunk(b"5 ; a=\"b\"\r\nhello"), Some((11, 5)));
        assert_eq!(chunk(b"0\r\n\r\n"), Some((3, 0)));
        for none in [&b"1f"[..], b"1f and more\r\n", b"abcdefab\r\n", b"\r\n", b"5\n"] {
            assert_eq!(chunk(none), None, "{}", String::from_utf8_lossy(none));
        }
    }

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
    fn a_trace_keeps_its_identifier_where_a_proxy_takes_part() {
        let id = "4bf92f3577b34da6a3ce929d0e0e4736";
        let head = |parent: &str| {
            format!("GET / HTTP/1.1\r\nTraceParent: 00-{parent}-01\r\nX-Request-ID: a\r\n\r\n")
        };
        for parent in ["00f067aa0ba902b7", "b7ad6b7169203331"] {
            let text = head(&format!("{id}-{parent}"));
            let head = RequestHead::parse(text.as_bytes()).unwrap();
            assert_eq!(head.trace_id, Some(id.as_bytes()));
            assert_eq!(head.request_id, Some(&b"a"[..]));
        }
        for none in [format!("{:032}-1", 0), "12-1".to_owned(), "x".repeat(32)] {
            assert_eq!(RequestHead::parse(head(&none).as_bytes()).unwrap().trace_id, None);
        }
    }

    #[test]
    fn a_response_says_what_tells_it_apart() {
        let text = b"HTTP/1.1 200 OK\r\nSet-Cookie: s=1\r\nset-cookie: lb=2\r\nETag: \"e\"\r\nContent-Length: 20\r\n\r\nDate: body";
        let head = ResponseHead::parse(text);
        assert_eq!((head.cookie, head.etag), (Some(&b"s=1"[..]), Some(&b"\"e\""[..])));
        assert_eq!((head.length, head.date), (Some(&b"20"[..]), None));
        // A length of which only the first digit was captured is none.
        let digit = text.windows(4).position(|w| w == b": 20").unwrap() + 3;
        assert_eq!(ResponseHead::parse(&text[..digit]).length, None);
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
