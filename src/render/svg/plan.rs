//! Where hosts and hops stand in the drawing of the topology, pixels from the top left.
//!
//! Hosts stand in columns in the order in which clients' packets pass them. What goes on
//! between two neighbouring columns is one line with its words on it, at the height of
//! the end that has fewer lines, so that no two words meet; a way back that passes
//! columns by runs below all of them. Refuses to leave out a hop: only hosts beyond a
//! number are left out, with theirs, and the caller says so.

use super::layout::{CHAR, width};
use crate::report::Role;
use crate::report::topology::{Link, Topology};
use std::collections::BTreeMap;

/// Height of a line of text.
pub(super) const LINE: i64 = 16;
/// Between boxes, and around the sheet.
const GAP: i64 = 24;
/// Where lines fan out.
const CURVE: i64 = 48;
/// Between two lines outside of all columns.
const LANE: i64 = 8;

/// A text with its class.
pub(super) type Said = (&'static str, String);

/// A host's box.
#[derive(Debug, Default)]
pub(super) struct Card {
    /// What it says.
    pub(super) said: Vec<Said>,
    /// Left, top, width, height.
    pub(super) at: (i64, i64, i64, i64),
    column: usize,
}

impl Card {
    fn right(&self) -> i64 {
        self.at.0 + self.at.2
    }
}

/// All that went between two hosts.
#[derive(Debug)]
pub(super) struct Edge<'a> {
    /// Hosts; the first is further left, or higher.
    ends: (usize, usize),
    /// From the first to the second.
    pub(super) there: Vec<&'a Link>,
    /// From the second to the first.
    pub(super) back: Vec<&'a Link>,
    /// What stands above the line, and below.
    pub(super) said: [Vec<Said>; 2],
    /// SVG path.
    pub(super) path: String,
    /// Tips of heads at the first end and at the second: x, y, way.
    pub(super) tips: [(i64, i64, i64); 2],
    /// Middle of its words.
    pub(super) words: (i64, i64),
}

impl Edge<'_> {
    fn height(&self) -> i64 {
        LINE * (self.said[0].len() + self.said[1].len()) as i64 + GAP
    }

    fn width(&self) -> i64 {
        self.said.iter().flatten().map(|(_, text)| width(text)).max().unwrap_or(0)
    }

    fn other(&self, node: usize) -> usize {
        if self.ends.0 == node { self.ends.1 } else { self.ends.0 }
    }
}

/// The places of everything.
#[derive(Debug)]
pub(super) struct Plan<'a> {
    pub(super) cards: Vec<Card>,
    pub(super) edges: Vec<Edge<'a>>,
    pub(super) size: (i64, i64),
}

/// Plans the first `most` hosts; `said` gives a host's words, `word` those of hops in one
/// direction.
pub(super) fn plan<'a>(
    topology: &'a Topology,
    most: usize,
    said: impl Fn(usize) -> Vec<Said>,
    word: impl Fn(&[&Link], &str) -> Vec<Said>,
) -> Plan<'a> {
    let columns = columns(topology, most);
    let mut cards: Vec<Card> = (0..topology.hosts.len().min(most))
        .map(|n| {
            let said = said(n);
            let wide = said.iter().map(|(_, text)| width(text)).max().unwrap_or(0) + 3 * CHAR;
            let high = LINE * said.len() as i64 + 14;
            Card { said, at: (0, 0, wide, high), column: columns[n] }
        })
        .collect();
    let mut edges = edges(topology, &cards);
    for edge in &mut edges {
        let (ahead, behind) = if cards[edge.ends.0].column == cards[edge.ends.1].column {
            ("↓", "↑")
        } else {
            ("→", "←")
        };
        edge.said = [word(&edge.there, ahead), word(&edge.back, behind)];
    }
    let bottom = place(&mut cards, &edges);
    let size = route(&cards, &mut edges, bottom).unwrap_or((0, 0));
    Plan { cards, edges, size }
}

/// The column of each host: how far along clients' packets come to it at the latest.
fn columns(topology: &Topology, most: usize) -> Vec<usize> {
    let shown = &topology.hosts[..topology.hosts.len().min(most)];
    let at: BTreeMap<&str, usize> =
        shown.iter().enumerate().map(|(n, node)| (node.id.as_str(), n)).collect();
    let mut rank: Vec<Option<usize>> = vec![None; shown.len()];
    for way in &topology.ways {
        let mut passed: Vec<usize> = Vec::new();
        for id in way.there.iter().flat_map(|hop| [&hop.from, &hop.to]).flatten() {
            if let Some(node) = at.get(id.as_str())
                && !passed.contains(node)
            {
                passed.push(*node);
            }
        }
        for (n, node) in passed.into_iter().enumerate() {
            rank[node] = Some(rank[node].map_or(n, |known| known.max(n)));
        }
    }
    let last = rank.iter().flatten().copied().max().unwrap_or(2);
    let ranks: Vec<usize> = rank
        .iter()
        .zip(shown)
        .map(|(rank, node)| {
            rank.unwrap_or(match node.host.role {
                Role::Client => 0,
                Role::Director | Role::Router => last.min(1),
                _ => last,
            })
        })
        .collect();
    // No empty column.
    let mut used = ranks.clone();
    used.sort_unstable();
    used.dedup();
    ranks.iter().map(|rank| used.binary_search(rank).unwrap_or(0)).collect()
}

