//! The timeline: connections in lanes over a stretch of time.
//!
//! What a zoom shows is computed in one pass over the connections that fit the filter, by
//! differences, so that the cost does not depend on how long they last. Few connections
//! in a lane become bars of their own; many become a density with the share that failed.
//! A worker does it, as a million take longer than a key may.

use super::data::Data;
use crate::correlate::Outcome;
use crate::trace::{ConnectionId, Trace};
use std::collections::{BTreeMap, HashMap};

/// Lanes that are kept; the connections of the rest share the last one.
const MAX_LANES: usize = 512;

/// What the lanes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum By {
    /// Who served.
    #[default]
    Server,
    /// Who was passed.
    Host,
    /// Who called.
    Client,
}

impl By {
    /// The next one.
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Self::Server => Self::Host,
            Self::Host => Self::Client,
            Self::Client => Self::Server,
        }
    }

    /// As the heading has it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Server => "real server",
            Self::Host => "host",
            Self::Client => "client",
        }
    }
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// The lanes.
    pub by: By,
    /// First moment, nanoseconds on the reference clock.
    pub from: i64,
    /// Nanoseconds that a column stands for, one at least.
    pub per_column: i64,
    /// Columns.
    pub columns: usize,
    /// Rows that the bars of one lane may take.
    pub rows: usize,
}

/// One column of a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cell {
    /// Connections that live then.
    pub alive: u32,
    /// Those of them that failed.
    pub failed: u32,
}

/// A connection drawn by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bar {
    /// The connection.
    pub id: u32,
    /// First and last column; outside of the screen where it begins before or ends after.
    pub from: i64,
    /// See `from`.
    pub to: i64,
    /// How it ended.
    pub outcome: Outcome,
}

/// What a lane shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// Rows of bars that do not overlap.
    Bars(Vec<Vec<Bar>>),
    /// Counts by column.
    Density(Vec<Cell>),
}

/// A lane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lane {
    /// Whose it is.
    pub name: String,
    /// Its connections in the time shown.
    pub count: usize,
    /// Those of them that failed.
    pub failed: usize,
    /// What it shows.
    pub shown: Shown,
}

/// Builds the lanes for `ids`, which are in order of their starts.
#[must_use]
pub fn lanes(data: &Data, ids: &[u32], ask: &Ask) -> Vec<Lane> {
    let (names, of) = assign(data, ids, ask.by);
    let per = ask.per_column.max(1);
    let last = i64::try_from(ask.columns).unwrap_or(0) - 1;
    let column = |at: i64| at.saturating_sub(ask.from).div_euclid(per);
    let width = ask.columns + 1;
    let mut differences = vec![(0i32, 0i32); names.len() * width];
    let mut counts = vec![(0usize, 0usize); names.len()];
    let mut bars: Vec<Option<Vec<Bar>>> = vec![Some(Vec::new()); names.len()];
    let enough = ask.rows.saturating_mul(ask.columns.max(1));
    for id in ids {
        let (start, end) = data.columns.times(*id);
        let (from, to) = (column(start), column(end));
        if to < 0 || from > last {
            continue;
        }
        let outcome = data.trace.connection(ConnectionId(*id)).outcome;
        let is_failed = data.failed(ConnectionId(*id));
        let failed = i32::from(is_failed);
        let (left, right) = (from.max(0) as usize, to.min(last) as usize);
        of.each(&data.trace, *id, |lane| {
            if let Some(cell) = differences.get_mut(lane * width + left) {
                *cell = (cell.0 + 1, cell.1 + failed);
            }
            if let Some(cell) = differences.get_mut(lane * width + right + 1) {
                *cell = (cell.0 - 1, cell.1 - failed);
            }
            if let Some(count) = counts.get_mut(lane) {
                *count = (count.0 + 1, count.1 + usize::from(is_failed));
            }
            if let Some(slot) = bars.get_mut(lane)
                && let Some(own) = slot
            {
                own.push(Bar { id: *id, from, to, outcome });
                if own.len() > enough {
                    *slot = None;
                }
            }
        });
    }
    names
        .into_iter()
        .zip(counts)
        .zip(bars)
        .zip(differences.chunks(width))
        .map(|(((name, (count, failed)), bars), differences)| {
            let packed = bars.and_then(|bars| pack(&bars, ask.rows));
            let shown = packed.map_or_else(|| Shown::Density(sums(differences)), Shown::Bars);
            Lane { name, count, failed, shown }
        })
        .collect()
}

