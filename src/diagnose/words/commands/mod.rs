//! Commands that mend or that settle a question, one program a file.

pub mod arp;
pub mod cluster;
pub mod ip;
pub mod ipvsadm;
pub mod kernel;
pub mod netfilter;
pub mod ping;
mod proxy;
mod rest;
pub mod step;
pub mod sysctl;
mod tcpdump;
pub mod translator;
pub mod tunnel;

pub use crate::diagnose::fix::explained;
pub use netfilter::tables;
pub use proxy::out_of_proxy;
pub use rest::{ease, rest, spare};
pub use tcpdump::{Wanted, capture_line, capture_of, to_capture, to_capture_all};
