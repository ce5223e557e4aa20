//! A real server answers ARP for the VIP.

use super::answering_servers::detect_in;
use crate::diagnose::{Detection, Facts};

pub(in crate::diagnose) const EXPLAINS: &[&str] = &["vip-arp-conflict", "director-bypassed"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    detect_in(facts, true)
}
