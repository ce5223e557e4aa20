//! Attempts to connect, as those who look for scans and strangers take them.

use crate::wire::Ip;

/// One attempt to connect.
#[derive(Debug, Clone, Copy)]
pub(super) struct Try {
    /// Who.
    pub source: Ip,
    /// By which port of its own.
    pub port: u16,
    /// What.
    pub service: (Ip, u16),
    /// It was refused, or nobody answered.
    pub vain: bool,
    /// It was opened and closed without a word.
    pub empty: bool,
    /// SYNs of it.
    pub syns: u16,
}
