//! What may be asked of a fleet, and what comes of it.

use super::said::Said;
use super::totals::Sums;
use crate::report::ladder::Ladder;
use crate::report::topology::Topology;
use crate::report::{ConnectionFilter, Report};
use crate::tables::TablesError;
use crate::window::Moment;
use crate::wire::Ip;
use std::collections::BTreeMap;
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
    /// Connections that the report lists; where that is open, those that are affected, and on a page all,
    /// if they are few.
    pub connections: Option<ConnectionFilter>,
    /// Whether what a page shows beside the report is asked for.
    pub page: bool,
    /// Remarks for the report from before the tables were read.
    pub notes: Vec<String>,
    /// What the user and the hosts say beside the tables.
    pub said: Said,
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
            connections: None,
            page: false,
            notes: Vec::new(),
            said: Said::default(),
            whole: 500_000,
            part: 25_000,
            well: 500,
            scheduler: None,
            work: None,
        }
    }
}

/// The network, and the drawings of findings by their number: none, as long as frames are elsewhere.
pub type Page = (Topology, BTreeMap<u32, Ladder>);

/// What a fleet's tables come to.
#[derive(Debug)]
pub struct Answer {
    /// The report.
    pub report: Report,
    /// How all connections ended.
    pub sums: Sums,
    /// What a page shows beside the report, where that was asked for.
    pub page: Option<Page>,
    /// What stands for what, where addresses were replaced.
    pub map: Option<String>,
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

/// What is wrong with tables; what is wrong with many in the same way, once.
fn list(failures: &[TablesError]) -> String {
    let mut alike: Vec<(&TablesError, usize)> = Vec::new();
    for failure in failures {
        match alike
            .iter_mut()
            .find(|(one, _)| (&one.why, &one.next) == (&failure.why, &failure.next))
        {
            Some((_, more)) => *more += 1,
            None => alike.push((failure, 0)),
        }
    }
    let said = |(one, more): &(&TablesError, usize)| match more {
        0 => one.to_string(),
        more => format!("{} and {more} more: {}; {}", one.path, one.why, one.next),
    };
    alike.iter().map(said).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn what_is_wrong_with_many_tables_is_said_once() {
        let of = |path, why| TablesError::new(Path::new(path), why, "index it again");
        let failures =
            [of("a", "is old"), of("b", "is cut off"), of("c", "is old"), of("d", "is old")];
        let said = "a and 2 more: is old; index it again; b: is cut off; index it again";
        assert_eq!(list(&failures), said);
    }
}
