//! Ends of connections as a user writes them, for the options that choose.
//!
//! Refuses what no host can have, as `role` does.

use super::role;
use lbdiag::report::End;
use lbdiag::topology::Who;
use lbdiag::wire::Ip;
use std::net::{IpAddr, SocketAddr};

/// `IP` or `IP:PORT`; `[IP]:PORT` for IPv6.
pub(crate) fn end(text: &str) -> Result<End, String> {
    let end = split(text).ok_or_else(|| {
        "not an address (198.51.100.7, 198.51.100.7:40112, [2001:db8::7]:40112)".to_owned()
    })?;
    if end.ip.is_host() { Ok(end) } else { Err("this address belongs to no single host".into()) }
}

/// `IP`, `IP:PORT` or a MAC.
pub(crate) fn server(text: &str) -> Result<(Who, Option<u16>), String> {
    match split(text) {
        Some(_) => end(text).map(|end| (Who::Ip(end.ip), end.port)),
        None => role::who(text).map(|who| (who, None)),
    }
}

fn split(text: &str) -> Option<End> {
    if let Ok(socket) = text.parse::<SocketAddr>() {
        return Some(End { ip: Ip::from(socket.ip()), port: Some(socket.port()) });
    }
    let bare = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')).unwrap_or(text);
    let ip = bare.parse::<IpAddr>().ok()?;
    Some(End { ip: Ip::from(ip), port: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_have_a_port_or_none() {
        let port = |text| end(text).unwrap().port;
        assert_eq!(port("198.51.100.7"), None);
        assert_eq!(port("198.51.100.7:443"), Some(443));
        assert_eq!(port("2001:db8::7"), None);
        assert_eq!(port("[2001:db8::7]"), None);
        assert_eq!(port("[2001:db8::7]:443"), Some(443));
        for wrong in ["", "web1", "198.51.100.7:x", "198.51.100.0/24", "255.255.255.255", "a.pcap"]
        {
            assert!(end(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn servers_may_be_named_by_mac() {
        assert!(matches!(server("52:54:00:0d:47:99"), Ok((Who::Mac(_), None))));
        assert!(matches!(server("10.0.0.12:80"), Ok((Who::Ip(_), Some(80)))));
        assert!(server("lb1").is_err());
    }
}
