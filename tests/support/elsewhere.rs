//! A capture as it would be of the same traffic at other addresses: other networks, hosts and
//! numbers, the same sizes, times and faults. So two captures of one kind of host become one of a
//! host that does both.
//!
//! What is not read here (tunnels other than IPIP, IPv6 beyond one link, fragments) is not moved: then the whole
//! capture is left out.

use super::rewrite::Pcap;
use std::collections::HashMap;

pub type Mac = [u8; 6];

/// Added to sequence numbers, and to TCP timestamps.
const NUMBERS: u32 = 0x3a1f_5c77;
const STAMPS: u32 = 0x0123_4567;
/// Ports of tunnels, whose insides stay closed here: VXLAN, Geneve, GUE, FOU.
const TUNNELS: [u16; 5] = [4789, 8472, 6081, 6080, 5555];
/// Added to identifiers of virtual routers.
const ROUTERS: u8 = 100;

/// A number of as many digits, so that addresses in texts keep their lengths.
fn other(n: u8, from: u8, to: u8, by: u8) -> u8 {
    let span = u16::from(to - from) + 1;
    from + (u16::from(n - from) + u16::from(by)).rem_euclid(span) as u8
}

fn octet(n: u8) -> u8 {
    match n {
        0..=9 => other(n, 0, 9, 3),
        10..=99 => other(n, 10, 99, 31),
        _ => other(n, 100, 255, 53),
    }
}

fn address(ip: [u8; 4]) -> [u8; 4] {
    match ip {
        [0 | 127 | 224.., ..] | [169, 254, ..] | [168, 63, ..] => ip,
        [172, b @ 16..=31, c, d] => [172, other(b, 16, 31, 7), c, d],
        [192, 168, c, d] => [192, 168, octet(c), d],
        [a, b, c, d] => [a, octet(b), c, d],
    }
}

fn sum(bytes: &[u8]) -> u64 {
    let pair = |two: &[u8]| u64::from(two[0]) << 8 | u64::from(two.get(1).copied().unwrap_or(0));
    bytes.chunks(2).map(pair).sum()
}

/// The checksum at `at` after what was summed changed; a wrong one stays as wrong.
fn mend(bytes: &mut [u8], at: usize, before: u64, after: u64) {
    let Some(field) = bytes.get(at..at + 2) else { return };
    let old = u64::from(!u16::from_be_bytes([field[0], field[1]]));
    let new = (old + after % 0xffff + 0xffff - before % 0xffff) % 0xffff;
    bytes[at..at + 2].copy_from_slice(&(!(new as u16)).to_be_bytes());
}

fn add(bytes: &mut [u8], at: usize, by: u32) {
    if let Some(field) = bytes.get_mut(at..at + 4) {
        let n = u32::from_be_bytes(field.try_into().unwrap()).wrapping_add(by);
        field.copy_from_slice(&n.to_be_bytes());
    }
}

/// Where everything goes.
pub struct Elsewhere<'a> {
    /// MACs that become others, as those of the host itself do.
    pub macs: &'a HashMap<Mac, Mac>,
}

