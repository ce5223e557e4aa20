//! Overlays in UDP: VXLAN (RFC 7348) and Geneve (RFC 8926).
//!
//! Reserved bits that a sender must leave 0 have to be 0 here: the ports are
//! used by others too. Refused: Geneve's control packets, VXLAN-GPE.

use super::Tunnel;
use super::inside::{Inside, Shut};

/// The assigned port, and the one that Linux took before (flannel still does).
pub(super) const VXLAN_PORTS: [u16; 2] = [4789, 8472];
/// The assigned port (RFC 8926, section 3.3).
pub(super) const GENEVE_PORT: u16 = 6081;

/// VXLAN's flag "the network identifier is valid", and that of a group policy
/// (draft-smith-vxlan-group-policy), whose sixteen bits are then in use.
const VALID: u8 = 0x08;
const POLICY: u8 = 0x80;

/// What VXLAN carries.
pub(super) fn vxlan(bytes: &[u8]) -> Result<Inside<'_>, Shut> {
    let [flags, policy @ .., n2, n1, n0, reserved] = *bytes.first_chunk::<8>().ok_or(Shut::Cut)?;
    let unused = policy == [0; 3] || flags & POLICY != 0;
    if flags & !POLICY != VALID || !unused || reserved != 0 {
        return Err(Shut::Closed);
    }
    let id = u32::from_be_bytes([0, n2, n1, n0]);
    Ok(Inside::frame(Some(Tunnel::Vxlan), Some(id), &bytes[8..]))
}

/// What Geneve carries: a frame or, from gateway load balancers, a packet.
pub(super) fn geneve(bytes: &[u8]) -> Result<Inside<'_>, Shut> {
    let [first, second, hi, lo, n2, n1, n0, reserved] =
        *bytes.first_chunk::<8>().ok_or(Shut::Cut)?;
    // Version 0, no control packet, reserved bits 0; "critical options" may be.
    if first >> 6 != 0 || second & !0x40 != 0 || reserved != 0 {
        return Err(Shut::Closed);
    }
    let options = usize::from(first) * 4;
    let rest = &bytes[8..];
    walk(rest.get(..options).ok_or(Shut::Cut)?)?;
    let rest = &rest[options..];
    let id = Some(u32::from_be_bytes([0, n2, n1, n0]));
    let inside = match u16::from_be_bytes([hi, lo]) {
        0x6558 => Ok(Inside::frame(Some(Tunnel::Geneve), id, rest)),
        0x0800 => Inside::packet(Tunnel::Geneve, id, 4, rest),
        0x86dd => Inside::packet(Tunnel::Geneve, id, 6, rest),
        _ => Err(Shut::Closed),
    }?;
    Ok(Inside { options: Some(options > 0), ..inside })
}

/// Options must fill their space exactly (RFC 8926, section 3.5).
fn walk(mut options: &[u8]) -> Result<(), Shut> {
    while let [_, _, _, len, rest @ ..] = options {
        options = rest.get(usize::from(len & 0x1f) * 4..).ok_or(Shut::Closed)?;
    }
    if options.is_empty() { Ok(()) } else { Err(Shut::Closed) }
}
