//! Synthetic captures of a world whose truth is known: a load-balanced service, seen from several vantages.
//!
//! A test or a benchmark states a [`World`] and has its captures written; the [`Truth`] that comes back says what must be
//! found in them. The files stream to disk and are the same byte for byte whenever seed and parameters are. All worlds
//! here are healthy, save for a SYN flood and for packets that are lost; broken ones are made in a laboratory, where kernels break them.
//!
//! Include it with `#[path = "../generator/mod.rs"] mod generator;`. Its tests are the test target `generator`
//! (`main.rs` beside this file).

#![allow(dead_code, reason = "every target that includes the generator uses its own part of it")]

pub mod capture;
pub mod carried;
pub mod clock;
mod flood;
mod frame;
mod lan;
mod living;
pub mod loss;
pub mod mode;
mod neighbor;
pub mod network;
mod options;
mod paths;
mod payload;
mod proxy;
mod proxy_line;
pub mod rng;
mod run;
pub mod script;
mod spoofed;
pub mod ties;
pub mod truth;
pub mod world;

pub use truth::Truth;
pub use world::World;

impl World {
    /// Writes `client.pcap`, `director.pcap`, `rs1.pcap`, ... (those that [`world::Vantages`] wants) to an existing folder.
    ///
    /// # Errors
    /// `InvalidInput` where parameters do not go together; what creating and writing files gives.
    pub fn write(&self, folder: &std::path::Path) -> std::io::Result<Truth> {
        run::run(self, folder)
    }
}
