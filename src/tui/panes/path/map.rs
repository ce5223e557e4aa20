//! The map: hosts as boxes in columns by role, and the ways between them as strokes.

use super::looked_at::own_break;
use super::strokes::{self, Route};
use crate::render::measure::{columns, cut_middle};
use crate::report::Role;
use crate::report::topology::{Hop, Mark, Node, Way};
use crate::tui::app::App;
use crate::tui::data::Data;
use crate::tui::screen::put;
use crate::tui::theme::Paint;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Color;
use ratatui::symbols::Marker;
use ratatui::widgets::canvas::{Canvas, Line as Stroke};
use ratatui::widgets::{Block, Clear, Widget};
use std::collections::BTreeSet;

/// Rows of a host's box.
const BOX: u16 = 4;
/// Most columns of a box.
const MOST: u16 = 30;

/// A host's place.
pub(super) struct Place<'a> {
    pub(super) node: &'a Node,
    pub(super) area: Rect,
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

/// The hosts' boxes, those of the way first where not all fit.
pub(super) fn places<'a>(data: &'a Data, way: Option<&Way>, area: Rect) -> (Vec<Place<'a>>, usize) {
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

/// How far the strokes of both directions lie beside each other.
const THERE: f64 = 0.35;
const BACK: f64 = -0.35;

/// A stroke between two boxes, and how it is painted.
type Drawn = (Route, Paint);

/// The boxes, and the strokes that go around them.
struct Map<'a> {
    places: Vec<Place<'a>>,
    boxes: Vec<Rect>,
    area: Rect,
}

impl<'a> Map<'a> {
    fn of(&self, id: &str) -> Option<&Place<'a>> {
        self.places.iter().find(|place| place.node.id == id)
    }

    fn line(&self, from: &str, to: &str, shift: f64) -> Option<Route> {
        let (from, to) = (self.of(from)?, self.of(to)?);
        Some(strokes::route(from.area, to.area, shift, &self.boxes, self.area))
    }

    /// What goes by other ways than the one that is looked at.
    fn others(&self, data: &Data, way: Option<&Way>) -> Vec<Drawn> {
        let on: Vec<(&str, &str)> = way
            .into_iter()
            .flat_map(|way| [pairs(&way.there), pairs(&way.back)].concat())
            .collect();
        let links = data.atlas.topology.links.iter().filter(|link| link.seen);
        let ends = links.map(|link| (link.from.as_str(), link.to.as_str()));
        ends.filter(|&(from, to)| !on.contains(&(from, to)) && !on.contains(&(to, from)))
            .filter(|(from, to)| from != to)
            .filter_map(|(from, to)| Some((self.line(from, to, 0.0)?, Paint::Frame)))
            .collect()
    }

    /// Paints the strokes, and the heads of those behind the first `faint`.
    fn paint(&self, app: &App, drawn: &[Drawn], faint: usize, buf: &mut Buffer) {
        let (theme, area) = (&app.config.theme, self.area);
        let colour = |role: Paint| theme.style(role).fg.unwrap_or(Color::Reset);
        Canvas::default()
            .marker(Marker::Braille)
            .x_bounds([0.0, f64::from(area.width)])
            .y_bounds([0.0, f64::from(area.height)])
            .paint(|context| {
                let x = |x: f64| x - f64::from(area.x);
                let y = |y: f64| f64::from(area.bottom()) - y;
                for (route, role) in drawn {
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
    }
}

/// Draws hosts and ways, those of the connection that is looked at brighter.
pub(super) fn draw(app: &App, data: &Data, way: Option<&Way>, area: Rect, buf: &mut Buffer) {
    if area.height < BOX || area.width < 20 {
        return;
    }
    let theme = &app.config.theme;
    let (places, omitted) = places(data, way, area);
    let boxes = places.iter().map(|place| place.area).collect();
    let map = Map { places, boxes, area };
    let mut drawn = map.others(data, way);
    let faint = drawn.len();
    // Hosts on the way, and those that a packet leaves only to come back over lo.
    let mut touched = BTreeSet::new();
    let mut around = BTreeSet::new();
    let both = way
        .into_iter()
        .flat_map(|way| [(&way.there, THERE, Paint::There), (&way.back, BACK, Paint::Return)]);
    for (hops, shift, role) in both {
        for (from, to) in pairs(hops) {
            touched.extend([from, to]);
            if from == to {
                around.insert(from);
            } else {
                drawn.extend(map.line(from, to, shift).map(|route| (route, role)));
            }
        }
    }
    let marks = marks(app, data, way);
    let mut crosses = Vec::new();
    for mark in &marks {
        let shift = if mark.forward { THERE } else { BACK };
        if let Some(route) = mark.to.as_deref().and_then(|to| map.line(&mark.at, to, shift)) {
            crosses.push((route.middle(), mark));
            drawn.push((route, Paint::Bad));
        }
    }
    map.paint(app, &drawn, faint, buf);
    for ((x, y), mark) in crosses {
        let said = format!(" {} ", mark.said);
        let wide = columns(&said) as u16;
        let x =
            x.saturating_sub(wide / 2).clamp(area.x, area.right().saturating_sub(wide).max(area.x));
        buf.set_span(x, y, &theme.span(Paint::Bad, &said), area.right().saturating_sub(x));
    }
    for place in &map.places {
        let id = place.node.id.as_str();
        let ends = |mark: &&&Mark| mark.at == place.node.id && mark.to.is_none();
        let broken = marks.iter().find(ends).map(|mark| mark.said.as_str());
        draw_box(app, place, touched.contains(id), around.contains(id), broken, buf);
    }
    if omitted > 0 {
        let said = format!("and {omitted} more hosts");
        let y = area.bottom() - 1;
        buf.set_span(area.x, y, &theme.span(Paint::Faint, &said), area.width);
    }
}

/// Where the connection that is looked at broke.
fn marks<'a>(app: &App, data: &Data, way: Option<&'a Way>) -> Vec<&'a Mark> {
    let own = app.current().and_then(|id| own_break(data, id));
    let all = way.into_iter().flat_map(|way| &way.marks);
    all.filter(|mark| Some(mark.n) == own).collect()
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
