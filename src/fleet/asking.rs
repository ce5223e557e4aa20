//! One question to the engine: how it is to be worked on, of which streams, and its report.

use super::blame::{Trouble, of};
use super::broadcast::{Counted, How};
use super::members::{Tables, sum};
use super::options::Options;
use super::packed::{Of, all};
use super::plan::{self, Asked, named};
use super::work::Told;
use crate::capture::Timestamp;
use crate::report::ConnectionFilter;
use crate::window::Moment;
use datafusion::arrow::array::{AsArray, RecordBatch};
use datafusion::common::{DataFusionError, JoinType};
use datafusion::dataframe::DataFrame;
use datafusion::logical_expr::lit;
use datafusion::prelude::SessionContext;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Time between two looks at how far the work is.
const TICK: Duration = Duration::from_millis(100);

/// Connections that did not do well and are diagnosed, of one server and outcome.
const ILL: u64 = 50_000;

/// See the module.
pub(super) struct Asking<'a> {
    /// The engine on this machine, for what is small.
    pub(super) near: &'a SessionContext,
    /// That which does the work.
    pub(super) far: &'a SessionContext,
    pub(super) options: &'a Options,
}

impl Asking<'_> {
    /// The report of these captures.
    pub(super) async fn told(
        &self,
        members: &[Tables],
        progress: &AtomicU64,
    ) -> Result<Told, Trouble> {
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
        let kept = plan::kept(&broadcast, dealt)?;
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
        let part = options.since.is_some() || options.until.is_some() || !options.vips.is_empty();
        let rows = |of: &[Of]| {
            let tables = all().iter().filter(|table| of.contains(&table.of));
            let files = tables.flat_map(|table| members.iter().map(|m| m.files.get(table.name)));
            files.flatten().flatten().map(|file| file.rows).fold(0, u64::saturating_add)
        };
        let counted = Counted {
            streams: rows(&[Of::Streams]),
            about: rows(&[Of::Links, Of::Stream, Of::Link]),
        };
        let each = |all: u64| u32::try_from(all.div_ceil(u64::from(parts))).unwrap_or(u32::MAX);
        How {
            vips: options.vips.iter().map(ToString::to_string).collect(),
            parts,
            keep: [each(u64::from(options.well)), each(ILL).max(16)],
            part,
            rows: (!part).then_some(counted),
            list: match options.connections {
                Some(ConnectionFilter::All) => "all",
                Some(ConnectionFilter::Affected) => "affected",
                Some(ConnectionFilter::None) => "none",
                None => "",
            }
            .to_owned(),
            page: options.page,
        }
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
