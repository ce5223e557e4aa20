//! Captures with their clocks, what hosts said, coverage and notes.

use super::super::sanitise::clean;
use super::super::text::endpoint;
use super::super::units::{count, duration, instant, plural, span};
use super::parts::Column::{Number, Words};
use super::parts::{codes, headings, wide};
use crate::report::{Capture, Coverage, CoverageStatus, HostRef, Report};
use maud::{Markup, html};

/// Files, what is odd in them, and their clocks.
pub(super) fn captures(report: &Report) -> Markup {
    let files = html! {
        table {
            (headings(&[
                Words("Capture"), Words("Vantages"), Number("Frames"), Words("Link type"),
                Words("By its own clock"), Words("Notes"),
            ]))
            tbody {
                @for capture in &report.captures {
                    tr {
                        th scope="row" { code { (clean(&capture.path)) } }
                        td { (capture.vantages.join(", ")) }
                        td class="num" { (count(capture.frames)) }
                        td { (capture.link_type) }
                        td { (when(capture)) }
                        td { @for note in &capture.notes { p { (clean(note)) } } }
                    }
                }
            }
        }
    };
    let clocks = html! {
        table class="clocks" {
            (headings(&[
                Words("Clock of"), Number("Offset"), Number("Error"), Number("Drift"),
                Words("Known best at"),
            ]))
            tbody { @for capture in &report.captures { (clock(capture)) } }
        }
    };
    html! {
        h3 { "Captures" }
        (wide("Captures", &files))
        h3 { "Clocks" }
        (wide("Clocks", &clocks))
    }
}

fn when(capture: &Capture) -> String {
    match (&capture.start, &capture.end) {
        (Some(start), Some(end)) => span(start, end),
        _ => String::new(),
    }
}

fn clock(capture: &Capture) -> Markup {
    let clock = &capture.clock;
    let itself = clock.reference.as_deref() == Some(capture.path.as_str());
    let offset = match clock.offset_ns {
        _ if itself => "the reference".to_owned(),
        None => "not known: do not compare its times".to_owned(),
        Some(0) => "0 ms".to_owned(),
        Some(ns) => format!("{} {}", duration(ns), if ns < 0 { "behind" } else { "ahead" }),
    };
    let error = clock.error_ns.filter(|_| !itself);
    let drift = clock.drift_ppm.filter(|_| !itself);
    html! {
        tr {
            th scope="row" { code { (clean(&capture.path)) } }
            td class="num" { (offset) }
            td class="num" { @if let Some(error) = error { "± " (duration(error)) } }
            td class="num" {
                @if let Some(drift) = drift {
                    (format!("{drift:+.1} ppm"))
                    @if let Some(error) = clock.drift_error_ppm { (format!(" ± {error:.1}")) }
                }
            }
            td { (clock.at.as_deref().map(instant).unwrap_or_default()) }
        }
    }
}

/// Whose output was taken for whose.
pub(super) fn states(report: &Report) -> Markup {
    let named = |host: &HostRef| host.name().map_or_else(String::new, |name| endpoint(name, None));
    let table = html! {
        table {
            (headings(&[
                Words("State"), Words("Taken for"), Words("By"), Words("Files"),
                Words("Notes"),
            ]))
            tbody {
                @for state in &report.host_states {
                    tr {
                        th scope="row" { (clean(&state.name)) }
                        td { (state.host.as_ref().map_or_else(|| "no host".to_owned(), named)) }
                        td {
                            (state.matched_by.as_deref().unwrap_or_default()) " "
                            (codes(state.common.iter().map(|name| clean(name))))
                        }
                        td { (codes(state.files.iter().map(|file| clean(file)))) }
                        td { @for note in &state.notes { p { (clean(note)) } } }
                    }
                }
            }
        }
    };
    wide("What hosts said of themselves", &table)
}

/// What every detector could say.
pub(super) fn coverage(report: &Report) -> Markup {
    let of = |status| -> Vec<&Coverage> {
        report.coverage.iter().filter(|row| row.status == status).collect()
    };
    let (found, clean, open) =
        (of(CoverageStatus::Found), of(CoverageStatus::Clean), of(CoverageStatus::NotCheckable));
    let ids = |rows: &[&Coverage]| {
        html! {
            @for (n, row) in rows.iter().enumerate() {
                @if n > 0 { ", " }
                code { (row.id) }
            }
        }
    };
    let table = html! {
        table {
            (headings(&[Words("Detector"), Words("Why, and what would change it")]))
            tbody {
                @for row in &open {
                    tr {
                        th scope="row" { code { (row.id) } }
                        td { (row.reason.as_deref().unwrap_or_default()) }
                    }
                }
            }
        }
    };
    html! {
        p { "Found: " (count(found.len() as u64)) ". " (ids(&found)) }
        details class="more" {
            summary { "Checked and clean: " (count(clean.len() as u64)) }
            p { (ids(&clean)) }
        }
        details class="more" open[!open.is_empty()] {
            summary { "Could not be checked: " (plural(open.len() as u64, "detector")) }
            @if !open.is_empty() { (wide("Could not be checked", &table)) }
        }
    }
}

/// Scope and limits of this reading.
pub(super) fn notes(report: &Report) -> Markup {
    html! { ul { @for note in &report.notes { li { (clean(note)) } } } }
}
