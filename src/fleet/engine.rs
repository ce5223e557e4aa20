//! A fleet's tables, opened and asked; captures whose tables are not sound are left out, and that is said.

use super::asking::Asking;
use super::blame::{self, Trouble};
use super::members::{self, Tables, sum};
use super::options::{Answer, FleetError, Options};
use super::setup::{failed, here, runtime};
use super::work::Told;
use crate::redact;
use crate::tables::TablesError;
use datafusion::prelude::SessionContext;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

/// What to do where tables are not what was written.
const AGAIN: &str =
    "copy the folder again from where it was indexed, or index the capture again with this lbdiag";

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

impl Fleet {
    /// Finds the captures of folders that `lbdiag index` wrote, and of object stores by address
    /// (`s3://BUCKET/PREFIX`).
    ///
    /// # Errors
    /// Where there are none, or a cluster's scheduler is not reached.
    pub fn open(args: &[String], options: Options) -> Result<Self, FleetError> {
        let runtime = runtime()?;
        let near = here(options.work.as_deref())?;
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
                    Ok(told) => return Ok(answer(told, std::mem::take(&mut failures), &options)),
                    Err(trouble) => blame::blamed(&near, &members, trouble).await,
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

fn answer(told: Told, failures: Vec<TablesError>, options: &Options) -> Answer {
    let Told { mut report, sums, page, map } = told;
    let missing = failures.iter().map(ToString::to_string);
    let mut notes: Vec<String> = missing.chain(options.notes.iter().cloned()).collect();
    if map.is_some() {
        notes = redact::without_names(notes);
    }
    report.notes.splice(0..0, notes);
    Answer { report, sums, page, map, failures }
}

/// Diagnoses the tables of a fleet, with nobody who waits.
///
/// # Errors
/// As [`Fleet::open`] and [`Fleet::diagnose`].
pub fn diagnose(args: &[String], options: Options) -> Result<Answer, FleetError> {
    Fleet::open(args, options)?.diagnose(&AtomicU64::new(0))
}
