//! What is said: heads of HTTP, PROXY, TLS and DNS, whole, cut, lying about their lengths, and
//! with what would steer a terminal or a browser.

use super::fix::{fix, ip_at, transport_at};
use crate::rng::Rng;

const SAID: [&[u8]; 18] = [
    b"GET /\x1b[2J\x1b]0;x\x07 HTTP/1.1\r\nHost: <script>alert(1)</script>\r\nX-Forwarded-For: 10.0.0.1, \x1b[31m\r\nX-Request-ID: ]]>--><img src=x onerror=alert(1)>\r\n\r\n",
    b"HTTP/1.1 502 Bad\x1b]52;c;AAAA\x07Gateway\r\nContent-Length: 99999999999999999999\r\nSet-Cookie: a=b\r\nETag: \"x\"\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
    b"POST / HTTP/1.1\r\nContent-Length: 18446744073709551615\r\n\r\n",
    b"PROXY TCP4 1.2.3.4 5.6.7.8 1 65535\r\nGET / HTTP/1.1\r\n\r\n",
    b"PROXY TCP6 ::1 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65536 0\r\n",
    b"PROXY UNKNOWN\r\n",
    b"\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff\x01\x02\x03\x04\x05\x06\x07\x08\x00\x50\x00\x51",
    b"\r\n\r\n\0\r\nQUIT\n\x21\x21\x00\x24",
    b"\r\n\r\n\0\r\nQUIT\n\x20\x00\x00\x00",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"\x16\x03\x01\xff\xff\x01\xff\xff\xff\x03\x03AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\xff",
    b"\x15\x03\x03\x00\x02\x02\x28",
    b"\x00",
    b"SSH-2.0-\x1b[31m\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"\x12\x34\x81\x80\x00\x01\xff\xff\x00\x00\x00\x00\xc0\x0c\xc0\x0c",
    b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x3f",
];

pub(super) fn change(rng: &mut Rng, data: &mut Vec<u8>) {
    let Some(ip) = ip_at(data) else { return };
    let Some((transport, protocol)) = transport_at(data, ip) else { return };
    let at = match (protocol, data.get(transport + 12)) {
        (6, Some(words)) => transport + usize::from(words >> 4) * 4,
        (17, _) => transport + 8,
        _ => return,
    };
    if at > data.len() {
        return;
    }
    if rng.one_in(2) {
        data.truncate(at);
    }
    data.extend(rng.pick(&SAID));
    if rng.one_in(3) {
        data.extend(rng.pick(&SAID));
    }
    if protocol == 6 && rng.one_in(2) {
        data[transport + 13] = 0x18;
    }
    fix(data);
}
