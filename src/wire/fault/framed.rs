//! Errors in protocols whose messages begin with their own length, so that no first byte tells them: MySQL and MongoDB.
//!
//! A segment that is one such message begins with the low byte of its length, which is all that is asked of most.

use super::Service;
use super::codes::{MONGODB, MYSQL};

/// What precedes the content of a packet of MySQL: its length in three bytes and a number (client/server protocol,
/// "MySQL Packets").
const MYSQL_HEADER: usize = 4;
/// What an error of MySQL begins with (ERR_Packet).
const ERROR: u8 = 0xff;
/// Its errors about bytes that are no packets of its protocol: bad handshake, packets out of order (MySQL server error
/// reference).
const NOT_ITS_PROTOCOL: [u16; 2] = [1043, 1156];
/// What precedes the body of a message of MongoDB (Wire Protocol, "Standard Message Header"), and the flags and the
/// kind of section behind it (OP_MSG).
const MONGODB_HEADER: usize = 16;
const MONGODB_BODY: usize = MONGODB_HEADER + 5;
const OP_MSG: [u8; 4] = 2013_u32.to_le_bytes();

/// Whether a segment that begins so, and is so long, may be one such message.
#[inline(always)]
#[must_use]
pub fn may_be(first: u8, len: u32) -> bool {
    first == len as u8 || first == (len as u8).wrapping_sub(MYSQL_HEADER as u8)
}

/// What such a message says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framed {
    /// That the service does not do what it was asked.
    Fault(Service, u16),
    /// That it did (MongoDB).
    Done,
    /// That it does not understand what it was sent (MySQL).
    Unclear,
}

/// Reads a segment that is one message of a server; `len`: its bytes on the wire, of which a capture may have fewer.
#[must_use]
pub fn of_message(payload: &[u8], len: u32) -> Option<Framed> {
    if payload.get(MYSQL_HEADER) == Some(&ERROR) {
        return mysql(payload, len);
    }
    let answers = payload.get(12..MONGODB_HEADER) == Some(&OP_MSG) && payload[8..12] != [0; 4];
    if answers { mongodb(payload, len) } else { None }
}

/// An error after the greeting, which is number 0 and read elsewhere.
fn mysql(payload: &[u8], wire: u32) -> Option<Framed> {
    let [a, b, c, 1..=u8::MAX, ERROR, lo, hi, b'#', _, _, _, _, _, text @ ..] = payload else {
        return None;
    };
    let len = u32::from(*a) | u32::from(*b) << 8 | u32::from(*c) << 16;
    if len + MYSQL_HEADER as u32 != wire || text.iter().any(u8::is_ascii_control) {
        return None;
    }
    let code = u16::from_le_bytes([*lo, *hi]);
    let says = |word: &str| {
        word.is_empty() || text.windows(word.len()).any(|seen| seen == word.as_bytes())
    };
    if NOT_ITS_PROTOCOL.contains(&code) {
        return Some(Framed::Unclear);
    }
    let mut known = MYSQL.iter().filter(|(known, word, _)| *known == code && says(word));
    known.next().map(|(known, ..)| Framed::Fault(Service::MySql, *known))
}

/// The fields `ok` and `code` of the document that a message of MongoDB carries.
fn mongodb(payload: &[u8], wire: u32) -> Option<Framed> {
    let len = payload.get(..4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]))?;
    let whole = len == wire && payload.get(MONGODB_BODY - 1) == Some(&0);
    let mut rest = payload.get(MONGODB_BODY + 4..).filter(|_| whole)?;
    let (mut ok, mut code) = (None, None);
    while let [kind @ 1..=u8::MAX, after @ ..] = rest {
        let Some(end) = after.iter().position(|byte| *byte == 0) else { break };
        let (name, value) = (&after[..end], &after[end + 1..]);
        match (name, *kind) {
            (b"ok", 1) => ok = value.get(..8).map(|v| v.iter().any(|byte| *byte != 0)),
            (b"code", 0x10) => code = value.get(..2).map(|v| u16::from_le_bytes([v[0], v[1]])),
            _ => {}
        }
        let Some(next) = size(*kind, value).and_then(|size| value.get(size..)) else { break };
        rest = next;
    }
    match (ok?, code) {
        (true, _) => Some(Framed::Done),
        (false, code) => {
            let known = MONGODB.iter().find(|(known, _)| Some(*known) == code);
            known.map(|(code, _)| Framed::Fault(Service::MongoDb, *code))
        }
    }
}

