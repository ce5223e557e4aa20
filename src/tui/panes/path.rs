//! The path: hosts by role, and the way of the selected connection between them.
//!
//! Hosts and ways are the topology's. Lines between hosts are ways of connections; those
//! of the selected one stand out, and below they are told in words with every rewrite.

mod strokes;

use super::super::action::Action;
use super::super::app::{App, Pane};
use super::super::data::Data;
use super::super::theme::Paint;
use super::super::view::{owned, put};
use super::ladder;
use super::stops::labelled;
use crate::ladder::Chosen;
use crate::render::measure::{columns, cut_middle};
use crate::render::units::plural;
use crate::report::Role;
use crate::report::story::explaining;
use crate::report::topology::{Hop, Mark, Node, Way};
use crate::trace::ConnectionId;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Color;
use ratatui::symbols::Marker;
use ratatui::text::Line;
use ratatui::widgets::canvas::{Canvas, Line as Stroke};
use ratatui::widgets::{Block, Clear, Widget};
use std::collections::BTreeSet;
use strokes::Route;

/// A host that no capture tells.
const UNKNOWN: &str = "...";

/// Rows of a host's box.
const BOX: u16 = 4;

/// Most columns of a box.
const MOST: u16 = 30;

/// What is drawn.
#[derive(Debug, Default)]
pub struct State {
    /// The connection whose way it is.
    pub shown: Option<ConnectionId>,
}

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

/// A host's place.
struct Place<'a> {
    node: &'a Node,
    area: Rect,
}

/// In which column a role stands.
fn rank(role: Role) -> usize {
    match role {
        Role::Client => 0,
        Role::Director => 2,
        Role::RealServer | Role::Server => 3,
        _ => 1,
    }
}

/// Draws it.
pub fn draw(app: &App, area: Rect, buf: &mut Buffer) {
    let Some(data) = &app.data else { return };
    let head = match app.current().and_then(|id| data.connection(id)) {
        Some(c) => vec![
            (Paint::Strong, format!("#{} {} > {}", c.id, c.client, c.service)),
            (Paint::Plain, format!("  {}", c.mode)),
            (super::table::fate(&c), format!("  {}", c.ended())),
        ],
        None => vec![(Paint::Faint, "no connection is selected".to_owned())],
    };
    put(buf, area, 0, &owned(app, &head));
    let said = told(app, data, usize::from(area.width));
    let (map, text) = parts(area, said.len());
    draw_map(app, data, way(app, data), map, buf);
    for (row, line) in said.iter().enumerate() {
        put(buf, text, row, line);
    }
}

/// The way of the connection that is looked at.
fn way<'a>(app: &App, data: &'a Data) -> Option<&'a Way> {
    app.current().and_then(|id| data.atlas.way(&data.trace, id))
}

/// The map, and the words below it.
fn parts(area: Rect, lines: usize) -> (Rect, Rect) {
    let low = (lines as u16).min(area.height / 2);
    let map = Rect { y: area.y + 1, height: area.height.saturating_sub(low + 1), ..area };
    (map, Rect { y: map.bottom(), height: low, ..area })
}

/// The way in words, or why there is none.
fn told(app: &App, data: &Data, width: usize) -> Vec<Line<'static>> {
    let theme = &app.config.theme;
    let Some(id) = app.current() else { return Vec::new() };
    let Some(way) = way(app, data) else {
        let said = match data.trace.ordinary(id) {
            Some(kind) => format!("a {}: ways are drawn of requests only", kind.name()),
            None => "its way is one of those that are counted, not listed".to_owned(),
        };
        return vec![theme.line(&[(Paint::Faint, &said)])];
    };
    let mut said = labelled(app, "there", Paint::There, &words(data, &way.there), width);
    said.extend(labelled(app, "back", Paint::Return, &words(data, &way.back), width));
    if let Some(broken) = own_break(data, id).and_then(|n| data.report.breaks.get(n as usize - 1)) {
        said.extend(labelled(app, "breaks", Paint::Bad, &broken.line, width));
    }
    let taken = plural(way.totals.connections, "connection");
    let count = format!("{:10}{taken} took this way: {}", "", way.totals.fates());
    said.push(theme.line(&[(Paint::Faint, &count)]));
    said
}

/// The number of the break that a connection belongs to.
fn own_break(data: &Data, id: ConnectionId) -> Option<u32> {
    data.diagnosis.breaks.group_of(id).map(|group| group.0 + 1)
}

/// Where the connection that is looked at broke.
fn marks<'a>(app: &App, data: &Data, way: Option<&'a Way>) -> Vec<&'a Mark> {
    let own = app.current().and_then(|id| own_break(data, id));
    let all = way.into_iter().flat_map(|way| &way.marks);
    all.filter(|mark| Some(mark.n) == own).collect()
}

