//! In which roles facts of the report are painted.

use super::theme::Paint;
use crate::report::{Connection, Severity};

/// The role of a severity.
#[must_use]
pub fn severity(severity: Severity) -> Paint {
    match severity {
        Severity::Critical => Paint::Bad,
        Severity::Warning => Paint::Warn,
        Severity::Info => Paint::Unsure,
    }
}

/// The role of what became of a connection.
#[must_use]
pub fn fate(connection: &Connection) -> Paint {
    match connection.fate.as_str() {
        "failed" => Paint::Bad,
        "suffered" => Paint::Warn,
        "untold" => Paint::Unsure,
        _ if connection.outcome == "completed" => Paint::Good,
        _ => Paint::Plain,
    }
}
