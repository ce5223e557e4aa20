//! What the test files share: the samples with their expectations, a whole
//! diagnosis in one call, and capture files built from bytes.

// The programs that use this each use a part.
#![allow(dead_code, clippy::unwrap_used, clippy::print_stdout)]

pub mod browser;
pub mod bytes;
pub mod catalogue;
pub mod check;
pub mod cooked;
pub mod each;
pub mod elsewhere;
pub mod expected;
pub mod extracts;
pub mod frames;
pub mod ladders;
pub mod orders;
pub mod program;
pub mod rewrite;
pub mod run;
pub mod spoofs;
pub mod talks;
pub mod tools;
pub mod worlds;
