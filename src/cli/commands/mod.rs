//! The commands: a file each, with its arguments and a `run` that gives the exit code.

pub(super) mod completions;
pub(super) mod connections;
pub(super) mod diagnose;
pub(super) mod diff;
pub(super) mod explain;
pub(super) mod extract;
#[cfg(feature = "fleet")]
pub(super) mod fleet;
pub(super) mod index;
pub(super) mod ladder;
pub(super) mod man;
pub(super) mod plan;
pub(super) mod schema;
pub(super) mod topology;
pub(super) mod tui;
pub(super) mod why;
