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

/// Columns between a box and a line that passes beside it.
const BESIDE: f64 = 1.5;

/// How a line leaves or reaches a box: the corners between the box and the row that it
/// runs along, the nearest to the box first, and where the head of one that arrives stands.
struct Door {
    corners: Vec<Point>,
    head: (u16, u16, &'static str),
}

/// The ways out of a box to a row: straight up or down, or beside it.
fn doors(of: Rect, row: u16, step: f64) -> Vec<Door> {
    let (centre, y) = (middle(of), f64::from(row) + 0.5);
    let mut doors = Vec::new();
    if !(of.y..of.bottom()).contains(&row) {
        let x = centre.0 + step;
        let (edge, head) = if row < of.y {
            (f64::from(of.y), (x as u16, of.y.saturating_sub(1), "▾"))
        } else {
            (f64::from(of.bottom()), (x as u16, of.bottom(), "▴"))
        };
        doors.push(Door { corners: vec![(x, edge), (x, y)], head });
    }
    let low = centre.1 - 0.3 * step.signum();
    let (left, right) = (f64::from(of.x), f64::from(of.right()));
    let at = of.y + of.height / 2 - u16::from(step > 0.0);
    for (edge, x, head) in [
        (right, right + BESIDE, (of.right(), at, "◂")),
        (left, left - BESIDE, (of.x.saturating_sub(1), at, "▸")),
    ] {
        doors.push(Door { corners: vec![(edge, low), (x, low), (x, y)], head });
    }
    doors
}

/// Out of one box, along a free row, and into the other: the shortest of these ways.
fn around(from: Rect, to: Rect, shift: f64, others: &[Rect], area: Rect) -> Option<Route> {
    // Lines there and back stand beside each other.
    let step = if shift > 0.0 { 2.0 } else { -2.0 };
    let (left, right) = (f64::from(area.x), f64::from(area.right()));
    let all: Vec<Rect> = others.iter().copied().chain([from, to]).collect();
    let mut best: Option<(f64, Route)> = None;
    for row in area.y..area.bottom() {
        for out in doors(from, row, step) {
            for into in doors(to, row, step) {
                let mut points = out.corners.clone();
                points.extend(into.corners.iter().rev());
                let inside = points.iter().all(|(x, _)| (left..right).contains(x));
                // Rows are twice as high as columns are wide.
                let far: f64 = points
                    .windows(2)
                    .map(|p| (p[0].0 - p[1].0).abs() + 2.0 * (p[0].1 - p[1].1).abs())
                    .sum();
                let shorter = best.as_ref().is_none_or(|(known, _)| far < *known);
                if inside && shorter && free(&points, &all) {
                    best = Some((far, Route { points, head: into.head }));
                }
            }
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
    fn a_box_between_two_others_is_reached_from_its_side() {
        let boxes = [
            Rect::new(20, 1, 16, 4),
            Rect::new(20, 5, 16, 4),
            Rect::new(20, 9, 16, 4),
            Rect::new(42, 5, 16, 4),
            Rect::new(62, 7, 16, 4),
        ];
        let area = Rect::new(0, 1, 80, 13);
        let line = route(boxes[4], boxes[0], -0.35, &boxes, area);
        assert!(line.points.len() > 2 && free(&line.points, &boxes), "{line:?}");
        assert_eq!(line.head.2, "◂");
    }

    #[test]
    fn without_a_free_row_it_is_straight_all_the_same() {
        let boxes = [Rect::new(0, 1, 10, 16), Rect::new(30, 1, 10, 16), Rect::new(60, 1, 10, 16)];
        assert_eq!(route(boxes[0], boxes[2], 0.0, &boxes, AREA).points.len(), 2);
    }
}
