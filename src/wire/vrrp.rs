//! VRRP advertisements, versions 2 and 3 (RFC 3768, RFC 5798).

/// One advertisement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vrrp {
    /// 2 or 3.
    pub version: u8,
    /// Virtual router identifier.
    pub vrid: u8,
    /// Priority; 0 when the master resigns.
    pub priority: u8,
    /// Advertised addresses.
    pub addresses: u8,
    /// Interval between advertisements, in centiseconds.
    pub interval_cs: u16,
}

pub(super) fn decode(bytes: &[u8]) -> Option<Vrrp> {
    let header = bytes.first_chunk::<8>()?;
    let version = header[0] >> 4;
    if !(2..=3).contains(&version) || header[0] & 0x0f != 1 {
        return None;
    }
    Some(Vrrp {
        version,
        vrid: header[1],
        priority: header[2],
        addresses: header[3],
        interval_cs: if version == 2 {
            u16::from(header[5]) * 100
        } else {
            u16::from_be_bytes([header[4] & 0x0f, header[5]])
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interval_is_centiseconds_in_both_versions() {
        assert_eq!(decode(&[0x21, 51, 100, 1, 0, 1, 0, 0]).map(|v| v.interval_cs), Some(100));
        assert_eq!(decode(&[0x31, 51, 100, 1, 0, 100, 0, 0]).map(|v| v.interval_cs), Some(100));
        assert_eq!(decode(&[0x31, 51, 100]), None);
        assert_eq!(decode(&[0x22, 51, 100, 1, 0, 1, 0, 0]), None);
    }
}
