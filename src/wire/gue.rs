//! Generic UDP Encapsulation (draft-ietf-intarea-gue) and Linux' FOU.
//!
//! Which port they use is up to who sets them up; only ports that are known for
//! it are looked at. Refused: control messages and, inside, all but IP and GRE.

use super::Tunnel;
use super::gre;
use super::inside::{Inside, Shut};

/// 6080 is assigned to GUE and used in ipvsadm(8), 9886 is katran's, 19523 GLB
/// director's, 5555 and 9737 are common for FOU.
pub(super) const PORTS: [u16; 5] = [6080, 5555, 9737, 9886, 19523];

/// Variant 0, byte 0: a control message (section 3.1.1).
const CONTROL: u8 = 0x20;

/// What GUE or FOU carries. Which optional fields there are does not matter:
/// their length is in the header, and a fragment does not hold together inside.
pub(super) fn header(bytes: &[u8]) -> Result<Inside<'_>, Shut> {
    let first = *bytes.first().ok_or(Shut::Cut)?;
    match first >> 6 {
        0 => {
            let [_, protocol, _, _] = *bytes.first_chunk::<4>().ok_or(Shut::Cut)?;
            if first & CONTROL != 0 {
                return Err(Shut::Closed);
            }
            let len = 4 + usize::from(first & 0x1f) * 4;
            let rest = bytes.get(len..).ok_or(Shut::Cut)?;
            match protocol {
                4 => Inside::packet(Tunnel::Gue, None, 4, rest),
                41 => Inside::packet(Tunnel::Gue, None, 6, rest),
                47 => gre::header(rest),
                _ => Err(Shut::Closed),
            }
        }
        // The first bits of an IP version, 4 or 6, tell variant 1.
        1 if first >> 4 == 6 => Inside::packet(Tunnel::Fou, None, 6, bytes),
        1 => Inside::packet(Tunnel::Fou, None, 4, bytes),
        _ => Err(Shut::Closed),
    }
}
