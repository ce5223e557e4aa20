//! Where connections stand on the time axis: lanes, bars, columns.
//!
//! Layout alone, in pixels; every time and outcome is the report's. It refuses to draw
//! a bar for each of many connections: a lane then has columns, as wide as the eye needs.

use super::super::super::text::connections::end;
use super::super::super::units::{count, duration, instant, margin, plural};
use crate::report::{Connection, Report};
use std::collections::HashMap;

/// Width of the axis.
const WIDE: i64 = 960;
/// Width of a column.
pub(super) const COLUMN: i64 = 4;
/// Height of columns of what began.
pub(super) const UP: i64 = 36;
/// The same of what failed.
pub(super) const DOWN: i64 = 24;
/// Between two lanes.
pub(super) const LANE_GAP: i64 = 12;
/// Bars that a lane has before it has columns.
const MAX_BARS: usize = 80;
/// Rows of bars that a lane has before it has columns.
const MAX_ROWS: usize = 16;
/// Bars that carry the numbers of their findings.
const MAX_MARKED: usize = 16;
/// Marks on the axis, at most.
const TICKS: i128 = 8;

/// Nanoseconds since 1970 of an RFC 3339 time.
pub(super) fn at(time: &str) -> Option<i128> {
    Some(time.parse::<jiff::Timestamp>().ok()?.as_nanosecond())
}

/// The connections of one real server.
pub(super) struct Lane<'a> {
    pub(super) name: String,
    /// With first and last packet.
    of: Vec<(&'a Connection, i128, i128)>,
}

/// One lane for each real server, in the order of the services; those without one last.
pub(super) fn lanes(report: &Report) -> Vec<Lane<'_>> {
    let mut lanes: Vec<Lane<'_>> = Vec::new();
    let mut known: HashMap<String, usize> = HashMap::new();
    let mut unknown = Lane { name: "not known".to_owned(), of: Vec::new() };
    for c in report.connections.iter().filter(|c| c.ordinary.is_none()) {
        let Some(start) = at(&c.start) else { continue };
        let stop = start + i128::from(c.duration_ns.max(0));
        let Some(name) = c.real_server.as_ref().and_then(|server| end(server, None)) else {
            unknown.of.push((c, start, stop));
            continue;
        };
        let lane = *known.entry(name).or_insert_with_key(|name| {
            lanes.push(Lane { name: name.clone(), of: Vec::new() });
            lanes.len() - 1
        });
        if let Some(lane) = lanes.get_mut(lane) {
            lane.of.push((c, start, stop));
        }
    }
    let rank: HashMap<String, usize> = report
        .services
        .iter()
        .flat_map(|s| &s.real_servers)
        .filter_map(|s| {
            let server = crate::report::Endpoint {
                address: s.address.clone(),
                port: s.port,
                mac: s.mac.clone(),
            };
            end(&server, None)
        })
        .enumerate()
        .map(|(n, name)| (name, n))
        .collect();
    lanes.sort_by_key(|lane| rank.get(&lane.name).copied().unwrap_or(usize::MAX));
    if !unknown.of.is_empty() {
        lanes.push(unknown);
    }
    lanes
}

/// The time axis.
pub(super) struct Axis {
    from: i128,
    to: i128,
    left: i64,
}

impl Axis {
    /// That holds all lanes and spans; none where there is nothing.
    pub(super) fn new(
        lanes: &[Lane<'_>],
        spans: impl Iterator<Item = (i128, i128)>,
        left: i64,
    ) -> Option<Self> {
        let of = lanes.iter().flat_map(|lane| lane.of.iter().map(|(_, from, to)| (*from, *to)));
        let (from, to) = of.chain(spans).reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))?;
        (!lanes.is_empty()).then_some(Self { from, to: to.max(from + 1), left })
    }

    /// Right end.
    pub(super) fn right(&self) -> i64 {
        self.left + WIDE
    }

    /// Where a time stands.
    pub(super) fn x(&self, at: i128) -> i64 {
        let along = (at.clamp(self.from, self.to) - self.from) * i128::from(WIDE);
        self.left + i64::try_from(along / (self.to - self.from)).unwrap_or(WIDE)
    }

    /// Time of a column.
    pub(super) fn column_ns(&self) -> i64 {
        i64::try_from((self.to - self.from) * i128::from(COLUMN) / i128::from(WIDE)).unwrap_or(0)
    }

    /// The beginning, as people read it.
    pub(super) fn start(&self) -> String {
        jiff::Timestamp::from_nanosecond(self.from)
            .map(|at| instant(&format!("{at:.9}")))
            .unwrap_or_default()
    }

    /// Round times since the beginning.
    pub(super) fn ticks(&self) -> Vec<(i64, String)> {
        let whole = self.to - self.from;
        let mut step: i128 = 1_000;
        // 1, 2, 5, 10, ... of the decimal, up to seconds; then what clocks have.
        for next in
            (0..7).flat_map(|n| [1, 2, 5].map(|digit| digit * 1_000 * 10_i128.pow(n))).chain(
                [10, 20, 30, 60, 120, 300, 600, 1_200, 1_800, 3_600, 7_200, 14_400, 43_200]
                    .map(|s| s * 1_000_000_000),
            )
        {
            step = next;
            if whole / step <= TICKS {
                break;
            }
        }
        if whole / step > TICKS {
            step = whole / TICKS;
        }
        (0..=whole / step)
            .map(|n| {
                let ns = i64::try_from(n * step).unwrap_or(i64::MAX);
                (self.x(self.from + n * step), duration(ns).replace(".00 ", " "))
            })
            .collect()
    }
}

