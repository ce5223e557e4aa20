//! The way that packets take, there and back: who hands them to whom.

pub(in crate::diagnose) mod answers_out;
pub(in crate::diagnose) mod arrivals;
pub(in crate::diagnose) mod bgp_sessions;
pub(in crate::diagnose) mod bypasses;
pub(in crate::diagnose) mod denied_answers;
pub(in crate::diagnose) mod detours;
pub(in crate::diagnose) mod half_paths;
pub(in crate::diagnose) mod held_answers;
pub(in crate::diagnose) mod interfaces;
pub(in crate::diagnose) mod moved_connections;
pub(in crate::diagnose) mod named_endpoints;
pub(in crate::diagnose) mod passages;
pub(in crate::diagnose) mod passing;
pub(in crate::diagnose) mod ping_pong;
pub(in crate::diagnose) mod self_calls;
pub(in crate::diagnose) mod shorter_ways;
pub(in crate::diagnose) mod site_changes;
pub(in crate::diagnose) mod stray_answers;
pub(in crate::diagnose) mod stray_resets;
pub(in crate::diagnose) mod tunnel_ends;
pub(in crate::diagnose) mod turns;
pub(in crate::diagnose) mod unasked_answers;
