//! Asks the engine: what a fleet holds, then for its report; leaves out captures whose tables are not sound,
//! and says so.

use super::broadcast::{Broadcast, How, Member};
use super::members::{self, File, Tables};
use super::packed::{Of, all, append, entry, named_client};
use super::plan::{self, Asked, named};
use super::rows::{Rows, Unfit};
use super::together::{MOST, Together};
use super::totals::Sums;
use super::work::{Told, stream_of};
use crate::capture::{self, Timestamp};
use crate::load::{free_label, relabelled};
use crate::report::{ConnectionFilter, Report};
use crate::tables::TablesError;
use crate::window::Moment;
use crate::wire::Ip;
use datafusion::arrow::array::{Array, AsArray, RecordBatch};
use datafusion::arrow::datatypes::UInt32Type;
use datafusion::common::{DataFusionError, JoinType};
use datafusion::dataframe::DataFrame;
use datafusion::logical_expr::lit;
use datafusion::prelude::{SessionConfig, SessionContext};
use futures::TryStreamExt;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Vantages of all captures together: they are numbered in 16 bits.
const MAX_VANTAGES: usize = 1 << 16;
/// What to do where tables are not what was written.
const AGAIN: &str = "copy the folder again from where it was indexed, or index the capture again";
/// Time between two looks at how far the work is.
const TICK: Duration = Duration::from_millis(100);

/// What is asked of a fleet.
#[derive(Debug, Clone)]
pub struct Options {
    /// Addresses of services that alone are asked for; all where there is none.
    pub vips: Vec<Ip>,
    /// Streams that began from here on.
    pub since: Option<Moment>,
    /// Streams that began up to here.
    pub until: Option<Moment>,
    /// Connections that the report lists.
    pub connections: ConnectionFilter,
    /// Streams up to which a fleet is one part.
    pub whole: u64,
    /// Streams of a part, where it is several.
    pub part: u64,
    /// Connections of one server that did well and are diagnosed, about.
    pub well: u32,
    /// The scheduler of a cluster that does the work, `http://HOST:PORT`; this machine where there is none.
    pub scheduler: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            vips: Vec::new(),
            since: None,
            until: None,
            connections: ConnectionFilter::Affected,
            whole: 500_000,
            part: 25_000,
            well: 500,
            scheduler: None,
        }
    }
}

/// Connections that did not do well and are diagnosed, of one server and outcome.
const ILL: u64 = 50_000;

/// What a fleet's tables come to.
#[derive(Debug)]
pub struct Answer {
    /// The report.
    pub report: Report,
    /// How all connections ended.
    pub sums: Sums,
    /// What could not be read.
    pub failures: Vec<TablesError>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FleetError {
    /// No capture's tables could be read.
    #[error("no tables could be read: {}", list(.0))]
    NothingRead(Vec<TablesError>),
    /// The engine could not do it.
    #[error("{0}")]
    Engine(String),
}

fn list(failures: &[TablesError]) -> String {
    failures.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// What keeps a question from being answered.
enum Trouble {
    /// A capture's tables, by its place.
    Of(usize, String),
    /// Something else.
    Engine(DataFusionError),
}

impl From<DataFusionError> for Trouble {
    fn from(error: DataFusionError) -> Self {
        Self::Engine(error)
    }
}

/// A fleet's tables, found and sound as far as was looked.
pub struct Fleet {
    near: SessionContext,
    far: Option<SessionContext>,
    members: Vec<Tables>,
    failures: Vec<TablesError>,
    options: Options,
    runtime: tokio::runtime::Runtime,
}

impl std::fmt::Debug for Fleet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fleet").field("members", &self.members).finish_non_exhaustive()
    }
}

/// As every engine here is set up.
pub(super) fn prepared(mut config: SessionConfig) -> SessionConfig {
    config.options_mut().execution.parquet.schema_force_view_types = false;
    config
}

