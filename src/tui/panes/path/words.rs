//! The way in words, with every rewrite where it happens, or why there is none.

use super::looked_at::{own_break, way};
use crate::render::units::plural;
use crate::report::topology::Hop;
use crate::tui::app::App;
use crate::tui::data::Data;
use crate::tui::panes::stops::labelled;
use crate::tui::theme::Paint;
use ratatui::text::Line;

/// A host that no capture tells.
const UNKNOWN: &str = "...";

/// The way in words, or why there is none.
pub(super) fn told(app: &App, data: &Data, width: usize) -> Vec<Line<'static>> {
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