/// One edge for each pair of hosts; what a host sent to itself is none.
fn edges<'a>(topology: &'a Topology, cards: &[Card]) -> Vec<Edge<'a>> {
    let shown = topology.hosts.iter().take(cards.len()).enumerate();
    let shown: BTreeMap<&str, usize> = shown.map(|(n, node)| (node.id.as_str(), n)).collect();
    let at = |id: &str| shown.get(id).copied();
    let mut found: BTreeMap<(usize, usize), Edge<'a>> = BTreeMap::new();
    for link in &topology.links {
        let (Some(from), Some(to)) = (at(&link.from), at(&link.to)) else { continue };
        if from == to {
            continue;
        }
        let forward = (cards[from].column, from) < (cards[to].column, to);
        let ends = if forward { (from, to) } else { (to, from) };
        let edge = found.entry(ends).or_insert_with(|| Edge {
            ends,
            there: Vec::new(),
            back: Vec::new(),
            said: [Vec::new(), Vec::new()],
            path: String::new(),
            tips: [(0, 0, 0); 2],
            words: (0, 0),
        });
        if forward { edge.there.push(link) } else { edge.back.push(link) }
    }
    found.into_values().collect()
}

/// How many columns an edge passes.
fn span(cards: &[Card], edge: &Edge<'_>) -> usize {
    cards[edge.ends.1].column.abs_diff(cards[edge.ends.0].column)
}

