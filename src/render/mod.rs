//! Outputs: a report drawn for a terminal, as JSON, and manual pages.
//!
//! A renderer reads `&Report` (and a `&Ladder`) alone and computes nothing but
//! layout, so two outputs can never disagree on a number. It refuses to let a
//! byte of a capture, a file name or a remark steer the terminal: every string
//! passes [`sanitise::clean`] on its way out.

mod csv;
mod dot;
pub(crate) mod drawing;
mod html;
pub(crate) mod ink;
mod json;
mod manual;
mod markdown;
pub(crate) mod measure;
mod mermaid;
mod pcapng;
mod plantuml;
mod repeats;
pub mod sanitise;
mod script;
mod svg;
pub(crate) mod text;
pub(crate) mod units;

pub use csv::csv;
pub use dot::dot;
pub use drawing::Times;
pub use html::html;
pub use json::{json, ndjson, report_ndjson};
pub use manual::page;
pub use markdown::markdown;
pub use mermaid::{mermaid, mermaid_sequence};
pub use pcapng::pcapng;
pub use plantuml::plantuml;
pub use script::script;
pub use svg::{svg, topology_svg};
pub use text::comparison::comparison;
#[cfg(test)]
pub(crate) use text::fixtures;
pub use text::ladder::ladder;
pub use text::listing::connections;
pub use text::network::topology;
pub use text::plan::plan;
pub use text::story::story;
pub use text::text;

/// Columns below which nothing sensible can be drawn; narrower is taken as this.
const MIN_WIDTH: usize = 40;

/// Columns beyond which running text is no longer comfortable to read.
const MAX_PROSE: usize = 110;

/// How to draw for a reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Style {
    /// Whether escape sequences for colour and weight are written.
    pub colour: bool,
    /// Columns of the terminal; 80 where unknown.
    pub width: usize,
    /// Whether every row of the coverage is listed.
    pub coverage: bool,
    /// Whether explained symptoms, all hosts, all clocks, all rows of a table
    /// and the connections are written out too.
    pub verbose: bool,
    /// Frames of proof listed for a finding; the rest is counted.
    pub max_evidence: usize,
    /// Which times stand beside a ladder's steps.
    pub times: Times,
}

impl Default for Style {
    fn default() -> Self {
        Self {
            colour: false,
            width: 80,
            coverage: false,
            verbose: false,
            max_evidence: 8,
            times: Times::Start,
        }
    }
}

impl Style {
    /// Columns for tables and drawings.
    fn columns(&self) -> usize {
        self.width.max(MIN_WIDTH)
    }

    /// Columns for running text.
    fn prose(&self) -> usize {
        self.columns().min(MAX_PROSE)
    }

    fn ink(&self) -> ink::Ink {
        ink::Ink::new(self.colour)
    }
}
