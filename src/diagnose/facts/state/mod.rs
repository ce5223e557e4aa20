//! What a table of connections has forgotten, keeps too long or has no room for.

pub(in crate::diagnose) mod bare_answers;
pub(in crate::diagnose) mod challenged_syns;
pub(in crate::diagnose) mod double_resets;
pub(in crate::diagnose) mod ended_syns;
pub(in crate::diagnose) mod expired;
pub(in crate::diagnose) mod half_closed;
pub(in crate::diagnose) mod half_translated;
pub(in crate::diagnose) mod late_syns;
pub(in crate::diagnose) mod lost_entries;
pub(in crate::diagnose) mod moved_resets;
pub(in crate::diagnose) mod paired_questions;
pub(in crate::diagnose) mod port_reuse;
pub(in crate::diagnose) mod resets;
pub(in crate::diagnose) mod source_ports;
pub(in crate::diagnose) mod stale_ports;
pub(in crate::diagnose) mod syn_proxies;
pub(in crate::diagnose) mod unheeded_answers;
pub(in crate::diagnose) mod used_ports;
pub(in crate::diagnose) mod withheld;
