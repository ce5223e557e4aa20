//! Packet filters: their rules, and what they and others say that they dropped.

pub(super) mod dropped;
pub(super) mod dropped_json;
pub(super) mod iptables;
pub(super) mod kernel_log;
pub(super) mod nft;
pub(super) mod nft_json;
