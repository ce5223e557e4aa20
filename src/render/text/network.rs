//! The topology as text: services, hosts, and the ways between them.
//!
//! A way is a line of names with `>` where a capture shows the hop and `...` where
//! none does; rewrites stand below, at the host that made them.

use super::super::Style;
use super::super::ink::Tone;
use super::super::measure::{cut, hang};
use super::super::sanitise::clean;
use super::super::units::{count, plural};
use super::joined;
use super::topology::{host_table, section};
use crate::report::Host;
use crate::report::topology::{Hop, Mark, Topology, Way};
use std::collections::HashMap;

/// Columns before what `there` and `back` introduce.
const LABEL: usize = 11;

/// The whole topology as text of `style.width` columns. Ends with a line feed.
#[must_use]
pub fn topology(topology: &Topology, style: &Style) -> String {
    let names: HashMap<&str, &str> =
        topology.hosts.iter().map(|node| (node.id.as_str(), node.name.as_str())).collect();
    let all = Style { verbose: true, ..style.clone() };
    let mut sections: Vec<Vec<String>> =
        topology.services.iter().map(|p| section(&p.service, &p.shares, &all)).collect();
    let hosts: Vec<&Host> = topology.hosts.iter().map(|node| &node.host).collect();
    sections.push(host_table(&hosts, usize::MAX, style));
    let mut last = "";
    for way in &topology.ways {
        let mut lines = Vec::new();
        if way.service != last {
            let heading = cut(&format!("ways to {}", way.service), style.columns());
            lines.push(style.ink().paint(Tone::Strong, &heading));
        }
        last = &way.service;
        lines.extend(drawn(way, &names, style));
        sections.push(lines);
    }
    if topology.ways_omitted > 0 {
        let more = plural(topology.ways_omitted, "more way");
        sections.push(vec![format!("and {more} (a window of time shows fewer: --since, --until)")]);
    }
    let out = joined(&sections);
    if out.is_empty() { "no connections\n".to_owned() } else { out }
}

fn drawn(way: &Way, names: &HashMap<&str, &str>, style: &Style) -> Vec<String> {
    let clients = match (way.clients.as_slice(), way.client_count) {
        ([one], 1) => one.clone(),
        (some, n) if some.len() as u64 == n => some.join(", "),
        (some, n) => {
            format!("{} and {} more", some.join(", "), count(n.saturating_sub(some.len() as u64)))
        }
    };
    let server = way.real_server.as_deref().map_or_else(String::new, |s| format!(" to {s}"));
    let said = format!(
        "{} from {clients}{server}: {}",
        plural(way.totals.connections, "connection"),
        way.totals.fates()
    );
    let mut lines = hang("  ", &said, style.prose());
    lines.extend(direction("there", way, true, names, style));
    lines.extend(direction("back", way, false, names, style));
    for mark in &way.marks {
        let name = |id: &str| names.get(id).copied().unwrap_or("?").to_owned();
        let place = match &mark.to {
            Some(to) => format!("between {} and {}", name(&mark.at), name(to)),
            None => format!("at {}", name(&mark.at)),
        };
        let said = clean(&format!("{} {place} (break {})", mark.said, mark.n)).into_owned();
        let drawn = hang(&" ".repeat(LABEL), &said, style.prose());
        lines.extend(drawn.iter().map(|line| style.ink().paint(Tone::Bad, line)));
    }
    lines
}

/// Behind which hop, by its index, a cross stands, since packets of the way end where it
/// arrives: the last that goes there.
fn ends(way: &Way, forward: bool, hops: &[Hop]) -> Vec<usize> {
    let here = way.marks.iter().filter(|mark| mark.forward == forward && mark.to.is_none());
    let last = |mark: &Mark| hops.iter().rposition(|hop| hop.to.as_ref() == Some(&mark.at));
    here.filter_map(last).collect()
}

/// Whether packets of the way get lost or are refused on a hop.
fn breaks_on(way: &Way, forward: bool, from: Option<&str>, to: Option<&str>) -> bool {
    way.marks.iter().any(|mark| {
        mark.forward == forward
            && mark.to.is_some()
            && from == Some(mark.at.as_str())
            && to == mark.to.as_deref()
    })
}

/// How far a line of hops has come.
#[derive(Clone, Copy)]
enum At<'a> {
    Start,
    Host(&'a str),
    /// Nobody saw who received it.
    Open,
}

fn direction(
    label: &str,
    way: &Way,
    forward: bool,
    names: &HashMap<&str, &str>,
    style: &Style,
) -> Vec<String> {
    let hops: &[Hop] = if forward { &way.there } else { &way.back };
    let lead = format!("    {label:<width$}", width = LABEL - 4);
    let name = |id: &str| names.get(id).copied().unwrap_or("?").to_owned();
    let ends = ends(way, forward, hops);
    let mut text = String::new();
    let mut at = At::Start;
    let mut rewrites: Vec<String> = Vec::new();
    for (n, hop) in hops.iter().enumerate() {
        let from = hop.from.as_deref();
        if hops.iter().take(n).any(|before| (&before.from, &before.to) == (&hop.from, &hop.to)) {
            text.push_str(" ... and round again");
            break;
        }
        match (from, at) {
            (Some(from), At::Host(last)) if from == last => {}
            (Some(from), At::Start) => text.push_str(&name(from)),
            (Some(from), At::Open) => text.push_str(&format!(" {}", name(from))),
            (Some(from), At::Host(_)) => text.push_str(&format!(" ... {}", name(from))),
            (None, At::Start) => text.push_str("..."),
            (None, At::Open) => {}
            (None, At::Host(_)) => text.push_str(" ..."),
        }
        if let Some(rewrite) = &hop.rewrite {
            let place = from.and_then(|from| names.get(from));
            let place = place.map_or_else(String::new, |from| format!("{from}: "));
            let said = format!("{place}{rewrite}");
            if !rewrites.contains(&said) {
                rewrites.push(said);
            }
        }
        let arrow = match (hop.over_lo, breaks_on(way, forward, from, hop.to.as_deref())) {
            (true, _) => " > (over lo)",
            (false, true) => " ✗>",
            (false, false) => " >",
        };
        at = match hop.to.as_deref() {
            Some(to) => {
                let cross = if ends.contains(&n) { " ✗" } else { "" };
                text.push_str(&format!("{arrow} {}{cross}", name(to)));
                At::Host(to)
            }
            None => {
                text.push_str(&format!("{arrow} ..."));
                At::Open
            }
        };
    }
    if hops.is_empty() {
        text.push_str("not seen");
    }
    let mut lines = hang(&lead, &text, style.prose());
    for rewrite in rewrites {
        lines.extend(hang(&" ".repeat(LABEL + 2), &rewrite, style.prose()));
    }
    lines
}
