//! SYNs that are refused or rejected.

pub mod connection_refused;
pub mod ipvs_no_destination;
pub mod ipvs_reuse_to_dead_backend;
mod refused_by_itself;
pub mod rs_admin_prohibited;
pub mod rs_unreachable;
