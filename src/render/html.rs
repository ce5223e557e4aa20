//! The report as one page for a browser: nothing loaded, readable without its script,
//! on paper and in the dark.
//!
//! Text is escaped by the template engine, data for the script stands in a block that no
//! browser runs, and a Content-Security-Policy
//! (<https://www.w3.org/TR/CSP3/>) allows this page's own script and style alone, by
//! their hashes; so a payload stays text. The script sorts, filters and pages what is
//! there and makes no number. Refuses to judge: order and numbers are the report's.

mod breaks;
mod connections;
mod finding;
mod network;
mod parts;
mod tail;
mod timeline;

use super::sanitise::{clean, is_unsafe};
use super::svg::{DARK, LIGHT, RULES};
use super::units::{REDACTED, plural, span, verdict};
use crate::report::ladder::Ladder;
use crate::report::topology::Topology;
use crate::report::{Report, Status};
use base64::Engine as _;
use maud::{DOCTYPE, Markup, PreEscaped, html as markup};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;

const CSS: &str = include_str!("html/page.css");
const SCRIPT: &str = include_str!("html/page.js");

/// The whole page; `ladders` by the number of the finding that each proves. Ends with a
/// line feed.
#[must_use]
pub fn html(report: &Report, topology: &Topology, ladders: &BTreeMap<u32, Ladder>) -> String {
    let style = style();
    let policy = format!(
        "default-src 'none'; style-src {}; script-src {}; base-uri 'none'; form-action 'none'",
        hash(&style),
        hash(SCRIPT)
    );
    let word = verdict(report.verdict.status);
    let sections = sections(report, topology, ladders);
    let page = markup! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                title { (word) ": " (report.verdict.summary) }
                style { (PreEscaped(&style)) }
            }
            body {
                a class="skip" href="#main" { "Skip to the findings" }
                (head(report, word, &sections))
                main id="main" tabindex="-1" {
                    @for (id, title, body) in &sections {
                        section id=(id) aria-labelledby={ "h-" (id) } {
                            h2 id={ "h-" (id) } { (title) }
                            (body)
                        }
                    }
                }
                footer {
                    p {
                        "Written by " (report.generator) ". Times are UTC, corrected to the "
                        "reference clock as far as the captures allow. Frame numbers are those "
                        "that Wireshark shows."
                    }
                }
                (connections::data(report))
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    let mut page = page.into_string();
    page.push('\n');
    shown(page)
}

/// What the page looks like, with the drawings' own rules.
fn style() -> String {
    format!(
        ":root {{\n{LIGHT}}}\n@media (prefers-color-scheme: dark) {{ :root:not([data-theme=light]) \
         {{\n{DARK}}} }}\n:root[data-theme=dark] {{\n{DARK}}}\n@media print {{ :root:root:root \
         {{\n{LIGHT}}} }}\n{RULES}{CSS}"
    )
}

/// As a policy names inline content.
fn hash(content: &str) -> String {
    let digest = Sha256::digest(content.as_bytes());
    format!("'sha256-{}'", base64::engine::general_purpose::STANDARD.encode(digest))
}

/// With every character written out that steers a terminal or turns text around,
/// wherever it came in.
fn shown(page: String) -> String {
    if !page.contains(|c| c != '\n' && is_unsafe(c)) {
        return page;
    }
    let mut out = String::with_capacity(page.len() + 1_024);
    for line in page.split_inclusive('\n') {
        let (text, end) = line.strip_suffix('\n').map_or((line, ""), |text| (text, "\n"));
        out.push_str(&clean(text));
        out.push_str(end);
    }
    out
}

type Section = (&'static str, &'static str, Markup);

fn sections(report: &Report, topology: &Topology, ladders: &BTreeMap<u32, Ladder>) -> Vec<Section> {
    let mut all = Vec::new();
    if !report.breaks.is_empty() {
        all.push(("breaks", "Where it breaks", breaks::section(report)));
    }
    all.push(("findings", "Findings", finding::all(report, ladders)));
    if !report.services.is_empty() {
        all.push(("services", "Services", network::services(report)));
    }
    if !report.hosts.is_empty() {
        all.push(("hosts", "Hosts and ways", network::hosts(report, topology)));
    }
    if let Some(drawn) = timeline::section(report) {
        all.push(("timeline", "Timeline", drawn));
    }
    all.push(("connections", "Connections", connections::section(report)));
    all.push(("captures", "Captures and clocks", tail::captures(report)));
    if !report.host_states.is_empty() {
        all.push(("states", "What hosts said of themselves", tail::states(report)));
    }
    all.push(("coverage", "What was checked", tail::coverage(report)));
    if !report.notes.is_empty() {
        all.push(("notes", "Notes", tail::notes(report)));
    }
    all
}

fn head(report: &Report, word: &str, sections: &[Section]) -> Markup {
    let class = match report.verdict.status {
        Status::Failing => "bad",
        Status::Degraded => "warn",
        Status::Healthy => "good",
        Status::Inconclusive => "unsure",
    };
    let starts = report.captures.iter().filter_map(|c| c.start.as_deref());
    let ends = report.captures.iter().filter_map(|c| c.end.as_deref());
    let when = starts.min().zip(ends.max()).map(|(start, end)| span(start, end));
    markup! {
        header {
            div class="top" {
                p { "lbdiag: what is broken around a load balancer" }
                button id="theme" type="button" hidden { "Dark" }
            }
            h1 { span class={ "verdict " (class) } { (word) } " " (report.verdict.summary) }
            @if report.verdict.lines.len() > 1 {
                ol class="wrong" {
                    @for (n, line) in report.verdict.others() { li value=(n) { (line) } }
                }
            }
            @if report.redacted { p class="accounts" { (REDACTED) "." } }
            @if !report.verdict.accounts.is_empty() {
                p class="accounts" { (report.verdict.accounts) "." }
            }
            p class="sub" {
                (plural(report.captures.len() as u64, "capture"))
                @if let Some(when) = when { ", " (when) }
                "."
            }
            nav aria-label="Contents" {
                ul {
                    @for (id, title, _) in sections { li { a href={ "#" (id) } { (title) } } }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
