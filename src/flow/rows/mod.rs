//! Observations as tables, and back: a row for each struct, none of it twice.
//!
//! What only the pass itself needs (queues, tables to look things up in) is not stored: observations
//! that come from tables take in no further packet. Coming back, every index is held against the table
//! that it points into, and sums of counts against what a capture can have: a table is anybody's.

mod counts;
mod link;
mod misc;
mod neighbors;
mod on_links;
mod on_streams;
mod rare;
mod said;
mod spoken;
mod stream;
mod vantage;
mod vrrp;

use super::{Mark, Observations, Side, Stream, StreamId};
use crate::capture::Timestamp;
use crate::row::{Columns, Restore, Row, Store, TableVisitor, words};
use link::LinkRow;
use vantage::VantageRow;

words!(Side { Side::A => "a", Side::B => "b" });

/// What a column `side` holds.
const SIDE: &str =
    "which end: `a` sorts first by address and port; `client_side` in `streams` says whose";

/// One row about one stream, or one link.
#[derive(Clone, Copy)]
struct Of<T>(StreamId, T);

/// A frame and its time in two columns.
pub(crate) fn mark<C: Columns>(
    columns: &mut C,
    name: &'static str,
    what: &'static str,
    mark: &mut Mark,
) {
    let (frame, time) = columns.moment(name, what, (mark.frame(), mark.at().0));
    if columns.comes_in() {
        *mark = if frame == 0 { Mark::NONE } else { Mark::new(frame, Timestamp(time)) };
    }
}

/// The stream that a row of a side table is about.
pub(crate) fn stream_of<C: Columns>(columns: &mut C, stream: &mut StreamId) {
    columns.num("stream", "number of the stream, as in `streams`", stream);
}

/// The link that a row of a side table is about.
fn link_of<C: Columns>(columns: &mut C, link: &mut u32) {
    columns.num("link", "number of the link, as in `links`", link);
}

/// The table that names the vantages, which is read first.
pub const VANTAGES: &str = <VantageRow as Row>::TABLE;

/// Hands over all that the vantages of one capture saw, in tables.
///
/// # Errors
/// Where a table cannot be kept.
pub fn store<S: Store>(vantages: &[Observations], to: &mut S) -> Result<(), S::Fault> {
    let rows = vantages.iter().enumerate().map(|(v, seen)| (v, v as u32, VantageRow::of(seen)));
    to.table(rows)?;
    for (v, seen) in vantages.iter().enumerate() {
        let mut ways = Vec::with_capacity(seen.streams.len());
        let row = |id: StreamId| {
            let stream = seen.streams[id as usize];
            let time = stream::time(&stream, seen);
            ways.push(link::Ways::of(id, time, &stream));
            (time, id, stream)
        };
        to.by_day(v, stream::order(seen).into_iter().map(row))?;
        to.by_day(v, link::rows(seen, &ways))?;
    }
    misc::store(vantages, to)?;
    neighbors::store(vantages, to)?;
    rare::store(vantages, to)
}

/// Takes all that the vantages of one capture saw from its tables.
///
/// # Errors
/// Where one cannot be read, or they contradict each other.
pub fn restore<R: Restore>(from: &mut R) -> Result<Vec<Observations>, R::Fault> {
    let mut all: Vec<Observations> = Vec::new();
    from.table(|v, _, row: VantageRow| {
        if v != all.len() {
            return Err("vantages are not in order");
        }
        all.push(row.seen);
        Ok(())
    })?;
    put_lists(from, &mut all, |seen, list| {
        seen.streams = list;
        Ok(())
    })?;
    // Hops come before what points at them.
    put_lists(from, &mut all, |seen, list| {
        seen.hops = list;
        Ok(())
    })?;
    links(from, &mut all)?;
    misc::restore(from, &mut all)?;
    neighbors::restore(from, &mut all)?;
    rare::restore(from, &mut all)?;
    if !all.iter().all(counts::are_possible) {
        return Err(from.refuse("it counts more than a capture can hold"));
    }
    Ok(all)
}

/// Rows that have their place in a list each.
struct Places<T> {
    /// By vantage: the list, and which of its places are taken.
    of: Vec<(Vec<T>, Vec<bool>)>,
    /// Rows that there can be.
    most: u64,
}

