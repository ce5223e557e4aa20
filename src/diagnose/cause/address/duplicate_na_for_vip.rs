//! A real server advertises the VIP by neighbour discovery: `dr-arp-problem` in IPv6,
//! found alike, and mended otherwise, since IPv6 has no `arp_ignore`.

use super::answering_servers::detect_in;
use crate::diagnose::{Detection, Facts};

pub(in crate::diagnose) const EXPLAINS: &[&str] =
    &["vip-arp-conflict", "director-bypassed", "rst-no-socket", "connection-reset"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    detect_in(facts, false)
}
