//! What the client of a stream asked for first: the name of a server, by TLS or HTTP, the method, the
//! version of TLS. Connections of one port may differ in nothing else.
//!
//! Looked at in a side's first payload alone. Names are kept once each; bounded, what does not fit is
//! counted.

use super::StreamId;
use crate::hashed::HashMap;
use crate::wire::{ProxyHeader, http, tls};

/// Streams that are kept, and names.
const MAX_STREAMS: usize = 1 << 16;
const MAX_NAMES: usize = 1 << 12;
/// A name in DNS is no longer (RFC 1035, section 2.3.4).
const MAX_NAME: usize = 253;

/// What a stream's client asked for first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FirstRequest {
    /// Place of the name among those of the vantage.
    pub(super) name: Option<u16>,
    /// The method of HTTP, empty where it is none.
    pub method: &'static str,
    /// The newest version of TLS that is offered, 0x0304 for TLS 1.3; 0 where a ClientHello says it in a later
    /// segment.
    pub tls: Option<u16>,
}

/// The same as it is kept: many are, and few bytes of each are near when an answer is looked at.
#[derive(Debug, Clone, Copy)]
struct Packed {
    tls: Option<u16>,
    /// [`NO_NAME`] where it has none.
    name: u16,
    /// Its place among all methods and one, 0 where it has none.
    method: u8,
}

/// Beyond all places of names.
const NO_NAME: u16 = u16::MAX;

impl Packed {
    fn of(FirstRequest { name, method, tls }: FirstRequest) -> Self {
        let place = http::METHODS.iter().position(|known| *known == method);
        let method = place.map_or(0, |place| place as u8 + 1);
        Self { tls, name: name.unwrap_or(NO_NAME), method }
    }

    fn open(self) -> FirstRequest {
        let place = usize::from(self.method).checked_sub(1);
        FirstRequest {
            name: Some(self.name).filter(|name| *name != NO_NAME),
            method: place.and_then(|at| http::METHODS.get(at)).copied().unwrap_or_default(),
            tls: self.tls,
        }
    }
}

/// Those of one vantage; many have none.
#[derive(Debug, Clone, Default)]
pub(super) struct FirstRequests(Option<Box<Kept>>);

#[derive(Debug, Clone, Default)]
struct Kept {
    by_stream: HashMap<StreamId, Packed>,
    /// One of them began in TLS.
    any_tls: bool,
    names: Vec<String>,
    by_name: HashMap<String, u16>,
    dropped: u64,
}

impl FirstRequests {
    /// Takes in the first payload of a side.
    #[inline]
    pub fn see(&mut self, id: StreamId, payload: &[u8]) {
        if matches!(payload.first(), Some(22 | b'A'..=b'Z' | b'\r')) {
            self.asked(id, payload);
        }
    }

    fn asked(&mut self, id: StreamId, payload: &[u8]) {
        let header = ProxyHeader::parse(payload).map_or(0, |header| header.len);
        let payload = payload.get(header..).unwrap_or_default();
        let (name, method, version) = if let Some(hello) = tls::asks(payload) {
            (hello.server_name, "", Some(hello.version.unwrap_or(0)))
        } else if let Some((method, host)) = http::RequestHead::asks(payload) {
            (host, method, None)
        } else {
            return;
        };
        let kept = self.0.get_or_insert_default();
        if kept.by_stream.len() >= MAX_STREAMS {
            kept.dropped += 1;
            return;
        }
        let name = name.and_then(is_name).and_then(|name| kept.place(name));
        kept.any_tls |= version.is_some();
        let request = FirstRequest { name, method, tls: version };
        kept.by_stream.entry(id).or_insert(Packed::of(request));
    }

    /// Puts back what a table holds, which is anybody's.
    pub(super) fn restore(
        &mut self,
        id: StreamId,
        name: Option<String>,
        method: &'static str,
        tls: Option<u16>,
    ) {
        let kept = self.0.get_or_insert_default();
        let name = name.as_deref().and_then(|name| is_name(name.as_bytes()));
        let name = name.and_then(|name| kept.place(name));
        kept.any_tls |= tls.is_some();
        kept.by_stream.insert(id, Packed::of(FirstRequest { name, method, tls }));
    }

    /// That of a stream.
    pub(super) fn of(&self, id: StreamId) -> Option<FirstRequest> {
        self.0.as_ref()?.by_stream.get(&id).map(|request| request.open())
    }

