//! A segment for tests.

use super::{Tcp, TcpFlags};
use crate::capture::Known;

impl<'a> Tcp<'a> {
    /// A segment with a payload, of no connection in particular: a test says what it is about.
    pub(crate) fn example(payload: &'a [u8]) -> Self {
        Self {
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
            known: Known::ALL,
        }
    }
}
