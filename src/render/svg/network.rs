//! The topology as SVG: hosts in the order in which packets pass them, and the ways
//! between them with what was rewritten.
//!
//! Drawn from the value that text, DOT and Mermaid draw, with their words. What only
//! answers take is grey, what no capture shows is dashed, and both are said besides.
//! Refuses to draw more hosts than a reader can follow: the rest is counted.

use super::plan::{LINE, Plan, Said, plan};
use super::sheet::{Place, Sheet};
use crate::render::mermaid::{lines, service, used};
use crate::report::topology::{Link, Topology};

/// Hosts that are drawn.
const MAX_HOSTS: usize = 24;

/// Services that a host's box names.
const MAX_SERVICES: usize = 4;

/// The topology as an SVG document; ends with a line feed.
#[must_use]
pub fn topology_svg(topology: &Topology) -> String {
    drawing(topology, Place::File)
}

/// The same for a file or for a page.
pub(in super::super) fn drawing(topology: &Topology, place: Place) -> String {
    let Plan { cards, edges, size } = plan(topology, MAX_HOSTS, |n| said(topology, n), words);
    let mut sheet = Sheet::default();
    for card in &cards {
        let (x, y, w, h) = card.at;
        let broken = card.said.iter().any(|(class, _)| *class == "lost");
        sheet.rect((x, y, w, h), if broken { "host broken" } else { "host" });
        let top = y + (h - LINE * card.said.len() as i64) / 2;
        for (n, (class, text)) in card.said.iter().enumerate() {
            sheet.text(x + 12, top + 12 + LINE * n as i64, "start", class, text);
        }
    }
    for edge in &edges {
        let there = edge.there.iter().any(|link| link.there > 0);
        let back = edge.back.iter().any(|link| link.there > 0);
        let unseen = edge.there.iter().chain(&edge.back).all(|link| !link.seen);
        let broken = edge.there.iter().chain(&edge.back).any(|link| !link.broken.is_empty());
        let tone = match (there || back, unseen) {
            (_, true) if broken => "unseen lost",
            (_, true) => "unseen",
            _ if broken => "lost",
            (false, _) => "answers",
            _ => "",
        };
        let [first, second] = edge.tips;
        let tips =
            [(!edge.back.is_empty()).then_some(first), (!edge.there.is_empty()).then_some(second)];
        sheet.path(&edge.path, tone, tips);
        let (x, y) = edge.words;
        let [above, below] = &edge.said;
        for (n, (class, text)) in above.iter().rev().enumerate() {
            sheet.text(x, y - 6 - LINE * n as i64, "middle", class, text);
        }
        for (n, (class, text)) in below.iter().enumerate() {
            sheet.text(x, y + 16 + LINE * n as i64, "middle", class, text);
        }
    }
    let left_out = topology.hosts.len().saturating_sub(MAX_HOSTS);
    let (mut wide, mut high) = size;
    if left_out > 0 {
        let text = format!("{left_out} more hosts are not drawn");
        wide = wide.max(super::layout::width(&text) + 48);
        sheet.text(24, high + LINE, "start", "faint", &text);
        high += 2 * LINE;
    }
    sheet.document(place, wide, high, "Hosts, and the ways that connections took between them")
}

/// What a host's box says: who it is, what it serves, what it sent to itself.
fn said(topology: &Topology, n: usize) -> Vec<Said> {
    let Some(node) = topology.hosts.get(n) else { return Vec::new() };
    let tone = |line: &str| if line.starts_with('✗') { "lost" } else { "" };
    let mut said: Vec<Said> = lines(node).into_iter().map(|line| (tone(&line), line)).collect();
    if let Some((class, _)) = said.first_mut() {
        *class = "strong";
    }
    let pools: Vec<_> = topology.services.iter().filter(|p| p.at.contains(&node.id)).collect();
    for pool in pools.iter().take(MAX_SERVICES) {
        said.extend(service(pool).into_iter().map(|line| ("rewrite", line)));
    }
    if pools.len() > MAX_SERVICES {
        said.push(("rewrite", format!("and {} more services", pools.len() - MAX_SERVICES)));
    }
    for link in topology.links.iter().filter(|l| l.from == node.id && l.to == node.id) {
        let mut words = used(link);
        if let Some(first) = words.first_mut() {
            *first = format!("to itself: {first}");
        }
        said.extend(words.into_iter().map(|line| ("", line)));
    }
    said
}

