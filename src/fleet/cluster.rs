//! The same question on a cluster of the same engine: one scheduler, and executors where the data is. All
//! of them are this program, so that they know its functions by name.

use super::codec::{Logical, Physical};
use super::engine::{FleetError, prepared};
use super::stores;
use ballista::prelude::{SessionConfigExt, SessionContextExt};
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

fn config() -> SessionConfig {
    prepared(SessionConfig::new_with_ballista())
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
    let runtime = super::engine::runtime()?;
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
    let fault = |e: std::io::Error| FleetError::Engine(format!("no folder to work in: {e}"));
    let own = tempfile::tempdir().map_err(fault)?;
    let folder = work.unwrap_or(own.path()).to_owned();
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
