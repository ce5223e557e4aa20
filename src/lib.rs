//! lbdiag reads packet captures taken around a load balancer and says what is
//! broken, why, with which frames as proof, and how to mend it.
//!
//! Data goes one way; each module reads only those before it:
//! [`capture`] → [`wire`] → [`flow`] → [`correlate`] → [`clock`] → [`topology`]
//! → [`trace`] → [`diagnose`] → [`report`] → [`ladder`], [`extract`] → [`render`]. Beside them,
//! [`state`] reads what hosts said of themselves and ties it to the trace's hosts;
//! [`redact`] takes out what must not leave the house, before anything is rendered.
//! [`query`] chooses connections, and [`tui`] shows everything on a terminal.
pub mod breaks;
pub mod bundle;
pub mod capture;
pub mod clock;
pub mod correlate;
pub mod diagnose;
pub mod exchange;
pub mod extract;
pub mod flow;
pub mod ladder;
pub mod load;
pub mod plan;
pub mod query;
pub mod redact;
pub mod render;
pub mod report;
mod second_pass;
pub mod shell;
pub mod state;
pub mod topology;
pub mod trace;
pub mod tui;
pub mod unfinished;
pub mod window;
pub mod wire;
