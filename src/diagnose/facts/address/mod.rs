//! Who has an address, and who says so: ARP, neighbour discovery and VRRP.

pub(in crate::diagnose) mod asks;
pub(in crate::diagnose) mod claimants;
pub(in crate::diagnose) mod disputes;
pub(in crate::diagnose) mod leaked_names;
pub(in crate::diagnose) mod lost_adverts;
pub(in crate::diagnose) mod machines;
pub(in crate::diagnose) mod missing_neighbours;
pub(in crate::diagnose) mod moved_vips;
pub(in crate::diagnose) mod multicast_answers;
pub(in crate::diagnose) mod own_answers;
pub(in crate::diagnose) mod prompts;
pub(in crate::diagnose) mod proxied_arp;
pub(in crate::diagnose) mod senders;
pub(in crate::diagnose) mod split_vlans;
pub(in crate::diagnose) mod strange_clusters;
pub(in crate::diagnose) mod two_masters;
pub(in crate::diagnose) mod untaken_answers;
pub(in crate::diagnose) mod vrrp;
pub(in crate::diagnose) mod waiting_answers;
pub(in crate::diagnose) mod wide_masks;
