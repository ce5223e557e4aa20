//! Worth knowing, and no fault: what a reader could take for one. One note a file.

pub mod icmp_echo_terminates_at_lb;
pub mod l7_backend_leg_deferred;
pub mod l7_self_access_two_flows;
pub mod text_leaves_open;
