//! Commands that mend or that settle a question, one program a file.

pub mod cluster;
pub mod ip;
pub mod ipvsadm;
pub mod netfilter;
mod proxy;
pub mod sysctl;
mod tcpdump;

pub use crate::diagnose::fix::explained;
pub use ipvsadm::rest;
pub use netfilter::tables;
pub use proxy::out_of_proxy;
pub use tcpdump::{capture_line, to_capture};
