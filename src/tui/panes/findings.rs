//! The findings: a list, and of one all that is known, with places that lead on. The last
//! entry is what could be checked.

mod page;

use super::super::action::Action;
use super::super::app::{App, Pane};
use super::super::roles::severity;
use super::super::screen::{highlight, put, screen};
use super::super::states::ladder::Wanted;
use super::super::theme::Paint;
use super::super::work::Job;
use super::help::open_manual;
use super::ladder::{open_ladder, show_alone};
use super::stops::{moves, rule, text_width};
use crate::ladder::Chosen;
use crate::render::measure::{columns, cut};
use crate::report::CoverageStatus;
use page::{To, page};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

/// Columns from which on the list stands beside the text.
const BESIDE: u16 = 110;

/// List and text.
fn parts(app: &App, area: Rect) -> (Rect, Rect) {
    let all = u16::try_from(entries(app)).unwrap_or(u16::MAX);
    if area.width >= BESIDE {
        let left = (area.width / 3).min(56);
        (
            Rect { width: left, ..area },
            Rect { x: area.x + left + 1, width: area.width - left - 1, ..area },
        )
    } else {
        let rows = all.clamp(1, (area.height / 4).max(2)) + 1;
        (
            Rect { height: rows - 1, ..area },
            Rect { y: area.y + rows - 1, height: area.height.saturating_sub(rows - 1), ..area },
        )
    }
}

/// Draws it.
pub fn draw(app: &App, area: Rect, buf: &mut Buffer) {
    let theme = &app.config.theme;
    let (list, text) = parts(app, area);
    let height = usize::from(list.height);
    for (row, n) in (top(app, height)..entries(app)).take(height).enumerate() {
        put(buf, list, row, &entry(app, n, area.width, usize::from(list.width)));
        if n == app.findings.at {
            highlight(app, buf, list, row, !app.findings.inside);
        }
    }
    if area.width >= BESIDE {
        for y in area.y..area.bottom() {
            buf.set_span(text.x - 1, y, &theme.span(Paint::Frame, "│"), 1);
        }
    } else {
        let found = app.data.as_ref().map_or(0, |data| data.report.findings.len());
        let title = if app.findings.at < found {
            format!("finding {}", app.findings.number())
        } else {
            "coverage".to_owned()
        };
        put(buf, text, 0, &rule(app, &title, usize::from(text.width)));
    }
    let text = inner(app, area);
    let page = page(app, text_width(text));
    page.draw(app, app.findings.stop, app.findings.inside, text, buf);
}

/// Entries of the list: the findings, and what could be checked.
fn entries(app: &App) -> usize {
    app.data.as_ref().map_or(0, |data| data.report.findings.len()) + 1
}

/// The first entry shown.
fn top(app: &App, height: usize) -> usize {
    app.findings.at.saturating_sub(height.saturating_sub(1))
}

/// A line of the list.
fn entry(app: &App, n: usize, screen: u16, width: usize) -> Line<'static> {
    let theme = &app.config.theme;
    let Some(data) = &app.data else { return Line::default() };
    let findings = &data.report.findings;
    let Some(finding) = findings.get(n) else {
        let not = data
            .report
            .coverage
            .iter()
            .filter(|row| row.status == CoverageStatus::NotCheckable)
            .count();
        return theme.line(&[(Paint::Faint, &format!(" - coverage: {not} could not be checked"))]);
    };
    let explained = findings.iter().any(|other| other.explains.contains(&finding.n));
    let lead = format!("{:>2} {}", finding.n, if explained { "└ " } else { "" });
    let room = width.saturating_sub(columns(&lead));
    let said = if screen >= BESIDE {
        cut(&finding.id, room)
    } else {
        cut(&format!("{}  {}", finding.id, finding.title), room)
    };
    theme.line(&[(severity(finding.severity), &lead), (Paint::Plain, &said)])
}

/// The text's area without its frame.
fn inner(app: &App, area: Rect) -> Rect {
    let (_, text) = parts(app, area);
    if area.width >= BESIDE {
        Rect { x: text.x + 1, width: text.width - 1, ..text }
    } else {
        Rect { y: text.y + 1, height: text.height.saturating_sub(1), ..text }
    }
}

