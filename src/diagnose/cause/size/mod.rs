//! Packets that are too large for a part of their way.

pub mod director_lro_oversize;
pub mod ip_fragments_split;
pub mod options_rewritten;
pub(in crate::diagnose) mod outgrown_tunnel;
pub(in crate::diagnose) mod overlay_mtu;
pub mod pmtud_icmp_misdelivered;
pub mod sack_not_translated;
mod size_bound;
mod told_in_vain;
pub mod tun_mtu_blackhole;
