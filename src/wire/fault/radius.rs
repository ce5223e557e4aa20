//! Answers of RADIUS to requests for access (RFC 2865).

use super::codes::ACCESS_REJECT;

/// Ports of RADIUS (RFC 2865, section 3, and the one before it).
const PORTS: [u16; 2] = [1812, 1645];
/// Access-Accept (section 4.2).
const ACCESS_ACCEPT: u8 = 2;
/// Code, identifier, length and authenticator (section 3).
const HEADER: usize = 20;

/// Whether a datagram from a port of RADIUS may say whether somebody is let in.
#[inline]
#[must_use]
pub fn is_access(port: u16, payload: &[u8]) -> bool {
    PORTS.contains(&port) && matches!(payload.first(), Some(2 | 3))
}

/// Whether a server lets its asker in; `None` where it is no such answer, as a question for more is not.
#[must_use]
pub fn of_radius(payload: &[u8]) -> Option<bool> {
    let len = payload.get(2..4).map(|b| usize::from(u16::from_be_bytes([b[0], b[1]])))?;
    let fits = (HEADER..=payload.len()).contains(&len);
    match *payload.first().filter(|_| fits)? {
        ACCESS_ACCEPT => Some(true),
        code if u16::from(code) == ACCESS_REJECT => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_let_in_is_told_from_who_is_not() {
        let answer = |code: u8| [&[code, 7, 0, 20][..], &[9; 16]].concat();
        assert_eq!(of_radius(&answer(2)), Some(true));
        assert_eq!(of_radius(&answer(3)), Some(false));
        assert_eq!(of_radius(&answer(11)), None, "a challenge");
        assert_eq!(of_radius(&answer(3)[..19]), None);
        assert!(is_access(1812, &answer(3)) && !is_access(53, &answer(3)));
    }
}
