//! What few streams and links show: which tables hold it, and how it goes there and back.

use super::on_streams::SackRow;
use super::said::{AskedRow, FirstRequestRow, HealthRow, TokenRow};
use super::{Of, numbered, put_lists};
use crate::flow::dns_pairs::DnsPair;
use crate::flow::fragments::Pieces;
use crate::flow::health::Health;
use crate::flow::idle::Idle;
use crate::flow::spoken::{MAX_EACH, Spoken};
use crate::flow::{
    ClosedWindow, FullFirst, Hello, Mark, Marks, Observations, Optioned, Preface, Repeat, Side,
    StreamId, Sums,
};
use crate::row::{Restore, Row, Store, TableVisitor};
use crate::wire::Toa;
use std::borrow::Cow;

pub(super) fn tables(visit: &mut impl TableVisitor) {
    visit.table::<Repeat>();
    visit.table::<ClosedWindow>();
    visit.table::<Of<Toa>>();
    visit.table::<Of<FullFirst>>();
    visit.table::<Hello>();
    visit.table::<TokenRow>();
    visit.table::<Of<Preface>>();
    visit.table::<FirstRequestRow>();
    visit.table::<Of<Spoken>>();
    visit.table::<HealthRow>();
    visit.table::<Of<bool>>();
    visit.table::<Of<(Mark, u16)>>();
    visit.table::<Of<DnsPair>>();
    visit.table::<Of<Pieces>>();
    visit.table::<Of<Optioned>>();
    visit.table::<Of<Idle>>();
    visit.table::<Of<Sums>>();
    visit.table::<Of<Marks>>();
    visit.table::<AskedRow>();
    visit.table::<SackRow>();
}

/// The rows of a map, by their key.
fn by_key<'a, T: Copy + 'a>(
    map: impl IntoIterator<Item = (&'a u32, &'a T)>,
) -> impl Iterator<Item = Of<T>> {
    let mut rows: Vec<Of<T>> = map.into_iter().map(|(key, one)| Of(*key, *one)).collect();
    rows.sort_unstable_by_key(|row| row.0);
    rows.into_iter()
}

fn tokens(seen: &Observations) -> impl Iterator<Item = TokenRow> {
    let mut ids: Vec<StreamId> = seen.side_tables.tokens.streams.keys().copied().collect();
    ids.sort_unstable();
    let sides = ids.into_iter().flat_map(|stream| [(stream, Side::A), (stream, Side::B)]);
    sides.flat_map(|(stream, side)| {
        let list = seen.side_tables.tokens(stream, side).iter();
        list.map(move |token| TokenRow { stream, side, token: *token })
    })
}

fn spoken(seen: &Observations) -> impl Iterator<Item = Of<Spoken>> {
    let by_stream = seen.side_tables.spoken.get().map(|spoken| &spoken.by_stream);
    let mut ids: Vec<StreamId> =
        by_stream.into_iter().flat_map(|map| map.keys().copied()).collect();
    ids.sort_unstable();
    ids.into_iter()
        .flat_map(|id| seen.side_tables.spoken(id).iter().map(move |spoken| Of(id, *spoken)))
}

fn health(seen: &Observations) -> impl Iterator<Item = &Health> {
    seen.side_tables.health.get().into_iter()
}

pub(super) fn store<S: Store>(all: &[Observations], to: &mut S) -> Result<(), S::Fault> {
    to.table(numbered(all, |seen| seen.side_tables.repeats.iter().copied()))?;
    to.table(numbered(all, |seen| seen.side_tables.windows.list.iter().copied()))?;
    to.table(numbered(all, |seen| by_key(&seen.side_tables.toa)))?;
    to.table(numbered(all, |seen| by_key(&seen.side_tables.full)))?;
    to.table(numbered(all, |seen| seen.side_tables.hellos().iter().copied()))?;
    to.table(numbered(all, tokens))?;
    to.table(numbered(all, |seen| by_key(&seen.side_tables.prefaces.by_stream)))?;
    to.table(numbered(all, FirstRequestRow::of))?;
    to.table(numbered(all, spoken))?;
    to.table(numbered(all, |seen| {
        seen.side_tables.local_endpoints().map(|(node, said)| HealthRow(*node, *said))
    }))?;
    to.table(numbered(all, |seen| by_key(health(seen).flat_map(|health| &health.probes))))?;
    to.table(numbered(all, |seen| by_key(health(seen).flat_map(|health| &health.errors))))?;
    to.table(numbered(all, |seen| by_key(&seen.side_tables.dns_pairs.by_stream)))?;
    to.table(numbered(all, |seen| by_key(&seen.side_tables.pieces)))?;
    to.table(numbered(all, |seen| by_key(&seen.side_tables.options.of)))?;
    to.table(numbered(all, |seen| by_key(&seen.side_tables.idles.0)))?;
    to.table(numbered(all, |seen| by_key(&seen.side_tables.sums.0)))?;
    to.table(numbered(all, |seen| by_key(&seen.side_tables.marked.of)))?;
    to.table(numbered(all, AskedRow::of))?;
    to.table(numbered(all, SackRow::of))
}

