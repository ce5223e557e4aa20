//! `lbdiag explain`: the manual page of a finding.

use crate::cli::closest::closest;
use crate::cli::output::Output;
use anyhow::bail;
use clap::ColorChoice;
use lbdiag::diagnose::{manual, manuals};
use lbdiag::render;
use std::process::ExitCode;

/// Print what a finding means, how it is told from others and how to mend it
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Id of the finding; without it, all are listed
    id: Option<String>,

    /// When to use colour
    #[arg(long, value_name = "auto|always|never", default_value_t = ColorChoice::Auto)]
    #[arg(hide_possible_values = true)]
    color: ColorChoice,
}

/// Prints a page, or the list of all.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let output = Output::Stdout;
    let style = output.style(args.color);
    let text = match &args.id {
        None => list(style.width),
        Some(id) => render::page(find(id)?, &style),
    };
    output.write(&text, style.colour)?;
    Ok(ExitCode::SUCCESS)
}

fn find(id: &str) -> anyhow::Result<&'static str> {
    // As ids are written in code and in titles.
    let asked = id.trim().to_lowercase().replace(['_', ' '], "-");
    if let Some(page) = manual(&asked) {
        return Ok(page);
    }
    match closest(&asked, manuals().map(|(id, _)| id)).as_slice() {
        [] => bail!("no finding has the id {id}; list all ids with: lbdiag explain"),
        [first, ..] if first.contains(&asked) => {
            let all = closest(&asked, manuals().map(|(id, _)| id)).join(", ");
            bail!(
                "no finding has the id {id}, but there is {all}; see it with: lbdiag explain {first}"
            )
        }
        [first, ..] => {
            bail!(
                "no finding has the id {id}; did you mean {first}? See it with: lbdiag explain {first}"
            )
        }
    }
}

/// Every id with the first paragraph of its page.
fn list(width: usize) -> String {
    let longest = manuals().map(|(id, _)| id.len()).max().unwrap_or(0);
    let hang = " ".repeat(longest + 2);
    let mut text = String::new();
    for (id, page) in manuals() {
        let lead = format!("{id:longest$}  ");
        let options = textwrap::Options::new(width.max(longest + 30))
            .initial_indent(&lead)
            .subsequent_indent(&hang)
            .break_words(false);
        text.push_str(&textwrap::fill(&summary(page), options));
        text.push('\n');
    }
    text
}

/// The first paragraph after the title, as one line.
fn summary(page: &str) -> String {
    let body = page.lines().skip_while(|line| line.starts_with('#') || line.trim().is_empty());
    let lines: Vec<&str> = body.take_while(|line| !line.trim().is_empty()).map(str::trim).collect();
    lines.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_has_a_title_and_a_summary() {
        assert!(manuals().count() > 0);
        for (id, page) in manuals() {
            assert!(page.starts_with(&format!("# {id}\n")), "{id}");
            assert!(summary(page).ends_with('.') && summary(page).len() > 20, "{id}");
        }
    }

    #[test]
    fn ids_are_found_as_people_write_them() {
        for id in ["rs-silent", "RS-Silent", "rs_silent", " rs silent "] {
            assert!(find(id).is_ok(), "{id}");
        }
        let told = |id: &str| find(id).unwrap_err().to_string();
        assert!(told("rs-slient").contains("did you mean rs-silent?"));
        assert!(told("hairpin").contains("l4-self-access-hairpin"));
        assert!(told("zzzzzzzz").ends_with("lbdiag explain"));
    }

    #[test]
    fn the_list_has_each_id_at_the_start_of_a_line() {
        for width in [0, 80, 1000] {
            let text = list(width);
            for (id, _) in manuals() {
                assert!(text.lines().any(|l| l.split(' ').next() == Some(id)), "{id}");
            }
        }
    }
}
