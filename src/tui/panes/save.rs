//! What can be written to a file: the report, the drawing, the frames.
//!
//! Only what exists is offered: a drawing where one is drawn. A worker writes it
//! ([`super::super::file`]), and the list stays until the file is there. Another format is
//! a line in [`FORMATS`] and its contents in `contents_of`.

use super::super::action::Action;
use super::super::app::{App, Overlay, Pane};
use super::super::file::{Contents, Drawing, Order, Subject};
use super::super::line_input::LineInput;
use super::super::screen::{highlight, owned, put, screen};
use super::super::states::save::{Format, State};
use super::super::theme::Paint;
use super::super::work::Job;
use super::help::frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use std::io;
use std::path::Path;

/// What a format needs to be offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Needs {
    Nothing,
    /// A drawing.
    Ladder,
    /// A drawing, or a finding.
    Frames,
}

/// What is said of a format, what its file is called, what it needs.
const FORMATS: [(Format, &str, &str, Needs); 7] = [
    (Format::Markdown, "report as Markdown, for a ticket", "lbdiag-report.md", Needs::Nothing),
    (Format::Html, "report as a page, with pictures", "lbdiag-report.html", Needs::Nothing),
    (Format::Json, "report as JSON", "lbdiag-report.json", Needs::Nothing),
    (Format::Evidence, "frames as one pcapng file", "pcapng", Needs::Frames),
    (Format::Drawn(Drawing::Svg), "ladder as SVG picture", "svg", Needs::Ladder),
    (Format::Drawn(Drawing::Mermaid), "ladder as Mermaid diagram", "mmd", Needs::Ladder),
    (Format::Drawn(Drawing::PlantUml), "ladder as PlantUML diagram", "puml", Needs::Ladder),
];

/// What frames and drawings are of: among the findings the finding, else the connection
/// that is drawn.
fn subject_of(app: &App) -> Option<Subject> {
    let found = app.data.as_ref().map_or(0, |data| data.report.findings.len());
    let finding = Some(app.findings.at).filter(|at| *at < found).map(Subject::Finding);
    let side = &app.ladder.sides[app.ladder.side];
    let drawn = side.chosen.filter(|_| side.ladder.is_some());
    let drawn = drawn.map(|chosen| Subject::Connection(chosen.connection));
    if app.pane == Pane::Findings { finding.or(drawn) } else { drawn.or(finding) }
}

/// What can be saved now; `None` where nothing can.
#[must_use]
pub fn offer(app: &App) -> Option<State> {
    app.data.as_ref()?;
    let subject = subject_of(app);
    let mut offered = Vec::new();
    for (format, said, name, needs) in FORMATS {
        let named = match (needs, subject) {
            (Needs::Nothing, _) => name.to_owned(),
            (_, Some(Subject::Connection(id))) => {
                format!("lbdiag-connection-{}.{name}", id.0 + 1)
            }
            (Needs::Frames, Some(Subject::Finding(at))) => {
                format!("lbdiag-finding-{}.{name}", at + 1)
            }
            _ => continue,
        };
        offered.push((format, said, named));
    }
    Some(State { at: 0, offered, name: None })
}

/// Does what a command asks.
pub fn act(app: &mut App, action: Action) {
    let Some(Overlay::Save(state)) = &mut app.overlay else { return };
    let count = state.offered.len();
    match (action, &state.name) {
        (Action::Up, None) => state.at = (state.at + count - 1) % count.max(1),
        (Action::Down, None) => state.at = (state.at + 1) % count.max(1),
        (Action::Open | Action::Right, None) => {
            let name = state.offered.get(state.at).map(|(_, _, name)| free(name));
            state.name = name.map(|name| LineInput::new(&name));
        }
        (Action::Open, Some(line)) => {
            let path = line.text.trim().to_owned();
            if let Some((format, ..)) = state.offered.get(state.at).cloned() {
                save(app, format, &path);
            }
        }
        _ => {}
    }
}

