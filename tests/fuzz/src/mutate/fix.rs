//! Lengths and checksums made right, so that a change is not stopped at the first header.

/// Where the IP header of an Ethernet frame begins, behind tags.
pub(super) fn ip_at(data: &[u8]) -> Option<usize> {
    let mut at = 12;
    loop {
        match u16::from_be_bytes([*data.get(at)?, *data.get(at + 1)?]) {
            0x8100 | 0x88a8 => at += 4,
            0x0800 | 0x86dd => return Some(at + 2),
            _ => return None,
        }
    }
}

/// Where the transport header begins, and its protocol.
pub(super) fn transport_at(data: &[u8], ip: usize) -> Option<(usize, u8)> {
    match data.get(ip)? >> 4 {
        4 => Some((ip + usize::from(data[ip] & 15) * 4, *data.get(ip + 9)?)),
        6 => Some((ip + 40, *data.get(ip + 6)?)),
        _ => None,
    }
}

pub(super) fn is_v6(data: &[u8], ip: usize) -> bool {
    data.get(ip).is_some_and(|byte| byte >> 4 == 6)
}

/// Puts a number of two bytes where it fits.
pub(super) fn put(data: &mut [u8], at: usize, value: u16) {
    if let Some(place) = data.get_mut(at..at + 2) {
        place.copy_from_slice(&value.to_be_bytes());
    }
}

/// RFC 1071, going on from `sum`.
fn sum(data: &[u8], sum: u32) -> u32 {
    let words = data.chunks(2).map(|w| u32::from(w[0]) << 8 | u32::from(*w.get(1).unwrap_or(&0)));
    words.fold(sum, |all, word| (all + word & 0xffff) + (all + word >> 16))
}

fn folded(sum: u32) -> u16 {
    !((sum & 0xffff) + (sum >> 16)) as u16
}

pub(super) fn fix(data: &mut [u8]) {
    if let Some(ip) = ip_at(data) {
        packet(data, ip, 0);
    }
}

fn packet(data: &mut [u8], ip: usize, depth: u8) {
    let len = data.len();
    match data.get(ip).map(|byte| byte >> 4) {
        _ if depth > 4 => return,
        Some(4) if len >= ip + 20 => {
            let end = ip + usize::from(data[ip] & 15) * 4;
            if end < ip + 20 || end > len {
                return;
            }
            put(data, ip + 2, (len - ip).min(65_535) as u16);
            put(data, ip + 10, 0);
            let check = folded(sum(&data[ip..end], 0));
            put(data, ip + 10, check);
        }
        Some(6) if len >= ip + 40 => put(data, ip + 4, (len - ip - 40).min(65_535) as u16),
        _ => return,
    }
    let Some((at, protocol)) = transport_at(data, ip) else { return };
    match protocol {
        4 | 41 => packet(data, at, depth + 1),
        17 if len >= at + 8 => {
            put(data, at + 4, (len - at).min(65_535) as u16);
            put(data, at + 6, 0);
        }
        6 if len >= at + 20 => {
            put(data, at + 16, 0);
            let addresses = if is_v6(data, ip) { ip + 8..ip + 40 } else { ip + 12..ip + 20 };
            let pseudo = sum(&data[addresses], (len - at) as u32 + 6);
            let check = folded(sum(&data[at..], pseudo));
            put(data, at + 16, check);
        }
        _ => {}
    }
}
