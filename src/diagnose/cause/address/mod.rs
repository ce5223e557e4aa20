//! Addresses that nobody or several claim: ARP, neighbour discovery, VRRP.

mod adverts_lost_at_times;
pub(in crate::diagnose) mod answering_servers;
pub mod arp_answer_lost;
pub mod dr_arp_announce_leak;
pub mod dr_arp_problem;
pub mod dr_vip_wide_mask;
pub mod duplicate_na_for_vip;
pub mod garp_missing_stale_arp;
pub mod ipv6_dad_failed;
pub mod proxy_arp_or_arp_flux;
pub(in crate::diagnose) mod stale_arp_here;
pub mod vip_unowned;
pub mod vrid_collision;
pub mod vrrp_advert_not_received;
pub mod vrrp_flapping;
pub mod vrrp_split_brain;

use crate::diagnose::{Detection, Facts, Fix};
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

/// What makes neighbours follow a VIP that moved, now and the next time.
fn garp_fixes(vip: Ip, new: &str) -> Vec<Fix> {
    let now = if vip.is_v4() {
        format!("arping -U -c 3 -I IFACE {vip}")
    } else {
        format!("ndsend {vip} IFACE   # or: arping6, or restart keepalived")
    };
    vec![
        Fix::safe(new.to_owned(), now, "Nothing to take back."),
        Fix::safe(
            format!("{new} and its peer, for the next time"),
            "# in global_defs of keepalived.conf:\nvrrp_garp_master_repeat 5\nvrrp_garp_master_refresh 60",
            "Delete the two lines and reload keepalived.",
        ),
    ]
}
