//! Connections over time, a lane for each real server, with the findings' spans below.
//!
//! A few connections are bars; many are columns of how many began, those that failed
//! downwards, so that position says what colour repeats. Health checks, scans and
//! floods are left out, as in all counts. Refuses to order what lies inside the clocks'
//! error: times are the report's.

mod lanes;

use super::super::measure::{columns, cut_middle};
use super::super::units::{clock, count, duration};
use super::parts::drawing;
use crate::report::{Finding, Report};
use lanes::{Axis, Drawn, LANE_GAP, Lane};
use maud::{Markup, html};

/// Lanes that are drawn; the rest is counted.
const MAX_LANES: usize = 24;
/// Findings that are drawn.
const MAX_FINDINGS: usize = 20;
/// Columns of a lane's name.
const NAME: usize = 34;
/// Width of a character, pixels.
const CHAR: i64 = 8;
/// Height of the axis.
const AXIS: i64 = 28;
/// Height of a finding's lane.
const FINDING: i64 = 20;

/// The drawing; none where no connection is listed.
pub(super) fn section(report: &Report) -> Option<Markup> {
    let mut lanes = lanes::lanes(report);
    let left_out = lanes.len().saturating_sub(MAX_LANES);
    lanes.truncate(MAX_LANES);
    let findings: Vec<&Finding> =
        report.findings.iter().filter(|f| seen(f).is_some()).take(MAX_FINDINGS).collect();
    let name = |f: &Finding| cut_middle(&format!("{} {}", f.n, f.id), NAME);
    let names = lanes.iter().map(|lane| cut_middle(&lane.name, NAME));
    let widest = names.chain(findings.iter().map(|f| name(f))).map(|n| columns(&n)).max()?;
    let spans = findings.iter().filter_map(|f| seen(f));
    let left = widest as i64 * CHAR + 16;
    let axis = Axis::new(&lanes, spans, left)?;
    let drawn: Vec<Drawn> = lanes.iter().map(|lane| lanes::draw(lane, &axis)).collect();
    let most = drawn.iter().map(Drawn::most).max().unwrap_or(0);
    let lanes_high: i64 = drawn.iter().map(|d| d.high() + LANE_GAP).sum();
    let below = AXIS + lanes_high;
    let high = below + FINDING * findings.len() as i64 + 8;
    let right = axis.right();
    let width = drawn.iter().map(Drawn::right).fold(right, i64::max) + 40;
    let mut y = AXIS;
    let svg = html! {
        svg width=(width) height=(high) viewBox={ "0 0 " (width) " " (high) } class="timeline" {
            // Bars are a picture; findings below are links, which a picture cannot hold.
            g role="img" aria-label="Connections over time by real server" {
                @for (x, label) in axis.ticks() {
                    line x1=(x) y1=(AXIS - 8) x2=(x) y2=(high - 4) class="tick" {}
                    text x=(x) y=(AXIS - 12) text-anchor="middle" class="faint" { (label) }
                }
                @for (lane, drawn) in lanes.iter().zip(&drawn) {
                    ({ let at = y; y += drawn.high() + LANE_GAP; lane_of(lane, drawn, at, left, most, right) })
                }
            }
            @for (n, finding) in findings.iter().enumerate() {
                (span_of(finding, &name(finding), &axis, below + FINDING * n as i64, left))
            }
        }
    };
    let many = drawn.iter().any(|d| matches!(d, Drawn::Columns(_)));
    let few = drawn.iter().any(|d| matches!(d, Drawn::Bars { .. }));
    Some(html! {
        (drawing("Timeline", &svg))
        p class="sub" {
            "From " (axis.start()) " UTC. "
            @if few { "A bar is a connection; a cross ends one that failed. " }
            @if many {
                "Columns are connections that began within " (duration(axis.column_ns()))
                ", at most " (count(most)) "; those downwards failed. "
            }
            @if !findings.is_empty() {
                "Below, when each finding was seen, with the frames of its proof. "
            }
            @if left_out > 0 { (count(left_out as u64)) " more real servers are not drawn." }
        }
    })
}

fn seen(f: &Finding) -> Option<(i128, i128)> {
    let (first, last) = (f.affected.first_seen.as_deref()?, f.affected.last_seen.as_deref()?);
    Some((lanes::at(first)?, lanes::at(last)?))
}

fn lane_of(lane: &Lane, drawn: &Drawn, y: i64, left: i64, most: u64, right: i64) -> Markup {
    let middle = match drawn {
        Drawn::Bars { .. } => y + 10,
        Drawn::Columns(_) => y + lanes::UP - 2,
    };
    html! {
        text x=(left - 12) y=(middle) text-anchor="end" { (cut_middle(&lane.name, NAME)) }
        @match drawn {
            Drawn::Bars { bars, .. } => {
                @for bar in bars {
                    @let top = y + bar.row_y;
                    rect x=(bar.x) y=(top + 2) width=(bar.wide) height="5"
                        class={ "bar" @if bar.failed { " failed" } } {
                        title { (bar.words) }
                    }
                    @if bar.failed {
                        @let end = bar.x + bar.wide;
                        path class="cross lost"
                            d={ "M" (end - 4) " " (top) "l8 9M" (end + 4) " " (top) "l-8 9" } {}
                    }
                    @if !bar.mark.is_empty() {
                        text x=(bar.x + bar.wide + 9) y=(top + 9) class="faint small" { (bar.mark) }
                    }
                }
            }
            Drawn::Columns(all) => {
                @let base = y + lanes::UP;
                line x1=(left) y1=(base) x2=(right) y2=(base) class="life" {}
                @for column in all {
                    @let up = lanes::scaled(column.began, most, lanes::UP);
                    rect x=(column.x) y=(base - up) width=(lanes::COLUMN) height=(up) class="bar" {
                        title { (column.words) }
                    }
                    @if column.failed > 0 {
                        rect x=(column.x) y=(base + 1) width=(lanes::COLUMN)
                            height=(lanes::scaled(column.failed, most, lanes::DOWN))
                            class="bar failed" { title { (column.words) } }
                    }
                }
            }
        }
    }
}

/// When a finding was seen: a line with an end on either side, a stroke a frame of proof.
fn span_of(f: &Finding, name: &str, axis: &Axis, y: i64, left: i64) -> Markup {
    let class = if f.severity.is_loud() { "loud" } else { "quiet" };
    let (from, to) = seen(f).map_or((left, left), |(first, last)| (axis.x(first), axis.x(last)));
    let to = to.max(from + 2);
    let y = y + 12;
    let mut marks: Vec<i64> =
        f.evidence.iter().filter_map(|e| lanes::at(&e.time)).map(|at| axis.x(at)).collect();
    marks.sort_unstable();
    marks.dedup();
    let words = format!(
        "finding {}, {} to {}: {}",
        f.n,
        f.affected.first_seen.as_deref().map(|t| clock(t, 12)).unwrap_or_default(),
        f.affected.last_seen.as_deref().map(|t| clock(t, 12)).unwrap_or_default(),
        f.title
    );
    html! {
        a href={ "#finding-" (f.n) } {
            title { (words) }
            text x=(left - 12) y=(y + 4) text-anchor="end" class="rewrite" { (name) }
            path class={ "span " (class) } d={ "M" (from) " " (y - 5) "v10M" (from) " " (y) "H" (to) "M" (to) " " (y - 5) "v10" } {}
            @for x in marks { path class={ "span " (class) } d={ "M" (x) " " (y - 3) "v6" } {} }
        }
    }
}
