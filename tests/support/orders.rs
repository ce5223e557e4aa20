//! Samples under other names and in other orders, and parts of them.

use super::expected::Sample;
use super::run::{Run, run_paths};
use std::path::PathBuf;

/// Diagnoses the captures of a sample under names that tell nothing, backwards
/// from the capture `first`, so that the order is never that of the folder.
pub fn renamed(sample: &Sample, first: usize) -> Run {
    const NAMES: [&str; 6] = ["kx", "b", "zq.bin", "h.cap", "w", "d.dat"];
    let dir = tempfile::tempdir().unwrap();
    let count = sample.captures.len();
    let copy = |n: usize| {
        let to = dir.path().join(NAMES[n]);
        std::fs::copy(&sample.captures[(first + count - n) % count], &to).unwrap();
        to
    };
    run_paths(&(0..count).map(copy).collect::<Vec<_>>())
}

/// Every choice of captures of a sample but none and all.
pub fn parts(sample: &Sample) -> Vec<Vec<&PathBuf>> {
    let count = sample.captures.len();
    let chosen = |set: usize| (0..count).filter(move |n| set & 1 << n != 0);
    (1..(1 << count) - 1).map(|set| chosen(set).map(|n| &sample.captures[n]).collect()).collect()
}

/// The stems of files.
pub fn named(paths: &[&PathBuf]) -> String {
    let stem = |path: &&PathBuf| path.file_stem().unwrap().to_string_lossy().into_owned();
    paths.iter().map(stem).collect::<Vec<_>>().join(", ")
}