/// The hosts' boxes, those of the way first where not all fit.
fn places<'a>(data: &'a Data, way: Option<&Way>, area: Rect) -> (Vec<Place<'a>>, usize) {
    let hosts = &data.atlas.topology.hosts;
    let hops = || way.into_iter().flat_map(|way| way.there.iter().chain(&way.back));
    let on: BTreeSet<&str> =
        hops().flat_map(|h| [&h.from, &h.to]).flatten().map(String::as_str).collect();
    let mut ranks: Vec<Vec<&Node>> = vec![Vec::new(); 4];
    for node in hosts {
        ranks[rank(node.host.role)].push(node);
    }
    ranks.retain(|nodes| !nodes.is_empty());
    let count = ranks.len().max(1) as u16;
    let each = area.width / count;
    let wide = each.saturating_sub(if count > 3 { 3 } else { 8 }).min(MOST);
    let fit = usize::from(area.height / BOX).max(1);
    let mut places = Vec::new();
    let mut omitted = 0;
    for (column, mut nodes) in ranks.into_iter().enumerate() {
        nodes.sort_by_key(|node| !on.contains(node.id.as_str()));
        omitted += nodes.len().saturating_sub(fit);
        nodes.truncate(fit);
        nodes.sort_by(|a, b| a.name.cmp(&b.name));
        let slot = area.height / nodes.len().max(1) as u16;
        for (row, node) in nodes.into_iter().enumerate() {
            let y = area.y + slot * row as u16 + slot.saturating_sub(BOX) / 2;
            let x = area.x + each * column as u16 + each.saturating_sub(wide) / 2;
            let area = Rect::new(x, y, wide, BOX).intersection(area);
            places.push(Place { node, area });
        }
    }
    (places, omitted)
}

fn draw_map(app: &App, data: &Data, way: Option<&Way>, area: Rect, buf: &mut Buffer) {
    if area.height < BOX || area.width < 20 {
        return;
    }
    let theme = &app.config.theme;
    let (places, omitted) = places(data, way, area);
    let of = |id: &str| places.iter().find(|place| place.node.id == id);
    let colour = |role: Paint| theme.style(role).fg.unwrap_or(Color::Reset);
    let boxes: Vec<Rect> = places.iter().map(|place| place.area).collect();
    // Strokes of both directions lie beside each other.
    let line = |from: &Place<'_>, to: &Place<'_>, shift: f64| {
        strokes::route(from.area, to.area, shift, &boxes, area)
    };
    let mut drawn: Vec<(Route, Paint)> = Vec::new();
    let on: Vec<(&str, &str)> =
        way.into_iter().flat_map(|way| [pairs(&way.there), pairs(&way.back)].concat()).collect();
    for link in &data.atlas.topology.links {
        let (from, to) = (link.from.as_str(), link.to.as_str());
        if on.contains(&(from, to)) || on.contains(&(to, from)) || from == to || !link.seen {
            continue;
        }
        if let (Some(from), Some(to)) = (of(from), of(to)) {
            drawn.push((line(from, to, 0.0), Paint::Frame));
        }
    }
    let faint = drawn.len();
    let mut around = BTreeSet::new();
    let mut touched = BTreeSet::new();
    if let Some(way) = way {
        for (hops, shift, role) in
            [(&way.there, 0.35, Paint::There), (&way.back, -0.35, Paint::Return)]
        {
            for (from, to) in pairs(hops) {
                touched.extend([from, to]);
                match (of(from), of(to)) {
                    (Some(a), Some(_)) if from == to => {
                        around.insert(a.node.id.as_str());
                    }
                    (Some(a), Some(b)) => drawn.push((line(a, b, shift), role)),
                    _ => {}
                }
            }
        }
    }
    let marks = marks(app, data, way);
    let mut crosses = Vec::new();
    for mark in &marks {
        let ends = (of(&mark.at), mark.to.as_deref().and_then(of));
        if let (Some(a), Some(b)) = ends {
            let route = line(a, b, if mark.forward { 0.35 } else { -0.35 });
            crosses.push((route.middle(), mark));
            drawn.push((route, Paint::Bad));
        }
    }
    Canvas::default()
        .marker(Marker::Braille)
        .x_bounds([0.0, f64::from(area.width)])
        .y_bounds([0.0, f64::from(area.height)])
        .paint(|context| {
            let x = |x: f64| x - f64::from(area.x);
            let y = |y: f64| f64::from(area.bottom()) - y;
            for (route, role) in &drawn {
                for pair in route.points.windows(2) {
                    let [(x1, y1), (x2, y2)] = [pair[0], pair[1]];
                    let (x1, y1, x2, y2) = (x(x1), y(y1), x(x2), y(y2));
                    context.draw(&Stroke { x1, y1, x2, y2, color: colour(*role) });
                }
            }
        })
        .render(area, buf);
    for (route, role) in drawn.iter().skip(faint) {
        let (x, y, symbol) = route.head;
        buf.set_span(x, y, &theme.span(*role, symbol), 1);
    }
    for ((x, y), mark) in crosses {
        let said = format!(" {} ", mark.said);
        let wide = columns(&said) as u16;
        let x =
            x.saturating_sub(wide / 2).clamp(area.x, area.right().saturating_sub(wide).max(area.x));
        buf.set_span(x, y, &theme.span(Paint::Bad, &said), area.right().saturating_sub(x));
    }
    for place in &places {
        let on = touched.contains(place.node.id.as_str());
        let ends = |mark: &&&Mark| mark.at == place.node.id && mark.to.is_none();
        let broken = marks.iter().find(ends).map(|mark| mark.said.as_str());
        draw_box(app, place, on, around.contains(place.node.id.as_str()), broken, buf);
    }
    if omitted > 0 {
        let said = format!("and {omitted} more hosts");
        let y = area.bottom() - 1;
        buf.set_span(area.x, y, &theme.span(Paint::Faint, &said), area.width);
    }
}