    /// Whether a side of a stream began with a ClientHello.
    pub(super) fn asked_tls(&self, id: StreamId) -> bool {
        let kept = self.0.as_ref().filter(|kept| kept.any_tls);
        kept.and_then(|kept| kept.by_stream.get(&id)).is_some_and(|request| request.tls.is_some())
    }

    /// All of them, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (StreamId, FirstRequest)> {
        self.0.iter().flat_map(|kept| &kept.by_stream).map(|(id, request)| (*id, request.open()))
    }

    /// Its name, where it has one.
    pub(super) fn name(&self, request: FirstRequest) -> Option<&str> {
        self.0.as_ref()?.names.get(usize::from(request.name?)).map(String::as_str)
    }

    /// Requests and names beyond the bounds.
    pub fn dropped(&self) -> u64 {
        self.0.as_ref().map_or(0, |kept| kept.dropped)
    }

    pub(super) fn set_dropped(&mut self, dropped: u64) {
        if dropped > 0 {
            self.0.get_or_insert_default().dropped = dropped;
        }
    }

    /// Forgets the names, and no more: whether an answer is due does not tell whose it is.
    pub(super) fn forget_names(&mut self) {
        let Some(kept) = &mut self.0 else { return };
        kept.by_stream.values_mut().for_each(|request| request.name = NO_NAME);
        kept.names.clear();
        kept.by_name.clear();
    }

    /// Forgets a stream that is let go.
    pub fn forget(&mut self, id: StreamId) {
        if let Some(kept) = &mut self.0 {
            kept.by_stream.remove(&id);
        }
    }
}

impl Kept {
    /// The place of a name, a new one where it is the first time.
    fn place(&mut self, name: &str) -> Option<u16> {
        if let Some(at) = self.by_name.get(name) {
            return Some(*at);
        }
        if self.names.len() >= MAX_NAMES {
            self.dropped += 1;
            return None;
        }
        let at = self.names.len() as u16;
        self.names.push(name.to_owned());
        self.by_name.insert(name.to_owned(), at);
        Some(at)
    }
}

/// A name that may stand in a report: letters, digits, dots, hyphens, underscores, an IPv6 address in
/// brackets.
fn is_name(bytes: &[u8]) -> Option<&str> {
    let fits = |b: &u8| b.is_ascii_alphanumeric() || b".-_:[]".contains(b);
    let name = std::str::from_utf8(bytes).ok()?;
    (!name.is_empty() && name.len() <= MAX_NAME && bytes.iter().all(fits)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_request_asks_for_is_kept_and_no_more() {
        let mut all = FirstRequests::default();
        all.see(1, b"GET /a HTTP/1.1\r\nAccept: x\r\nhost: shop.example:8080\r\n\r\n");
        all.see(2, b"POST / HTTP/1.1\r\nHost: shop.example\r\n\r\n");
        all.see(3, b"DELETE / HTTP/1.1\r\nHost: \x1b[2J\r\n\r\n");
        all.see(4, b"SSH-2.0-x\r\n");
        all.see(5, b"HTTP/1.1 200 OK\r\nHost: x\r\n\r\n");
        all.see(6, b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\nGET / HTTP/1.1\r\nHost: [2001:db8::1]:8\r\n\r\n");
        let of = |id: StreamId| {
            let request = all.of(id)?;
            Some((request.method, all.name(request)))
        };
        assert_eq!(of(1), Some(("GET", Some("shop.example"))));
        assert_eq!(of(2), Some(("POST", Some("shop.example"))));
        assert_eq!(of(3), Some(("DELETE", None)));
        assert_eq!((of(4), of(5)), (None, None));
        assert_eq!(of(6), Some(("GET", Some("[2001:db8::1]"))));
        assert_eq!(all.0.as_ref().unwrap().names.len(), 2);
    }

    #[test]
    fn a_hello_that_goes_on_in_a_later_segment_is_one() {
        let mut hello = vec![22, 3, 1, 0x07, 0, 1, 0, 0x06, 0xfc, 3, 3];
        hello.extend(1..=32);
        hello.extend([0, 0, 2, 0x13, 1, 1, 0, 0x06, 0xd0]);
        let mut all = FirstRequests::default();
        all.see(1, &hello);
        assert_eq!(all.of(1).map(|request| request.tls), Some(Some(0)));
        assert!(all.asked_tls(1));
    }
}
