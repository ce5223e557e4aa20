//! The topology as a graph for Graphviz.
//!
//! Grammar: <https://graphviz.org/doc/info/lang.html>. Every name stands in a
//! quoted string, where a quote and a backslash are escaped, so nothing that a
//! capture holds can leave its label; `&` is escaped too, since labels may hold
//! HTML entities. Identifiers are this program's own.

use super::sanitise::clean;
use crate::report::Role;
use crate::report::topology::{Link, Topology};
use std::fmt::Write as _;

/// A directed graph: hosts, services, and the hops between them with the number
/// of connections. Ends with a line feed.
#[must_use]
pub fn dot(topology: &Topology) -> String {
    let mut out = String::from(
        "digraph lbdiag {\n  rankdir=LR;\n  node [shape=box, fontname=\"sans-serif\"];\n  edge [fontname=\"sans-serif\", fontsize=10];\n",
    );
    for node in &topology.hosts {
        let shape = match node.host.role {
            Role::Director => ", style=bold",
            Role::Client => ", style=rounded",
            Role::Router => ", style=dashed",
            _ => "",
        };
        let broken = if node.broken.is_empty() { "" } else { BROKEN };
        let label = quoted(&super::mermaid::lines(node));
        let _ = writeln!(out, "  {} [label={label}{shape}{broken}];", node.id);
    }
    for (n, pool) in topology.services.iter().enumerate() {
        let label = super::mermaid::service(pool);
        let _ = writeln!(out, "  s{} [label={}, shape=ellipse];", n + 1, quoted(&label));
        for at in &pool.at {
            let _ = writeln!(out, "  s{} -> {at} [style=dotted, arrowhead=none];", n + 1);
        }
    }
    for link in &topology.links {
        let style = if link.seen { "" } else { ", style=dotted" };
        let label = super::mermaid::used(link);
        let colour = colour(link);
        let label = quoted(&label);
        let _ = writeln!(out, "  {} -> {} [label={label}{style}{colour}];", link.from, link.to);
    }
    out.push_str("}\n");
    out
}

/// What breaks.
const BROKEN: &str = ", color=red3, fontcolor=red3, penwidth=2";

/// What breaks is red, what only answers take is grey.
fn colour(link: &Link) -> &'static str {
    if !link.broken.is_empty() {
        return BROKEN;
    }
    if link.there == 0 { ", color=gray40, fontcolor=gray40" } else { "" }
}

/// A quoted string of several lines.
fn quoted(lines: &[String]) -> String {
    let mut out = String::from("\"");
    for (n, line) in lines.iter().enumerate() {
        if n > 0 {
            out.push_str("\\n");
        }
        for c in clean(line).chars() {
            match c {
                '"' => out.push_str("\\\""),
                '\\' => out.push_str("\\\\"),
                '&' => out.push_str("&amp;"),
                c => out.push(c),
            }
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_leaves_its_label() {
        let hostile = "a\"]; x [label=\"\\N\n\x1b&lt;\\".to_owned();
        let text = quoted(&[hostile, "b".to_owned()]);
        let inner = text.strip_prefix('"').and_then(|t| t.strip_suffix('"')).unwrap();
        let mut chars = inner.chars();
        while let Some(c) = chars.next() {
            assert!(c != '"' && !c.is_control(), "{text}");
            if c == '\\' {
                assert!(chars.next().is_some(), "{text}");
            }
        }
        assert_eq!(quoted(&["\\N\"".to_owned()]), "\"\\\\N\\\"\"");
        assert!(quoted(&["&lt;".to_owned()]).contains("&amp;lt;"));
    }
}
