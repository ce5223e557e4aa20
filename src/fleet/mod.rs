//! Tables of many hosts as one network, joined where they lie by an engine that is there: DataFusion on
//! this machine, Ballista, its cluster, on many. With the cargo feature `fleet` alone.
//!
//! What observes, ties and judges is what reads a single capture; the engine reads Parquet, deals rows out
//! by the keys that ties go by, and calls two functions:
//!
//! 1. **tie** ([`work`]), for each part of the streams: the streams that the handshake can tie have one
//!    initial sequence number, whoever saw them, so a part by that number holds all that a connection of it
//!    can have. The part is put back together as a trace of the whole fleet, with all hosts, clocks and
//!    neighbours ([`broadcast`]) and those streams alone; [`crate::correlate`] ties them, as ever, every
//!    connection gets its fate, and sums go by service, real server and vantage ([`totals`]). What failed
//!    or suffered is kept, and enough that did well.
//! 2. **diagnose**, once, over what was kept of all parts: the whole diagnosis and the report.
//!
//! A fleet that one machine can hold is one part, and its report is that of `lbdiag DIR...` to the byte.
//!
//! | file | what |
//! |---|---|
//! | [`members`] | which captures there are, in folders and object stores |
//! | [`plan`] | the question to the engine |
//! | [`packed`], [`rows`] | rows of all tables in one column, and back to observations |
//! | [`functions`], [`aggregates`] | the work as functions of the engine |
//! | [`together`] | what lies in one part though its numbers differ |
//! | [`work`], [`totals`] | the work itself, which knows no engine |
//! | [`stores`] | object stores by their addresses |
//! | [`cluster`], [`codec`] | scheduler and executors, and how functions travel to them |
//! | [`options`], [`engine`] | what may be asked, and who asks |
//! | [`said`] | what the user and the hosts say beside the tables |
//! | [`asking`], [`known`] | one question, and what every part of it knows |
//! | [`lists`] | the rows of parts while they are gathered, in memory or in a file |
//! | [`blame`] | a capture whose tables are not sound is left out |
//! | [`setup`] | the engine as it is set up |

mod aggregates;
mod asking;
mod blame;
mod broadcast;
pub mod cluster;
mod codec;
mod engine;
mod functions;
mod known;
mod lists;
mod members;
mod options;
mod packed;
mod plan;
mod rows;
mod said;
mod setup;
mod stores;
mod together;
mod totals;
mod work;

pub use engine::{Fleet, diagnose};
pub use options::{Answer, FleetError, Options, Page};
pub use said::Said;
pub use totals::{Ended, Sums, To};