/// Bars in as few rows as they need; `None` where that is more than `rows`.
fn pack(bars: &[Bar], rows: usize) -> Option<Vec<Vec<Bar>>> {
    let mut packed: Vec<Vec<Bar>> = Vec::new();
    for bar in bars {
        let free = |row: &Vec<Bar>| row.last().is_none_or(|last| last.to < bar.from);
        let at = packed.iter().position(free).unwrap_or(packed.len());
        match packed.get_mut(at) {
            Some(row) => row.push(*bar),
            None if at < rows => packed.push(vec![*bar]),
            None => return None,
        }
    }
    Some(packed)
}

fn sums(differences: &[(i32, i32)]) -> Vec<Cell> {
    let mut now = (0i32, 0i32);
    let cells = differences.iter().take(differences.len().saturating_sub(1));
    cells
        .map(|(alive, failed)| {
            now = (now.0 + alive, now.1 + failed);
            Cell { alive: now.0.max(0) as u32, failed: now.1.max(0) as u32 }
        })
        .collect()
}

/// Which lanes a connection is in.
enum Of {
    /// By client address; others are in the last.
    Client(HashMap<crate::wire::Ip, usize>, usize),
    /// By service and real server.
    Server(HashMap<(u32, Option<u16>), usize>, usize),
    /// By route.
    Route(Vec<Vec<usize>>),
}

impl Of {
    fn each(&self, trace: &Trace, id: u32, mut lane: impl FnMut(usize)) {
        let at = id as usize;
        let topology = &trace.topology;
        match self {
            Self::Client(by, rest) => {
                let client = trace.connection(ConnectionId(id)).front.client.0;
                lane(by.get(&client).copied().unwrap_or(*rest));
            }
            Self::Server(by, rest) => {
                let key = (topology.service_of[at].0, topology.server_of[at]);
                lane(by.get(&key).copied().unwrap_or(*rest));
            }
            Self::Route(by) => {
                let route = topology.routes.of[at].0 as usize;
                by.get(route).into_iter().flatten().for_each(|at| lane(*at));
            }
        }
    }
}

