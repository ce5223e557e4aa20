//! lbdiag reads packet captures taken around a load balancer and says what is
//! broken, why, with which frames as proof, and how to mend it.
//!
//! [`Analysis`] is the front door: paths in, a [`report::Report`] out. It and the objects of the
//! report are what programs may rely on; they change by addition, as the JSON document does.
//! [`docs/library.md`](https://github.com/lbdiag/lbdiag/blob/main/docs/library.md) says how to
//! embed it.
//!
//! All other modules are public for the program of the same name and for its tests. They are
//! hidden here, and change without notice.

// Data goes one way; each module reads only those before it: capture → wire → flow → correlate →
// clock, exchange → topology → trace → breaks → diagnose → report → ladder, extract → render. Beside
// them, state reads what hosts said of themselves and ties it to the trace's hosts; bundle opens
// archives of both; tables and fleet stand in for captures; redact takes out what must not be passed
// on, before anything is rendered; query chooses connections, and tui shows everything on a terminal.
// docs/architecture.md says more, and tests/suite/arrows.rs holds it.
mod analysis;
#[doc(hidden)]
pub mod breaks;
#[doc(hidden)]
pub mod bundle;
#[doc(hidden)]
pub mod capture;
#[doc(hidden)]
pub mod clock;
#[doc(hidden)]
pub mod correlate;
#[doc(hidden)]
pub mod diagnose;
#[doc(hidden)]
pub mod exchange;
#[doc(hidden)]
pub mod extract;
#[cfg(feature = "fleet")]
#[doc(hidden)]
pub mod fleet;
#[doc(hidden)]
pub mod flow;
mod hashed;
#[doc(hidden)]
pub mod ladder;
#[doc(hidden)]
pub mod load;
#[doc(hidden)]
pub mod parquet;
mod parts;
#[doc(hidden)]
pub mod plan;
#[doc(hidden)]
pub mod query;
#[doc(hidden)]
pub mod redact;
#[doc(hidden)]
pub mod render;
pub mod report;
#[doc(hidden)]
pub mod row;
mod second_pass;
#[doc(hidden)]
pub mod shell;
#[doc(hidden)]
pub mod state;
#[doc(hidden)]
pub mod tables;
#[doc(hidden)]
pub mod topology;
#[doc(hidden)]
pub mod trace;
#[doc(hidden)]
pub mod tui;
#[doc(hidden)]
pub mod unfinished;
#[doc(hidden)]
pub mod window;
#[doc(hidden)]
pub mod wire;

pub use analysis::{Analysis, AnalysisError, AnalysisOptions};
