//! Tables of many hosts, joined by an engine: the same report as of one machine. A program of its own, with
//! the feature `fleet` alone: `cargo test --features fleet --test fleet`.

#![allow(clippy::unwrap_used)]

#[path = "../support/mod.rs"]
mod support;

mod asked;
mod bucket;
mod cluster;
#[allow(dead_code)]
mod columns;
mod same;
mod store;
mod unsound;
