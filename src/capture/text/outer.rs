//! The checksum of a datagram that carries a tunnel, where the text says that it is wrong.

use super::ends;
use super::shown::{Carrier, Layer, Sum};
use crate::capture::Known;

/// Where a checksum stands in a UDP header, and where that ends.
const AT: std::ops::Range<usize> = 6..8;

/// Writes it as it was sent; gives what is known with it. No sum is where a name stands for an
/// address that this one covers: whether it is the sum of the pseudo-header alone, which a network
/// card is to complete, is not told then.
pub(super) fn write(layer: &Layer, datagram: &mut [u8], known: Known) -> Known {
    let Some(Sum::Incorrect(sent, _)) = layer.header.datagram else { return known };
    let tunnel = matches!(layer.carrier, Carrier::Overlay { .. } | Carrier::GeneveIp { .. });
    let Some(field) = datagram.get_mut(AT).filter(|_| tunnel) else { return known };
    if ends::is_stand_in(layer.src) || ends::is_stand_in(layer.dst) {
        return known.without(Known::SUM);
    }
    field.copy_from_slice(&sent.to_be_bytes());
    known
}
