//! Endpoints to which a service sends its client on: it is to connect there instead, or there as well.
//!
//! What is read counts only where a client dials what was named, in vain: a payload that looks like one of these
//! by chance names nothing that anybody dials.

mod kafka;
mod ldap;
mod mongodb;
mod tds;

use super::{Ip, dns};

/// Who sends a client on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Redirector {
    /// An Oracle listener, with a REDIRECT packet of TNS.
    Oracle,
    /// A node of a Redis cluster, with MOVED or ASK.
    Redis,
    /// A Redis Sentinel, in its answer to `get-master-addr-by-name`.
    Sentinel,
    /// A Kafka broker, in its answer to Metadata.
    Kafka,
    /// A member of a MongoDB replica set, in its answer to `hello`.
    MongoDb,
    /// An LDAP server, by a referral.
    Ldap,
    /// A gateway of SQL Server, by a change of its environment.
    SqlServer,
}

/// Whom it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Host {
    /// An address.
    Ip(Ip),
    /// A name, by the digest under which the client may ask for it ([`dns::digest_of`]).
    Name(u16),
}

/// An endpoint that is named.
pub type Endpoint = (Redirector, Host, u16);

/// Endpoints that are taken of one payload.
const FEW: usize = 8;

/// What a segment that a side begins so names, in the protocols that say it at any time.
#[must_use]
pub fn of_segment(payload: &[u8]) -> Vec<Endpoint> {
    let one = |who, end: Option<(Ip, u16)>| {
        end.map(|(ip, port)| (who, Host::Ip(ip), port)).into_iter().collect()
    };
    match payload.first() {
        Some(0) => match oracle(payload) {
            Some(end) => one(Redirector::Oracle, Some(end)),
            None => kafka::brokers(payload),
        },
        Some(b'-') => one(Redirector::Redis, redis(payload)),
        Some(b'*') => sentinel(payload).into_iter().collect(),
        Some(0x30) => ldap::referrals(payload),
        Some(4) => tds::routing(payload).into_iter().collect(),
        _ => Vec::new(),
    }
}

/// What the first words of a server name.
#[must_use]
pub fn of_first(payload: &[u8]) -> Vec<Endpoint> {
    mongodb::members(payload)
}

/// A host as text: an address, or a name of letters, digits, hyphens, underscores and dots.
fn host(text: &str) -> Option<Host> {
    if text.eq_ignore_ascii_case("localhost") {
        return Some(Host::Ip(Ip::v4([127, 0, 0, 1])));
    }
    let bare = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')).unwrap_or(text);
    if let Ok(ip) = bare.parse::<std::net::IpAddr>() {
        return Some(Host::Ip(ip.into()));
    }
    let letter = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    let name = !text.is_empty() && text.len() <= 253 && text.bytes().all(letter);
    name.then(|| Host::Name(dns::digest_of(text)))
}

/// The same with a port, which an IPv6 address has behind brackets.
fn host_and_port(text: &str, default: Option<u16>) -> Option<(Host, u16)> {
    if let Some((name, port)) = text.rsplit_once(':')
        && let Ok(port) = port.parse::<u16>()
        && port != 0
    {
        return Some((host(name)?, port));
    }
    Some((host(text)?, default?))
}

/// Type of a TNS packet that sends a client on, and where its text begins (Oracle Net Services, TNS header).
const REDIRECT: u8 = 5;
const TEXT: usize = 10;
/// Text that is read of a packet: an address list is longer only by more of the same.
const MOST: usize = 512;

/// The endpoint that an Oracle listener names: `(ADDRESS=(PROTOCOL=TCP)(HOST=10.80.0.21)(PORT=1521))`. A name in
/// its place is none.
#[must_use]
pub fn oracle(payload: &[u8]) -> Option<(Ip, u16)> {
    let len = usize::from(u16::from_be_bytes([*payload.first()?, *payload.get(1)?]));
    if payload.get(4) != Some(&REDIRECT) || !(TEXT..=MOST).contains(&len) {
        return None;
    }
    let text = std::str::from_utf8(payload.get(TEXT..len.min(payload.len()))?).ok()?;
    let value = |key: &str| {
        let rest = &text[text.find(key)? + key.len()..];
        rest.split(')').next().map(str::trim)
    };
    endpoint(value("(HOST=")?, value("(PORT=")?)
}

