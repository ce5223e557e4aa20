//! Which cause a fact belongs to, where several could have brought it about.
//!
//! One arbiter a family. Each weighs the signs that a fact carries (`facts/`) and names one
//! reason; these are the only files in which causes are held against each other. A detector
//! takes the facts whose reason is its own and knows no other detector. A new cause that
//! competes with others gets a variant here, a place in the order, and a test of each
//! contest.

pub(in crate::diagnose) mod delay;
pub(in crate::diagnose) mod ended;
pub(in crate::diagnose) mod refusal;
pub(in crate::diagnose) mod reset;
pub(in crate::diagnose) mod silence;
pub(in crate::diagnose) mod size;
pub(in crate::diagnose) mod way;
