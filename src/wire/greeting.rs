//! First words of servers that speak first, where these are errors, and no more of them.

/// The code of an error with which a server greets: of MySQL an error packet numbered 0 (client/server
/// protocol, ERR_Packet), of SMTP and FTP a reply of the 400s or 500s (RFC 5321, section 4.2.1; RFC 959,
/// section 4.2).
#[must_use]
pub fn refusal(payload: &[u8]) -> Option<u16> {
    match payload {
        [a, b, c, 0, 0xff, lo, hi, rest @ ..] => {
            let len = usize::from(*a) | usize::from(*b) << 8 | usize::from(*c) << 16;
            let code = u16::from_le_bytes([*lo, *hi]);
            let text = rest.iter().all(|byte| !byte.is_ascii_control());
            (len == rest.len() + 3 && text && (1000..5000).contains(&code)).then_some(code)
        }
        [a @ (b'4' | b'5'), b @ b'0'..=b'5', c @ b'0'..=b'9', b' ' | b'-', rest @ ..] => {
            let line = rest.ends_with(b"\r\n");
            let digit = |byte: &u8| u16::from(byte - b'0');
            line.then(|| digit(a) * 100 + digit(b) * 10 + digit(c))
        }
        _ => None,
    }
}

/// What a code says, where it says more than that it is an error.
#[must_use]
pub fn meaning(code: u16) -> &'static str {
    match code {
        1040 => "MySQL, too many connections",
        1129 => "MySQL, this host is blocked because of many connection errors",
        1130 => "MySQL, this host is not allowed to connect",
        1000..5000 => "MySQL",
        421 => "the service is not available",
        450..500 => "a temporary refusal",
        554 => "no service for this caller",
        _ => "a refusal",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(code: u16, text: &[u8]) -> Vec<u8> {
        let mut packet = vec![text.len() as u8 + 3, 0, 0, 0, 0xff];
        packet.extend(code.to_le_bytes());
        packet.extend(text);
        packet
    }

    #[test]
    fn errors_are_read_and_greetings_are_not() {
        assert_eq!(refusal(&error(1129, b"Host 'lb' is blocked")), Some(1129));
        assert_eq!(refusal(b"421 too busy\r\n"), Some(421));
        assert_eq!(refusal(b"554-no\r\n554 service\r\n"), Some(554));
        let mut cut = error(1129, b"Host 'lb' is blocked");
        cut.pop();
        let mut second = error(1129, b"Host");
        second[3] = 1;
        let greeting = [&[10, 0, 0, 0, 10][..], b"8.0.36\0"].concat();
        for other in [
            &cut[..],
            &second,
            &error(7, b"Host"),
            &greeting,
            b"220 ready\r\n",
            b"554 cut",
            b"4000 items\r\n",
            b"",
        ] {
            assert_eq!(refusal(other), None, "{other:?}");
        }
    }
}
