//! The question to the engine, the same on one machine and on a cluster.
//!
//! ```text
//! streams ─ pack ─ part ────────────────────────┐
//! links ─ pack ──────────────┐                  ├ union ─ group by part: tie ─ diagnose
//! tables about streams ─ pack┼ join with streams┘
//! tables about links ─ join ─┘ on vantage, stream
//!         with links on vantage, link
//! ```

use super::aggregates::{diagnose, tie};
use super::broadcast::Broadcast;
use super::functions::{Which, key, number, pack};
use super::members::{File, Tables};
use super::packed::{OWN, Of, Table, all};
use crate::parquet::{Field, Kind};
use crate::row::day;
use datafusion::arrow::datatypes::{self, DataType, Schema, TimeUnit};
use datafusion::common::{Column, JoinType, Result, ScalarValue};
use datafusion::dataframe::DataFrame;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::{
    ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl,
};
use datafusion::logical_expr::{Expr, lit};
use datafusion::prelude::SessionContext;
use std::sync::Arc;

/// What part of the tables is asked for.
#[derive(Debug, Clone, Default)]
pub(super) struct Asked {
    /// Streams that began in this time, nanoseconds since the epoch, both ends included.
    pub(super) between: Option<(i64, i64)>,
    /// Streams to these addresses, as they stand in packets.
    pub(super) servers: Option<Vec<String>>,
}

fn field(of: &Field) -> datatypes::Field {
    let kind = match of.kind {
        Kind::Bool => DataType::Boolean,
        Kind::U8 => DataType::UInt8,
        Kind::U16 => DataType::UInt16,
        Kind::U32 => DataType::UInt32,
        Kind::U64 => DataType::UInt64,
        Kind::I64 => DataType::Int64,
        Kind::Time => DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into())),
        Kind::Text => DataType::Utf8,
    };
    // A column that a file lacks is told from what is in it, where it is unpacked.
    datatypes::Field::new(&of.name, kind, true)
}

pub(super) fn named(name: &str) -> Expr {
    Expr::Column(Column::from_name(name))
}

/// The rows of a table of all captures; `None` where none has any.
pub(super) fn scan(
    context: &SessionContext,
    members: &[Tables],
    table: &Table,
    asked: &Asked,
) -> Result<Option<DataFrame>> {
    let days = asked.between.map(|(since, until)| day(since)..=day(until));
    let wanted = |file: &&File| match (&days, file.day) {
        (Some(days), Some(own)) => days.contains(&own),
        _ => true,
    };
    let files = members.iter().filter_map(|member| member.files.get(table.name)).flatten();
    let urls: Vec<ListingTableUrl> = files.filter(wanted).map(|file| file.url.clone()).collect();
    if urls.is_empty() {
        return Ok(None);
    }
    let schema = Schema::new(table.columns.iter().map(field).collect::<Vec<_>>());
    let format = ParquetFormat::default().with_force_view_types(false);
    let options = ListingOptions::new(Arc::new(format)).with_file_extension(".parquet");
    let config = ListingTableConfig::new_with_multi_paths(urls)
        .with_listing_options(options)
        .with_schema(Arc::new(schema));
    let rows = context.read_table(Arc::new(ListingTable::try_new(config)?))?;
    Ok(Some(if table.of == Of::Streams { chosen(rows, asked)? } else { rows }))
}

fn chosen(mut rows: DataFrame, asked: &Asked) -> Result<DataFrame> {
    if let Some((since, until)) = asked.between {
        let at = |ns| lit(ScalarValue::TimestampNanosecond(Some(ns), Some("UTC".into())));
        rows = rows.filter(named("start_time").between(at(since), at(until)))?;
    }
    if let Some(servers) = &asked.servers {
        let list = servers.iter().map(|ip| lit(ip.as_str())).collect();
        rows = rows.filter(named("server_ip").in_list(list, false))?;
    }
    Ok(rows)
}

/// The rows of a table, each packed into one column, `row`.
fn packed(
    context: &SessionContext,
    members: &[Tables],
    broadcast: &Arc<Broadcast>,
    place: usize,
    asked: &Asked,
) -> Result<Option<DataFrame>> {
    let table = &all()[place];
    let Some(rows) = scan(context, members, table, asked)? else { return Ok(None) };
    let columns = table.columns.iter().map(|column| named(&column.name)).collect();
    Ok(Some(rows.select(vec![pack(broadcast, place).call(columns).alias("row")])?))
}

