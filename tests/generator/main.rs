//! What must hold of generated captures: they decode, their checksums are right, and they tell what the truth says.

#[path = "mod.rs"]
mod generator;

mod decode;
mod loss_tests;
mod mode_tests;
mod path_tests;
mod pins;
mod proxy_tests;
mod world_tests;

use decode::{Fault, Frame, Tcp, frames};
use generator::{Truth, World};
use std::collections::HashMap;
use tempfile::TempDir;

/// A written world: its truth, the frames of every capture by host, and the folder, which goes with it.
type Made = (Truth, HashMap<String, Vec<Frame>>, TempDir);

fn write(world: &World) -> Result<Made, Fault> {
    let folder = tempfile::tempdir()?;
    let truth = world.write(folder.path())?;
    let mut all = HashMap::new();
    for capture in &truth.captures {
        let frames = frames(&capture.path)?;
        assert_eq!(frames.len() as u64, capture.frames);
        assert_eq!(std::fs::metadata(&capture.path)?.len(), capture.bytes);
        assert!(
            frames.is_sorted_by_key(|frame| frame.at),
            "{} is not in the order of time",
            capture.name
        );
        all.insert(capture.name.clone(), frames);
    }
    Ok((truth, all, folder))
}

fn tcp(frames: &[Frame]) -> impl Iterator<Item = &Tcp> {
    frames.iter().filter_map(|frame| frame.tcp.as_ref())
}

fn count(frames: &[Frame]) -> u64 {
    tcp(frames).count() as u64
}
