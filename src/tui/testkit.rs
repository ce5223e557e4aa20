//! Samples, loaded as the program loads them, for tests.

use super::config::Config;
use super::data::Data;
use super::probe::Probe;
use crate::capture;
use crate::load::load;
use crate::topology::StatedRoles;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

/// A sample by name.
pub fn sample(name: &str) -> Data {
    // Relative, as tests run in the package: a path on a screen is the same everywhere.
    let path = Path::new("samples").join(name);
    let inputs = capture::inputs(&[path.display().to_string()]).unwrap();
    let trace = load(&inputs.inputs, &StatedRoles::default(), &AtomicU64::new(0)).trace;
    Data::new(trace, Vec::new(), name.to_owned())
}

/// The program on a sample.
pub fn probe(name: &str, size: (u16, u16)) -> Probe {
    probe_with(name, size, "")
}

/// The same with a configuration.
pub fn probe_with(name: &str, size: (u16, u16), config: &str) -> Probe {
    let config = Config::parse(config).unwrap();
    let mut probe = Probe::of(Arc::new(sample(name)), name, config, size);
    probe.settle();
    probe
}