/// The engine on this machine.
fn here() -> Result<SessionContext, FleetError> {
    let runtime = super::stores::runtime(None).map_err(|e| failed(&e))?;
    Ok(SessionContext::new_with_config_rt(prepared(SessionConfig::new()), runtime))
}

/// Threads for an engine.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime, FleetError> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        // Detectors go deep.
        .thread_stack_size(16 << 20)
        .build()
        .map_err(|e| FleetError::Engine(e.to_string()))
}

fn failed(error: &DataFusionError) -> FleetError {
    FleetError::Engine(format!("the engine could not answer: {}", error.strip_backtrace()))
}

impl Fleet {
    /// Finds the captures of folders that `lbdiag index` wrote, and of object stores by address
    /// (`s3://BUCKET/PREFIX`).
    ///
    /// # Errors
    /// Where there are none, or a cluster's scheduler is not reached.
    pub fn open(args: &[String], options: Options) -> Result<Self, FleetError> {
        let runtime = runtime()?;
        let near = here()?;
        let far = match &options.scheduler {
            Some(url) => {
                Some(runtime.block_on(super::cluster::context(url)).map_err(|e| failed(&e))?)
            }
            None => None,
        };
        let (members, failures) = runtime.block_on(members::find(&near, args));
        if members.is_empty() {
            return Err(FleetError::NothingRead(failures));
        }
        Ok(Self { near, far, members, failures, options, runtime })
    }

    /// Bytes of all tables.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        sum(&self.members, |file| file.bytes)
    }

    /// Answers; `progress` counts bytes up to [`Self::bytes`].
    ///
    /// # Errors
    /// Where no capture's tables can be read, or the engine cannot do it.
    pub fn diagnose(self, progress: &AtomicU64) -> Result<Answer, FleetError> {
        let Self { near, far, mut members, mut failures, options, runtime } = self;
        let asking = Asking { near: &near, far: far.as_ref().unwrap_or(&near), options: &options };
        runtime.block_on(async {
            loop {
                if members.is_empty() {
                    return Err(FleetError::NothingRead(std::mem::take(&mut failures)));
                }
                let trouble = match asking.told(&members, progress).await {
                    Ok(told) => return Ok(answer(told, std::mem::take(&mut failures))),
                    Err(trouble) => asking.blamed(&members, trouble).await,
                };
                match trouble {
                    Trouble::Of(at, why) => {
                        let folder = members.remove(at).folder;
                        failures.push(TablesError::new(Path::new(&folder), why, AGAIN));
                        progress.store(0, Ordering::Relaxed);
                    }
                    Trouble::Engine(error) => return Err(failed(&error)),
                }
            }
        })
    }
}

fn sum(members: &[Tables], of: impl Fn(&File) -> u64) -> u64 {
    let files = members.iter().flat_map(|member| member.files.values().flatten());
    files.map(of).fold(0, u64::saturating_add)
}

fn answer(told: Told, failures: Vec<TablesError>) -> Answer {
    let Told { mut report, sums } = told;
    report.notes.splice(0..0, failures.iter().map(ToString::to_string));
    Answer { report, sums, failures }
}

/// Diagnoses the tables of a fleet, with nobody who waits.
///
/// # Errors
/// As [`Fleet::open`] and [`Fleet::diagnose`].
pub fn diagnose(args: &[String], options: Options) -> Result<Answer, FleetError> {
    Fleet::open(args, options)?.diagnose(&AtomicU64::new(0))
}

struct Asking<'a> {
    near: &'a SessionContext,
    far: &'a SessionContext,
    options: &'a Options,
}

