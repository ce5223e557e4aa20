//! Where connections broke: one entry a group, before any reason.

use super::super::sanitise::clean;
use crate::report::{Break, Report};
use maud::{Markup, html};

/// Entries that are shown at once; the rest is folded.
const SHOWN: usize = 20;

/// Entries that the page holds.
const MOST: usize = 1_000;

/// All groups in the report's order, those of most harm unfolded.
pub(super) fn section(report: &Report) -> Markup {
    let held = &report.breaks[..report.breaks.len().min(MOST)];
    let (near, more) = held.split_at(held.len().min(SHOWN));
    html! {
        (list(near))
        @if !more.is_empty() {
            details class="more" {
                summary { (more.len()) " more" }
                (list(more))
            }
        }
        @if report.breaks.len() > MOST {
            p class="sub" { (report.breaks.len() - MOST) " more are in the JSON report." }
        }
    }
}

fn list(breaks: &[Break]) -> Markup {
    html! { ul class="breaks" { @for broken in breaks { (one(broken)) } } }
}

fn one(broken: &Break) -> Markup {
    let class = if broken.fate == "failed" { "bad" } else { "warn" };
    html! {
        li id={ "break-" (broken.n) } {
            span class={ "tag " (class) } { (broken.n) } " "
            span class="line" { (clean(&broken.sentence())) }
            @for apart in &broken.apart { p class="apart" { "What sets them apart: " (apart.sentence) "." } }
            p class="sub" {
                @for (n, number) in broken.findings.iter().enumerate() {
                    @if n > 0 { ", " }
                    a href={ "#finding-" (number) } { "finding " (number) }
                }
                @if !broken.findings.is_empty() { "; " }
                a href="#connections" data-break=(broken.n) { "its connections" }
            }
        }
    }
}