/// What stands beside hops in one direction.
fn words(links: &[&Link], arrow: &str) -> Vec<Said> {
    let mut said = Vec::new();
    for link in links {
        for (n, line) in used(link).into_iter().enumerate() {
            if n == 0 {
                said.push((if link.seen { "" } else { "faint" }, format!("{arrow} {line}")));
                continue;
            }
            if line.starts_with('✗') {
                said.push(("lost", line));
                continue;
            }
            // A long one takes as many lines as it has parts.
            said.extend(line.split(", ").map(|part| ("rewrite", part.to_owned())));
        }
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::text::fixtures::networks::{
        broken_network, hostile_network, many_hosts, two_servers,
    };

    #[test]
    fn every_host_every_hop_and_every_rewrite_is_there() {
        let topology = two_servers();
        let drawn = topology_svg(&topology);
        assert_eq!(drawn.matches("class=\"host\"").count(), topology.hosts.len());
        for node in &topology.hosts {
            assert!(drawn.contains(&node.name), "{}", node.name);
        }
        // Client and director, director and each server, each server and the client.
        assert_eq!(drawn.matches("<path class=\"shaft").count(), 5);
        assert_eq!(drawn.matches("<path class=\"shaft answers\"").count(), 2);
        for rewrite in topology.links.iter().flat_map(|link| &link.rewrites) {
            for part in rewrite.split(", ") {
                assert!(drawn.contains(&part.replace('>', "&gt;")), "{part}");
            }
        }
    }

    #[test]
    fn what_breaks_is_marked_in_every_drawing() {
        let topology = broken_network();
        let drawn = topology_svg(&topology);
        assert_eq!(drawn.matches("class=\"host broken\"").count(), 1);
        assert_eq!(drawn.matches("<path class=\"shaft lost\"").count(), 1);
        assert_eq!(drawn.matches("✗ SYN: 2 fail").count(), 2);
        let dot = crate::render::dot(&topology);
        assert_eq!(dot.lines().filter(|line| line.contains("red3")).count(), 2, "{dot}");
        assert_eq!(dot.matches("✗ SYN: 2 fail").count(), 2);
        let mermaid = crate::render::mermaid(&topology);
        // Behind the one line of the service.
        assert!(mermaid.contains("\n  linkStyle 2 "), "{mermaid}");
        assert!(mermaid.contains("\n  style h3 ") && mermaid.contains("--x|"), "{mermaid}");
        let style = crate::render::Style { width: 200, ..crate::render::Style::default() };
        let text = crate::render::topology(&topology, &style);
        assert!(text.contains("director 172.16.100.254 ✗> real server 172.16.100.11"), "{text}");
        assert!(text.contains("> real server 172.16.101.11 ✗\n"), "{text}");
        assert!(text.contains("✗ SYN: 2 fail at real server 172.16.101.11 (break 2)"), "{text}");
    }

    #[test]
    fn boxes_do_not_overlap() {
        let topology = two_servers();
        let Plan { cards, size, .. } = plan(&topology, 9, |n| said(&topology, n), words);
        for (n, a) in cards.iter().enumerate() {
            let (ax, ay, aw, ah) = a.at;
            assert!(ax >= 0 && ay >= 0 && ax + aw <= size.0 && ay + ah <= size.1);
            for b in &cards[n + 1..] {
                let (bx, by, bw, bh) = b.at;
                assert!(ax + aw <= bx || bx + bw <= ax || ay + ah <= by || by + bh <= ay);
            }
        }
    }

    #[test]
    fn hosts_beyond_a_number_are_counted() {
        let drawn = topology_svg(&many_hosts(30));
        assert_eq!(drawn.matches("class=\"host\"").count(), MAX_HOSTS);
        assert!(drawn.contains("6 more hosts are not drawn"));
        let none = topology_svg(&many_hosts(0));
        assert!(none.ends_with("</svg>\n") && !none.contains("class=\"host\""));
    }

    #[test]
    fn whatever_a_string_holds_it_adds_no_tag() {
        let tags = |evil: &str| topology_svg(&hostile_network(evil)).matches('<').count();
        let tame = tags("x");
        for evil in ["</text><script>alert(1)</script>", "a\0\x1b[2J\nb\u{202e}", "\"'&<>]]>"] {
            assert_eq!(tags(evil), tame, "{evil:?}");
        }
    }
}