impl Asking<'_> {
    async fn told(&self, members: &[Tables], progress: &AtomicU64) -> Result<Told, Trouble> {
        let how = self.how(members);
        let (broadcast, first, last) = self.broadcast(members, how).await?;
        let asked = self.asked(members, first, last).await?;
        let broadcast = self.gathered(members, broadcast, &asked).await?;
        let empty = || Trouble::Engine(DataFusionError::Execution("there is no stream".to_owned()));
        let broadcast = Arc::new(broadcast);
        let Some(dealt) = plan::dealt(self.far, members, &broadcast, &asked)? else {
            // Captures may hold other packets alone.
            let told = super::work::diagnosed(&broadcast, &[]);
            return told.map_err(|unfit| of(&unfit, members));
        };
        // Rows are counted as they pass; parts are dealt out of two passes.
        let passes = if broadcast.how.parts > 1 { 2 } else { 1 };
        let rows = sum(members, |file| file.rows).saturating_mul(passes).max(1);
        let bytes = sum(members, |file| file.bytes);
        let show = || {
            let seen = broadcast.seen.load(Ordering::Relaxed).min(rows);
            let part = (seen as f64 / rows as f64 * bytes as f64) as u64;
            progress.store(part, Ordering::Relaxed);
        };
        let kept = plan::kept(self.far, &broadcast, dealt)?;
        let batches = watched(plan::report(&broadcast, kept)?, &show).await?;
        let text = batches.iter().filter(|batch| batch.num_rows() > 0).find_map(|batch| {
            let told = batch.column(0).as_string_opt::<i64>()?;
            told.iter().flatten().next().map(str::to_owned)
        });
        serde_json::from_str(&text.ok_or_else(empty)?)
            .map_err(|e| Trouble::Engine(DataFusionError::External(Box::new(e))))
    }

    fn how(&self, members: &[Tables]) -> How {
        let options = self.options;
        let streams: u64 = members.iter().map(|member| member.streams).sum();
        let parts = match streams > options.whole {
            true => u32::try_from(streams.div_ceil(options.part.max(1))).unwrap_or(u32::MAX).max(2),
            false => 1,
        };
        let each = |all: u64| u32::try_from(all.div_ceil(u64::from(parts))).unwrap_or(u32::MAX);
        How {
            vips: options.vips.iter().map(ToString::to_string).collect(),
            parts,
            keep: [each(u64::from(options.well)), each(ILL).max(16)],
            part: options.since.is_some() || options.until.is_some() || !options.vips.is_empty(),
            list: match options.connections {
                ConnectionFilter::All => "all",
                ConnectionFilter::Affected => "affected",
                ConnectionFilter::None => "none",
            }
            .to_owned(),
        }
    }

    /// What every part knows, with the first and last moment of all captures.
    async fn broadcast(
        &self,
        members: &[Tables],
        how: How,
    ) -> Result<(Broadcast, Timestamp, Timestamp), Trouble> {
        let places: HashMap<&str, usize> =
            members.iter().enumerate().map(|(at, member)| (member.id.as_str(), at)).collect();
        let mut vantages: Vec<Vec<(u32, String)>> = vec![Vec::new(); members.len()];
        let rows = match plan::vantages(self.near, members)? {
            Some(rows) => rows.collect().await?,
            None => Vec::new(),
        };
        for batch in &rows {
            let numbers = batch.column(0).as_primitive::<UInt32Type>();
            let (ids, names) =
                (batch.column(1).as_string::<i32>(), batch.column(2).as_string::<i32>());
            for row in 0..batch.num_rows() {
                let at = (!ids.is_null(row)).then(|| places.get(ids.value(row))).flatten();
                let name = if names.is_null(row) { "" } else { names.value(row) };
                if let Some(at) = at {
                    vantages[*at].push((numbers.value(row), name.to_owned()));
                }
            }
        }
        let mut own: Vec<Member> = Vec::new();
        let mut room = MAX_VANTAGES;
        for (at, (tables, mut names)) in members.iter().zip(vantages).enumerate() {
            names.sort();
            let Some(left) = room.checked_sub(names.len()) else {
                let why = "it has more vantages than all captures together may have";
                return Err(Trouble::Of(at, why.to_owned()));
            };
            room = left;
            let vantages: Vec<String> = names.into_iter().map(|(_, name)| name).collect();
            let names = vantages.iter().cloned().map(capture::printable).collect();
            own.push(Member { id: tables.id.clone(), label: String::new(), vantages, names });
        }
        let bare =
            Arc::new(Broadcast::new(own.clone(), how.clone(), Together::default(), Vec::new()));
        let mut rows = Vec::new();
        if let Some(small) = plan::of_all(self.near, members, &bare)? {
            each_row(small, |row| append(&mut rows, row)).await?;
        }
        let (mut first, mut last) = (None, None);
        let known = Broadcast::new(own.clone(), how.clone(), Together::default(), rows);
        let unfit = |unfit: Unfit| of(&unfit, members);
        let seen = Rows::new(&known, &[&known.rows], None)
            .and_then(|mut rows| rows.seen())
            .map_err(unfit)?;
        for (at, capture) in seen.captures.iter().enumerate() {
            first = capture.files.iter().filter_map(|f| f.start).chain(first).min();
            last = capture.files.iter().filter_map(|f| f.end).chain(last).max();
            let label =
                free_label(&capture.label, |label| own[..at].iter().any(|o| o.label == label));
            for name in &mut own[at].names {
                *name = relabelled(name, &capture.label, &label);
            }
            own[at].label = label;
        }
        let rows = known.rows;
        let first = first.unwrap_or(Timestamp(0));
        let last = last.unwrap_or(first);
        Ok((Broadcast::new(own, how, Together::default(), rows), first, last))
    }

    /// The same with what lies in one part though its numbers differ, where there are several.
    async fn gathered(
        &self,
        members: &[Tables],
        broadcast: Broadcast,
        asked: &Asked,
    ) -> Result<Broadcast, Trouble> {
        if broadcast.how.parts <= 1 {
            return Ok(broadcast);
        }
        let Broadcast { members: own, how, rows, .. } = broadcast;
        let mut together = Together::default();
        let most = usize::try_from(self.options.part).unwrap_or(usize::MAX);
        if let Some(some) = plan::datagrams(self.far, members, asked, most)? {
            let counts = some.collect().await?;
            let all: usize = counts.iter().map(|batch| batch.num_rows()).sum();
            together.datagrams = all < most;
        }
        let bare =
            |together| Arc::new(Broadcast::new(own.clone(), how.clone(), together, Vec::new()));
        let plain = bare(Together::default());
        if let Some(loose) = plan::loose(self.far, members, &plain, asked, MOST)? {
            each_row(loose, |row| {
                let stream = stream_of(row);
                stream.iter().for_each(|stream| together.loose(stream));
            })
            .await?;
        }
        let mut names = false;
        if let Some(naming) = plan::naming(self.far, members, &plain, asked)? {
            each_row(naming, |row| {
                names = true;
                let client = entry(row).and_then(|own| named_client(own.values));
                client.into_iter().for_each(|(ip, port)| together.client(ip, port));
            })
            .await?;
        }
        together.sort();
        if !together.is_empty() || names {
            let asking = bare(together.clone());
            if let Some(tied) = plan::tied(self.far, members, &asking, asked)? {
                for batch in tied.collect().await? {
                    let isns = batch.column(0).as_primitive::<UInt32Type>();
                    together.isns.extend(isns.iter().flatten());
                }
            }
            together.sort();
        }
        Ok(Broadcast::new(own, how, together.told(), rows))
    }

    /// What part of the tables is asked for.
    async fn asked(
        &self,
        members: &[Tables],
        first: Timestamp,
        last: Timestamp,
    ) -> Result<Asked, Trouble> {
        let Options { since, until, vips, .. } = self.options;
        let at = |moment: &Option<Moment>| moment.map(|moment| moment.resolve(first, last).0);
        let between = (since.is_some() || until.is_some())
            .then(|| (at(since).unwrap_or(i64::MIN), at(until).unwrap_or(i64::MAX)));
        let mut asked = Asked { between, servers: None };
        if !vips.is_empty() {
            asked.servers = Some(self.servers(members, &asked).await?);
        }
        Ok(asked)
    }

    /// The stated addresses of services, and those under which other vantages show the same connections.
    async fn servers(&self, members: &[Tables], asked: &Asked) -> Result<Vec<String>, Trouble> {
        let mut servers: Vec<String> = self.options.vips.iter().map(ToString::to_string).collect();
        let Some(table) = all().iter().find(|table| table.of == Of::Streams) else {
            return Ok(servers);
        };
        let Some(rows) = plan::scan(self.near, members, table, asked)? else { return Ok(servers) };
        let isns = ["client_isn", "server_isn"].map(named);
        let list = servers.iter().map(|ip| lit(ip.as_str())).collect();
        let [there, back] = isns.clone();
        let front = rows
            .clone()
            .filter(named("server_ip").in_list(list, false))?
            .select(vec![there.alias("there"), back.alias("back")])?
            .distinct()?;
        let [there, back] = isns;
        let others = rows.select(vec![there, back, named("server_ip")])?;
        let tied = others.join(
            front,
            JoinType::Inner,
            &["client_isn", "server_isn"],
            &["there", "back"],
            None,
        )?;
        for batch in tied.select(vec![named("server_ip")])?.distinct()?.collect().await? {
            let found = batch.column(0).as_string::<i32>().iter().flatten();
            servers.extend(found.map(str::to_owned));
        }
        servers.sort();
        servers.dedup();
        Ok(servers)
    }

    /// Whose fault it is, as far as can be told.
    async fn blamed(&self, members: &[Tables], trouble: Trouble) -> Trouble {
        let Trouble::Engine(error) = trouble else { return trouble };
        let text = error.to_string();
        if let Some((id, why)) = named_in(&text)
            && let Some(at) = members.iter().position(|member| member.id == id)
        {
            return Trouble::Of(at, why.to_owned());
        }
        // Each by itself: where one cannot be read, it is that one.
        for (at, member) in members.iter().enumerate() {
            if let Err(fault) = self.readable(member).await {
                return Trouble::Of(at, format!("cannot be read ({})", fault.strip_backtrace()));
            }
        }
        Trouble::Engine(error)
    }

    async fn readable(&self, member: &Tables) -> Result<(), DataFusionError> {
        let member = std::slice::from_ref(member);
        for table in all() {
            let Some(rows) = plan::scan(self.near, member, table, &Asked::default())? else {
                continue;
            };
            let mut batches = rows.execute_stream().await?;
            while batches.try_next().await?.is_some() {}
        }
        Ok(())
    }
}

