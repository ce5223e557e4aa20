//! Addresses that nobody or several claim: ARP, neighbour discovery, VRRP.

mod adverts_lost_at_times;
pub(in crate::diagnose) mod answering_servers;
pub mod dr_arp_announce_leak;
pub mod dr_arp_problem;
pub mod dr_vip_wide_mask;
pub mod duplicate_na_for_vip;
pub mod garp_missing_stale_arp;
pub mod ipv6_dad_failed;
pub mod proxy_arp_or_arp_flux;
pub mod vip_unowned;
pub mod vrid_collision;
pub mod vrrp_advert_not_received;
pub mod vrrp_split_brain;

use crate::diagnose::{Detection, Facts};
use crate::trace::{ConnectionId, Trace};
use crate::wire::Ip;

/// What a detector of masters says where it found nothing.
fn vrrp_or_blind(facts: &Facts) -> Detection {
    Detection::clean_if(
        facts.vantages.iter().any(|v| !v.vrrp.is_empty()),
        "no VRRP was captured; where the VIP moves by VRRP, capture 'vrrp or arp' on its link",
    )
}

/// Requests to the addresses of a cluster.
fn to_vips(trace: &Trace, vips: &[Ip]) -> Vec<ConnectionId> {
    let of = trace.requests().filter(|(id, _)| vips.contains(&trace.service(*id).vip));
    of.map(|(id, _)| id).collect()
}
