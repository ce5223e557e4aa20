//! How long servers take, how work is spread, and what is sent twice.

pub(in crate::diagnose) mod durations;
pub(in crate::diagnose) mod sent_again;
pub(in crate::diagnose) mod shares;
pub(in crate::diagnose) mod slow_exchanges;
pub(in crate::diagnose) mod stalled_windows;
pub(in crate::diagnose) mod stated_views;
