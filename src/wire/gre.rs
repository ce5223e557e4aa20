//! GRE (RFC 2784, RFC 2890) and the mirrors that travel in it: ERSPAN types I,
//! II and III (draft-foschiano-erspan).
//!
//! Refused: version 1, which is PPTP's (RFC 2637), source routes (RFC 1701), and
//! whatever is neither IP nor Ethernet inside.

use super::Tunnel;
use super::inside::{Inside, Shut};

const CHECKSUM: u8 = 0x80;
const KEY: u8 = 0x20;
const SEQUENCE: u8 = 0x10;
/// Bits 1, 4 and 5: a receiver must discard what has them (RFC 2784, section 2.3).
const REFUSED: u8 = 0x4c;

/// The least key whose upper 24 bits are NVGRE's network (RFC 7637, section 3.2).
const FIRST_NVGRE_KEY: u32 = 0x1000 << 8;

/// What GRE carries.
pub(super) fn header(bytes: &[u8]) -> Result<Inside<'_>, Shut> {
    let [flags, version, hi, lo] = *bytes.first_chunk::<4>().ok_or(Shut::Cut)?;
    if flags & REFUSED != 0 || version & 7 != 0 {
        return Err(Shut::Closed);
    }
    let mut rest = &bytes[4..];
    if flags & CHECKSUM != 0 {
        rest = rest.get(4..).ok_or(Shut::Cut)?;
    }
    let mut key = None;
    if flags & KEY != 0 {
        key = Some(u32::from_be_bytes(*rest.first_chunk().ok_or(Shut::Cut)?));
        rest = &rest[4..];
    }
    if flags & SEQUENCE != 0 {
        rest = rest.get(4..).ok_or(Shut::Cut)?;
    }
    match u16::from_be_bytes([hi, lo]) {
        0x0800 => Inside::packet(Tunnel::Gre, key, 4, rest),
        0x86dd => Inside::packet(Tunnel::Gre, key, 6, rest),
        0x6558 => Ok(Inside::frame(Some(Tunnel::GreTap), key.map(network), rest)),
        // ERSPAN type I is a bare frame and has no sequence number.
        0x88be if flags & SEQUENCE == 0 => Ok(Inside::frame(None, None, rest)),
        0x88be => erspan2(rest),
        0x22eb => erspan3(rest),
        _ => Err(Shut::Closed),
    }
}

/// NVGRE spreads flows by the lowest eight bits, which differ between the two
/// directions of a connection.
fn network(key: u32) -> u32 {
    if key >= FIRST_NVGRE_KEY { key >> 8 } else { key }
}

/// ERSPAN type II: eight bytes, version 1, then the frame.
fn erspan2(bytes: &[u8]) -> Result<Inside<'_>, Shut> {
    let header = bytes.first_chunk::<8>().ok_or(Shut::Cut)?;
    if header[0] >> 4 != 1 {
        return Err(Shut::Closed);
    }
    Ok(Inside::frame(None, None, &bytes[8..]))
}

/// ERSPAN type III: twelve bytes, version 2, eight more where the last bit says
/// so, then the frame (frame type 0). Mirrored IP without a link header (frame
/// type 2) has no MACs to go by and stays closed.
fn erspan3(bytes: &[u8]) -> Result<Inside<'_>, Shut> {
    let header = bytes.first_chunk::<12>().ok_or(Shut::Cut)?;
    let frame_type = header[10] >> 2 & 0x1f;
    if header[0] >> 4 != 2 || frame_type != 0 {
        return Err(Shut::Closed);
    }
    let len = if header[11] & 1 == 0 { 12 } else { 20 };
    Ok(Inside::frame(None, None, bytes.get(len..).ok_or(Shut::Cut)?))
}