fn draw_box(
    app: &App,
    place: &Place<'_>,
    on: bool,
    around: bool,
    broken: Option<&str>,
    buf: &mut Buffer,
) {
    let theme = &app.config.theme;
    let host = &place.node.host;
    Clear.render(place.area, buf);
    let role = match (broken, on) {
        (Some(_), _) => Paint::Bad,
        (None, true) => Paint::Strong,
        (None, false) => Paint::Frame,
    };
    let captured = if host.vantages.is_empty() {
        String::new()
    } else {
        format!(" {} ", host.vantages.join(", "))
    };
    let room = usize::from(place.area.width).saturating_sub(2);
    let block = Block::bordered()
        .border_style(theme.style(role))
        .title_top(theme.line(&[(Paint::Bad, &cut_middle(broken.unwrap_or_default(), room))]))
        .title_bottom(theme.line(&[(Paint::Good, &cut_middle(&captured, room))]));
    let inside = block.inner(place.area);
    block.render(place.area, buf);
    let own = host.name().cloned();
    // One box may stand for all clients.
    let name = if place.node.name.starts_with(host.role.name()) {
        own.unwrap_or_default()
    } else {
        place.node.name.clone()
    };
    let text = if on { Paint::Strong } else { Paint::Plain };
    put(buf, inside, 0, &theme.line(&[(text, &cut_middle(&name, room))]));
    let what = if around { format!("{}, over lo", host.role) } else { host.role.to_string() };
    put(buf, inside, 1, &theme.line(&[(Paint::Faint, &cut_middle(&what, room))]));
}

/// The hosts that follow each other on a way, also where the hop between was not seen.
fn pairs(hops: &[Hop]) -> Vec<(&str, &str)> {
    let mut pairs = Vec::new();
    let mut before: Option<&str> = None;
    for hop in hops {
        let (from, to) = (hop.from.as_deref(), hop.to.as_deref());
        if let (Some(last), Some(from)) = (before, from)
            && last != from
        {
            pairs.push((last, from));
        }
        if let (Some(from), Some(to)) = (from, to) {
            pairs.push((from, to));
        }
        before = to.or(from).or(before);
    }
    pairs
}

/// A way in words: names, and rewrites where they happen.
fn words(data: &Data, hops: &[Hop]) -> String {
    if hops.is_empty() {
        return "not seen".to_owned();
    }
    let name = |id: &Option<String>| {
        let node = data.atlas.topology.hosts.iter().find(|node| Some(&node.id) == id.as_ref());
        node.map_or_else(|| UNKNOWN.to_owned(), |node| node.name.clone())
    };
    let mut text = String::new();
    let mut at: Option<String> = None;
    for hop in hops {
        let from = name(&hop.from);
        if at.as_ref() != Some(&from) {
            // Where it went between is not known, be it at one end of the gap or at both.
            let known = |name: &str| name != UNKNOWN;
            let gap = match &at {
                None => "",
                Some(at) if known(at) && known(&from) => " ... ",
                Some(_) => " ",
            };
            text.push_str(&format!("{gap}{from}"));
        }
        if let Some(rewrite) = &hop.rewrite {
            text.push_str(&format!(" [{rewrite}]"));
        }
        let to = name(&hop.to);
        text.push_str(if hop.over_lo { " > (over lo) " } else { " > " });
        text.push_str(&to);
        at = Some(to);
    }
    text
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
                    app.open_ladder(Chosen { connection: id, finding }, None);
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
    let (places, _) = places(&data, way(app, &data), map);
    let hit = places.iter().find(|place| place.area.contains((x, y).into()));
    let address =
        hit.and_then(|place| place.node.host.addresses.first().or(place.node.host.macs.first()));
    if let Some(address) = address {
        app.narrow(&format!("host {address}"));
        app.open(super::super::app::Pane::Connections);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::testkit::sample;

    #[test]
    fn boxes_lie_within_the_map_and_apart() {
        for name in ["nat-one-rs-gateway-wrong", "healthy-dr", "hairpin-cloud-slb"] {
            let data = sample(name);
            for (width, height) in [(80, 14), (200, 40), (60, 8)] {
                let area = Rect::new(0, 1, width, height);
                let (places, _) = places(&data, None, area);
                assert!(!places.is_empty());
                for (n, a) in places.iter().enumerate() {
                    assert!(a.area.width > 4 && area.union(a.area) == area, "{name} {:?}", a.area);
                    let others = places.iter().skip(n + 1);
                    for b in others {
                        assert!(
                            !a.area.intersects(b.area),
                            "{name}: {} and {}",
                            a.node.name,
                            b.node.name
                        );
                    }
                }
            }
        }
    }
}
