//! The first word of a segment's payload, where it is of HTTP/1 or of TLS in the clear: what a reader
//! would look for in the bytes. Nothing of it is anybody's data.

use crate::wire::{http, tls};
use std::borrow::Cow;

/// A first word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Says {
    /// A request, by its method.
    Request(&'static str),
    /// A response, by its status.
    Response(u16),
    /// TLS begins, the client first.
    ClientHello,
    ServerHello,
    /// A fatal alert, by its description.
    Alert(u8),
}

/// A handshake record that begins with this message (RFC 8446, section 4).
const SERVER_HELLO: u8 = 2;

impl Says {
    /// What a payload begins with.
    pub(super) fn of(payload: &[u8]) -> Option<Self> {
        if let Some(method) = http::method(payload) {
            return Some(Self::Request(method));
        }
        if let Some(status) = http::status(payload) {
            return Some(Self::Response(status));
        }
        if tls::client_random(payload).is_some() {
            return Some(Self::ClientHello);
        }
        if tls::is_handshake(payload) && payload.get(5) == Some(&SERVER_HELLO) {
            return Some(Self::ServerHello);
        }
        tls::fatal_alert(payload).map(Self::Alert)
    }

    /// In a drawing.
    pub(super) fn name(self) -> Cow<'static, str> {
        match self {
            Self::Request(method) => method.into(),
            Self::Response(status) => format!("HTTP {status}").into(),
            Self::ClientHello => "ClientHello".into(),
            Self::ServerHello => "ServerHello".into(),
            Self::Alert(description) => format!("TLS alert {description}").into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_words_are_told_and_data_is_not() {
        let of = |payload: &[u8]| Says::of(payload).map(|says| says.name().into_owned());
        assert_eq!(of(b"POST /a HTTP/1.1\r\n").as_deref(), Some("POST"));
        assert_eq!(of(b"HTTP/1.1 503 Service Unavailable\r\n").as_deref(), Some("HTTP 503"));
        assert_eq!(of(&[21, 3, 3, 0, 2, 2, 40]).as_deref(), Some("TLS alert 40"));
        assert_eq!(of(&[22, 3, 3, 0, 90, 2, 0, 0, 86]).as_deref(), Some("ServerHello"));
        for other in [&b"POSTPONED"[..], b"HTTP/1.1 x", b"", &[23, 3, 3, 0, 9], &[22, 3]] {
            assert_eq!(of(other), None, "{other:?}");
        }
    }
}
