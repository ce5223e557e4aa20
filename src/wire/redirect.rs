//! Endpoints to which a service sends its client on: it is to connect there instead.

use super::Ip;

/// Who sends a client on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Redirector {
    /// An Oracle listener, with a REDIRECT packet of TNS.
    Oracle,
    /// A node of a Redis cluster, with MOVED or ASK.
    Redis,
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
        for other in [&b"-MOVED 3999 :6381\r\n"[..], b"-ERR 1 10.80.0.21:1521\r\n", b"-MOVED", b""]
        {
            assert_eq!(redis(other), None);
        }
    }
}
