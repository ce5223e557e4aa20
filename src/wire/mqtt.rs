//! What a client of MQTT says first, and no more of it than one number.

/// The seconds for which a client says that it may be silent (MQTT 3.1.1, section 3.1.2.10; MQTT 5.0, likewise): after half
/// as long again the broker ends its session. `None`: it sets no limit, or this is no CONNECT.
#[must_use]
pub fn keep_alive(payload: &[u8]) -> Option<u16> {
    let [0x10, rest @ ..] = payload else { return None };
    // The length that remains takes one to four bytes.
    let len = rest.iter().take(4).position(|byte| byte & 0x80 == 0)? + 1;
    let content = rest.get(len..)?;
    let named = content.strip_prefix(b"\0\x04MQTT").or(content.strip_prefix(b"\0\x06MQIsdp"))?;
    let [3..=5, _, a, b, ..] = *named else { return None };
    Some(u16::from_be_bytes([a, b])).filter(|seconds| *seconds > 0)
}

#[cfg(test)]
mod tests {
    use super::keep_alive;

    #[test]
    fn what_a_client_announces_is_read() {
        let connect = |seconds: u8| {
            [&[0x10, 16, 0, 4][..], b"MQTT", &[4, 2, 0, seconds, 0, 4], b"dev1"].concat()
        };
        assert_eq!(keep_alive(&connect(60)), Some(60));
        assert_eq!(keep_alive(&connect(0)), None);
        assert_eq!(keep_alive(&connect(60)[..11]), None, "cut");
        assert_eq!(keep_alive(b"\x10\x90\x01\0\x04MQTT\x05\x02\x01\x2c"), Some(300));
        assert_eq!(keep_alive(b"\x20\x02\0\0"), None);
    }
}