/// Reads a table of which each row is about a stream or a link, and puts each where it belongs.
fn each<T, R: Restore>(
    from: &mut R,
    all: &mut [Observations],
    bound: fn(&Observations) -> usize,
    mut put: impl FnMut(&mut Observations, u32, T),
) -> Result<(), R::Fault>
where
    Of<T>: Row,
{
    from.table(|v, _, Of(of, one): Of<T>| {
        let seen = all.get_mut(v).ok_or("a row is of no vantage")?;
        if of as usize >= bound(seen) {
            return Err("a row is about nothing that is there");
        }
        put(seen, of, one);
        Ok(())
    })
}

fn streams(seen: &Observations) -> usize {
    seen.streams.len()
}

fn links(seen: &Observations) -> usize {
    seen.links.len()
}

pub(super) fn restore<R: Restore>(from: &mut R, all: &mut [Observations]) -> Result<(), R::Fault> {
    in_order(from, all)?;
    each(from, all, streams, |seen, of, toa: Toa| {
        seen.side_tables.toa.insert(of, toa);
    })?;
    each(from, all, streams, |seen, of, full: FullFirst| {
        seen.side_tables.full.insert(of, full);
    })?;
    from.table(|v, _, row: TokenRow| {
        let seen = all.get_mut(v).ok_or("a row is of no vantage")?;
        if row.stream as usize >= seen.streams.len() {
            return Err("a token is of no stream");
        }
        let both = seen.side_tables.tokens.streams.entry(row.stream).or_default();
        both[row.side.index()].add(row.token);
        Ok(())
    })?;
    each(from, all, streams, |seen, of, preface: Preface| {
        seen.side_tables.prefaces.by_stream.insert(of, preface);
    })?;
    from.table(|v, _, row: FirstRequestRow| {
        let seen = all.get_mut(v).ok_or("a row is of no vantage")?;
        if row.stream as usize >= seen.streams.len() {
            return Err("a request is of no stream");
        }
        seen.side_tables.first_requests.restore(
            row.stream,
            row.name.map(Cow::into_owned),
            row.method,
            row.tls,
        );
        Ok(())
    })?;
    each(from, all, streams, |seen, of, spoken: Spoken| {
        let list = seen.side_tables.spoken.make().by_stream.entry(of).or_default();
        if list.len() < MAX_EACH {
            list.push(spoken);
        }
    })?;
    from.table(|v, _, row: HealthRow| {
        let seen = all.get_mut(v).ok_or("a row is of no vantage")?;
        seen.side_tables.health.make().said.insert(row.0, row.1);
        Ok(())
    })?;
    each(from, all, streams, |seen, of, says_so: bool| {
        seen.side_tables.health.make().probes.insert(of, says_so);
    })?;
    each(from, all, streams, |seen, of, error: (Mark, u16)| {
        seen.side_tables.health.make().errors.insert(of, error);
    })?;
    each(from, all, streams, |seen, of, pair: DnsPair| {
        seen.side_tables.dns_pairs.by_stream.insert(of, pair);
    })?;
    each(from, all, links, |seen, of, pieces: Pieces| {
        seen.side_tables.pieces.insert(of, pieces);
    })?;
    each(from, all, links, |seen, of, options: Optioned| {
        seen.side_tables.options.of.insert(of, options);
    })?;
    each(from, all, streams, |seen, of, idle: Idle| {
        seen.side_tables.idles.0.insert(of, idle);
    })?;
    each(from, all, links, |seen, of, sums: Sums| {
        seen.side_tables.sums.0.insert(of, sums);
    })?;
    each(from, all, links, |seen, of, marks: Marks| {
        seen.side_tables.marked.of.insert(of, marks);
    })?;
    from.table(|v, _, row: AskedRow| {
        let seen = all.get_mut(v).ok_or("a row is of no vantage")?;
        if row.stream as usize >= seen.streams.len() || row.asked.count == 0 {
            return Err("a datagram is of no stream");
        }
        seen.side_tables.asked.0.insert((row.stream, row.side), row.asked);
        Ok(())
    })?;
    from.table(|v, _, row: SackRow| {
        let seen = all.get_mut(v).ok_or("a row is of no vantage")?;
        if row.stream as usize >= seen.streams.len() {
            return Err("SACKs are of no stream");
        }
        seen.side_tables.sacks.0.insert((row.stream, row.side), row.sacks);
        Ok(())
    })
}

/// Tables whose rows have an order of their own.
fn in_order<R: Restore>(from: &mut R, all: &mut [Observations]) -> Result<(), R::Fault> {
    put_lists(from, all, |seen, list: Vec<Repeat>| {
        if list.iter().any(|repeat| repeat.link as usize >= seen.links.len()) {
            return Err("a repeat is on no link");
        }
        seen.side_tables.repeats = list;
        Ok(())
    })?;
    put_lists(from, all, |seen, list: Vec<ClosedWindow>| {
        if list.iter().any(|closed| closed.stream as usize >= seen.streams.len()) {
            return Err("a closed window is of no stream");
        }
        seen.side_tables.windows.list = list;
        Ok(())
    })?;
    put_lists(from, all, |seen, list: Vec<Hello>| {
        let rises = list.is_sorted_by(|one, next| one.stream < next.stream);
        if !rises || list.iter().any(|hello| hello.stream as usize >= seen.streams.len()) {
            return Err("a hello is of no stream");
        }
        seen.side_tables.hellos.list = list;
        Ok(())
    })
}
