//! Findings, each a fold: what, why, remedy, doubt, proof, drawing.
//!
//! Those that need work and that nothing explains are open; on paper all are.

use super::super::drawing::Times;
use super::super::svg::{Place, ladder_drawing};
use super::super::text::ladder::ladder as as_text;
use super::super::units::{affects, capitalised, clock, count, plural, since};
use super::super::{MAX_PROSE, Style};
use super::parts::{self, command, paragraphs, wide};
use crate::report::ladder::Ladder;
use crate::report::{Effect, Evidence, Finding, Fix, Report, Severity};
use maud::{Markup, PreEscaped, html};
use std::collections::BTreeMap;

/// Findings that are open at first.
const OPEN: usize = 3;

/// Frames of proof beside the explanation; more are folded.
const FRAMES: usize = 16;

/// All of them, in the report's order.
pub(super) fn all(report: &Report, ladders: &BTreeMap<u32, Ladder>) -> Markup {
    let causes = report.causes();
    let loud = |f: &Finding| f.severity.is_loud() && !causes.contains_key(&f.n);
    let open: Vec<u32> =
        report.findings.iter().filter(|f| loud(f)).take(OPEN).map(|f| f.n).collect();
    html! {
        @if report.findings.is_empty() { p { "Nothing was found." } }
        @for finding in &report.findings {
            (one(finding, (open.contains(&finding.n), causes.get(&finding.n).copied()), ladders))
        }
    }
}

fn one(
    f: &Finding,
    (open, cause): (bool, Option<&Finding>),
    ladders: &BTreeMap<u32, Ladder>,
) -> Markup {
    let class = match f.severity {
        Severity::Critical => "bad",
        Severity::Warning => "warn",
        Severity::Info => "unsure",
    };
    let affected = affects(&f.affected);
    html! {
        details class={ "finding" @if cause.is_some() { " explained" } } id={ "finding-" (f.n) }
            open[open] {
            summary {
                h3 { span class="number" { (f.n) } " " (f.title) }
                span class="facts" {
                    span class={ "tag " (class) } { (f.severity) }
                    " " (f.confidence) ", " (f.kind) " " code { (f.id) }
                    @if let Some(cause) = cause { ", explained by finding " (cause.n) }
                    @if !affected.is_empty() { "; " (affected) }
                }
            }
            div class="body" {
                (paragraphs(&f.explanation))
                (concerned(f))
                // Where it is not certain, what to check stands before what to change.
                @if !f.is_settled() { (doubt(f)) }
                @for (n, fix) in f.fix.iter().enumerate() { (remedy(n, fix)) }
                @if f.is_settled() { (doubt(f)) }
                (proof(f))
                @if let Some(ladder) = ladders.get(&f.n) { (drawing(ladder)) }
                @if !f.explains.is_empty() {
                    p {
                        "It explains "
                        @for (n, other) in f.explains.iter().enumerate() {
                            @if n > 0 { ", " }
                            a href={ "#finding-" (other) } { "finding " (other) }
                        }
                        "."
                    }
                }
                p { "Manual page: " code { "lbdiag explain " (f.id) } }
            }
        }
    }
}

/// By real server, and the way to the connections themselves.
fn concerned(f: &Finding) -> Markup {
    let servers = f.affected.servers();
    html! {
        @if f.affected.connections > 0 {
            p {
                @if !servers.is_empty() {
                    "By real server: "
                    @for (n, (name, hit)) in servers.iter().enumerate() {
                        @if n > 0 { ", " }
                        code { (name) } ": " (count(*hit))
                    }
                    ". "
                }
                a href="#connections" data-finding=(f.n) { "Its connections" }
            }
        }
    }
}

fn remedy(n: usize, fix: &Fix) -> Markup {
    let undo = fix.undo.trim();
    // A command, or a sentence that ends in a full stop.
    let sentence = undo.ends_with('.') && !undo.contains('\n');
    html! {
        h4 { (capitalised(fix.lead(n))) }
        p {
            @if !fix.host.is_empty() { "On " (fix.host) ", " }
            "this is "
            @if fix.effect == Effect::Safe { "safe" } @else { strong { (fix.effect) } }
            ":"
        }
        (command(&fix.command, "Fix"))
        @if sentence { p { "Undo: " (undo) } }
        @else if !undo.is_empty() { p { "Undo:" } (command(undo, "Undo")) }
    }
}

fn doubt(f: &Finding) -> Markup {
    html! {
        @if !f.candidates.is_empty() {
            h4 { "Or maybe" }
            ul {
                @for candidate in &f.candidates {
                    li { code { (candidate.id) } ": " (candidate.tell_apart) }
                }
            }
        }
        @if !f.to_confirm.is_empty() {
            h4 { "Check" }
            @for step in &f.to_confirm {
                p {
                    @if step.host.is_empty() { "Run" } @else { "On " (step.host) }
                    @if !step.why.is_empty() { ", " (step.why) }
                }
                (command(&step.command, "Check"))
            }
        }
    }
}

fn proof(f: &Finding) -> Markup {
    let (near, more) = f.evidence.split_at(f.evidence.len().min(FRAMES));
    html! {
        @if !near.is_empty() {
            h4 { "Proof" }
            (frames(near, f.n))
            @if !more.is_empty() {
                details class="more" {
                    summary { (plural(more.len() as u64, "more frame")) }
                    (frames(more, f.n))
                }
            }
        }
        @if let Some(filter) = &f.wireshark_filter {
            p { "Display filter for Wireshark:" }
            (command(filter, "Display filter for Wireshark"))
        }
    }
}

fn frames(frames: &[Evidence], n: u32) -> Markup {
    let ways = frames.iter().any(|proof| !proof.direction.trim().is_empty());
    let inner = html! {
        table class="proofs" {
            thead {
                tr {
                    th scope="col" { "Capture" }
                    th scope="col" class="num" { "Frame" }
                    th scope="col" class="num" { "Time" }
                    th scope="col" class="num" { "Since first" }
                    @if ways { th scope="col" { "Way" } }
                    th scope="col" { "What it shows" }
                }
            }
            tbody {
                @for proof in frames {
                    tr {
                        td { b { (proof.vantage) } " " span class="path" { (file(&proof.capture)) } }
                        td class="num" { (proof.place().trim_start_matches('#')) }
                        td class="num" { (clock(&proof.time, 12)) }
                        td class="num" { (since(proof.since_first_ns)) }
                        @if ways { td { (proof.direction.trim()) } }
                        td { (proof.note) }
                    }
                }
            }
        }
    };
    wide(&format!("Frames that prove finding {n}"), &inner)
}

/// A file's name; its path is listed with the captures.
fn file(path: &str) -> &str {
    path.rsplit(['/', '\\']).find(|part| !part.is_empty()).unwrap_or(path)
}

fn drawing(ladder: &Ladder) -> Markup {
    let text = as_text(ladder, &Style { width: MAX_PROSE, ..Style::default() });
    let drawn = html! { (PreEscaped(ladder_drawing(ladder, Times::Start, Place::Page))) };
    html! {
        h4 { "Drawing" }
        (parts::drawing(&format!("Sequence of connection {}", ladder.connection), &drawn))
        details class="more aside" {
            summary { "The same as text" }
            (command(&text, "Sequence as text"))
        }
    }
}
