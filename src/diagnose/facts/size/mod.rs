//! Packets that are too long for a way, and options that a way changes.

pub(in crate::diagnose) mod grown_packets;
pub(in crate::diagnose) mod impossible_errors;
pub(in crate::diagnose) mod kept_segments;
pub(in crate::diagnose) mod misdelivered_errors;
pub(in crate::diagnose) mod outgrown;
pub(in crate::diagnose) mod refused_segments;
pub(in crate::diagnose) mod rewritten_options;
pub(in crate::diagnose) mod size_losses;
pub(in crate::diagnose) mod strange_sacks;
pub(in crate::diagnose) mod told_in_vain;
pub(in crate::diagnose) mod torn_datagrams;