/// The end at whose height an edge's words stand: the one with fewer edges.
fn anchor(cards: &[Card], edges: &[Edge<'_>], edge: &Edge<'_>) -> usize {
    let (left, right) = edge.ends;
    let gutter = cards[left].column;
    let many = |node: usize| {
        edges
            .iter()
            .filter(|e| span(cards, e) == 1 && cards[e.ends.0].column == gutter)
            .filter(|e| e.ends.0 == node || e.ends.1 == node)
            .count()
    };
    if many(left) < many(right) { left } else { right }
}

/// Edges to the next column or from the one before that stand at the height of `node`.
fn held(cards: &[Card], edges: &[Edge<'_>], node: usize, to_right: bool) -> Vec<usize> {
    let side = |e: &Edge<'_>| if to_right { e.ends.0 == node } else { e.ends.1 == node };
    (0..edges.len())
        .filter(|n| {
            let e = &edges[*n];
            span(cards, e) == 1 && side(e) && anchor(cards, edges, e) == node
        })
        .collect()
}

/// Edges that run below the columns.
fn around(cards: &[Card], edges: &[Edge<'_>]) -> i64 {
    edges.iter().filter(|e| span(cards, e) > 1).count() as i64
}

/// Room for the ends of those beside a column, on its left or on its right.
fn aside(cards: &[Card], edges: &[Edge<'_>], column: usize, to_right: bool) -> i64 {
    let ends_here = |e: &&Edge<'_>| {
        let node = if to_right { e.ends.1 } else { e.ends.0 };
        span(cards, e) > 1 && cards[node].column == column
    };
    if edges.iter().any(|e| ends_here(&e)) {
        GAP / 2 + LANE * (around(cards, edges) + 1)
    } else {
        0
    }
}

/// Puts the boxes in their places; gives where the lowest ends.
fn place(cards: &mut [Card], edges: &[Edge<'_>]) -> i64 {
    for n in 0..cards.len() {
        for to_right in [false, true] {
            let held = held(cards, edges, n, to_right);
            let high: i64 = held.iter().map(|e| edges[*e].height()).sum();
            cards[n].at.3 = cards[n].at.3.max(high);
        }
    }
    let count = cards.iter().map(|c| c.column + 1).max().unwrap_or(0);
    let mut x = GAP + aside(cards, edges, 0, false);
    let high = |cards: &[Card], column: usize| -> i64 {
        let of = cards.iter().filter(|c| c.column == column);
        of.map(|c| c.at.3 + GAP).sum::<i64>() - GAP
    };
    let most = (0..count).map(|column| high(cards, column)).max().unwrap_or(0);
    for column in 0..count {
        let mut y = GAP + (most - high(cards, column)) / 2;
        let wide = cards.iter().filter(|c| c.column == column).map(|c| c.at.2).max().unwrap_or(0);
        for card in cards.iter_mut().filter(|c| c.column == column) {
            card.at = (x, y, wide, card.at.3);
            y += card.at.3 + GAP;
        }
        let words = edges
            .iter()
            .filter(|e| cards[e.ends.0].column == column && span(cards, e) < 2)
            .map(|e| e.width() + GAP)
            .max();
        let ends = aside(cards, edges, column, true) + aside(cards, edges, column + 1, false);
        x += wide + ends + words.map_or(GAP, |words| CURVE + words);
    }
    GAP + most
}

/// Draws the edges' paths; gives the size of the sheet, none without a box.
fn route(cards: &[Card], edges: &mut [Edge<'_>], bottom: i64) -> Option<(i64, i64)> {
    let mut wide = cards.iter().map(Card::right).max()? + GAP;
    let mut lane = bottom + GAP;
    let mut lanes = 0;
    let mut ports: BTreeMap<(usize, bool), i64> = BTreeMap::new();
    for n in 0..edges.len() {
        let (a, b) = edges[n].ends;
        let (left, right) = (&cards[a], &cards[b]);
        match span(cards, &edges[n]) {
            1 => near(cards, edges, n),
            0 => {
                let (ya, yb) = (left.at.1 + left.at.3 - 8, right.at.1 + 8);
                let (x, out) = (left.right(), left.right() + CURVE * 3 / 4);
                let edge = &mut edges[n];
                edge.path = format!("M{x} {ya}C{out} {ya} {out} {yb} {x} {yb}");
                edge.tips = [(x, ya, -1), (x, yb, -1)];
                edge.words = (x + CURVE + edge.width() / 2, (ya + yb) / 2);
                wide = wide.max(x + CURVE + edge.width() + GAP);
            }
            _ => {
                let mut port = |node: usize, card: &Card, to_right: bool| {
                    let used = ports.entry((node, to_right)).or_insert(0);
                    *used += LANE;
                    card.at.1 + card.at.3 - (*used).min(card.at.3 - 4)
                };
                let (ya, yb) = (port(a, left, false), port(b, right, true));
                let (xa, xb) = (left.at.0, right.right());
                lanes += 1;
                let (out_a, out_b) = (xa - GAP / 2 - lanes * LANE, xb + GAP / 2 + lanes * LANE);
                let edge = &mut edges[n];
                lane += LINE * edge.said[0].len() as i64;
                edge.path = format!("M{xa} {ya}H{out_a}V{lane}H{out_b}V{yb}H{xb}");
                edge.tips = [(xa, ya, 1), (xb, yb, -1)];
                edge.words = ((xa + xb) / 2, lane);
                lane += LINE * edge.said[1].len() as i64 + GAP;
                wide = wide.max(out_b + GAP);
            }
        }
    }
    Some((wide, if lanes > 0 { lane } else { bottom + GAP }))
}

/// A line between neighbouring columns: level beside the end that holds its words,
/// curved to the other.
fn near(cards: &[Card], edges: &mut [Edge<'_>], n: usize) {
    let node = anchor(cards, edges, &edges[n]);
    let to_right = edges[n].ends.0 == node;
    let held = held(cards, edges, node, to_right);
    let total: i64 = held.iter().map(|e| edges[*e].height()).sum();
    let card = &cards[node];
    let before: i64 = held.iter().take_while(|e| **e != n).map(|e| edges[*e].height()).sum();
    let top = card.at.1 + (card.at.3 - total) / 2 + before;
    let y = top + GAP / 2 + LINE * edges[n].said[0].len() as i64;
    let far = edges[n].other(node);
    // The other end's lines, from top to bottom as their ends stand.
    let mut same: Vec<(i64, usize)> = (0..edges.len())
        .filter(|e| span(cards, &edges[*e]) == 1)
        .filter(|e| if to_right { edges[*e].ends.1 == far } else { edges[*e].ends.0 == far })
        .map(|e| (cards[edges[e].other(far)].at.1, e))
        .collect();
    same.sort_unstable();
    let rank = same.iter().position(|(_, e)| *e == n).unwrap_or(0) as i64 + 1;
    let to = &cards[far];
    let yf = if same.len() == 1 && (to.at.1 + 4..to.at.1 + to.at.3 - 4).contains(&y) {
        y
    } else {
        to.at.1 + to.at.3 * rank / (same.len() as i64 + 1)
    };
    let (left, right) = (&cards[edges[n].ends.0], &cards[edges[n].ends.1]);
    let (xa, xb) = (left.right(), right.at.0);
    // What runs below the columns ends beside them.
    let words = (
        xa + aside(cards, edges, left.column, true),
        xb - aside(cards, edges, right.column, false),
    );
    let edge = &mut edges[n];
    if y == yf {
        edge.path = format!("M{xa} {y}H{xb}");
        edge.tips = [(xa, y, -1), (xb, y, 1)];
        edge.words = ((words.0 + words.1) / 2, y);
    } else if to_right {
        let (mid, bend) = (xb - CURVE / 2, xb - CURVE);
        edge.path = format!("M{xa} {y}H{bend}C{mid} {y} {mid} {yf} {xb} {yf}");
        edge.tips = [(xa, y, -1), (xb, yf, 1)];
        edge.words = ((words.0 + bend) / 2, y);
    } else {
        let (mid, bend) = (xa + CURVE / 2, xa + CURVE);
        edge.path = format!("M{xa} {yf}C{mid} {yf} {mid} {y} {bend} {y}H{xb}");
        edge.tips = [(xa, yf, -1), (xb, y, 1)];
        edge.words = ((bend + words.1) / 2, y);
    }
}
