//! Errors in protocols of lines of text.

use super::Service;
use super::codes::{LOGIN_FAILED, REDIS, SSH};

/// Reads the line that OpenSSH says and closes upon, where its version is due (RFC 4253, section 4.2;
/// `drop_connection` in sshd.c). Of other lines the version may follow.
pub(super) fn ssh(payload: &[u8]) -> Option<u16> {
    let line = payload.strip_suffix(b"\r\n")?;
    SSH.iter().find(|(said, ..)| said.as_bytes() == line).map(|(_, code, _)| *code)
}

/// Reads a reply of SMTP that blames the mail system (RFC 3463, section 3.4, 4.3.x): no room, no lookup, going down.
/// What a greylist or a limit for one client says has another number.
pub(super) fn smtp(payload: &[u8]) -> Option<u16> {
    let [b'4', b @ (b'2' | b'3' | b'5'), c @ b'0'..=b'9', b' ', b'4', b'.', b'3', b'.', ..] =
        payload
    else {
        return None;
    };
    Some(400 + u16::from(b - b'0') * 10 + u16::from(c - b'0'))
}

/// Reads an error of Redis by its first word.
pub(super) fn redis(payload: &[u8]) -> Option<u16> {
    let said = payload.get(1..)?;
    let whole = |name: &str| {
        let after = said.strip_prefix(name.as_bytes());
        after.is_some_and(|after| matches!(after.first(), Some(b' ' | b'\r')))
    };
    REDIS.iter().find(|(name, ..)| whole(name)).map(|(_, code, _)| *code)
}

/// Reads a reply of SMTP or FTP that does not let its asker in: of FTP 530 (RFC 959, section 4.2.2), of SMTP 530 and 535
/// (RFC 4954, section 6) and what is refused for a policy (RFC 3463, section 3.8, 5.7.x), such as to relay.
pub(super) fn reply(payload: &[u8]) -> Option<u16> {
    match payload {
        [b'5', b'3', c @ (b'0' | b'5'), b' ' | b'-', ..] => Some(530 + u16::from(c - b'0')),
        [b'5', b'5', c @ (b'0' | b'3' | b'4'), b' ', b'5', b'.', b'7', b'.', ..] => {
            Some(550 + u16::from(c - b'0'))
        }
        _ => None,
    }
}

/// Whether a reply of SMTP or FTP serves its asker: it lets him in (230, 235), or takes a recipient (250 2.1.5).
#[must_use]
pub fn serves(payload: &[u8]) -> bool {
    [&b"230 "[..], b"230-", b"235 ", b"250 2.1.5"].iter().any(|head| payload.starts_with(head))
}

/// Bytes of a tag of IMAP at most that are looked at. Judgement: clients count, with a letter or two before.
const TAG: usize = 16;

/// Reads an answer of IMAP or POP3 that turns a login down.
pub(super) fn login(payload: &[u8]) -> Option<(Service, u16)> {
    if payload.starts_with(b"-ERR [AUTH]") {
        return Some((Service::Pop3, LOGIN_FAILED));
    }
    let space = payload.iter().take(TAG).position(|byte| *byte == b' ')?;
    let no = payload[space..].starts_with(b" NO [AUTHENTICATIONFAILED]");
    no.then_some((Service::Imap, LOGIN_FAILED))
}

/// Whether a server says that it does not understand a line: SMTP and FTP (RFC 5321, section 4.2.3; RFC 959, section
/// 4.2.2), IMAP (RFC 9051, section 7.1.3), POP3 and Redis.
#[must_use]
pub fn is_not_understood(payload: &[u8]) -> bool {
    let mail = matches!(payload, [b'5', b'0', b'0'..=b'3', b' ' | b'-', ..]);
    mail || [&b"-ERR "[..], b"* BAD ", b"PROXY BAD "].iter().any(|head| payload.starts_with(head))
}
