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
