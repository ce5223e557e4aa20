//! The table of connections: its first rows as they stand, all of them as data for the
//! page's script, which sorts, filters and pages.
//!
//! The data stands in a block that browsers do not run (`application/json`, HTML
//! Standard 4.12.1); every `<`, `>` and `&` in it is a `\u` escape, so nothing in a
//! string can end the block. Words and numbers in it are ready to show. Refuses to hold
//! more than a browser can: the rest is counted.

use super::super::sanitise::clean;
use super::super::text::connections::server;
use super::super::units::{count, duration, fate_words, instant, plural};
use crate::report::{Connection, Report};
use maud::{Markup, PreEscaped, html};
use serde::Serialize;
use std::collections::HashMap;

/// Rows of a page; the script has the same number.
const PAGE: usize = 50;

/// Rows that the page holds, some 150 bytes each.
const MOST: usize = 50_000;

/// Breaks that a choice lists.
const MAX_BREAKS: usize = 200;

/// What may become of a connection, as the report has it, in the script's order.
const FATES: [&str; 4] = ["well", "failed", "suffered", "untold"];

/// Columns: name, and whether it is a number.
const COLUMNS: [(&str, bool); 9] = [
    ("Connection", true),
    ("Start (UTC)", false),
    ("Client", false),
    ("Service", false),
    ("Real server", false),
    ("Became of it", false),
    ("Outcome", false),
    ("Lasted", true),
    ("Findings", false),
];

/// The table, and what the script makes of it.
pub(super) fn section(report: &Report) -> Markup {
    let (listed, all) = (report.connections.len(), report.totals.connections);
    let held = listed.min(MOST);
    if listed == 0 {
        return html! { p { "None is listed." (of_all(listed, all)) } };
    }
    html! {
        (controls(report))
        p id="shown" role="status" {
            @if held > PAGE { "The first " (PAGE) " of " (plural(held as u64, "connection")) "." }
            @else { (plural(held as u64, "connection")) "." }
        }
        p class="sub" {
            @if listed > held {
                "This page holds the first " (count(held as u64)) " of "
                (count(listed as u64)) " that the report lists. "
            }
            (of_all(listed, all))
        }
        p id="pager" class="pager" hidden {
            button type="button" id="before" { "Previous" }
            " " span id="page" aria-live="polite" {} " "
            button type="button" id="after" { "Next" }
        }
        div class="wide" tabindex="0" role="group" aria-label="Table of connections" {
            table id="table" {
                thead {
                    tr {
                        @for (n, (name, number)) in COLUMNS.iter().enumerate() {
                            th scope="col" class=[number.then_some("num")]
                                aria-sort=[(n == 1).then_some("ascending")] { (name) }
                        }
                    }
                }
                tbody { @for c in report.connections.iter().take(PAGE) { (row(c)) } }
            }
        }
    }
}

/// What is not listed.
fn of_all(listed: usize, all: u64) -> Markup {
    html! {
        @if all > listed as u64 {
            "Of " (plural(all, "connection")) " in all; "
            code { "--connections" } " chooses, " code { "lbdiag connections" } " lists."
        }
    }
}

/// Hidden until the script fills them.
fn controls(report: &Report) -> Markup {
    let choice = |id: &str, label: &str| {
        html! {
            label { (label) " " select id=(id) { option value="" { "any" } } }
        }
    };
    html! {
        form id="filter" class="filter" hidden role="search" aria-label="Connections" {
            label { "Search " input type="search" id="search" autocomplete="off" spellcheck="false"; }
            label {
                "Client " input type="search" id="client" autocomplete="off" spellcheck="false"
                    placeholder="address or part";
            }
            (choice("service", "Service"))
            (choice("server", "Real server"))
            label {
                "Became of it "
                select id="fate" {
                    option value="" { "any" }
                    @for (n, fate) in FATES.iter().enumerate() { option value=(n) { (fate_words(fate)) } }
                }
            }
            (choice("outcome", "Outcome"))
            @if !report.breaks.is_empty() {
                label {
                    "Break "
                    select id="break" {
                        option value="" { "any or none" }
                        @for b in report.breaks.iter().take(MAX_BREAKS) {
                            option value=(b.n) { (b.n) " " (b.packet) " " (b.manner) " " (b.service) }
                        }
                    }
                }
            }
            label {
                "Finding "
                select id="finding" {
                    option value="" { "any or none" }
                    @for f in &report.findings { option value=(f.n) { (f.n) " " (f.id) } }
                }
            }
            button type="reset" { "Show all" }
        }
    }
}

