//! SYNs that are refused or rejected.

pub mod connection_refused;
mod gone_meanwhile;
pub mod ipvs_no_destination;
pub mod ipvs_reuse_to_dead_backend;
mod refused_between;
mod refused_by_itself;
mod refused_for_a_while;
mod rolled_out;
pub mod rs_admin_prohibited;
pub mod rs_unreachable;
