//! The topology as text: services, hosts, and the ways between them.
//!
//! A way is a line of names with `>` where a capture shows the hop and `...` where
//! none does; rewrites stand below, at the host that made them.

use super::super::Style;
use super::super::ink::Tone;
use super::super::measure::{cut, hang};
use super::super::units::{count, plural};
use super::joined;
use super::topology::{host_table, outcomes, section};
use crate::report::Host;
use crate::report::topology::{Hop, Topology, Way};
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
        outcomes(&way.totals, |_| true)
    );
    let mut lines = hang("  ", &said, style.prose());
    lines.extend(direction("there", &way.there, names, style));
    lines.extend(direction("back", &way.back, names, style));
    lines
}

/// How far a line of hops has come.
#[derive(Clone, Copy)]
enum At<'a> {
    Start,
    Host(&'a str),
    /// Nobody saw who received it.
    Open,
}

fn direction(label: &str, hops: &[Hop], names: &HashMap<&str, &str>, style: &Style) -> Vec<String> {
    let lead = format!("    {label:<width$}", width = LABEL - 4);
    let name = |id: &str| names.get(id).copied().unwrap_or("?").to_owned();
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
            let place = from.map_or_else(String::new, |from| format!("{}: ", name(from)));
            let said = format!("{place}{rewrite}");
            if !rewrites.contains(&said) {
                rewrites.push(said);
            }
        }
        let arrow = if hop.over_lo { " > (over lo)" } else { " >" };
        at = match hop.to.as_deref() {
            Some(to) => {
                text.push_str(&format!("{arrow} {}", name(to)));
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
