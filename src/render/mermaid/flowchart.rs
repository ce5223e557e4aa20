//! The topology as a Mermaid flowchart, for Markdown.
//!
//! Syntax: <https://mermaid.js.org/syntax/flowchart.html>. Labels stand in quotes,
//! their text is escaped as everywhere in Mermaid.

use super::super::units::{count, plural};
use super::text;
use crate::report::Role;
use crate::report::topology::{Link, Node, Pool, Topology};
use std::fmt::Write as _;

/// A flowchart: hosts, services, and the hops between them with the number of
/// connections. Ends with a line feed.
#[must_use]
pub fn mermaid(topology: &Topology) -> String {
    let mut out = String::from("flowchart LR\n");
    for node in &topology.hosts {
        let label = quoted(&lines(node));
        let (open, close) = if node.host.role == Role::Client { ("(", ")") } else { ("[", "]") };
        let _ = writeln!(out, "  {}{open}{label}{close}", node.id);
    }
    for (n, pool) in topology.services.iter().enumerate() {
        let _ = writeln!(out, "  s{}([{}])", n + 1, quoted(&service(pool)));
        for at in &pool.at {
            let _ = writeln!(out, "  s{} -.- {at}", n + 1);
        }
    }
    for link in &topology.links {
        let arrow = match (link.seen, link.broken.is_empty()) {
            (true, true) => "-->",
            (true, false) => "--x",
            (false, _) => "-.->",
        };
        let _ = writeln!(out, "  {} {arrow}|{}| {}", link.from, quoted(&used(link)), link.to);
    }
    // Links are numbered in the order in which they are written, those of services first.
    let first: usize = topology.services.iter().map(|pool| pool.at.len()).sum();
    for (n, _) in topology.links.iter().enumerate().filter(|(_, link)| !link.broken.is_empty()) {
        let _ = writeln!(out, "  linkStyle {} {BROKEN}", first + n);
    }
    for node in topology.hosts.iter().filter(|node| !node.broken.is_empty()) {
        let _ = writeln!(out, "  style {} {BROKEN}", node.id);
    }
    out
}

/// How what breaks is drawn.
const BROKEN: &str = "stroke:#c00,stroke-width:3px,color:#c00";

/// Words of breaks at one place; the rest is counted.
const MAX_BROKEN: usize = 3;

/// What broke at a place, the first of it.
fn broken(all: &[String]) -> Vec<String> {
    let mut said: Vec<String> = all.iter().take(MAX_BROKEN).cloned().collect();
    if all.len() > MAX_BROKEN {
        said.push(format!("and {} more breaks", all.len() - MAX_BROKEN));
    }
    said
}

/// What a host's box says.
pub(in super::super) fn lines(node: &Node) -> Vec<String> {
    let mut lines = vec![node.name.clone()];
    // A node for all clients is not one host.
    if node.name.starts_with(node.host.role.name()) {
        lines.extend(node.host.macs.iter().take(2).cloned());
        if !node.host.vantages.is_empty() {
            lines.push(format!("captured: {}", node.host.vantages.join(", ")));
        }
    }
    lines.extend(broken(&node.broken));
    lines
}

/// What a service's box says.
pub(in super::super) fn service(pool: &Pool) -> Vec<String> {
    let s = &pool.service;
    let name = super::super::text::endpoint(&s.vip, (s.port > 0).then_some(s.port));
    let mode = if s.mode == "unknown" { "mode unknown" } else { &s.mode };
    vec![
        format!("{name}/{}", s.protocol),
        format!("{mode}, {}", plural(s.totals.connections, "connection")),
    ]
}

/// What a hop's arrow says.
pub(in super::super) fn used(link: &Link) -> Vec<String> {
    let way = |n: u64, what: &str| (n > 0).then(|| format!("{} {what}", count(n)));
    let ways: Vec<String> =
        way(link.there, "there").into_iter().chain(way(link.back, "back")).collect();
    let mut lines = if link.seen { vec![ways.join(", ")] } else { vec!["not seen".to_owned()] };
    lines.extend(link.rewrites.iter().take(2).cloned());
    if link.rewrites.len() > 2 {
        lines.push(format!("and {} more rewrites", link.rewrites.len() - 2));
    }
    lines.extend(broken(&link.broken));
    lines
}

/// A quoted label of several lines.
fn quoted(lines: &[String]) -> String {
    let mut out = String::from("\"");
    for (n, line) in lines.iter().enumerate() {
        if n > 0 {
            out.push_str("<br/>");
        }
        out.push_str(&text(line));
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_leaves_its_label() {
        let hostile = "`a\"] --> <script>|end; #quot; %%{init}%%\n\x1b\\".to_owned();
        let text = quoted(&[hostile]);
        let inner = text.strip_prefix('"').and_then(|t| t.strip_suffix('"')).unwrap();
        assert!(!inner.contains(['"', '`', '<', '|', '[', ']', '{', '}', '\n', '\\']), "{text}");
        // Every number sign begins a code, every semicolon ends one.
        assert_eq!(inner.matches('#').count(), inner.matches(';').count());
        assert_eq!(quoted(&["a".to_owned(), "b>c".to_owned()]), "\"a<br/>b>c\"");
    }
}
