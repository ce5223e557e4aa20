//! Servers to which an LDAP server refers its clients: a search result reference, or the referral of a result
//! (RFC 4511, sections 4.1.10 and 4.5.3).

use super::{Endpoint, FEW, Redirector, host_and_port};

/// Bytes that are read.
const MOST: usize = 4096;
/// A message: SEQUENCE, and in it the number of the request, INTEGER.
const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
/// Operations of a server that carry a reference or a result.
const ANSWERS: [u8; 10] = [0x61, 0x64, 0x65, 0x67, 0x69, 0x6b, 0x6d, 0x6f, 0x73, 0x78];
/// How references begin, and the ports that they mean without one.
const SCHEMES: [(&[u8], u16); 2] = [(b"ldap://", 389), (b"ldaps://", 636)];

/// The servers that a segment which begins with a message names.
pub(super) fn referrals(payload: &[u8]) -> Vec<Endpoint> {
    let read = &payload[..payload.len().min(MOST)];
    if !is_answer(read) {
        return Vec::new();
    }
    let mut found: Vec<Endpoint> = Vec::new();
    for (scheme, default) in SCHEMES {
        let starts = read.windows(scheme.len()).enumerate().filter(|(_, seen)| *seen == scheme);
        for (at, _) in starts {
            let end = |b: &u8| !b.is_ascii_graphic() || matches!(b, b'/' | b'?');
            let rest = &read[at + scheme.len()..];
            let Some(end) = rest.iter().position(end) else { continue };
            let named = std::str::from_utf8(&rest[..end]).ok();
            if let Some((host, port)) = named.and_then(|text| host_and_port(text, Some(default))) {
                found.push((Redirector::Ldap, host, port));
            }
        }
    }
    found.truncate(FEW);
    found
}

fn is_answer(payload: &[u8]) -> bool {
    let Some((&SEQUENCE, rest)) = payload.split_first() else { return false };
    let long = rest.first().is_some_and(|b| b & 0x80 != 0);
    let skip = if long { 1 + usize::from(rest[0] & 0x07) } else { 1 };
    let Some([INTEGER, len @ 1..=4, rest @ ..]) = rest.get(skip..) else { return false };
    rest.get(usize::from(*len)).is_some_and(|tag| ANSWERS.contains(tag))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::redirect::Host;
    use crate::wire::{Ip, dns};

    fn message(op: u8, url: &str) -> Vec<u8> {
        let value = [&[4, url.len() as u8][..], url.as_bytes()].concat();
        let op = [&[op, value.len() as u8][..], &value].concat();
        [&[SEQUENCE, op.len() as u8 + 3, INTEGER, 1, 2][..], &op].concat()
    }

    #[test]
    fn a_reference_names_a_server() {
        let ip = Host::Ip(Ip::v4([10, 77, 0, 12]));
        let read = |url: &str| referrals(&message(0x73, url)).first().copied();
        assert_eq!(read("ldap://10.77.0.12/dc=a"), Some((Redirector::Ldap, ip, 389)));
        assert_eq!(read("ldaps://10.77.0.12:3269/dc=a"), Some((Redirector::Ldap, ip, 3269)));
        let name = Host::Name(dns::digest_of("dc2.example.com"));
        assert_eq!(read("ldap://dc2.example.com/dc=a"), Some((Redirector::Ldap, name, 389)));
    }

    #[test]
    fn questions_and_other_bytes_name_nobody() {
        assert!(referrals(&message(0x63, "ldap://10.77.0.12/dc=a")).is_empty(), "a search");
        for other in [&b"0"[..], b"0123456789 ldap://10.77.0.12/", b"", &[0x30, 0x84]] {
            assert!(referrals(other).is_empty(), "{other:?}");
        }
    }
}