/// Does what a command asks.
pub fn act(app: &mut App, action: Action) -> bool {
    if app.data.is_none() {
        return false;
    }
    let count = entries(app);
    let area = screen(app.size).body;
    let (list, _) = parts(app, area);
    let text = inner(app, area);
    match action {
        Action::Next | Action::Previous => {
            let step = if action == Action::Next { 1 } else { count - 1 };
            app.findings.at = (app.findings.at + step) % count;
            app.findings.stop = 0;
            return true;
        }
        Action::Back | Action::Left if app.findings.inside => {
            app.findings.inside = false;
            return true;
        }
        _ => {}
    }
    if !app.findings.inside {
        if moves(&mut app.findings.at, count, 2 * usize::from(list.height), action) {
            app.findings.stop = 0;
            return true;
        }
        if matches!(action, Action::Open | Action::Right) {
            app.findings.inside = true;
            return true;
        }
    }
    let page = page(app, text_width(text));
    if page.moves(&mut app.findings.stop, usize::from(text.height), action) {
        return true;
    }
    let to = page.stops.get(app.findings.stop).cloned();
    match action {
        Action::Open => match to {
            Some(To::Frame(n)) => open_frame(app, n),
            Some(To::Copy(text, what)) => app.copy(&text, what),
            Some(To::Manual(id)) => open_manual(app, &id),
            Some(To::Finding(n)) => app.findings.show(n),
            Some(To::Connections) => {
                let n = app.findings.number();
                app.narrow(&format!("finding {n}"));
                app.open(Pane::Connections);
            }
            // Words lead nowhere of their own: to what proves them.
            Some(To::Here) | None => open_frame(app, 0),
        },
        Action::Copy => {
            let first = page.stops.iter().find_map(|stop| match stop {
                To::Copy(text, what) => Some((text.clone(), *what)),
                _ => None,
            });
            let here = match to {
                Some(To::Copy(text, what)) if app.findings.inside => Some((text, what)),
                _ => first,
            };
            match here {
                Some((text, what)) => app.copy(&text, what),
                None => app.say(Paint::Plain, "there is nothing to copy here"),
            }
        }
        _ => return false,
    }
    true
}

/// The stop of a frame of the proof.
#[cfg(test)]
pub fn proof_stop(app: &App, n: usize) -> Option<usize> {
    let text = inner(app, screen(app.size).body);
    page(app, text_width(text)).stops.iter().position(|to| *to == To::Frame(n))
}

/// Asks which connection shows a frame of the proof: of a million, that takes a while.
fn open_frame(app: &mut App, n: usize) {
    let index = app.findings.at;
    if let Some(asked) = app.ask(|number| Job::Proof(number, index, n)) {
        app.findings.asked = asked;
    }
}

/// Draws the connection that shows a frame of the proof, the frame under the cursor; one
/// that no connection shows is shown alone.
pub fn proof_found(app: &mut App, number: u64, index: usize, n: usize, chosen: Option<Chosen>) {
    let waited = app.findings.waits() && number == app.findings.asked;
    app.findings.shown = app.findings.shown.max(number);
    let Some(data) = app.loaded_data() else { return };
    // Whoever went elsewhere meanwhile is not called back.
    if !waited || app.pane != Pane::Findings {
        return;
    }
    let Some(finding) = data.report.findings.get(index) else { return };
    let proof = data.diagnosis.findings.get(index).and_then(|finding| finding.proofs.get(n));
    let wanted = finding.evidence.get(n).zip(proof).map(|(e, proof)| Wanted {
        at: proof.at,
        frame: (e.vantage.clone(), e.frame),
        note: e.note.clone(),
    });
    match (chosen, wanted) {
        (Some(chosen), wanted) => open_ladder(app, chosen, wanted),
        (None, Some(wanted)) => show_alone(app, wanted),
        (None, None) => app.say(Paint::Plain, "no frame proves this one"),
    }
}

/// Chooses what was clicked; `true`: it was chosen before, and is to be opened.
#[must_use]
pub fn click(app: &mut App, area: Rect, x: u16, y: u16) -> bool {
    let (list, _) = parts(app, area);
    let text = inner(app, area);
    if list.contains((x, y).into()) {
        let to = top(app, usize::from(list.height)) + usize::from(y - list.y);
        if to < entries(app) {
            app.findings.inside = app.findings.at == to;
            app.findings.at = to;
            app.findings.stop = 0;
        }
    } else if text.contains((x, y).into()) {
        let page = page(app, text_width(text));
        let top = page.top(app.findings.stop, usize::from(text.height));
        if let Some(stop) = page.stop_at(top + usize::from(y - text.y)) {
            let again = app.findings.inside && app.findings.stop == stop;
            app.findings.inside = true;
            app.findings.stop = stop;
            return again;
        }
    }
    false
}

/// Keys for the footer.
pub fn hints(app: &App) -> Vec<(Action, &'static str)> {
    let text = inner(app, screen(app.size).body);
    let page = page(app, text_width(text));
    let open = match page.stops.get(app.findings.stop) {
        _ if !app.findings.inside => "read",
        Some(To::Frame(_)) => "go there",
        Some(To::Copy(..)) => "copy",
        Some(To::Manual(_)) => "manual",
        Some(To::Finding(_)) => "read it",
        Some(To::Connections) => "list them",
        Some(To::Here) | None => "first proof",
    };
    vec![
        (Action::Open, open),
        (Action::Next, "next finding"),
        (Action::Copy, "copy fix"),
        (Action::Manual, "manual"),
    ]
}