/// The column's colour.
fn harm(c: &Connection) -> Option<&'static str> {
    match c.fate.as_str() {
        "failed" => Some("bad"),
        "suffered" => Some("warn"),
        _ => None,
    }
}

fn row(c: &Connection) -> Markup {
    html! {
        tr {
            td class="num" { (c.id) }
            td { (instant(&c.start)) }
            td { (c.client) }
            td { (c.service) }
            td { (server(c, None)) }
            td class=[harm(c)] { (fate_words(&c.fate)) }
            td { (c.outcome) }
            td class="num" { (duration(c.duration_ns)) }
            td {
                @for (n, number) in c.findings.iter().enumerate() {
                    @if n > 0 { ", " }
                    a href={ "#finding-" (number) } { (number) }
                }
                @if let Some(kind) = &c.ordinary {
                    @if !c.findings.is_empty() { "; " }
                    (kind)
                }
            }
        }
    }
}

/// Names that come again and again, by number.
#[derive(Default)]
struct Names {
    list: Vec<String>,
    known: HashMap<String, usize>,
}

impl Names {
    fn number(&mut self, name: &str) -> usize {
        if let Some(known) = self.known.get(name) {
            return *known;
        }
        self.list.push(clean(name).into_owned());
        self.known.insert(name.to_owned(), self.list.len() - 1);
        self.list.len() - 1
    }
}

/// A row: id, start, client, service, real server, outcome, what became of it, lasted in
/// nanoseconds, the same to read, findings, what it is if nobody's request, its break or 0.
#[derive(Serialize)]
struct Row<'a>(
    u32,
    String,
    std::borrow::Cow<'a, str>,
    usize,
    usize,
    usize,
    usize,
    i64,
    String,
    &'a [u32],
    Option<usize>,
    u32,
);

#[derive(Serialize)]
struct Data<'a> {
    services: Vec<String>,
    servers: Vec<String>,
    outcomes: Vec<String>,
    fates: [&'a str; 4],
    ordinary: Vec<String>,
    rows: Vec<Row<'a>>,
}

/// The rows for the script.
pub(super) fn data(report: &Report) -> Markup {
    let [mut services, mut servers, mut outcomes, mut ordinary] =
        std::array::from_fn(|_| Names::default());
    let rows = report
        .connections
        .iter()
        .take(MOST)
        .map(|c| {
            Row(
                c.id,
                instant(&c.start),
                clean(&c.client),
                services.number(&c.service),
                servers.number(&server(c, None)),
                outcomes.number(&c.outcome),
                FATES.iter().position(|fate| *fate == c.fate).unwrap_or(3),
                c.duration_ns,
                duration(c.duration_ns),
                &c.findings,
                c.ordinary.as_deref().map(|kind| ordinary.number(kind)),
                c.broken.unwrap_or(0),
            )
        })
        .collect();
    let data = Data {
        services: services.list,
        servers: servers.list,
        outcomes: outcomes.list,
        fates: FATES.map(fate_words),
        ordinary: ordinary.list,
        rows,
    };
    // Plain data cannot fail to serialise; were it to, the table stays as it is.
    let text = serde_json::to_string(&data).unwrap_or_else(|_| "null".to_owned());
    html! { script type="application/json" id="rows" { (PreEscaped(inert(&text))) } }
}

/// JSON that holds nothing that HTML acts on.
fn inert(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '<' => out.push_str("\\u003c"),
            '>' => out.push_str("\\u003e"),
            '&' => out.push_str("\\u0026"),
            '\u{2028}' => out.push_str("\\u2028"),
            '\u{2029}' => out.push_str("\\u2029"),
            c => out.push(c),
        }
    }
    out
}