/// A connection.
pub(super) struct Bar {
    pub(super) x: i64,
    pub(super) wide: i64,
    pub(super) row_y: i64,
    pub(super) failed: bool,
    /// Numbers of its findings.
    pub(super) mark: String,
    pub(super) words: String,
}

impl Bar {
    fn right(&self) -> i64 {
        self.x + self.wide + self.mark.len() as i64 * 7 + if self.failed { 14 } else { 4 }
    }
}

/// Connections that began at one time.
pub(super) struct Column {
    pub(super) x: i64,
    pub(super) began: u64,
    pub(super) failed: u64,
    pub(super) words: String,
}

/// A lane as it is drawn.
pub(super) enum Drawn {
    Bars { bars: Vec<Bar>, high: i64 },
    Columns(Vec<Column>),
}

impl Drawn {
    /// Height.
    pub(super) fn high(&self) -> i64 {
        match self {
            Self::Bars { high, .. } => *high,
            Self::Columns(_) => UP + DOWN,
        }
    }

    /// Right end of what stands beside bars.
    pub(super) fn right(&self) -> i64 {
        match self {
            Self::Bars { bars, .. } => bars.iter().map(Bar::right).max().unwrap_or(0),
            Self::Columns(_) => 0,
        }
    }

    /// The most connections of one column.
    pub(super) fn most(&self) -> u64 {
        match self {
            Self::Bars { .. } => 0,
            Self::Columns(columns) => columns.iter().map(|c| c.began).max().unwrap_or(0),
        }
    }
}

/// A column's height: what is there is seen.
pub(super) fn scaled(n: u64, most: u64, high: i64) -> i64 {
    let share = n as f64 / most.max(1) as f64;
    ((share * high as f64).round() as i64).clamp(2, high)
}

/// Bars, or columns where there are too many.
pub(super) fn draw(lane: &Lane<'_>, axis: &Axis) -> Drawn {
    if lane.of.len() <= MAX_BARS
        && let Some(drawn) = bars(lane, axis)
    {
        return drawn;
    }
    let mut bins: HashMap<i64, (u64, u64)> = HashMap::new();
    for (c, start, _) in &lane.of {
        let bin = bins.entry((axis.x(*start) - axis.left) / COLUMN).or_default();
        bin.0 += 1;
        bin.1 += u64::from(c.failed());
    }
    let mut columns: Vec<Column> = bins
        .into_iter()
        .map(|(bin, (began, failed))| {
            let since = axis.column_ns().saturating_mul(bin);
            let words = format!(
                "+{} ms: {}, {} failed",
                margin(since),
                plural(began, "connection"),
                count(failed)
            );
            Column { x: axis.left + bin * COLUMN, began, failed, words }
        })
        .collect();
    columns.sort_by_key(|column| column.x);
    Drawn::Columns(columns)
}

/// Each connection in the first row that has room for it; none where rows run out.
fn bars(lane: &Lane<'_>, axis: &Axis) -> Option<Drawn> {
    let marked = lane.of.len() <= MAX_MARKED;
    let row_high = if marked { 14 } else { 10 };
    let mut rows: Vec<i64> = Vec::new();
    let mut bars = Vec::new();
    for (c, start, stop) in &lane.of {
        let x = axis.x(*start);
        let wide = (axis.x(*stop) - x).max(3);
        let numbers: Vec<String> = c.findings.iter().map(u32::to_string).collect();
        let mark = if marked { numbers.join(", ") } else { String::new() };
        let failed = c.failed();
        let row = rows.iter().position(|end| *end < x).unwrap_or(rows.len());
        if row >= MAX_ROWS {
            return None;
        }
        let words = format!(
            "connection {}, {}, {}, {}{}",
            c.id,
            c.client,
            c.outcome,
            duration(c.duration_ns),
            if numbers.is_empty() {
                String::new()
            } else {
                format!(", findings {}", numbers.join(", "))
            }
        );
        let bar = Bar { x, wide, row_y: row as i64 * row_high, failed, mark, words };
        if row == rows.len() {
            rows.push(bar.right());
        } else {
            rows[row] = bar.right();
        }
        bars.push(bar);
    }
    Some(Drawn::Bars { bars, high: row_high * rows.len().max(1) as i64 })
}
