//! A real server advertises the VIP by neighbour discovery: `dr-arp-problem` in IPv6,
//! found alike, and mended otherwise, since IPv6 has no `arp_ignore`.

use crate::diagnose::Detection;
use crate::diagnose::Facts;
use crate::diagnose::cause::address::dr_arp_problem;

pub(in crate::diagnose) const EXPLAINS: &[&str] =
    &["vip-arp-conflict", "director-bypassed", "rst-no-socket", "connection-reset"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    dr_arp_problem::detect_in(facts, false)
}
