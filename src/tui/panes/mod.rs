//! The panes: each draws itself from the state, and does what its keys ask.
//!
//! A pane has `draw`, which changes nothing, `act`, which says whether it took a command,
//! `click`, and `hints` for the footer.

pub mod findings;
pub mod help;
pub mod ladder;
pub mod overview;
pub mod packet;
pub mod path;
pub mod save;
pub mod stops;
pub mod table;
pub mod timeline;
