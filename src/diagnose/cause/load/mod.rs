//! Servers and networks that are slow, lossy or unevenly used, and what tables state of them.

pub(in crate::diagnose) mod durations;
pub mod network_latency;
pub mod packet_loss;
pub mod scheduler_imbalance;
pub mod slow_real_server;
pub mod stated_not_seen;
pub mod zero_window;
