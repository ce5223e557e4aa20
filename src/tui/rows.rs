//! Which connections the table lists, in which order.
//!
//! Filtering and sorting a million takes longer than a key may, so a worker does it; this
//! is what it is asked for and what it answers. Equal rows stay in the order of their
//! starts.

use super::data::Data;
use crate::breaks::{Account, Fate};
use crate::query::Filter;
use crate::trace::ConnectionId;
use rayon::prelude::*;

/// What the table is sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sort {
    /// First packet.
    #[default]
    Start,
    /// Client address and port.
    Client,
    /// Service.
    Service,
    /// Real server.
    Server,
    /// How it ended, the worst first.
    Outcome,
    /// First to last packet.
    Duration,
    /// Payload.
    Bytes,
    /// The most important finding first.
    Finding,
}

/// All orders, as the table has its columns.
pub const SORTS: [Sort; 8] = [
    Sort::Start,
    Sort::Client,
    Sort::Service,
    Sort::Server,
    Sort::Outcome,
    Sort::Duration,
    Sort::Bytes,
    Sort::Finding,
];

/// What is asked for.
#[derive(Debug, Clone, Default)]
pub struct Ask {
    /// Connections that fit; all where absent.
    pub filter: Option<Filter>,
    /// Only those that live at a time between, nanoseconds on the reference clock.
    pub range: Option<(i64, i64)>,
    /// The order.
    pub sort: Sort,
    /// The other way round.
    pub reverse: bool,
}

/// What is listed.
#[derive(Debug, Clone, Default)]
pub struct Rows {
    /// Connections, in order.
    pub ids: Vec<u32>,
    /// The same without the range of time, by start: what the timeline shows.
    pub everywhen: Vec<u32>,
    /// What became of the clients' connections among `ids`.
    pub account: Account,
}

/// Filters and sorts.
#[must_use]
pub fn rows(data: &Data, ask: &Ask) -> Rows {
    let (trace, columns) = (&data.trace, &data.columns);
    let fits = |id: &u32| ask.filter.as_ref().is_none_or(|f| f.fits(trace, ConnectionId(*id)));
    let all;
    let listed = if ask.filter.as_ref().is_some_and(Filter::asks_for_legs) {
        all = columns.with_legs();
        &all
    } else {
        &columns.all
    };
    let everywhen: Vec<u32> = listed.par_iter().copied().filter(fits).collect();
    let mut ids: Vec<u32> = match ask.range {
        None => everywhen.clone(),
        Some((from, to)) => {
            let lives = |id: &u32| {
                let (start, end) = columns.times(*id);
                start <= to && end >= from
            };
            everywhen.par_iter().copied().filter(lives).collect()
        }
    };
    sort(data, ask.sort, &mut ids);
    if ask.reverse {
        ids.reverse();
    }
    let mut account = Account::default();
    for id in ids.iter().map(|id| ConnectionId(*id)).filter(|id| trace.ordinary(*id).is_none()) {
        account.count(data.diagnosis.breaks.fate(id));
    }
    Rows { ids, everywhen, account }
}

fn sort(data: &Data, by: Sort, ids: &mut [u32]) {
    let (trace, columns) = (&data.trace, &data.columns);
    let front = |id: u32| trace.connection(ConnectionId(id)).front;
    let outcome = |id: u32| trace.connection(ConnectionId(id)).outcome;
    match by {
        // They come so.
        Sort::Start => {}
        Sort::Client => ids.par_sort_by_key(|id| front(*id).client),
        Sort::Service => ids.par_sort_by_key(|id| front(*id).server),
        Sort::Server => ids.par_sort_by_key(|id| {
            let server = trace.server(ConnectionId(*id));
            (server.is_none(), server.map(|s| (s.address, s.mac, s.port)))
        }),
        Sort::Outcome => ids.par_sort_by_key(|id| {
            let fate = data.diagnosis.breaks.fate(ConnectionId(*id));
            (fate != Fate::Failed, fate != Fate::Suffered, outcome(*id))
        }),
        Sort::Duration => ids.par_sort_by_key(|id| {
            let (start, end) = columns.times(*id);
            std::cmp::Reverse(end.saturating_sub(start))
        }),
        Sort::Bytes => {
            ids.par_sort_by_key(|id| std::cmp::Reverse(columns.bytes.get(*id as usize).copied()));
        }
        Sort::Finding => {
            ids.par_sort_by_key(|id| match columns.first_finding(*id) {
                0 => u32::MAX,
                n => n,
            });
        }
    }
}
