//! Parts of more streams than memory is to hold, on one machine: dealt into folders first, by the engine, then
//! gathered folder by folder. A cluster does the same by itself, between its stages.

use super::broadcast::Broadcast;
use super::engine::watched;
use super::plan::{self, named};
use datafusion::common::Result;
use datafusion::common::config::{ParquetColumnOptions, TableParquetOptions};
use datafusion::dataframe::{DataFrame, DataFrameWriteOptions};
use datafusion::logical_expr::lit;
use datafusion::prelude::{ParquetReadOptions, SessionContext};
use std::sync::Arc;

/// Rows that are packed together.
const GROUP: usize = 1 << 16;

/// What is kept of all parts.
pub(super) async fn kept(
    context: &SessionContext,
    broadcast: &Arc<Broadcast>,
    dealt: DataFrame,
    lanes: u32,
    show: &impl Fn(),
) -> Result<DataFrame> {
    let folder = tempfile::tempdir()?;
    let to = folder.path().display().to_string();
    let dealt = dealt.with_column("lane", named("part") % lit(lanes))?;
    let mut how = TableParquetOptions::default();
    how.global.max_row_group_size = GROUP;
    how.global.compression = Some("zstd(1)".to_owned());
    // No two rows are alike.
    how.global.dictionary_enabled = Some(false);
    how.column_specific_options.insert("row".to_owned(), unmeasured());
    let by = DataFrameWriteOptions::new().with_partition_by(vec!["lane".to_owned()]);
    let mut written = std::pin::pin!(dealt.write_parquet(&to, by, Some(how)));
    loop {
        match tokio::time::timeout(super::engine::TICK, &mut written).await {
            Ok(done) => {
                done?;
                break;
            }
            Err(_) => show(),
        }
    }
    let mut all = Vec::new();
    for lane in 0..lanes {
        let own = folder.path().join(format!("lane={lane}"));
        if !own.is_dir() {
            continue;
        }
        let rows =
            context.read_parquet(own.display().to_string(), ParquetReadOptions::default()).await?;
        let rows = rows.select(vec![named("row"), named("part")])?;
        all.extend(watched(plan::kept(context, broadcast, rows)?, show).await?);
        std::fs::remove_dir_all(&own)?;
    }
    context.read_batches(all)
}

/// The least and greatest of packed rows say nothing.
fn unmeasured() -> ParquetColumnOptions {
    ParquetColumnOptions { statistics_enabled: Some("none".to_owned()), ..Default::default() }
}
