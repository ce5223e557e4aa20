//! How the timeline looks.

use super::super::super::app::App;
use super::super::super::lanes::{Bar, Cell, Shown};
use super::super::super::roles::{fate, severity};
use super::super::super::screen::{owned, put};
use super::super::super::states::timeline::DENSITY;
use super::super::super::theme::Paint;
use super::scale::{areas, clock, ns, range_text, top};
use crate::capture::Timestamp;
use crate::correlate::Outcome;
use crate::render::measure::{columns as wide, cut, cut_middle, pad_end};
use crate::render::units::{count, duration};
use crate::trace::ConnectionId;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use std::collections::BTreeSet;

/// Eighths of a row.
const LEVELS: [&str; 9] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

/// Columns between two times of the axis.
const TICK: usize = 20;

/// Beginning, body, end, and what stands for all where there is one column; the role.
fn form(outcome: Outcome) -> ([&'static str; 4], Paint) {
    match outcome {
        Outcome::Completed => (["├", "─", "┤", "•"], Paint::Good),
        Outcome::Open => (["├", "─", "▸", "▸"], Paint::Unsure),
        Outcome::Refused => (["✗", "─", "✗", "✗"], Paint::Bad),
        Outcome::Unanswered => (["├", "┄", "?", "?"], Paint::Bad),
        Outcome::Incomplete => (["├", "╌", "◌", "◌"], Paint::Bad),
        Outcome::Reset => (["├", "━", "✗", "╳"], Paint::Bad),
        Outcome::Stalled => (["├", "═", "!", "!"], Paint::Warn),
        Outcome::Unknown => (["·", "·", "·", "·"], Paint::Faint),
    }
}

/// Draws it.
pub fn draw(app: &App, area: Rect, buf: &mut Buffer) {
    let Some(data) = &app.data else { return };
    let theme = &app.config.theme;
    let state = &app.timeline;
    let areas = areas(area);
    let columns = usize::from(areas.lanes.width).max(1);
    let (from, per) = state.view(columns);
    let to = from.saturating_add(per.saturating_mul(columns as i64));
    let day = crate::report::rfc3339(Timestamp(from));
    let head = [
        (Paint::Strong, format!("lanes by {}", state.by.name())),
        (
            Paint::Plain,
            format!("   {} {} UTC", day.get(..10).unwrap_or_default(), range_text(from, to)),
        ),
        (Paint::Faint, format!(", {}", duration(to.saturating_sub(from)))),
        (
            Paint::Faint,
            if area.width < 100 { String::new() } else { format!(", {} a column", duration(per)) },
        ),
        (Paint::Warn, if state.waits() { "  working".to_owned() } else { String::new() }),
    ];
    put(buf, area, 0, &owned(app, &head));
    findings(app, area, areas.lanes, buf);
    let lines = state.lines();
    let height = usize::from(areas.lanes.height);
    let top = top(state, height);
    // What was computed for another view stands where it was until the new one comes.
    let same = state
        .shown
        .as_ref()
        .is_some_and(|shown| (shown.from, shown.per_column, shown.columns) == (from, per, columns));
    let most = state.lanes.iter().flat_map(|lane| match &lane.shown {
        Shown::Density(cells) => cells.as_slice(),
        Shown::Bars(_) => &[],
    });
    let most = most.map(|cell| cell.alive).max().unwrap_or(1).max(1);
    for (row, (lane, within)) in lines.iter().skip(top).take(height).enumerate() {
        let Some(lane) = state.lanes.get(*lane) else { continue };
        let width = usize::from(areas.names.width);
        let cursor = top + row == state.row;
        if *within == 0 {
            let n = format!(" {}", count(lane.count as u64));
            let name = cut_middle(&lane.name, width.saturating_sub(wide(&n) + 1));
            let role = if lane.failed > 0 { Paint::Bad } else { Paint::Faint };
            put(buf, areas.names, row, &owned(app, &[(Paint::Plain, name), (role, n)]));
        }
        if cursor {
            let style = theme.style(Paint::Resting);
            buf.set_style(Rect { y: areas.names.y + row as u16, height: 1, ..areas.names }, style);
        }
        let line = Rect { y: areas.lanes.y + row as u16, height: 1, ..areas.lanes };
        match &lane.shown {
            Shown::Bars(rows) => {
                for bar in rows.get(*within).into_iter().flatten() {
                    draw_bar(app, bar, line, buf);
                }
            }
            Shown::Density(cells) => density(app, cells, most, *within, line, buf),
        }
    }
    if state.lanes.iter().all(|lane| lane.count == 0) && !state.waits() && same {
        put(
            buf,
            areas.lanes,
            1,
            &theme.line(&[(Paint::Faint, "nothing here: 0 shows all time, x clears the filter")]),
        );
    }
    ranges(app, areas.lanes, columns, buf);
    axis(app, area, areas.lanes, (from, per), buf);
    under_cursor(app, data, area, columns, buf);
    legend(app, area, buf);
}

fn draw_bar(app: &App, bar: &Bar, line: Rect, buf: &mut Buffer) {
    let ([begin, body, end, one], role) = form(bar.outcome);
    let style = app.config.theme.style(role);
    let last = i64::from(line.width) - 1;
    let finding = app.data.as_ref().map_or(0, |data| data.columns.first_finding(bar.id));
    let number =
        if finding > 0 && bar.to - bar.from >= 4 { finding.to_string() } else { String::new() };
    for column in bar.from.max(0)..=bar.to.min(last) {
        let symbol = match (column == bar.from, column == bar.to) {
            (true, true) => one,
            (true, _) => begin,
            (_, true) => end,
            _ => body,
        };
        if let Some(cell) = buf.cell_mut((line.x + column as u16, line.y)) {
            cell.set_symbol(symbol).set_style(style);
        }
    }
    let at = bar.from + 2;
    if at >= 0 && at + (number.len() as i64) < bar.to.min(last + 1) {
        buf.set_span(line.x + at as u16, line.y, &app.config.theme.span(Paint::Warn, &number), 4);
    }
}

/// Row `within` of a density, counted from above; what failed is marked in the lowest.
fn density(app: &App, cells: &[Cell], most: u32, within: usize, line: Rect, buf: &mut Buffer) {
    for (column, cell) in cells.iter().take(usize::from(line.width)).enumerate() {
        let all = DENSITY as u64 * 8;
        // Whoever is there shows.
        let level = (u64::from(cell.alive) * all).div_ceil(u64::from(most)) as usize;
        let below = (DENSITY - 1 - within) * 8;
        let symbol = LEVELS[level.saturating_sub(below).min(8)];
        let role = match (cell.failed, cell.alive) {
            (0, _) => Paint::Good,
            (failed, alive) if failed.saturating_mul(2) >= alive => Paint::Bad,
            _ => Paint::Warn,
        };
        let failed = cell.failed > 0 && within + 1 == DENSITY;
        let symbol = if failed { "╳" } else { symbol };
        if let Some(target) = buf.cell_mut((line.x + column as u16, line.y)) {
            target.set_symbol(symbol).set_style(app.config.theme.style(role));
        }
    }
}

/// Findings with their numbers, where they begin.
fn findings(app: &App, area: Rect, lanes: Rect, buf: &mut Buffer) {
    let Some(data) = &app.data else { return };
    put(buf, area, 1, &app.config.theme.line(&[(Paint::Faint, "findings")]));
    let columns = usize::from(lanes.width);
    let explained: BTreeSet<u32> =
        data.report.findings.iter().flat_map(|f| f.explains.clone()).collect();
    let mut free = vec![true; columns];
    for finding in data.report.findings.iter().filter(|f| !explained.contains(&f.n)) {
        let seen = |text: &Option<String>| text.as_deref().and_then(ns);
        let affected = &finding.affected;
        let (Some(first), Some(last)) = (seen(&affected.first_seen), seen(&affected.last_seen))
        else {
            continue;
        };
        let (first, last) =
            (app.timeline.column(first, columns), app.timeline.column(last, columns));
        let role = severity(finding.severity);
        for column in first.max(0)..=last.min(columns as i64 - 1) {
            if let Some(slot) = free.get_mut(column as usize).filter(|free| **free) {
                *slot = false;
                let symbol = if column == first { "┣" } else { "╌" };
                buf.set_span(
                    lanes.x + column as u16,
                    area.y + 1,
                    &app.config.theme.span(role, symbol),
                    1,
                );
            }
        }
        let name = format!("{} {}", finding.n, finding.id);
        let at = first + 1;
        if (0..columns as i64).contains(&at) {
            let room = columns as i64 - at;
            let name = cut(&name, room as usize);
            let end = (at as usize + wide(&name)).min(columns);
            free[at as usize..end].fill(false);
            buf.set_span(
                lanes.x + at as u16,
                area.y + 1,
                &app.config.theme.span(role, &name),
                room as u16,
            );
        }
    }
}

/// The cursor's column and the ranges.
fn ranges(app: &App, lanes: Rect, columns: usize, buf: &mut Buffer) {
    let state = &app.timeline;
    let column = |at: i64| state.column(at, columns);
    let mut shade = |from: i64, to: i64, role: Paint| {
        let last = columns as i64 - 1;
        for at in from.max(0)..=to.min(last) {
            let rect = Rect { x: lanes.x + at as u16, width: 1, ..lanes };
            buf.set_style(rect, app.config.theme.style(role));
        }
    };
    if let Some((from, to)) = app.range {
        shade(column(from), column(to), Paint::Resting);
    }
    let cursor = column(state.cursor);
    if let Some(anchor) = state.anchor {
        shade(column(anchor).min(cursor), column(anchor).max(cursor), Paint::Cursor);
    }
    let Some(x) = u16::try_from(cursor).ok().filter(|at| *at < lanes.width) else { return };
    let theme = &app.config.theme;
    let row = state.row.saturating_sub(top(state, usize::from(lanes.height)));
    for y in 0..lanes.height {
        let here = usize::from(y) == row;
        if let Some(cell) = buf.cell_mut((lanes.x + x, lanes.y + y)) {
            if cell.symbol() == " " && !here {
                cell.set_symbol("│").set_style(theme.style(Paint::Frame));
            }
            if here {
                cell.set_style(theme.style(Paint::Cursor));
            }
        }
    }
}

fn axis(app: &App, area: Rect, lanes: Rect, (from, per): (i64, i64), buf: &mut Buffer) {
    let y = area.bottom() - 3;
    let mut line = String::new();
    for tick in 0..=usize::from(lanes.width) / TICK {
        let at = from.saturating_add(per.saturating_mul((tick * TICK) as i64));
        line.push_str(&pad_end(&format!("└{}", clock(at)), TICK));
    }
    let line = cut(&line, usize::from(lanes.width));
    buf.set_span(lanes.x, y, &app.config.theme.span(Paint::Faint, &line), lanes.width);
}

/// What is known of the place under the cursor.
fn under_cursor(
    app: &App,
    data: &super::super::super::data::Data,
    area: Rect,
    columns: usize,
    buf: &mut Buffer,
) {
    let state = &app.timeline;
    let trace = &data.trace;
    let reference = trace.timeline.reference;
    let at = Timestamp(state.cursor);
    let doubts: Vec<Option<i64>> =
        (0..trace.captures.len()).map(|c| trace.timeline.uncertainty(reference, c, at)).collect();
    let doubt = match doubts.iter().copied().collect::<Option<Vec<i64>>>() {
        Some(all) => match all.into_iter().max() {
            Some(most) if most > 0 => format!(" ±{}", duration(most)),
            _ => String::new(),
        },
        None => " (some clocks cannot be compared)".to_owned(),
    };
    let mut parts = vec![(Paint::Strong, format!("{} UTC{doubt}", clock(state.cursor)))];
    match state.bar(columns).and_then(|bar| data.connection(ConnectionId(bar.id))) {
        Some(c) => {
            let numbers: Vec<String> = c.findings.iter().map(ToString::to_string).collect();
            let found = if numbers.is_empty() {
                String::new()
            } else {
                format!(", finding {}", numbers.join(", "))
            };
            parts.push((Paint::Plain, format!("   #{} {} > {}", c.id, c.client, c.service)));
            parts.push((fate(&c), format!("  {}", c.ended())));
            parts.push((Paint::Plain, format!(" {}{found}", duration(c.duration_ns))));
        }
        None => {
            let line = state.lines().get(state.row).copied();
            let lane = line.and_then(|(lane, _)| state.lanes.get(lane));
            let column = usize::try_from(state.column(state.cursor, columns)).unwrap_or(usize::MAX);
            if let Some((lane, Shown::Density(cells))) = lane.map(|lane| (lane, &lane.shown))
                && let Some(cell) = cells.get(column)
            {
                let said = format!(
                    "   {}: {} alive, {} failed",
                    lane.name,
                    count(cell.alive.into()),
                    count(cell.failed.into())
                );
                parts.push((Paint::Plain, said));
            }
        }
    }
    let row = usize::from(area.height).saturating_sub(2);
    put(buf, area, row, &owned(app, &parts));
}

/// The forms of the outcomes that are there.
fn legend(app: &App, area: Rect, buf: &mut Buffer) {
    let mut seen: Vec<Outcome> = Vec::new();
    let mut dense = false;
    for lane in &app.timeline.lanes {
        match &lane.shown {
            Shown::Bars(rows) => {
                for bar in rows.iter().flatten() {
                    if !seen.contains(&bar.outcome) {
                        seen.push(bar.outcome);
                    }
                }
            }
            Shown::Density(_) => dense = true,
        }
    }
    seen.sort_unstable();
    let mut parts = Vec::new();
    for outcome in seen {
        let ([begin, body, end, one], role) = form(outcome);
        parts.push((role, format!(" {begin}{body}{end} {one} ")));
        parts.push((Paint::Faint, format!("{} ", outcome.name())));
    }
    if dense {
        parts.push((Paint::Faint, " ▂▅█ connections alive, ".to_owned()));
        parts.push((Paint::Bad, "╳".to_owned()));
        parts.push((Paint::Faint, " some failed".to_owned()));
    }
    let row = usize::from(area.height).saturating_sub(1);
    put(buf, area, row, &owned(app, &parts));
}
