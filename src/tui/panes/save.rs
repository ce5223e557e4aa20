//! What can be written to a file: the report, the drawing, the frames.
//!
//! Only what exists is offered: a drawing where one is drawn. A file that is there is
//! never overwritten. Another format is a line in [`FORMATS`] and its bytes in `bytes_of`.

use super::super::action::Action;
use super::super::app::{App, Pane};
use super::super::data::Data;
use super::super::line_input::LineInput;
use super::super::theme::Role;
use super::super::view::{highlight, owned, put};
use super::help::frame;
use crate::extract::{self, Options, Which};
use crate::ladder;
use crate::render;
use crate::trace::ConnectionId;
use crossterm::event::{KeyCode, KeyEvent};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use std::io::{self, Write as _};
use std::path::Path;

/// A kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Evidence,
    Markdown,
    Json,
    Svg,
    Mermaid,
    PlantUml,
}

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
const FORMATS: [(Format, &str, &str, Needs); 6] = [
    (Format::Markdown, "report as Markdown, for a ticket", "lbdiag-report.md", Needs::Nothing),
    (Format::Json, "report as JSON", "lbdiag-report.json", Needs::Nothing),
    (Format::Evidence, "frames as one pcapng file", "pcapng", Needs::Frames),
    (Format::Svg, "ladder as SVG picture", "svg", Needs::Ladder),
    (Format::Mermaid, "ladder as Mermaid diagram", "mmd", Needs::Ladder),
    (Format::PlantUml, "ladder as PlantUML diagram", "puml", Needs::Ladder),
];

/// What frames and drawings are of.
#[derive(Debug, Clone, Copy)]
enum Subject {
    /// The drawn connection.
    Connection(ConnectionId),
    /// The finding of this index.
    Finding(usize),
}

impl Subject {
    /// Among the findings the finding, else the connection that is drawn.
    fn of(app: &App) -> Option<Self> {
        let found = app.data.as_ref().map_or(0, |data| data.report.findings.len());
        let finding = Some(app.findings.at).filter(|at| *at < found).map(Self::Finding);
        let side = &app.ladder.sides[app.ladder.side];
        let drawn = side.chosen.filter(|_| side.ladder.is_some());
        let drawn = drawn.map(|chosen| Self::Connection(chosen.connection));
        if app.pane == Pane::Findings { finding.or(drawn) } else { drawn.or(finding) }
    }
}

/// What is chosen.
#[derive(Debug)]
pub struct State {
    at: usize,
    offered: Vec<(Format, &'static str, String)>,
    name: Option<LineInput>,
}

impl State {
    /// What can be saved now; `None` where nothing can.
    #[must_use]
    pub fn new(app: &App) -> Option<Self> {
        app.data.as_ref()?;
        let subject = Subject::of(app);
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
        Some(Self { at: 0, offered, name: None })
    }

    /// Gives a key to the name that is typed; false where it is a command.
    pub fn takes(&mut self, key: KeyEvent) -> bool {
        let Some(line) = &mut self.name else { return false };
        match key.code {
            KeyCode::Enter => false,
            KeyCode::Esc => {
                self.name = None;
                true
            }
            // What the line does not take may be a command, such as leaving.
            _ => line.key(key),
        }
    }
}

/// Does what a command asks.
pub fn act(app: &mut App, action: Action) {
    let Some(super::super::app::Overlay::Save(state)) = &mut app.overlay else { return };
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
    let area = super::super::view::screen(app.size).body;
    let Some(super::super::app::Overlay::Save(state)) = &mut app.overlay else { return };
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
    let written = bytes_of(app, format).and_then(|bytes| {
        std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(path)
            .and_then(|mut file| file.write_all(&bytes))
    });
    match written {
        Ok(()) => {
            app.overlay = None;
            app.say(Role::Good, format!("{path} was written"));
        }
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            app.say(Role::Bad, format!("{path} is there already; give another name"));
        }
        Err(error) => app.say(Role::Bad, format!("{path} cannot be written: {error}")),
    }
}

/// What the file is to hold.
fn bytes_of(app: &App, format: Format) -> io::Result<Vec<u8>> {
    let gone = || io::Error::other("nothing is drawn");
    let data = app.data.as_ref().ok_or_else(gone)?;
    let side = &app.ladder.sides[app.ladder.side];
    let drawn = || side.ladder.as_ref().ok_or_else(gone);
    Ok(match format {
        Format::Evidence => return frames(app, data),
        Format::Markdown => {
            let telling = ladder::telling(&data.trace, &data.diagnosis);
            render::markdown(&data.report, telling.as_ref())
        }
        Format::Json => render::json(&data.report),
        Format::Svg => render::svg(drawn()?, app.ladder.times),
        Format::Mermaid => render::mermaid_sequence(drawn()?, app.ladder.times),
        Format::PlantUml => render::plantuml(drawn()?, app.ladder.times),
    }
    .into_bytes())
}

/// The frames of the drawn connection, or in the pane of the findings those of the finding.
fn frames(app: &App, data: &Data) -> io::Result<Vec<u8>> {
    let one;
    let which = match Subject::of(app) {
        Some(Subject::Connection(id)) => {
            one = [id];
            Which::Connections(&one)
        }
        Some(Subject::Finding(at)) => Which::Finding(at),
        None => return Err(io::Error::other("nothing is chosen")),
    };
    let nothing = || io::Error::other("no frame can be read again");
    let mut extract = extract::extract(&data.trace, &data.diagnosis, which, Options::default())?
        .ok_or_else(nothing)?;
    let mut bytes = Vec::new();
    render::pcapng(&mut extract, &mut bytes)?;
    Ok(bytes)
}

fn height(state: &State) -> u16 {
    state.offered.len() as u16 + 5
}

/// Draws it.
pub fn draw(app: &App, state: &State, area: Rect, buf: &mut Buffer) {
    let inside = frame(app, "save", (64, height(state)), area, buf);
    for (n, (_, said, name)) in state.offered.iter().enumerate() {
        let parts = [(Role::Plain, format!(" {said:<34}")), (Role::Faint, name.clone())];
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
                &owned(app, &[(Role::Key, " file: ".into()), (Role::Plain, line.text.clone())]),
            );
            let at = inside.x
                + 7
                + line.text.get(..line.cursor).map_or(0, crate::render::measure::columns) as u16;
            if at < inside.right() {
                let cell = Rect::new(at, inside.y + below as u16, 1, 1);
                buf.set_style(cell.intersection(inside), app.config.theme.style(Role::Cursor));
            }
        }
        None => put(
            buf,
            inside,
            below,
            &app.config.theme.line(&[(Role::Faint, " Enter chooses, Esc closes")]),
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
