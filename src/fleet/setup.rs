//! The engine as it is set up here and in every process of a cluster.

use super::options::FleetError;
use datafusion::common::DataFusionError;
use datafusion::prelude::{SessionConfig, SessionContext};
use std::path::Path;

/// As every engine here is set up.
pub(super) fn prepared(mut config: SessionConfig) -> SessionConfig {
    let execution = &mut config.options_mut().execution;
    execution.parquet.schema_force_view_types = false;
    // Rows go to their part one by one: gathered before they are dealt out, as engines do with sums, they
    // would be held twice, and go out all at one time.
    execution.skip_partial_aggregation_probe_rows_threshold = 0;
    execution.skip_partial_aggregation_probe_ratio_threshold = 0.0;
    config
}

/// The engine on this machine.
pub(super) fn here(work: Option<&Path>) -> Result<SessionContext, FleetError> {
    if let Some(folder) = work {
        super::lists::work_in(folder)?;
    }
    let runtime = super::stores::runtime(work).map_err(|e| failed(&e))?;
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

/// The engine's own fault.
pub(super) fn failed(error: &DataFusionError) -> FleetError {
    FleetError::Engine(format!("the engine could not answer: {}", error.strip_backtrace()))
}