fn together(frames: impl Iterator<Item = Result<Option<DataFrame>>>) -> Result<Option<DataFrame>> {
    let mut all: Option<DataFrame> = None;
    for frame in frames {
        let Some(frame) = frame? else { continue };
        all = Some(match all {
            Some(before) => before.union(frame)?,
            None => frame,
        });
    }
    Ok(all)
}

/// The rows that are of every part.
pub(super) fn of_all(
    context: &SessionContext,
    members: &[Tables],
    broadcast: &Arc<Broadcast>,
) -> Result<Option<DataFrame>> {
    let asked = Asked::default();
    let places = all().iter().enumerate().filter(|(_, table)| table.of == Of::All);
    together(places.map(|(place, _)| packed(context, members, broadcast, place, &asked)))
}

/// Every row of all that is asked for, packed, with its part.
pub(super) fn dealt(
    context: &SessionContext,
    members: &[Tables],
    broadcast: &Arc<Broadcast>,
    asked: &Asked,
) -> Result<Option<DataFrame>> {
    let of = |of: Of| {
        let places = all().iter().enumerate().filter(move |(_, table)| table.of == of);
        together(places.map(|(place, _)| packed(context, members, broadcast, place, asked)))
    };
    let frames = [of(Of::Streams)?, of(Of::Links)?, of(Of::Stream)?, of(Of::Link)?];
    if broadcast.how.parts > 1 {
        return in_parts(broadcast, frames);
    }
    let all = together(frames.into_iter().map(Ok))?;
    all.map(|all| all.with_column("part", lit(0u32))).transpose()
}

/// What is kept of each part.
pub(super) fn kept(broadcast: &Arc<Broadcast>, dealt: DataFrame) -> Result<DataFrame> {
    let kept = tie(broadcast).call(vec![named("row")]).alias("kept");
    dealt.aggregate(vec![named("part")], vec![kept])?.select(vec![named("kept")])
}

/// The report of what was kept: one row with one text.
pub(super) fn report(broadcast: &Arc<Broadcast>, kept: DataFrame) -> Result<DataFrame> {
    let told = diagnose(broadcast).call(vec![named("kept")]).alias("told");
    kept.aggregate(vec![], vec![told])
}

/// Every row with the part of its stream.
fn in_parts(
    broadcast: &Arc<Broadcast>,
    [streams, links, about_streams, about_links]: [Option<DataFrame>; 4],
) -> Result<Option<DataFrame>> {
    let Some(streams) = streams else { return Ok(None) };
    let own = |rows: DataFrame| {
        rows.select(vec![
            key(true).call(vec![named("row")]).alias("own"),
            number(Which::Part, broadcast).call(vec![named("row")]).alias("part"),
        ])
    };
    let about = |rows: DataFrame| {
        rows.select(vec![key(false).call(vec![named("row")]).alias("stream"), named("row")])
    };
    // What is about a link is about the link's stream.
    let through = match (about_links, &links) {
        (Some(rows), Some(links)) => {
            let links = links.clone().select(vec![
                key(true).call(vec![named("row")]).alias("own"),
                key(false).call(vec![named("row")]).alias("stream"),
            ])?;
            let rows =
                rows.select(vec![key(false).call(vec![named("row")]).alias("link"), named("row")])?;
            let joined = rows.join(links, JoinType::Inner, &["link"], &["own"], None)?;
            Some(joined.select(vec![named("stream"), named("row")])?)
        }
        _ => None,
    };
    let direct = [links, about_streams].into_iter().map(|rows| rows.map(about).transpose());
    let others = together(direct.chain([Ok(through)]))?;
    let parts = own(streams.clone())?;
    let tied = streams.select(vec![
        named("row"),
        number(Which::Part, broadcast).call(vec![named("row")]).alias("part"),
    ])?;
    let Some(others) = others else { return Ok(Some(tied)) };
    // The first of the two is held in memory: numbers alone.
    let joined = parts.join(others, JoinType::Inner, &["own"], &["stream"], None)?;
    let joined = joined.select(vec![named("row"), named("part")])?;
    Ok(Some(tied.union(joined)?))
}

