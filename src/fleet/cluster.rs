//! The same question on a cluster of the same engine: one scheduler, and executors where the data is. All
//! of them are this program, so that they know its functions by name.

use super::codec::{Logical, Physical};
use super::options::FleetError;
use super::setup::{self, prepared};
use super::{lists, stores};
use ballista::prelude::{SessionConfigExt, SessionContextExt};
use ballista_core::config::TaskSchedulingPolicy;
use ballista_core::error::BallistaError;
use ballista_executor::executor_process::{ExecutorProcessConfig, start_executor_process};
use ballista_scheduler::cluster::BallistaCluster;
use ballista_scheduler::config::SchedulerConfig;
use ballista_scheduler::scheduler_process::start_server;
use datafusion::common::Result;
use datafusion::execution::{SessionState, SessionStateBuilder};
use datafusion::prelude::{SessionConfig, SessionContext};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

/// Bytes of a message between them: what is broadcast goes with each question.
const MESSAGE: u32 = 512 << 20;

/// Seconds between two signs of life of an executor.
const SIGN: u64 = 5;
/// Seconds without one after which an executor is lost, and its work goes to others.
const LOST: u64 = 20;

/// Executors ask for work: each knows best what room it has. A scheduler that counts for them waits for ever
/// where one is lost in the middle of its work.
const WORK: TaskSchedulingPolicy = TaskSchedulingPolicy::PullStaged;

/// Plans are made once, with joins whose both sides are dealt out, however small one is. Plans that change
/// as sizes become known (Ballista 55) hand a small side to all tasks of a join; where that join is one branch
/// of a union, every task of the union then runs it: rows come several times, and others get lost.
fn config() -> SessionConfig {
    prepared(SessionConfig::new_with_ballista())
        .with_ballista_adaptive_query_planner(false)
        .with_ballista_broadcast_join_threshold_bytes(0)
        .with_ballista_broadcast_join_threshold_rows(0)
        .with_ballista_logical_extension_codec(Arc::new(Logical::default()))
        .with_ballista_physical_extension_codec(Arc::new(Physical::default()))
        .with_ballista_grpc_client_max_message_size(MESSAGE as usize)
}

fn state(config: SessionConfig) -> Result<SessionState> {
    let builder = SessionStateBuilder::new().with_config(config).with_default_features();
    Ok(builder.with_runtime_env(stores::runtime(None)?).build())
}

/// The engine behind a scheduler.
pub(super) async fn context(url: &str) -> Result<SessionContext> {
    SessionContext::remote_with_state(url, state(config())?).await
}

fn failed(error: &BallistaError) -> FleetError {
    FleetError::Engine(format!("the cluster's engine ended: {error}"))
}

fn serve(
    work: impl Future<Output = std::result::Result<(), BallistaError>>,
) -> std::result::Result<(), FleetError> {
    let runtime = setup::runtime()?;
    runtime.block_on(work).map_err(|e| failed(&e))
}

/// Runs a scheduler until the program is ended.
///
/// # Errors
/// Where it cannot listen there.
pub fn scheduler(bind: SocketAddr) -> std::result::Result<(), FleetError> {
    let own = SchedulerConfig {
        bind_host: bind.ip().to_string(),
        external_host: bind.ip().to_string(),
        bind_port: bind.port(),
        grpc_server_max_decoding_message_size: MESSAGE,
        grpc_server_max_encoding_message_size: MESSAGE,
        grpc_client_max_message_size: MESSAGE,
        scheduling_policy: WORK,
        executor_timeout_seconds: LOST,
        expire_dead_executor_interval_seconds: SIGN,
        no_executors_grace_period_seconds: LOST,
        override_config_producer: Some(Arc::new(config)),
        override_session_builder: Some(Arc::new(state)),
        override_logical_codec: Some(Arc::new(Logical::default())),
        override_physical_codec: Some(Arc::new(Physical::default())),
        ..SchedulerConfig::default()
    };
    serve(async {
        let cluster = BallistaCluster::new_from_config(&own).await?;
        start_server(cluster, bind, Arc::new(own)).await
    })
}

/// Runs an executor until the program is ended.
///
/// # Errors
/// Where it cannot listen there, or does not reach its scheduler.
pub fn executor(
    scheduler: &str,
    bind: SocketAddr,
    cores: Option<usize>,
    work: Option<&Path>,
) -> std::result::Result<(), FleetError> {
    let (host, port) = scheduler
        .rsplit_once(':')
        .and_then(|(host, port)| Some((host, port.parse().ok()?)))
        .ok_or_else(|| FleetError::Engine(format!("{scheduler}: is no HOST:PORT")))?;
    let own = match work {
        Some(_) => None,
        None => Some(tempfile::tempdir().map_err(|e| {
            FleetError::Engine(format!("no folder to work in: {e}; name one with --work"))
        })?),
    };
    let own = own.as_ref().map(tempfile::TempDir::path);
    let folder = work.or(own).unwrap_or(Path::new(".")).to_owned();
    lists::work_in(&folder)?;
    let default = ExecutorProcessConfig::default();
    let config = ExecutorProcessConfig {
        bind_host: bind.ip().to_string(),
        external_host: Some(bind.ip().to_string()),
        port: bind.port(),
        grpc_port: bind.port().saturating_add(1),
        scheduler_host: host.to_owned(),
        scheduler_port: port,
        // Whichever of the two was started first.
        scheduler_connect_timeout_seconds: 30,
        vcores: cores.unwrap_or(default.vcores),
        work_dir: Some(folder.display().to_string()),
        task_scheduling_policy: WORK,
        executor_heartbeat_interval_seconds: SIGN,
        grpc_max_decoding_message_size: MESSAGE,
        grpc_max_encoding_message_size: MESSAGE,
        override_runtime_producer: Some(Arc::new(move |_| stores::runtime(Some(&folder)))),
        override_config_producer: Some(Arc::new(config)),
        override_logical_codec: Some(Arc::new(Logical::default())),
        override_physical_codec: Some(Arc::new(Physical::default())),
        ..default
    };
    serve(start_executor_process(Arc::new(config)))
}
