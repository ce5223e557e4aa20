//! The terminal UI: what an engineer keeps open while the incident lasts.
//!
//! One [`App`] holds all state; events change it ([`App::handle`]), [`draw`] shows it and
//! changes nothing. Keys are answered at once: captures are read on one thread, tables and
//! lanes computed on another, frames read back on a third, files written on a fourth, and
//! each tells the loop when it is done. What is shown comes from the report, the trace and the ladder; the UI judges
//! nothing. It refuses to write a byte of a capture to the terminal: every text is cleaned,
//! and every cell is looked at once more before it leaves.

mod action;
mod app;
mod config;
mod data;
mod dissect;
mod events;
mod file;
mod filter;
mod frames;
mod input;
mod keymap;
mod lanes;
mod line_input;
mod list;
mod load;
mod panes;
mod probe;
mod roles;
mod rows;
mod screen;
mod states;
mod terminal;
#[cfg(test)]
mod testkit;
#[cfg(test)]
mod tests;
mod theme;
mod view;
mod work;

pub use app::App;
pub use config::Config;
pub use load::{Read, Taken};
pub use probe::Probe;
pub use terminal::{Ended, Source, give_back, run};
pub use theme::Theme;
pub use view::draw;
