//! The TCP options of a segment.

use super::frame::Segment;
use super::network::Family;
use super::script::SYN;

/// Kind of the option in which a FullNAT director names the client: length 8 or 20, port, address (Linux TOA module, dpvs).
const TOA: u8 = 254;

/// TCP options of a segment, in Linux's order.
#[derive(Clone, Copy, Debug)]
pub enum Options {
    /// None, as simple flood tools send.
    None,
    /// MSS 1460 alone, as scanners send.
    Mss,
    /// On a SYN all of Linux's without timestamps; else none.
    Bare,
    /// Timestamps: on a SYN behind MSS, SACK permitted, and before window scale 7; else behind two NOPs.
    Stamps {
        /// TSval (RFC 7323), milliseconds.
        value: u32,
        /// TSecr.
        echo: u32,
    },
}

/// Writes the options; returns their length.
pub fn write(at: &mut [u8], packet: &Segment) -> usize {
    let own = write_own(at, packet);
    let Some((address, port)) = packet.named else {
        return own;
    };
    let address = match packet.family {
        Family::V4 => address.to_be_bytes().to_vec(),
        Family::V6 => Family::v6(address).to_vec(),
    };
    let end = own + 4 + address.len();
    at[own..own + 2].copy_from_slice(&[TOA, (end - own) as u8]);
    at[own + 2..own + 4].copy_from_slice(&port.to_be_bytes());
    at[own + 4..end].copy_from_slice(&address);
    end
}

fn write_own(at: &mut [u8], packet: &Segment) -> usize {
    match packet.options {
        Options::None => 0,
        Options::Bare if packet.flags & SYN == 0 => 0,
        Options::Bare => {
            at[..12].copy_from_slice(&[2, 4, 0x05, 0xb4, 1, 1, 4, 2, 1, 3, 3, 7]);
            12
        }
        Options::Mss => {
            at[..4].copy_from_slice(&[2, 4, 0x05, 0xb4]);
            4
        }
        Options::Stamps { value, echo } if packet.flags & SYN != 0 => {
            at[..8].copy_from_slice(&[2, 4, 0x05, 0xb4, 4, 2, 8, 10]);
            at[8..12].copy_from_slice(&value.to_be_bytes());
            at[12..16].copy_from_slice(&echo.to_be_bytes());
            at[16..20].copy_from_slice(&[1, 3, 3, 7]);
            20
        }
        Options::Stamps { value, echo } => {
            at[..4].copy_from_slice(&[1, 1, 8, 10]);
            at[4..8].copy_from_slice(&value.to_be_bytes());
            at[8..12].copy_from_slice(&echo.to_be_bytes());
            12
        }
    }
}