/// Chooses what was clicked; on what is chosen, goes on.
pub fn click(app: &mut App, _x: u16, y: u16) {
    let area = screen(app.size).body;
    let Some(Overlay::Save(state)) = &mut app.overlay else { return };
    let top = area.y + (area.height - height(state).min(area.height)) / 2 + 1;
    match y.checked_sub(top).map(usize::from).filter(|at| *at < state.offered.len()) {
        Some(at) if at == state.at => act(app, Action::Open),
        Some(at) => state.at = at,
        None => app.overlay = None,
    }
}

/// A name that no file has yet.
fn free(name: &str) -> String {
    let (stem, end) = name.rsplit_once('.').unwrap_or((name, ""));
    let numbered = (2..1000).map(|n| format!("{stem}-{n}.{end}"));
    let there = |name: &String| !Path::new(name).exists();
    std::iter::once(name.to_owned()).chain(numbered).find(there).unwrap_or_else(|| name.to_owned())
}

fn save(app: &mut App, format: Format, path: &str) {
    let Some(contents) = contents_of(app, format) else {
        app.say(Paint::Bad, "nothing is drawn");
        return;
    };
    let order = Order { path: path.to_owned(), contents };
    if app.ask(|n| Job::Write(n, order)).is_some() {
        app.writes += 1;
        app.say(Paint::Plain, format!("{path} is being written"));
    }
}

/// What the file is to hold.
fn contents_of(app: &App, format: Format) -> Option<Contents> {
    let side = &app.ladder.sides[app.ladder.side];
    Some(match format {
        Format::Evidence => Contents::Frames(subject_of(app)?),
        Format::Markdown => Contents::Markdown,
        Format::Html => Contents::Html,
        Format::Json => Contents::Json,
        Format::Drawn(drawing) => {
            let ladder = side.ladder.clone()?;
            Contents::Drawing(drawing, Box::new(ladder), app.ladder.times)
        }
    })
}

/// Tells how the writing of a file ended.
pub fn written(app: &mut App, path: &str, result: &io::Result<()>) {
    app.writes = app.writes.saturating_sub(1);
    match result {
        Ok(()) => {
            // Another name may be typed by now.
            if matches!(&app.overlay, Some(Overlay::Save(state)) if state.names(path)) {
                app.overlay = None;
            }
            app.say(Paint::Good, format!("{path} was written"));
            app.quit |= app.leaving && app.writes == 0;
            return;
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            app.say(Paint::Bad, format!("{path} is there already; give another name"));
        }
        Err(error) => app.say(Paint::Bad, format!("{path} cannot be written: {error}")),
    }
    // Who wanted to leave with the file is asked again.
    app.leaving = false;
}

fn height(state: &State) -> u16 {
    state.offered.len() as u16 + 5
}

/// Draws it.
pub fn draw(app: &App, state: &State, area: Rect, buf: &mut Buffer) {
    let inside = frame(app, "save", (64, height(state)), area, buf);
    for (n, (_, said, name)) in state.offered.iter().enumerate() {
        let parts = [(Paint::Plain, format!(" {said:<34}")), (Paint::Faint, name.clone())];
        put(buf, inside, n, &owned(app, &parts));
        if n == state.at {
            highlight(app, buf, inside, n, state.name.is_none());
        }
    }
    let below = state.offered.len() + 1;
    match &state.name {
        Some(line) => {
            put(
                buf,
                inside,
                below,
                &owned(app, &[(Paint::Key, " file: ".into()), (Paint::Plain, line.text.clone())]),
            );
            let at = inside.x
                + 7
                + line.text.get(..line.cursor).map_or(0, crate::render::measure::columns) as u16;
            if at < inside.right() {
                let cell = Rect::new(at, inside.y + below as u16, 1, 1);
                buf.set_style(cell.intersection(inside), app.config.theme.style(Paint::Cursor));
            }
        }
        None => put(
            buf,
            inside,
            below,
            &app.config.theme.line(&[(Paint::Faint, " Enter chooses, Esc closes")]),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_there_keeps_its_name() {
        let dir = tempfile::tempdir().unwrap();
        let name = dir.path().join("a.md").display().to_string();
        assert_eq!(free(&name), name);
        std::fs::write(&name, "x").unwrap();
        assert!(free(&name).ends_with("a-2.md"));
    }
}
