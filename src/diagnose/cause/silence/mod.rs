//! SYNs that are not answered.

pub mod accept_queue_overflow;
pub mod backend_removed_silent_drop;
pub mod dr_vip_foreign_subnet_return;
pub mod fabric_anti_spoof;
pub mod healthcheck_source_blocked;
pub mod ip_option_drop;
pub mod node_without_local_endpoint;
pub mod rp_filter_drop;
pub mod rs_missing_vip;
pub mod rs_route_overlap;
pub mod rs_silent;
#[expect(clippy::module_inception, reason = "facts of silences, on their way out of here")]
pub(in crate::diagnose) mod silence;
pub mod syn_retry_rescheduled;
pub(in crate::diagnose) mod told;
pub(in crate::diagnose) mod tunnel_end;
pub mod tunnel_not_decapsulated;
pub mod tw_recycle_nat_timestamps;
pub(in crate::diagnose) mod unheard;
pub mod vlan_mismatch;
pub mod vxlan_or_nat_bad_checksum;
pub mod windows_strong_host;
