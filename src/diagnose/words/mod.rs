//! The words of findings: what hosts are called, how numbers and lists are said, and the
//! commands that are printed.
//!
//! A detector states facts and picks its words here last, so that one thing has one name
//! everywhere and no command is put together by hand.

pub mod commands;
mod names;
mod numbers;
mod proxy_log;
mod settled;
mod subjects;
mod tuples;

pub use commands::{
    Wanted, capture_line, capture_of, ease, explained, out_of_proxy, rest, spare, tables,
    to_capture, to_capture_all,
};
pub use names::{Names, name, names};
pub use numbers::{agree, count, counted, list, list_of, part, seconds, share, thousands};
pub(super) use settled::tell;
pub use subjects::{
    directors, in_roles, server_at, server_of, server_subject, servers, servers_called,
    service_subject,
};
pub use tuples::{arrow, arrow_back};