/// Names of the lanes, and who is in which.
fn assign(data: &Data, ids: &[u32], by: By) -> (Vec<String>, Of) {
    let trace = &data.trace;
    match by {
        By::Client => {
            let mut seen: HashMap<crate::wire::Ip, usize> = HashMap::new();
            for id in ids {
                *seen.entry(trace.connection(ConnectionId(*id)).front.client.0).or_default() += 1;
            }
            let mut most: Vec<_> = seen.into_iter().collect();
            most.sort_unstable_by_key(|(ip, n)| (std::cmp::Reverse(*n), *ip));
            let more = most.len().saturating_sub(MAX_LANES);
            most.truncate(MAX_LANES);
            let rest = most.len();
            let mut names: Vec<String> =
                most.iter().map(|(ip, _)| data.mask.text(ip.to_string())).collect();
            if more > 0 {
                names.push(format!("{more} more clients"));
            }
            (names, Of::Client(most.iter().zip(0..).map(|((ip, _), n)| (*ip, n)).collect(), rest))
        }
        By::Server => {
            let mut names: BTreeMap<String, Vec<(u32, Option<u16>)>> = BTreeMap::new();
            let mut seen = std::collections::HashSet::new();
            for id in ids {
                let at = *id as usize;
                let key = (trace.topology.service_of[at].0, trace.topology.server_of[at]);
                if seen.insert(key) {
                    let server = trace.server(ConnectionId(*id));
                    let named = server.and_then(|s| match (s.address, s.mac) {
                        (Some(ip), _) => Some(ip.with_port(s.port)),
                        (None, mac) => mac.map(|mac| mac.to_string()),
                    });
                    // Sorts last.
                    names.entry(named.unwrap_or_else(|| "~".to_owned())).or_default().push(key);
                }
            }
            let lanes = names.keys().map(|name| match name.as_str() {
                "~" => "not known".to_owned(),
                name => data.mask.text(name.to_owned()),
            });
            let lanes: Vec<String> = lanes.take(MAX_LANES).collect();
            let rest = lanes.len().saturating_sub(1);
            let by =
                names.values().zip(0..).flat_map(|(keys, n)| keys.iter().map(move |k| (*k, n)));
            (lanes, Of::Server(by.filter(|(_, n)| *n < MAX_LANES).collect(), rest))
        }
        By::Host => {
            let known = data.atlas.topology.hosts.iter().take(MAX_LANES);
            let names: Vec<String> = known.map(|node| node.name.clone()).collect();
            let passed = |route: &crate::topology::Route| {
                let steps = route.forward.iter().chain(&route.back);
                let hosts = steps.flat_map(|s| [s.from, s.to]).flatten();
                let nodes = hosts.filter_map(|host| data.atlas.node(host));
                let mut lanes: Vec<usize> = nodes.filter(|node| *node < MAX_LANES).collect();
                lanes.sort_unstable();
                lanes.dedup();
                lanes
            };
            (names, Of::Route(trace.topology.routes.list.iter().map(passed).collect()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::testkit::sample;

    fn ask(data: &Data, by: By, columns: usize, rows: usize) -> Ask {
        let (from, to) = data.columns.span;
        let per_column = (to - from) / columns as i64 + 1;
        Ask { by, from, per_column, columns, rows }
    }

    #[test]
    fn every_connection_is_in_one_lane_and_drawn_once() {
        let data = sample("nat-one-rs-gateway-wrong");
        for by in [By::Server, By::Client] {
            let drawn = lanes(&data, &data.columns.all, &ask(&data, by, 60, 50));
            let all: usize = drawn.iter().map(|lane| lane.count).sum();
            assert_eq!(all, data.columns.all.len());
            for lane in &drawn {
                let Shown::Bars(rows) = &lane.shown else { panic!("{lane:?}") };
                assert_eq!(rows.iter().map(Vec::len).sum::<usize>(), lane.count);
                for row in rows {
                    assert!(row.windows(2).all(|pair| pair[0].to < pair[1].from), "{row:?}");
                }
            }
        }
    }

    #[test]
    fn density_counts_what_lives_in_each_column() {
        let data = sample("nat-one-rs-gateway-wrong");
        let ask = ask(&data, By::Server, 20, 0);
        for lane in lanes(&data, &data.columns.all, &ask) {
            let Shown::Density(cells) = &lane.shown else { panic!("{lane:?}") };
            assert_eq!(cells.len(), 20);
            assert!(cells.iter().all(|cell| cell.failed <= cell.alive));
            assert!(cells.iter().any(|cell| cell.alive > 0));
            assert_eq!(cells.iter().any(|cell| cell.failed > 0), lane.failed > 0);
        }
    }

    #[test]
    fn a_lane_of_a_host_has_what_passed_it() {
        let data = sample("nat-one-rs-gateway-wrong");
        let drawn = lanes(&data, &data.columns.all, &ask(&data, By::Host, 40, 10));
        let of = |role: &str| drawn.iter().filter(|lane| lane.name.starts_with(role)).collect();
        let (directors, servers): (Vec<&Lane>, Vec<&Lane>) = (of("director"), of("real server"));
        assert_eq!(directors[0].count, data.columns.all.len());
        assert!(servers.iter().all(|lane| lane.count < directors[0].count));
    }

    #[test]
    fn time_outside_of_the_captures_shows_nothing_and_does_not_overflow() {
        let data = sample("healthy-nat");
        for (from, per_column) in [(i64::MIN, 1), (i64::MAX, 1), (0, 1), (i64::MIN, i64::MAX)] {
            let ask = Ask { by: By::Server, from, per_column, columns: 10, rows: 3 };
            let drawn = lanes(&data, &data.columns.all, &ask);
            assert!(drawn.iter().all(|lane| lane.count <= data.columns.all.len()));
        }
    }
}