/// Shows the packed rows of a plan.
async fn each_row(plan: DataFrame, mut each: impl FnMut(&[u8])) -> Result<(), DataFusionError> {
    let mut batches = plan.execute_stream().await?;
    while let Some(batch) = batches.try_next().await? {
        batch.column(0).as_binary::<i32>().iter().flatten().for_each(&mut each);
    }
    Ok(())
}

fn of(unfit: &Unfit, members: &[Tables]) -> Trouble {
    match unfit.capture.filter(|at| *at < members.len()) {
        Some(at) => Trouble::Of(at, unfit.why.clone()),
        None => Trouble::Engine(DataFusionError::Execution(unfit.why.clone())),
    }
}

/// The capture that a function of ours named, and what is wrong with it.
fn named_in(text: &str) -> Option<(&str, &str)> {
    let (_, rest) = text.split_once("lbdiag: capture ")?;
    let (id, rest) = rest.split_once(": ")?;
    Some((id, rest.split_once(';')?.0))
}

/// What a plan gives; meanwhile shows how far it is.
async fn watched(plan: DataFrame, show: &impl Fn()) -> Result<Vec<RecordBatch>, DataFusionError> {
    let mut work = std::pin::pin!(plan.collect());
    loop {
        match tokio::time::timeout(TICK, &mut work).await {
            Ok(done) => return done,
            Err(_) => show(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_capture_is_found_in_what_an_engine_says() {
        let said =
            "External error: task 7 failed: lbdiag: capture 9fb3: a row is there twice; at stage 2";
        assert_eq!(named_in(said), Some(("9fb3", "a row is there twice")));
        assert_eq!(named_in("no space left"), None);
    }
}
