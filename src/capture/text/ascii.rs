//! What `-A` prints below a packet: its bytes from the network header on, as characters.
//!
//! What is no character of ASCII is a dot, a line's end stands for itself, and one of two bytes is
//! a single one. So each byte of the headers is one character, and a payload begins where they
//! end; but only text is what it says, so nothing else is taken: a PROXY line, heads of HTTP.

use super::shown::{Body, Extent, Shown, Tcp};

/// Bytes of a TCP header without options.
const TCP: usize = 20;
/// How payload begins that is text.
const TEXT: [&[u8]; 11] = [
    b"PROXY TCP",
    b"PROXY UNKNOWN",
    b"HTTP/1.",
    b"GET /",
    b"HEAD /",
    b"POST /",
    b"PUT /",
    b"DELETE /",
    b"OPTIONS ",
    b"PATCH /",
    b"CONNECT ",
];

/// Adds the payload that the lines of a packet show, where its own line shows none of it.
pub(super) fn payload(text: &str, shown: &mut Shown) {
    let [layer] = &shown.layers[..] else { return };
    let Body::Tcp(tcp) = &shown.body else { return };
    let wanted = tcp.length.unwrap_or(0) as usize;
    if wanted == 0 || !shown.payload.is_empty() {
        return;
    }
    let Some(options) = options(tcp) else { return };
    let (first, network) = if layer.src.is_ipv4() { ('E', 20) } else { ('`', 40) };
    // `-v` has lines of its own before.
    let Some(at) =
        text.match_indices('\n').map(|(at, _)| at + 1).find(|at| text[*at..].starts_with(first))
    else {
        return;
    };
    let mut chars = text[at..].chars();
    if chars.by_ref().take(network + TCP + options).count() < network + TCP + options {
        return;
    }
    let bytes: Vec<u8> = chars.as_str().replace('\n', "\r\n").into_bytes();
    if TEXT.iter().any(|begins| bytes.starts_with(begins)) {
        shown.payload.extend(&bytes[..bytes.len().min(wanted)]);
    }
}

/// Bytes of a segment's options, where all of them are printed.
fn options(tcp: &Tcp) -> Option<usize> {
    let options = &tcp.options;
    (options.extent == Extent::All || options.bytes.is_empty())
        .then(|| options.bytes.len().next_multiple_of(4))
}

#[cfg(test)]
mod tests {
    use super::super::ends::Names;
    use super::super::packet;
    use super::payload;

    fn shown(line: &str, dump: &str) -> Vec<u8> {
        let text = format!("{line}\n{dump}");
        let mut shown = packet::parse(&text, &mut Names::default()).unwrap();
        payload(&text, &mut shown);
        shown.payload
    }

    const LINE: &str = "12:00:00.000001 IP 10.135.0.4.51000 > 10.135.0.9.80: Flags [P.], seq 1:137, ack 1, win 502, options [nop,nop,TS val 1 ecr 2], length 136";
    const HEADERS: &str = "E.....@.?...\n...\n..\t.8.P*:!................\n=S*...[.";

    #[test]
    fn text_behind_the_headers_is_payload() {
        let said = "PROXY TCP4 203.0.113.40 164.90.1.9 40120 80\nGET / HTTP/1.1\nHost: a";
        let read = shown(&format!("{LINE}: HTTP"), &format!("{HEADERS}{said}"));
        assert_eq!(read, said.replace('\n', "\r\n").into_bytes());
        let read = shown(LINE, &format!("{HEADERS}{said}"));
        assert!(read.starts_with(b"PROXY TCP4 203.0.113.40 "));
    }

    #[test]
    fn what_may_be_anything_is_not_taken_for_what_is_printed() {
        assert_eq!(shown(LINE, &format!("{HEADERS}..........hello")), b"");
        assert_eq!(shown(LINE, "E.....@.?...PROXY TCP4"), b"");
        let short = LINE.replace("options [nop,nop,TS val 1 ecr 2], ", "");
        assert_eq!(shown(&short, &format!("{HEADERS}PROXY TCP4 203.0.113.40")), b"");
    }
}
