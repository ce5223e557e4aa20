//! What was observed of captures, in Parquet tables: written where the packets are, read anywhere.
//!
//! A capture becomes one folder, named by what it shows: a table a file, `streams` and `links` by day and
//! vantage, and a manifest that lists them ([`manifest`]). It is written beside its place and renamed
//! when it is whole, so that adding captures disturbs nobody and nothing half done is ever there. What a
//! row is, flow/, capture/ and exchange/ say ([`crate::row`]); this module only knows tables.
//!
//! Reading trusts nothing: a folder is held against its manifest, columns against what this program
//! writes, and what is wrong is said of that capture alone ([`TablesError`]); no name that stands in a
//! table opens a file.

mod columns;
mod find;
mod identity;
mod manifest;
mod read;
mod schema;
mod write;

pub use find::{Place, find};
pub use identity::identity;
#[cfg(feature = "fleet")]
pub(crate) use manifest::{Manifest, plain};
pub use read::{Restored, read};
pub use schema::{Described, schema};
pub use write::{Written, write};

/// The version of the schema; another one is not read. Columns may be added within one.
pub const VERSION: u32 = 1;

/// Why the tables of a capture are not read or written, with what can be done about it.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {why}; {next}")]
pub struct TablesError {
    /// The folder or file.
    pub path: String,
    /// What is wrong.
    pub why: String,
    /// A next step.
    pub next: String,
}

impl TablesError {
    pub(crate) fn new(
        path: &std::path::Path,
        why: impl Into<String>,
        next: impl Into<String>,
    ) -> Self {
        Self { path: path.display().to_string(), why: why.into(), next: next.into() }
    }
}

impl From<TablesError> for crate::capture::CaptureError {
    fn from(own: TablesError) -> Self {
        Self::Tables { path: own.path, why: own.why, next: own.next }
    }
}
