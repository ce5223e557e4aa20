//! How a report is written: in which format, where to, and which connections it lists. The same options for
//! every command that has one.

use crate::cli::output::{Output, Target};
use clap::ValueEnum;
use lbdiag::report::ConnectionFilter;

/// The formats of a command's report.
pub(crate) trait Form: ValueEnum + Default + Send + Sync + 'static {
    /// What `--format` says of itself.
    const HELP: &'static str;
    /// What `--connections` says of itself.
    const LISTED: &'static str;
    /// That of `--json`.
    const JSON: Self;
}

/// `--format`, `--json`, `-o` and `--connections`.
#[derive(Debug, clap::Args)]
pub(crate) struct Written<F: Form> {
    #[arg(long, value_name = "FORMAT", value_enum, help = F::HELP)]
    #[arg(overrides_with = "json", hide_possible_values = true, help_heading = "Report")]
    format: Option<F>,

    /// Same as --format json
    #[arg(long, overrides_with = "format", help_heading = "Report")]
    json: bool,

    #[command(flatten)]
    into: Target,

    #[arg(long, value_name = "all|affected|none", value_enum, help = F::LISTED)]
    #[arg(hide_possible_values = true, help_heading = "Report")]
    connections: Option<Listed>,
}

// The variants have no doc comments: clap would print them and the help would be twice as long.

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Listed {
    All,
    Affected,
    None,
}

impl<F: Form> Written<F> {
    /// Checks that it can be written before any work is done.
    pub(crate) fn open(&self) -> anyhow::Result<Output> {
        self.into.open()
    }

    /// What to write: what was asked for, else what the file's name says.
    pub(crate) fn format(&self) -> F {
        if self.json { F::JSON } else { self.into.format(self.format.clone()) }
    }

    /// The connections that were asked for.
    pub(crate) fn connections(&self) -> Option<ConnectionFilter> {
        self.connections.map(|listed| match listed {
            Listed::All => ConnectionFilter::All,
            Listed::Affected => ConnectionFilter::Affected,
            Listed::None => ConnectionFilter::None,
        })
    }
}
