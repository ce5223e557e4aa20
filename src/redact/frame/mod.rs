//! A frame without payload and with stand-ins for its addresses, of the same length.
//!
//! The new frame begins as zeros, and only what is understood is copied: what is not
//! known cannot leak. Lengths, sequence numbers and identifications stay, so that the
//! frame means what it meant. Checksums are carried over by what has changed under them
//! (RFC 1624), so that a right one stays right and a wrong one stays wrong, also where
//! the snapshot length cut the rest off. Of a fragmented datagram that cannot be: its
//! pieces are zeroed one by one, and the sum in the first one covers all.

mod address;
mod ip;
mod message;
mod payload;
mod shim;
mod sum;
mod transport;

use super::map::Map;
use crate::capture::LinkType;
use crate::wire::{self, Ip, Mac};

/// Who gives stand-ins.
pub(super) trait StandIns {
    /// For an address.
    fn ip(&mut self, ip: Ip) -> Ip;
    /// For a MAC.
    fn mac(&mut self, mac: Mac) -> Mac;
}

impl StandIns for Map {
    fn ip(&mut self, ip: Ip) -> Ip {
        Self::ip(self, ip)
    }

    fn mac(&mut self, mac: Mac) -> Mac {
        Self::mac(self, mac)
    }
}

/// Lets a map know the addresses of frames before it gives stand-ins.
pub(super) struct Noting<'a>(pub &'a mut Map);

impl StandIns for Noting<'_> {
    fn ip(&mut self, ip: Ip) -> Ip {
        self.0.note_ip(ip);
        ip
    }

    fn mac(&mut self, mac: Mac) -> Mac {
        self.0.note_mac(mac);
        mac
    }
}

/// Tunnels inside tunnels that are opened.
const MAX_DEPTH: u8 = 5;
/// VLAN tags that are opened.
const MAX_TAGS: usize = 4;

const IPV4: u16 = 0x0800;
const ARP: u16 = 0x0806;
const IPV6: u16 = 0x86dd;

/// The new frame.
pub(super) fn rewrite(with: &mut impl StandIns, link: LinkType, old: &[u8]) -> Vec<u8> {
    let mut new = vec![0; old.len()];
    let Ok((_, kind, at)) = wire::split_link(link, old) else { return new };
    let Some((header, rest)) = new.split_at_mut_checked(at) else { return new };
    header.copy_from_slice(&old[..at]);
    match link {
        LinkType::ETHERNET => macs(with, header),
        LinkType::LINUX_SLL => address(with, header, 5, 6),
        LinkType::LINUX_SLL2 => address(with, header, 11, 12),
        _ => {}
    }
    above(with, kind, &old[at..], rest, 0);
    new
}

/// Destination and source of an Ethernet header.
fn macs(with: &mut impl StandIns, header: &mut [u8]) {
    mac_at(with, header, 0);
    mac_at(with, header, 6);
}

/// The address of a cooked header: its length at `length`, eight bytes at `at`.
fn address(with: &mut impl StandIns, header: &mut [u8], length: usize, at: usize) {
    let is_mac = header.get(length) == Some(&6);
    let Some(bytes) = header.get_mut(at..at + 8) else { return };
    if is_mac {
        mac_at(with, bytes, 0);
        bytes[6..].fill(0);
    } else {
        bytes.fill(0);
    }
}

fn mac_at(with: &mut impl StandIns, bytes: &mut [u8], at: usize) {
    if let Some(bytes) = bytes.get_mut(at..at + 6)
        && let Some(mac) = Mac::from_slice(bytes)
    {
        bytes.copy_from_slice(&with.mac(mac).0);
    }
}

/// Copies `len` bytes, as far as they are there; `false` where some are not.
fn copy(old: &[u8], new: &mut [u8], at: usize, len: usize) -> bool {
    let end = (at + len).min(old.len()).min(new.len());
    if let (Some(old), Some(new)) = (old.get(at..end), new.get_mut(at..end)) {
        new.copy_from_slice(old);
    }
    at + len <= old.len()
}

fn ethernet(with: &mut impl StandIns, old: &[u8], new: &mut [u8], depth: u8) {
    if !copy(old, new, 0, 14) {
        new.fill(0);
        return;
    }
    macs(with, new);
    let kind = u16::from_be_bytes([old[12], old[13]]);
    above(with, kind, &old[14..], &mut new[14..], depth);
}

/// What is above a link header: tags, then ARP or IP; all else stays zeros.
fn above(with: &mut impl StandIns, kind: u16, old: &[u8], new: &mut [u8], depth: u8) {
    let (mut kind, mut at) = (kind, 0);
    for _ in 0..MAX_TAGS {
        if !matches!(kind, 0x8100 | 0x88a8 | 0x9100) {
            break;
        }
        if !copy(old, new, at, 4) {
            return;
        }
        kind = u16::from_be_bytes([old[at + 2], old[at + 3]]);
        at += 4;
    }
    let (old, new) = (&old[at..], &mut new[at..]);
    let (kind, at) = shim::step_over(kind, old, new);
    let (old, new) = (&old[at..], &mut new[at..]);
    match kind {
        IPV4 | IPV6 => packet(with, old, new, depth),
        ARP => arp(with, old, new),
        _ => {}
    }
}

/// A packet of either version.
fn packet(with: &mut impl StandIns, old: &[u8], new: &mut [u8], depth: u8) {
    match old.first().map(|byte| byte >> 4) {
        _ if depth > MAX_DEPTH => {}
        Some(4) => ip::v4(with, old, new, depth),
        Some(6) => ip::v6(with, old, new, depth),
        _ => {}
    }
}

/// ARP for IPv4 over Ethernet (RFC 826).
fn arp(with: &mut impl StandIns, old: &[u8], new: &mut [u8]) {
    if old.get(2..6) != Some(&[8, 0, 6, 4]) {
        return;
    }
    if !copy(old, new, 0, 28) {
        new.fill(0);
        return;
    }
    for at in [8, 18] {
        mac_at(with, new, at);
    }
    for at in [14, 24] {
        address::v4_at(with, new, at);
    }
}

#[cfg(test)]
mod tests;