/// Bytes of a value of BSON, by its kind (bsonspec.org, version 1.1).
fn size(kind: u8, value: &[u8]) -> Option<usize> {
    let told = || {
        let len = value.get(..4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]))?;
        Some(len as usize)
    };
    match kind {
        1 | 9 | 0x11 | 0x12 => Some(8),
        2 => Some(told()? + 4),
        3 | 4 => told(),
        5 => Some(told()? + 5),
        7 => Some(12),
        8 => Some(1),
        0x0a => Some(0),
        0x10 => Some(4),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(number: u8, code: u16, text: &str) -> Vec<u8> {
        let code = code.to_le_bytes();
        let content = [&[ERROR, code[0], code[1]][..], b"#28000", text.as_bytes()].concat();
        [&[content.len() as u8, 0, 0, number][..], &content].concat()
    }

    fn message(fields: &[u8]) -> Vec<u8> {
        let len = (MONGODB_BODY + 4 + fields.len() + 1) as u32;
        let size = (fields.len() as u32 + 5).to_le_bytes();
        let head = [&len.to_le_bytes()[..], &[9, 0, 0, 0, 1, 0, 0, 0], &OP_MSG, &[0; 5]].concat();
        [&head[..], &size, fields, &[0]].concat()
    }

    fn of(payload: &[u8]) -> Option<Framed> {
        of_message(payload, payload.len() as u32)
    }

    #[test]
    fn what_mysql_says_after_its_greeting_is_read() {
        let denied = error(2, 1045, "Access denied for user 'app'@'192.0.2.1'");
        assert!(may_be(denied[0], denied.len() as u32));
        assert_eq!(of(&denied), Some(Framed::Fault(Service::MySql, 1045)));
        let galera = error(1, 1047, "WSREP has not yet prepared node for application use");
        assert_eq!(of(&galera), Some(Framed::Fault(Service::MySql, 1047)));
        assert_eq!(of_message(&denied[..20], denied.len() as u32), of(&denied));
        assert_eq!(of(&error(1, 1156, "Got packets out of order")), Some(Framed::Unclear));
        let mut short = denied.clone();
        short.pop();
        for other in [
            error(0, 1045, "a greeting"),
            error(1, 1047, "Unknown command"),
            error(1, 1062, "Duplicate entry"),
            short,
            vec![7, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0],
        ] {
            assert_eq!(of(&other), None, "{other:?}");
        }
    }

    #[test]
    fn what_mongodb_answers_is_read() {
        let no = b"\x01ok\0\0\0\0\0\0\0\0\0\x02errmsg\0\x03\0\0\0no\0\x10code\0\x7b\x27\0\0";
        let primary = message(no);
        assert!(may_be(primary[0], primary.len() as u32));
        assert_eq!(of(&primary), Some(Framed::Fault(Service::MongoDb, 10107)));
        let done = message(b"\x10n\0\x01\0\0\0\x01ok\0\0\0\0\0\0\0\xf0\x3f");
        assert_eq!(of(&done), Some(Framed::Done));
        let twice = message(b"\x01ok\0\0\0\0\0\0\0\0\0\x10code\0\xf8\x2a\0\0");
        assert_eq!(of(&twice), None, "11000, a key that is there");
        let mut asks = done;
        asks[8..12].fill(0);
        assert_eq!(of(&asks), None);
    }
}
