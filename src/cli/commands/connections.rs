//! `lbdiag connections`: the connections of the captures, as a table or as JSON.

use crate::cli::FAILED;
use crate::cli::closest::closest;
use crate::cli::options::ends;
use crate::cli::options::reading::Reading;
use crate::cli::output::Target;
use crate::cli::stages::Stages;
use anyhow::bail;
use clap::ValueEnum;
use lbdiag::breaks::Fate;
use lbdiag::correlate::Outcome;
use lbdiag::diagnose::{self, Diagnosis, manuals};
use lbdiag::query::{self, Filter};
use lbdiag::render;
use lbdiag::report::{self, End, Wanted};
use lbdiag::topology::Who;
use lbdiag::trace::{ConnectionId, Trace};
use std::process::ExitCode;

/// List connections: who, when, to which real server, how each ended
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Of this client
    #[arg(long, value_name = "IP[:PORT]", value_parser = ends::end, help_heading = CHOICE)]
    from: Vec<End>,

    /// To this service
    #[arg(long, value_name = "IP[:PORT]", value_parser = ends::end, help_heading = CHOICE)]
    to: Vec<End>,

    /// Served by this real server
    #[arg(long, value_name = "IP[:PORT]|MAC", value_parser = ends::server)]
    #[arg(help_heading = CHOICE)]
    served_by: Vec<(Who, Option<u16>)>,

    /// Ended so: completed, open, refused, unanswered, incomplete, reset, stalled, unknown;
    /// or what became of it: failed, suffered
    #[arg(long, value_name = "OUTCOME", value_enum, hide_possible_values = true)]
    #[arg(help_heading = CHOICE)]
    outcome: Vec<Ended>,

    /// Concerned by this finding
    #[arg(long, value_name = "ID|N", help_heading = CHOICE)]
    finding: Vec<String>,

    /// That fit a filter, in the words of the TUI: 'break syn-ack and not client 10.0.0.0/8'
    #[arg(long, value_name = "FILTER", help_heading = CHOICE)]
    r#where: Option<String>,

    /// At most so many, the earliest
    #[arg(long, value_name = "N", help_heading = CHOICE)]
    limit: Option<usize>,

    /// How to write the list [default: as FILE ends, else text]
    #[arg(long, value_name = "text|json|ndjson|csv", value_enum)]
    #[arg(hide_possible_values = true, help_heading = "Report")]
    format: Option<Format>,

    #[command(flatten)]
    into: Target,

    #[command(flatten)]
    reading: Reading,
}

const CHOICE: &str = "Which connections (any of one option's values, all of the options)";

/// What stands below the options.
pub(crate) const AFTER: &str = "\
--from, --to and --served-by choose from what was found. --client, --vip, --director and
--real-server choose nothing: they state roles, as everywhere in lbdiag.

Examples:
  lbdiag connections captures/
  lbdiag connections --outcome failed --served-by 10.0.0.12 captures/
  lbdiag connections --where 'suffered or break syn-ack' captures/
  lbdiag connections --finding 1 --format ndjson captures/ | jq -r .client
  lbdiag connections --format csv -o connections.csv captures/";

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    #[default]
    Text,
    Json,
    Ndjson,
    Csv,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Ended {
    Completed,
    Open,
    Refused,
    Unanswered,
    Incomplete,
    Reset,
    Stalled,
    Unknown,
    Failed,
    Suffered,
}

impl Ended {
    fn outcome(self) -> Option<Outcome> {
        let is = |outcome: &Outcome| Self::from_str(outcome.name(), false) == Ok(self);
        Outcome::ALL.into_iter().find(is)
    }

    fn fate(self) -> Option<Fate> {
        match self {
            Self::Failed => Some(Fate::Failed),
            Self::Suffered => Some(Fate::Suffered),
            _ => None,
        }
    }
}

/// The connections that fit a filter, in order.
fn among(text: &str, trace: &Trace, diagnosis: &Diagnosis) -> anyhow::Result<Vec<ConnectionId>> {
    let bound = query::parse(text).and_then(|expr| Filter::bind(&expr, trace, diagnosis));
    let filter = bound.map_err(|fault| {
        let at = text.get(fault.at.clone()).unwrap_or_default();
        let place = if at.trim().is_empty() { String::new() } else { format!(" at {at:?}") };
        anyhow::anyhow!("--where{place}: {}", fault.message)
    })?;
    let fit = |id: &ConnectionId| filter.fits(trace, *id);
    Ok(trace.iter().map(|(id, _)| id).filter(fit).collect())
}

/// Reads, chooses and writes.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let output = args.into.open()?;
    let format = args.into.format(args.format);
    let Some(mut taken) = args.reading.read(false, &mut Stages::new(None))? else {
        return Ok(ExitCode::from(FAILED));
    };
    let diagnosis = diagnose::diagnose(&taken.trace);
    // A finding that was looked for and not found concerns no connection.
    let mut findings = (!args.finding.is_empty()).then(Vec::new);
    for named in &args.finding {
        findings.get_or_insert_default().extend(numbers(&diagnosis, named)?);
    }
    let wanted = Wanted {
        from: args.from.clone(),
        to: args.to.clone(),
        served_by: args.served_by.clone(),
        outcomes: args.outcome.iter().filter_map(|ended| ended.outcome()).collect(),
        fates: args.outcome.iter().filter_map(|ended| ended.fate()).collect(),
        among: match &args.r#where {
            Some(text) => Some(among(text, &taken.trace, &diagnosis)?),
            None => None,
        },
        findings,
        limit: args.limit,
    };
    let listing = report::list(&taken.trace, &diagnosis, &wanted);
    let listing = taken.redactor.document(listing)?;
    taken.keep_map()?;
    let style = output.style(args.reading.screen.color);
    let text = match format {
        Format::Text => render::connections(&listing, &style),
        Format::Json => render::json(&listing),
        Format::Ndjson => render::ndjson(&listing.connections),
        Format::Csv => render::csv(&listing.connections),
    };
    output.write(&text, style.colour)?;
    Ok(ExitCode::SUCCESS)
}

/// The findings that a number or an id names, by index.
fn numbers(diagnosis: &Diagnosis, named: &str) -> anyhow::Result<Vec<usize>> {
    let found = &diagnosis.findings;
    if let Ok(n) = named.trim().parse::<usize>() {
        return match n.checked_sub(1).filter(|i| *i < found.len()) {
            Some(index) => Ok(vec![index]),
            None if found.is_empty() => bail!("there is no finding {n}: nothing was found here"),
            None => bail!("there is no finding {n}: there are 1 to {}", found.len()),
        };
    }
    let asked = named.trim().to_lowercase().replace(['_', ' '], "-");
    let known: Vec<&str> = manuals().map(|(id, _)| id).collect();
    if !known.contains(&asked.as_str()) {
        match closest(&asked, known.iter().copied()).first() {
            Some(near) => bail!("no finding has the id {named}; did you mean {near}?"),
            None => bail!("no finding has the id {named}; list all ids with: lbdiag explain"),
        }
    }
    Ok((0..found.len()).filter(|i| found[*i].id == *asked).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_can_be_asked_for_and_what_became_of_it() {
        for outcome in Outcome::ALL {
            let asked = Ended::from_str(outcome.name(), false).unwrap();
            assert_eq!((asked.outcome(), asked.fate()), (Some(outcome), None));
        }
        for (asked, fate) in [(Ended::Failed, Fate::Failed), (Ended::Suffered, Fate::Suffered)] {
            assert_eq!((asked.outcome(), asked.fate()), (None, Some(fate)));
        }
    }
}
