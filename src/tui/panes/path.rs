//! The path: hosts by role, and the way of the selected connection between them.
//!
//! Hosts and ways are the topology's. Lines between hosts are ways of connections; those
//! of the selected one stand out, and below they are told in words with every rewrite.

mod looked_at;
mod map;
mod strokes;
mod words;

use super::super::action::Action;
use super::super::app::{App, Pane};
use super::super::roles::fate;
use super::super::screen::{owned, put};
use super::super::theme::Paint;
use super::ladder::{self, open_ladder};
use crate::ladder::Chosen;
use crate::report::story::explaining;
use looked_at::way;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use words::told;

/// The pane is gone to by its key: what the pane before was about is shown.
pub fn arrive(app: &mut App) {
    match app.pane {
        Pane::Path => return,
        Pane::Connections | Pane::Timeline => {}
        Pane::Overview | Pane::Ladder | Pane::Findings => ladder::arrive(app),
    }
    let of_table = matches!(app.pane, Pane::Connections | Pane::Timeline);
    let drawn = app.ladder.connection().filter(|_| !of_table);
    app.path.shown = drawn.or_else(|| app.selected());
}

/// Draws it.
pub fn draw(app: &App, area: Rect, buf: &mut Buffer) {
    let Some(data) = &app.data else { return };
    let head = match app.current().and_then(|id| data.connection(id)) {
        Some(c) => vec![
            (Paint::Strong, format!("#{} {} > {}", c.id, c.client, c.service)),
            (Paint::Plain, format!("  {}", c.mode)),
            (fate(&c), format!("  {}", c.ended())),
        ],
        None => vec![(Paint::Faint, "no connection is selected".to_owned())],
    };
    put(buf, area, 0, &owned(app, &head));
    let said = told(app, data, usize::from(area.width));
    let (map, text) = parts(area, said.len());
    map::draw(app, data, way(app, data), map, buf);
    for (row, line) in said.iter().enumerate() {
        put(buf, text, row, line);
    }
}

/// The map, and the words below it.
fn parts(area: Rect, lines: usize) -> (Rect, Rect) {
    let low = (lines as u16).min(area.height / 2);
    let map = Rect { y: area.y + 1, height: area.height.saturating_sub(low + 1), ..area };
    (map, Rect { y: map.bottom(), height: low, ..area })
}

/// Does what a command asks: the table's cursor moves, Enter draws the connection.
pub fn act(app: &mut App, action: Action) -> bool {
    match action {
        Action::Up
        | Action::Down
        | Action::PageUp
        | Action::PageDown
        | Action::Top
        | Action::Bottom
        | Action::Next
        | Action::Previous
        | Action::Open => {
            if action == Action::Open {
                if let (Some(data), Some(id)) = (app.loaded_data(), app.path.shown) {
                    let finding = explaining(&data.diagnosis, id);
                    open_ladder(app, Chosen { connection: id, finding }, None);
                }
                return true;
            }
            // From here on the table leads.
            let taken = super::table::act(app, action);
            app.path.shown = app.selected();
            taken
        }
        _ => false,
    }
}

/// A click on a host shows the connections that pass it.
pub fn click(app: &mut App, area: Rect, x: u16, y: u16) {
    let Some(data) = app.loaded_data() else { return };
    let (map, _) = parts(area, told(app, &data, usize::from(area.width)).len());
    let (places, _) = map::places(&data, way(app, &data), map);
    let hit = places.iter().find(|place| place.area.contains((x, y).into()));
    let address =
        hit.and_then(|place| place.node.host.addresses.first().or(place.node.host.macs.first()));
    if let Some(address) = address {
        app.narrow(&format!("host {address}"));
        app.open(Pane::Connections);
    }
}

/// Keys for the footer.
pub fn hints() -> Vec<(Action, &'static str)> {
    vec![
        (Action::Down, "next connection"),
        (Action::Next, "next failed"),
        (Action::Open, "ladder"),
        (Action::Filter, "filter"),
    ]
}
