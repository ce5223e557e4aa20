//! Packets that are too large for a part of their way.

pub mod director_lro_oversize;
pub mod ip_fragments_split;
pub mod pmtud_icmp_misdelivered;
pub mod tun_mtu_blackhole;