/// The endpoint that a node of a Redis cluster names: `-MOVED 3999 192.0.2.11:6381` (Redis cluster
/// specification, redirection).
#[must_use]
pub fn redis(payload: &[u8]) -> Option<(Ip, u16)> {
    let line = payload.split(|b| *b == b'\r' || *b == b'\n').next()?;
    let line = std::str::from_utf8(line).ok()?;
    let rest = line.strip_prefix("-MOVED ").or_else(|| line.strip_prefix("-ASK "))?;
    let (ip, port) = rest.split_once(' ')?.1.rsplit_once(':')?;
    endpoint(ip, port)
}

/// The master that a Sentinel names: an array of two strings, its address and its port (RESP, arrays of bulk
/// strings).
fn sentinel(payload: &[u8]) -> Option<Endpoint> {
    let two = payload.strip_prefix(b"*2\r\n").filter(|rest| rest.len() <= MOST)?;
    let mut lines = std::str::from_utf8(two).ok()?.strip_suffix("\r\n")?.split("\r\n");
    let mut bulk = || {
        let len: usize = lines.next()?.strip_prefix('$')?.parse().ok()?;
        lines.next().filter(|line| line.len() == len)
    };
    let (name, port) = (bulk()?, bulk()?);
    let port: u16 = port.parse().ok().filter(|port| *port != 0)?;
    Some((Redirector::Sentinel, host(name)?, port)).filter(|_| lines.next().is_none())
}

fn endpoint(ip: &str, port: &str) -> Option<(Ip, u16)> {
    let ip: std::net::IpAddr = ip.parse().ok()?;
    Some((Ip::from(ip), port.parse().ok().filter(|port| *port != 0)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(kind: u8, text: &str) -> Vec<u8> {
        let len = (TEXT + text.len()) as u16;
        let mut packet = [&len.to_be_bytes()[..], &[0, 0, kind, 0, 0, 0]].concat();
        packet.extend((text.len() as u16).to_be_bytes());
        packet.extend(text.as_bytes());
        packet
    }

    #[test]
    fn an_endpoint_is_read_and_anything_else_is_none() {
        let named = Some((Ip::v4([10, 80, 0, 21]), 1521));
        let text = "(ADDRESS=(PROTOCOL=TCP)(HOST=10.80.0.21)(PORT=1521))";
        assert_eq!(oracle(&packet(REDIRECT, text)), named);
        assert_eq!(oracle(&packet(1, text)), None, "the client's own CONNECT");
        assert_eq!(oracle(&packet(REDIRECT, "(ADDRESS=(HOST=db2.example)(PORT=1521))")), None);
        assert_eq!(oracle(&packet(REDIRECT, text)[..30]), None, "cut");
        assert_eq!(redis(b"-MOVED 3999 10.80.0.21:1521\r\n"), named);
        assert_eq!(redis(b"-ASK 7 10.80.0.21:1521\r\n"), named);
        let sentinel = |text: &[u8]| of_segment(text).first().copied();
        let told = (Redirector::Sentinel, Host::Ip(Ip::v4([172, 17, 92, 3])), 6379);
        assert_eq!(sentinel(b"*2\r\n$11\r\n172.17.92.3\r\n$4\r\n6379\r\n"), Some(told));
        let command = b"*2\r\n$4\r\nAUTH\r\n$6\r\nsecret\r\n";
        assert_eq!((sentinel(command), sentinel(b"*2\r\n$3\r\nfoo\r\n$4\r\n63")), (None, None));
        for other in [&b"-MOVED 3999 :6381\r\n"[..], b"-ERR 1 10.80.0.21:1521\r\n", b"-MOVED", b""]
        {
            assert_eq!(redis(other), None);
        }
    }
}