/// Streams that show no handshake, packed, so many at most.
pub(super) fn loose(
    context: &SessionContext,
    members: &[Tables],
    broadcast: &Arc<Broadcast>,
    asked: &Asked,
    most: usize,
) -> Result<Option<DataFrame>> {
    let Some((place, table)) = all().iter().enumerate().find(|(_, table)| table.of == Of::Streams)
    else {
        return Ok(None);
    };
    let Some(rows) = scan(context, members, table, asked)? else { return Ok(None) };
    // Who shows a SYN has a number, unless it is counted; these few columns leave out most.
    let without = named("client_syn_frame").is_null().and(named("server_syn_frame").is_null());
    let counted = named("client_counted").or(named("server_counted"));
    let rows = rows.filter(named("protocol").eq(lit(6u8)).and(without.or(counted)))?;
    let columns = table.columns.iter().map(|column| named(&column.name)).collect();
    let rows = rows.select(vec![pack(broadcast, place).call(columns).alias("row")])?;
    let loose = number(Which::Loose, broadcast).call(vec![named("row")]);
    Ok(Some(rows.filter(loose.is_not_null())?.limit(0, Some(most))?))
}

/// Packed rows of tables whose streams name a client or may be a proxy's.
pub(super) fn naming(
    context: &SessionContext,
    members: &[Tables],
    broadcast: &Arc<Broadcast>,
    asked: &Asked,
) -> Result<Option<DataFrame>> {
    let places = NAMING.iter().filter_map(|name| super::packed::place_of(name));
    together(places.map(|place| packed(context, members, broadcast, place, asked)))
}

/// Tables whose streams are tied, or paired, by what they carried.
const NAMING: [&str; 2] = ["named_clients", "heard"];

/// The numbers of clients whose streams may be tied by more than these, and those of streams that `naming`
/// has.
pub(super) fn tied(
    context: &SessionContext,
    members: &[Tables],
    broadcast: &Arc<Broadcast>,
    asked: &Asked,
) -> Result<Option<DataFrame>> {
    let Some(place) = all().iter().position(|table| table.of == Of::Streams) else {
        return Ok(None);
    };
    let Some(streams) = packed(context, members, broadcast, place, asked)? else {
        return Ok(None);
    };
    let row = || vec![named("row")];
    let isn = number(Which::Isn, broadcast).call(row()).alias("isn");
    let tied = match broadcast.together.is_empty() {
        true => None,
        false => {
            let isn = number(Which::Tied, broadcast).call(row()).alias("isn");
            Some(streams.clone().select(vec![isn])?)
        }
    };
    let named_there = match naming(context, members, broadcast, asked)? {
        Some(rows) => {
            let rows = rows.select(vec![key(false).call(row()).alias("stream")])?.distinct()?;
            let own = streams.select(vec![key(true).call(row()).alias("own"), isn])?;
            let joined = rows.join(own, JoinType::Inner, &["stream"], &["own"], None)?;
            Some(joined.select(vec![named("isn")])?)
        }
        None => None,
    };
    let all = together([Ok(tied), Ok(named_there)].into_iter())?;
    all.map(|all| all.filter(named("isn").is_not_null())?.distinct()).transpose()
}

/// How many streams are of no TCP.
pub(super) fn datagrams(
    context: &SessionContext,
    members: &[Tables],
    asked: &Asked,
    most: usize,
) -> Result<Option<DataFrame>> {
    let Some(table) = all().iter().find(|table| table.of == Of::Streams) else { return Ok(None) };
    let Some(rows) = scan(context, members, table, asked)? else { return Ok(None) };
    let rows = rows.filter(named("protocol").not_eq(lit(6u8)))?;
    Ok(Some(rows.select(vec![named("protocol")])?.limit(0, Some(most))?))
}

/// The vantages of all captures as rows name them, with their places.
pub(super) fn vantages(context: &SessionContext, members: &[Tables]) -> Result<Option<DataFrame>> {
    let table = all().iter().find(|table| super::packed::names_vantages(table.name));
    let Some(table) = table else { return Ok(None) };
    let Some(rows) = scan(context, members, table, &Asked::default())? else { return Ok(None) };
    let own = table.columns[..OWN].iter().map(|column| named(&column.name));
    Ok(Some(rows.select(own.collect::<Vec<_>>())?))
}
