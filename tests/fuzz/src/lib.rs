//! What the fuzz targets share: frames as input, changes that keep them frames, and what must
//! hold of everything that is made of them.

pub mod check;
pub mod frames;
pub mod mutate;
pub mod rng;
pub mod seeds;
