//! Errors that end a part of what a connection of the web carries: a stream of HTTP/2, a web socket.

use super::Service;
use super::codes::{STREAM, WEB_SOCKET};

/// RST_STREAM by which a server says that it failed, or did nothing with the request (RFC 9113, sections 6.4 and
/// 8.7). What ends a stream that nobody wants any more has other codes.
pub(super) fn reset_stream(payload: &[u8]) -> Option<u16> {
    let [0, 0, 4, 3, 0, a, b, c, d, 0, 0, 0, code, ..] = payload else { return None };
    let of_a_stream = [*a, *b, *c, *d] != [0; 4] && a & 0x80 == 0;
    (of_a_stream && STREAM.contains(&u16::from(*code))).then_some(u16::from(*code))
}

/// A Close frame of a server, which masks none (RFC 6455, sections 5.1 and 5.5.1), by which it says that it cannot.
#[must_use]
pub fn of_close_frame(payload: &[u8]) -> Option<(Service, u16)> {
    let [0x88, 2..=125, a, b, ..] = payload else { return None };
    let code = u16::from_be_bytes([*a, *b]);
    WEB_SOCKET.iter().any(|(known, _)| *known == code).then_some((Service::WebSocket, code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_cannot_is_told_from_who_does_not_want_any_more() {
        let rst = |code: u8| reset_stream(&[0, 0, 4, 3, 0, 0, 0, 0, 1, 0, 0, 0, code]);
        assert_eq!((rst(7), rst(2), rst(8), rst(0)), (Some(7), Some(2), None, None));
        assert_eq!(reset_stream(&[0, 0, 4, 3, 0, 0, 0, 0, 0, 0, 0, 0, 7]), None);
        let close = |code: u16| {
            let [a, b] = code.to_be_bytes();
            of_close_frame(&[0x88, 2, a, b])
        };
        assert_eq!(close(1013), Some((Service::WebSocket, 1013)));
        assert_eq!((close(1000), close(1001), close(1012)), (None, None, None));
        assert_eq!(of_close_frame(&[0x88, 0x82, 1, 2, 3, 4, 2, 0xf7]), None, "a client's");
    }
}
