//! What may be asked of a fleet, and what comes of it.

use super::totals::Sums;
use crate::report::{ConnectionFilter, Report};
use crate::tables::TablesError;
use crate::window::Moment;
use crate::wire::Ip;
use std::path::PathBuf;

/// What is asked of a fleet.
#[derive(Debug, Clone)]
pub struct Options {
    /// Addresses of services that alone are asked for; all where there is none.
    pub vips: Vec<Ip>,
    /// Streams that began from here on.
    pub since: Option<Moment>,
    /// Streams that began up to here.
    pub until: Option<Moment>,
    /// Connections that the report lists.
    pub connections: ConnectionFilter,
    /// Streams up to which a fleet is one part.
    pub whole: u64,
    /// Streams of a part, where it is several.
    pub part: u64,
    /// Connections of one server that did well and are diagnosed, about.
    pub well: u32,
    /// The scheduler of a cluster that does the work, `http://HOST:PORT`; this machine where there is none.
    pub scheduler: Option<String>,
    /// Folder for what does not fit into memory; that for temporary files where there is none.
    pub work: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            vips: Vec::new(),
            since: None,
            until: None,
            connections: ConnectionFilter::Affected,
            whole: 500_000,
            part: 25_000,
            well: 500,
            scheduler: None,
            work: None,
        }
    }
}

/// What a fleet's tables come to.
#[derive(Debug)]
pub struct Answer {
    /// The report.
    pub report: Report,
    /// How all connections ended.
    pub sums: Sums,
    /// What could not be read.
    pub failures: Vec<TablesError>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FleetError {
    /// No capture's tables could be read.
    #[error("no tables could be read: {}", list(.0))]
    NothingRead(Vec<TablesError>),
    /// The engine could not do it.
    #[error("{0}")]
    Engine(String),
}

fn list(failures: &[TablesError]) -> String {
    failures.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
