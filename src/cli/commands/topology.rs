//! `lbdiag topology`: who is who, and which ways connections took.

use crate::cli::FAILED;
use crate::cli::options::reading::Reading;
use crate::cli::output::Target;
use crate::cli::stages::Stages;
use clap::ValueEnum;
use lbdiag::breaks::Breaks;
use lbdiag::render;
use lbdiag::report::topology::topology;
use std::process::ExitCode;

/// Show hosts, services and real servers, and the ways that connections took
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How to write it [default: as FILE ends, else text]
    #[arg(long, value_name = "text|svg|dot|mermaid|json", value_enum)]
    #[arg(hide_possible_values = true, help_heading = "Report")]
    format: Option<Format>,

    #[command(flatten)]
    into: Target,

    #[command(flatten)]
    reading: Reading,
}

/// What stands below the options.
pub(crate) const AFTER: &str = "\
Examples:
  lbdiag topology captures/
  lbdiag topology --format svg -o topology.svg captures/
  lbdiag topology --format dot captures/ | dot -Tsvg -o topology.svg
  lbdiag topology --format mermaid captures/   # for Markdown: ```mermaid";

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    #[default]
    Text,
    Svg,
    Dot,
    Mermaid,
    Json,
}

/// Reads and draws.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let output = args.into.open()?;
    let format = args.into.format(args.format);
    let Some(mut taken) = args.reading.read(false, &mut Stages::new(None))? else {
        return Ok(ExitCode::from(FAILED));
    };
    let topology = taken.redactor.document(topology(&taken.trace, &Breaks::of(&taken.trace)))?;
    taken.keep_map()?;
    let style = output.style(args.reading.screen.color);
    let text = match format {
        Format::Text => render::topology(&topology, &style),
        Format::Svg => render::topology_svg(&topology),
        Format::Dot => render::dot(&topology),
        Format::Mermaid => render::mermaid(&topology),
        Format::Json => render::json(&topology),
    };
    output.write(&text, style.colour)?;
    Ok(ExitCode::SUCCESS)
}
