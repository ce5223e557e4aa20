//! `--redact`: what every command that writes a result does with it before it is drawn.
//!
//! Refuses to touch what goes to stderr, which is for who sits here.

use anyhow::Context;
use lbdiag::redact::{Map, Mask, Redactor};
use lbdiag::unfinished::{self, Readers, Unfinished};
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

/// Whether and how to redact.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Redacting {
    /// Replace addresses, MACs and file names, and drop payload
    #[arg(long, help_heading = HEADING)]
    redact: bool,

    /// Keep what stands for what in FILE (JSON), and go on with what it holds
    #[arg(long, value_name = "FILE", requires = "redact", help_heading = HEADING)]
    #[arg(value_hint = clap::ValueHint::FilePath)]
    redact_map: Option<PathBuf>,
}

const HEADING: &str = "To pass the result on";

impl Redacting {
    /// Whether it was asked for.
    pub(crate) fn is_on(&self) -> bool {
        self.redact
    }

    /// For what is written once.
    pub(crate) fn redactor(&self) -> anyhow::Result<Redactor> {
        Ok(Redactor::new(self.map()?))
    }

    /// For a screen, which asks as it goes.
    pub(crate) fn mask(&self) -> anyhow::Result<Arc<Mask>> {
        Ok(Arc::new(self.map()?.map_or_else(Mask::default, Mask::new)))
    }

    /// The map to begin with; none where nothing is redacted.
    pub(crate) fn map(&self) -> anyhow::Result<Option<Map>> {
        if !self.redact {
            return Ok(None);
        }
        let kept = self.redact_map.as_deref().map(Map::read).transpose()?;
        Ok(Some(kept.unwrap_or_default()))
    }

    /// Where the map goes in the end.
    pub(crate) fn map_file(&self) -> MapFile {
        MapFile(self.redact_map.clone())
    }
}

/// Where what stands for what is kept, if anywhere.
#[derive(Debug)]
pub(crate) struct MapFile(Option<PathBuf>);

impl MapFile {
    /// Writes a map, where there is one to be kept: readable by its owner alone.
    pub(crate) fn keep(&self, map: Option<String>) -> anyhow::Result<()> {
        let (Some(path), Some(map)) = (&self.0, map) else { return Ok(()) };
        let failed = || format!("{} cannot be written; give another --redact-map", path.display());
        unfinished::watch();
        let mut file = Unfinished::at(path, Readers::Owner).with_context(failed)?;
        file.write_all(map.as_bytes()).with_context(failed)?;
        file.replace(path).with_context(failed)
    }
}
