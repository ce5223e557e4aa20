//! What each pane keeps between events: where its cursor is, what it asked workers for.
//!
//! Panes act on these and draw them; [`App`](super::App) holds one of each.

pub mod findings;
pub mod help;
pub mod ladder;
pub mod overview;
pub mod path;
pub mod save;
pub mod table;
pub mod timeline;
