//! Lines between boxes: straight where the way is free, else around what stands in it.

use ratatui::layout::Rect;

/// A point in cells, from the screen's left upper corner.
pub type Point = (f64, f64);

/// A line from one box to another, and where its head stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Route {
    /// The corners of the line.
    pub points: Vec<Point>,
    /// The cell of the head, and which it is.
    pub head: (u16, u16, &'static str),
}

impl Route {
    /// The cell in the middle of the line.
    #[must_use]
    pub fn middle(&self) -> (u16, u16) {
        let lengths: Vec<f64> = self.points.windows(2).map(|p| distance(p[0], p[1])).collect();
        let mut left = lengths.iter().sum::<f64>() / 2.0;
        for (pair, length) in self.points.windows(2).zip(&lengths) {
            if left <= *length && *length > 0.0 {
                let part = left / length;
                let at = |a: f64, b: f64| (a + (b - a) * part) as u16;
                return (at(pair[0].0, pair[1].0), at(pair[0].1, pair[1].1));
            }
            left -= length;
        }
        (self.head.0, self.head.1)
    }
}

/// The line between two boxes within an area; `shift` cells apart from others between them.
#[must_use]
pub fn route(from: Rect, to: Rect, shift: f64, boxes: &[Rect], area: Rect) -> Route {
    let others: Vec<Rect> = boxes.iter().copied().filter(|b| *b != from && *b != to).collect();
    let straight = straight(from, to, shift);
    if free(&straight.points, &others) {
        return straight;
    }
    around(from, to, shift, &others, area).unwrap_or(straight)
}

fn straight(from: Rect, to: Rect, shift: f64) -> Route {
    let (a, b) = (middle(from), middle(to));
    let low = to.y + to.height / 2;
    let (points, head) = if from.right() <= to.x {
        let ends = [(f64::from(from.right()), a.1 - shift), (f64::from(to.x), b.1 - shift)];
        (ends, (to.x.saturating_sub(1), low.saturating_sub(1), "▸"))
    } else if to.right() <= from.x {
        let ends = [(f64::from(from.x), a.1 - shift), (f64::from(to.right()), b.1 - shift)];
        (ends, (to.right(), low, "◂"))
    } else if from.y < to.y {
        let ends = [(a.0, f64::from(from.bottom())), (b.0, f64::from(to.y))];
        (ends, (to.x + to.width / 2, to.y.saturating_sub(1), "▾"))
    } else {
        let ends = [(a.0, f64::from(from.y)), (b.0, f64::from(to.bottom()))];
        (ends, (to.x + to.width / 2, to.bottom(), "▴"))
    };
    Route { points: points.to_vec(), head }
}

/// Out of one box up or down, along a free row, and into the other: the nearest row.
fn around(from: Rect, to: Rect, shift: f64, others: &[Rect], area: Rect) -> Option<Route> {
    // Lines there and back stand beside each other.
    let step = if shift > 0.0 { 2.0 } else { -2.0 };
    let (a, b) = ((middle(from).0 + step, middle(from).1), (middle(to).0 + step, middle(to).1));
    let lanes = area.y..area.bottom();
    let mut best: Option<(f64, Route)> = None;
    for row in lanes {
        let y = f64::from(row) + 0.5;
        let within = |r: Rect| (r.y..r.bottom()).contains(&row);
        if within(from) || within(to) {
            continue;
        }
        let edge = |r: Rect| if row < r.y { f64::from(r.y) } else { f64::from(r.bottom()) };
        let points = vec![(a.0, edge(from)), (a.0, y), (b.0, y), (b.0, edge(to))];
        if !free(&points, others) {
            continue;
        }
        let far = (y - a.1).abs() + (y - b.1).abs();
        if best.as_ref().is_none_or(|(known, _)| far < *known) {
            let x = b.0 as u16;
            let head = if row < to.y {
                (x, to.y.saturating_sub(1), "▾")
            } else {
                (x, to.bottom(), "▴")
            };
            best = Some((far, Route { points, head }));
        }
    }
    best.map(|(_, route)| route)
}

fn middle(r: Rect) -> Point {
    (f64::from(r.x) + f64::from(r.width) / 2.0, f64::from(r.y) + f64::from(r.height) / 2.0)
}

fn distance(a: Point, b: Point) -> f64 {
    (b.0 - a.0).hypot(b.1 - a.1)
}

/// Whether no box stands on a line.
fn free(points: &[Point], boxes: &[Rect]) -> bool {
    let inside = |(x, y): Point, r: &Rect| {
        x > f64::from(r.x)
            && x < f64::from(r.right())
            && y > f64::from(r.y)
            && y < f64::from(r.bottom())
    };
    points.windows(2).all(|pair| {
        // A screen has few hundred cells in a line.
        let steps = (distance(pair[0], pair[1]) * 2.0).ceil().clamp(1.0, 4_096.0) as u32;
        (0..=steps).all(|n| {
            let part = f64::from(n) / f64::from(steps);
            let at = |a: f64, b: f64| a + (b - a) * part;
            let point = (at(pair[0].0, pair[1].0), at(pair[0].1, pair[1].1));
            !boxes.iter().any(|r| inside(point, r))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const AREA: Rect = Rect { x: 0, y: 1, width: 80, height: 16 };

    #[test]
    fn nothing_in_the_way_is_a_straight_line() {
        let (a, b) = (Rect::new(2, 5, 20, 4), Rect::new(40, 5, 20, 4));
        let line = route(a, b, 0.0, &[a, b], AREA);
        assert_eq!(line.points, [(22.0, 7.0), (40.0, 7.0)]);
        assert_eq!(line.head, (39, 6, "▸"));
        assert_eq!(line.middle(), (31, 7));
    }

    #[test]
    fn a_line_never_runs_behind_a_box() {
        let boxes = [Rect::new(2, 6, 18, 4), Rect::new(30, 5, 18, 4), Rect::new(58, 6, 18, 4)];
        for (a, b) in [(0, 2), (2, 0), (0, 1), (1, 2)] {
            for shift in [0.35, -0.35] {
                let line = route(boxes[a], boxes[b], shift, &boxes, AREA);
                let others: Vec<Rect> =
                    (0..3).filter(|n| ![a, b].contains(n)).map(|n| boxes[n]).collect();
                assert!(free(&line.points, &others), "{line:?}");
                let (x, y, _) = line.head;
                assert!(boxes.iter().all(|r| !r.contains((x, y).into())), "{line:?}");
                assert!(AREA.contains((x, y).into()), "{line:?}");
            }
        }
    }

    #[test]
    fn without_a_free_row_it_is_straight_all_the_same() {
        let boxes = [Rect::new(0, 1, 10, 16), Rect::new(30, 1, 10, 16), Rect::new(60, 1, 10, 16)];
        assert_eq!(route(boxes[0], boxes[2], 0.0, &boxes, AREA).points.len(), 2);
    }
}
