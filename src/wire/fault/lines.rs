//! Errors in protocols of lines of text.

use super::codes::{REDIS, SSH};

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