impl Elsewhere<'_> {
    /// Moves all frames; `None` where one is not read.
    pub fn moved(&self, pcap: &mut Pcap) -> Option<()> {
        let link = pcap.link();
        for record in &mut pcap.records {
            let data = &mut record.data;
            let (protocol, rest) = match link {
                1 => {
                    self.mac(data.get_mut(..6)?);
                    self.mac(data.get_mut(6..12)?);
                    (12, 14)
                }
                276 => {
                    self.mac(data.get_mut(12..18)?);
                    (0, 20)
                }
                _ => return None,
            };
            let protocol = u16::from_be_bytes(data.get(protocol..protocol + 2)?.try_into().ok()?);
            let rest = &mut data[rest..];
            match protocol {
                0x0800 => self.ipv4(rest)?,
                0x0806 => self.arp(rest)?,
                // What every host says on its link.
                0x86dd if rest.get(8)? & 0xfe == 0xfe || rest[8..24] == [0; 16] => {}
                _ => return None,
            }
        }
        Some(())
    }

    fn mac(&self, mac: &mut [u8]) {
        let known = <Mac>::try_from(&*mac).ok().and_then(|mac| self.macs.get(&mac));
        match (known, &*mac) {
            (Some(to), _) => mac.copy_from_slice(to),
            (None, [0, 0, 0x5e, 0, 1, _]) => mac[5] = mac[5].wrapping_add(ROUTERS),
            (None, [first, ..]) if first & 1 == 0 && *mac != [0; 6] => mac[4] ^= 0x5a,
            _ => {}
        }
    }

    fn arp(&self, arp: &mut [u8]) -> Option<()> {
        for at in [8, 18] {
            self.mac(arp.get_mut(at..at + 6)?);
            let ip = &mut arp[at + 6..at + 10];
            let to = address((&*ip).try_into().unwrap());
            ip.copy_from_slice(&to);
        }
        Some(())
    }

    fn ipv4(&self, ip: &mut [u8]) -> Option<()> {
        let header = usize::from(ip.first()? & 15) * 4;
        let length = usize::from(u16::from_be_bytes([*ip.get(2)?, *ip.get(3)?]));
        let fragment = u16::from_be_bytes([*ip.get(6)?, *ip.get(7)?]) & 0x3fff != 0;
        if fragment || length < header || ip.len() < header + 8 {
            return None;
        }
        let protocol = ip[9];
        let before = sum(&ip[12..20]);
        for at in [12, 16] {
            let to = address(ip[at..at + 4].try_into().unwrap());
            ip[at..at + 4].copy_from_slice(&to);
        }
        let after = sum(&ip[12..20]);
        mend(ip, 10, before, after);
        let end = length.min(ip.len());
        let whole = length - header;
        let body = &mut ip[header..end];
        let (was, pseudo) = (sum(body), u64::from(protocol) + whole as u64);
        let field = match protocol {
            6 => {
                tcp(body);
                16
            }
            17 if TUNNELS.contains(&u16::from_be_bytes([body[2], body[3]])) => return None,
            17 => 6,
            4 => return self.ipv4(body),
            1 => {
                if matches!(body[0], 3 | 11) {
                    self.ipv4(&mut body[8..])?;
                }
                2
            }
            2 => return Some(()),
            112 => {
                body[1] = body[1].wrapping_add(ROUTERS);
                for at in (0..usize::from(body[3])).map(|n| 8 + 4 * n) {
                    let to = address(body.get(at..at + 4)?.try_into().unwrap());
                    body[at..at + 4].copy_from_slice(&to);
                }
                6
            }
            _ => return None,
        };
        let sums = if matches!(protocol, 6 | 17) { (before, after) } else { (0, 0) };
        // A sum that the card is to make holds the addresses alone.
        let left = body.get(field..field + 2).map(|f| u64::from(f[0]) << 8 | u64::from(f[1]));
        if protocol == 6 && left.is_some_and(|left| left % 0xffff == (before + pseudo) % 0xffff) {
            body[field..field + 2]
                .copy_from_slice(&(((after + pseudo) % 0xffff) as u16).to_be_bytes());
        } else if protocol != 17 || left != Some(0) {
            mend(body, field, was + sums.0, sum(body) + sums.1);
        }
        Some(())
    }
}

fn tcp(tcp: &mut [u8]) {
    let flags = tcp.get(13).copied().unwrap_or(0x10);
    if flags & 0x14 != 0x04 || tcp[4..8] != [0; 4] {
        add(tcp, 4, NUMBERS);
    }
    if flags & 0x10 != 0 {
        add(tcp, 8, NUMBERS);
    }
    let end = tcp.get(12).map_or(0, |n| usize::from(n >> 4) * 4).min(tcp.len());
    let mut at = 20;
    while at + 1 < end && tcp[at] != 0 {
        match (tcp[at], usize::from(tcp[at + 1])) {
            (1, _) => at += 1,
            (_, 0 | 1) => break,
            (8, 10) if at + 10 <= end => {
                add(tcp, at + 2, STAMPS);
                if tcp[at + 6..at + 10] != [0; 4] {
                    add(tcp, at + 6, STAMPS);
                }
                at += 10;
            }
            (5, n) => {
                (at + 2..at + n).step_by(4).for_each(|block| add(tcp, block, NUMBERS));
                at += n;
            }
            (_, n) => at += n,
        }
    }
    if let Some(said) = tcp.get_mut(end..) {
        words(said);
    }
}

/// Addresses in what is said, and the random of a ClientHello.
fn words(said: &mut [u8]) {
    const PROXY: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
    if said.starts_with(PROXY) && said.len() >= 28 {
        for at in [16, 20] {
            let to = address(said[at..at + 4].try_into().unwrap());
            said[at..at + 4].copy_from_slice(&to);
        }
    }
    if said.len() > 43 && said[0] == 0x16 && said[5] == 1 {
        said[11..43].iter_mut().for_each(|byte| *byte ^= 0x5a);
    }
    let is_part = |byte: &u8| byte.is_ascii_digit() || *byte == b'.';
    let mut at = 0;
    while at < said.len() {
        let len = said[at..].iter().take_while(|byte| is_part(byte)).count();
        let text = std::str::from_utf8(&said[at..at + len]).unwrap();
        if let Ok(ip) = text.parse::<std::net::Ipv4Addr>() {
            let to = std::net::Ipv4Addr::from(address(ip.octets())).to_string();
            said[at..at + len].copy_from_slice(to.as_bytes());
        }
        at += len.max(1);
    }
}