impl<T> Places<T> {
    fn new(vantages: usize, most: u64) -> Self {
        Self { of: (0..vantages).map(|_| (Vec::new(), Vec::new())).collect(), most }
    }

    /// Puts a row to its place, or says what is wrong with it; `blank` stands in places yet to come.
    fn put(
        &mut self,
        vantage: usize,
        at: u32,
        one: T,
        blank: impl FnMut() -> T,
    ) -> Result<(), &'static str> {
        let (list, taken) = self.of.get_mut(vantage).ok_or("a row is of no vantage")?;
        if u64::from(at) >= self.most {
            return Err("a row has a number beyond all rows");
        }
        let at = at as usize;
        if at >= list.len() {
            list.resize_with(at + 1, blank);
            taken.resize(at + 1, false);
        }
        if std::mem::replace(&mut taken[at], true) {
            return Err("a row is there twice");
        }
        list[at] = one;
        Ok(())
    }

    /// The lists, by vantage; `None` where a place is left out.
    fn lists(self) -> Option<Vec<Vec<T>>> {
        let whole = self.of.iter().all(|(_, taken)| taken.iter().all(|taken| *taken));
        whole.then(|| self.of.into_iter().map(|(list, _)| list).collect())
    }
}

/// The rows of all vantages, numbered within each.
fn numbered<'a, T: Row, I: Iterator<Item = T> + 'a>(
    all: &'a [Observations],
    of: impl Fn(&'a Observations) -> I + 'a,
) -> impl Iterator<Item = (usize, u32, T)> + 'a {
    let rows = all.iter().enumerate();
    rows.flat_map(move |(v, seen)| of(seen).enumerate().map(move |(n, one)| (v, n as u32, one)))
}

/// Reads a table whose rows have their places.
fn lists<T: Row, R: Restore>(from: &mut R, vantages: usize) -> Result<Vec<Vec<T>>, R::Fault> {
    let mut places = Places::new(vantages, from.rows::<T>());
    from.table(|v, at, row: T| places.put(v, at, row, T::blank))?;
    places.lists().ok_or_else(|| from.refuse("rows of a table are missing"))
}

/// Reads such a table, and gives each vantage its list, which says where that cannot be.
fn put_lists<T: Row, R: Restore>(
    from: &mut R,
    all: &mut [Observations],
    mut put: impl FnMut(&mut Observations, Vec<T>) -> Result<(), &'static str>,
) -> Result<(), R::Fault> {
    let lists = lists(from, all.len())?;
    for (seen, list) in all.iter_mut().zip(lists) {
        put(seen, list).map_err(|why| from.refuse(why))?;
    }
    Ok(())
}

/// Links in the order in which their flows used them.
fn links<R: Restore>(from: &mut R, all: &mut [Observations]) -> Result<(), R::Fault> {
    // The last link of each flow so far, by vantage and stream.
    let mut last: Vec<Vec<[super::LinkId; 2]>> =
        all.iter().map(|seen| vec![[super::LinkId::NONE; 2]; seen.streams.len()]).collect();
    let mut places = Places::new(all.len(), from.rows::<LinkRow>());
    let mut next: Vec<Vec<(u32, u32)>> = all.iter().map(|_| Vec::new()).collect();
    from.table(|v, at, row: LinkRow| {
        let seen = all.get_mut(v).ok_or("a row is of no vantage")?;
        let link = link::take(seen, &mut last[v], &mut next[v], at, row)?;
        places.put(v, at, link, link::blank)
    })?;
    let lists = places.lists().ok_or_else(|| from.refuse("links are missing"))?;
    for ((seen, mut links), next) in all.iter_mut().zip(lists).zip(next) {
        for (before, after) in next {
            links[before as usize].next = super::LinkId::new(after as usize);
        }
        seen.links = links;
    }
    Ok(())
}

/// All tables of observations, walked over by who wants to know their columns.
pub fn tables(visit: &mut impl TableVisitor) {
    visit.table::<VantageRow>();
    visit.table::<Stream>();
    visit.table::<LinkRow>();
    misc::tables(visit);
    neighbors::tables(visit);
    rare::tables(visit);
}
