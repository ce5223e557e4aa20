//! Who refuses, and for whom.

pub(in crate::diagnose::facts) mod own_name_refusals;
pub(in crate::diagnose) mod own_refusals;
pub(in crate::diagnose) mod refusals;
pub(in crate::diagnose) mod stopped;
pub(in crate::diagnose) mod unheeded_resets;
