//! Endpoints for data that an FTP control connection names, and no more of it.

use super::Ip;

/// The endpoint that a server names in its answer to PASV (RFC 959, section 4.1.2):
/// `227 Entering Passive Mode (h1,h2,h3,h4,p1,p2)`. Servers leave the words out, not the
/// parentheses (RFC 1123, section 4.1.2.6, reads without them; such answers are not known).
#[must_use]
pub fn passive(payload: &[u8]) -> Option<(Ip, u16)> {
    let rest = payload.strip_prefix(b"227 ")?;
    let line = rest.split(|b| *b == b'\r' || *b == b'\n').next()?;
    let open = line.iter().position(|b| *b == b'(')?;
    let inside = line[open + 1..].split(|b| *b == b')').next()?;
    endpoint(inside)
}

/// The endpoint that a client names with PORT (RFC 959, section 4.1.2).
#[must_use]
pub fn active(payload: &[u8]) -> Option<(Ip, u16)> {
    let rest = payload.strip_prefix(b"PORT ")?;
    endpoint(rest.split(|b| *b == b'\r' || *b == b'\n').next()?)
}

/// Six numbers of a byte each, with commas between them.
fn endpoint(text: &[u8]) -> Option<(Ip, u16)> {
    let text = std::str::from_utf8(text).ok()?;
    let mut numbers = text.split(',').map(|number| number.trim().parse::<u8>().ok());
    let mut next = || numbers.next().flatten();
    let ip = [next()?, next()?, next()?, next()?];
    let port = u16::from_be_bytes([next()?, next()?]);
    numbers.next().is_none().then_some((Ip::v4(ip), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_endpoint_is_read_in_both_directions() {
        let named = Some((Ip::v4([10, 20, 0, 11]), 40006));
        assert_eq!(passive(b"227 Entering Passive Mode (10,20,0,11,156,70).\r\n"), named);
        assert_eq!(passive(b"227 (10,20,0,11,156,70)\r\n"), named);
        assert_eq!(active(b"PORT 10,20,0,11,156,70\r\n"), named);
    }

    #[test]
    fn what_is_no_endpoint_is_none() {
        for text in ["227 Entering Passive Mode (10,20,0,11,156,270).\r\n", "227 (1,2,3,4,5)\r\n"] {
            assert_eq!(passive(text.as_bytes()), None, "{text}");
        }
        assert_eq!(passive(b"227 Entering Passive Mode (10,20,0,1"), None);
        assert_eq!(passive(b"226 Transfer complete (1,2,3,4,5,6)\r\n"), None);
        assert_eq!(active(b"PORT 1,2,3,4,5,6,7\r\n"), None);
        assert_eq!(active(b"POST /a HTTP/1.1\r\n"), None);
    }
}
