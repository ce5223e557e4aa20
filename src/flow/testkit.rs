//! Segments for tests.

use crate::wire::{Tcp, TcpFlags};

/// A segment with a payload, of no connection in particular.
pub fn said(payload: &[u8]) -> Tcp<'_> {
    Tcp {
        src_port: 1,
        dst_port: 2,
        seq: 1,
        ack: 1,
        flags: TcpFlags(TcpFlags::ACK),
        window: 1,
        options: &[],
        header_cut: false,
        payload,
        payload_len: payload.len() as u32,
        known: crate::capture::Known::ALL,
    }
}
