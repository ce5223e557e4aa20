//! Members that a MongoDB replica set names to its clients, in the answer to `hello` or `isMaster` with which a
//! driver begins (MongoDB wire protocol; server discovery and monitoring specification): a driver drops the
//! address that it was given, and dials these.

use super::{Endpoint, FEW, Redirector, host_and_port};

/// Length of a message's header, and where its operation stands.
const HEADER: usize = 16;
const OPERATION: usize = 12;
/// OP_REPLY and OP_MSG.
const ANSWERS: [u32; 2] = [1, 2013];
/// Bytes that are read: an answer to `hello` is shorter.
const MOST: usize = 4096;
/// The array of members, as BSON begins it.
const HOSTS: &[u8] = b"\x04hosts\0";
/// A string of BSON.
const STRING: u8 = 2;

/// The members in the first words of a server.
pub(super) fn members(payload: &[u8]) -> Vec<Endpoint> {
    read(payload).unwrap_or_default()
}

fn read(payload: &[u8]) -> Option<Vec<Endpoint>> {
    let word = |at: usize| payload.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes);
    let len = word(0)? as usize;
    let answer = ANSWERS.contains(&word(OPERATION)?);
    if !answer || len < payload.len() || payload.len() < HEADER {
        return None;
    }
    let body = &payload[HEADER..payload.len().min(MOST)];
    let at = body.windows(HOSTS.len()).position(|seen| seen == HOSTS)?;
    // Its own length, and then its elements: a type, a number as the name, and the value.
    let mut rest = body.get(at + HOSTS.len() + 4..)?;
    let mut found = Vec::new();
    while found.len() < FEW && rest.first() == Some(&STRING) {
        let name = rest.iter().position(|b| *b == 0)?;
        let (len, text) = rest.get(name + 1..)?.split_first_chunk()?;
        let len = u32::from_le_bytes(*len) as usize;
        let text_of = std::str::from_utf8(text.get(..len.checked_sub(1)?)?).ok()?;
        let (host, port) = host_and_port(text_of, None)?;
        found.push((Redirector::MongoDb, host, port));
        rest = text.get(len..)?;
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::redirect::Host;
    use crate::wire::{Ip, dns};

    fn answer(operation: u32, hosts: &[&str]) -> Vec<u8> {
        let mut body = vec![0; 20];
        body.extend(HOSTS);
        body.extend([9, 0, 0, 0]);
        for (n, host) in hosts.iter().enumerate() {
            body.extend([STRING, b'0' + n as u8, 0]);
            body.extend((host.len() as u32 + 1).to_le_bytes());
            body.extend(host.as_bytes());
            body.push(0);
        }
        body.extend(b"\0\x02setName\0\x04\0\0\0rs0\0\0");
        let len = (HEADER + body.len()) as u32;
        [&len.to_le_bytes()[..], &[9, 0, 0, 0, 1, 0, 0, 0], &operation.to_le_bytes(), &body]
            .concat()
    }

    #[test]
    fn members_are_read_and_anything_else_is_none() {
        let hosts = ["10.244.1.17:27017", "mongo-1.mongo:27018"];
        let told = [
            (Redirector::MongoDb, Host::Ip(Ip::v4([10, 244, 1, 17])), 27017),
            (Redirector::MongoDb, Host::Name(dns::digest_of("mongo-1.mongo")), 27018),
        ];
        assert_eq!(members(&answer(1, &hosts)), told);
        assert_eq!(members(&answer(2013, &hosts)), told);
        assert!(members(&answer(2004, &hosts)).is_empty(), "a question");
        assert!(members(&answer(1, &[])).is_empty());
        assert!(members(&answer(1, &hosts)[..60]).is_empty(), "cut");
        assert!(members(b"").is_empty());
    }
}
