//! Packets that take another way than they should.

pub(in crate::diagnose) mod arrivals;
pub mod bgp_anycast_flap;
pub mod client_on_director;
pub mod director_bypassed;
pub mod director_ping_pong;
pub mod dr_reply_via_director;
pub mod dsr_rst_from_rip;
pub mod ecmp_rehash_wrong_server;
pub mod fake_load_balancing;
pub mod l4_self_access_hairpin;
pub mod nat_director_not_forwarding;
pub mod nat_return_bypasses_director;
pub mod nat_same_subnet_client;
mod sent_back;
pub mod stateful_device_half_path;
pub mod tproxy_return_bypass;
pub mod udp_reply_from_rip;
