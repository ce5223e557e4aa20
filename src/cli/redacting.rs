//! `--redact`: what every command that writes a result does with it before it is drawn.
//!
//! Refuses to touch what goes to stderr, which is for who sits here.

use anyhow::Context;
use lbdiag::capture::Input;
use lbdiag::extract::Extract;
use lbdiag::redact::{self, Labels, Map, Mask};
use lbdiag::trace::Trace;
use lbdiag::unfinished::{self, Readers, Unfinished};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Whether and how to redact.
#[derive(Debug, Default, clap::Args)]
pub(super) struct Redacting {
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
    pub(super) fn is_on(&self) -> bool {
        self.redact
    }

    /// Takes the names out of a trace.
    pub(super) fn begin(&self, trace: &mut Trace, inputs: &[Input]) -> anyhow::Result<Redactor> {
        let mut redactor = self.without_trace()?;
        if let Some((map, _)) = &mut redactor.0 {
            redact::trace(trace, &Labels::new(inputs), map);
        }
        Ok(redactor)
    }

    /// For a document that is made of other documents.
    pub(super) fn without_trace(&self) -> anyhow::Result<Redactor> {
        let map = self.map()?;
        Ok(Redactor(map.map(|map| (map, self.redact_map.clone()))))
    }

    /// For a screen, which asks as it goes.
    pub(super) fn mask(&self) -> anyhow::Result<(Arc<Mask>, MaskFile)> {
        let mask = self.map()?.map_or_else(Mask::default, Mask::new);
        Ok((Arc::new(mask), MaskFile(self.redact_map.clone())))
    }

    /// Writes what stands for what in the end, where that is to be kept.
    #[cfg(feature = "fleet")]
    pub(super) fn keep(&self, map: &str) -> anyhow::Result<()> {
        self.redact_map.as_deref().map_or(Ok(()), |path| write(path, map))
    }

    /// The map to begin with; none where nothing is redacted.
    pub(super) fn map(&self) -> anyhow::Result<Option<Map>> {
        if !self.redact {
            return Ok(None);
        }
        let kept = self.redact_map.as_deref().map(Map::read).transpose()?;
        Ok(Some(kept.unwrap_or_default()))
    }
}

/// Where the map of a mask is kept, if anywhere.
#[derive(Debug)]
pub(super) struct MaskFile(Option<PathBuf>);

impl MaskFile {
    /// Writes what the mask has handed out.
    pub(super) fn keep(&self, mask: &Mask) -> anyhow::Result<()> {
        match (&self.0, mask.kept()) {
            (Some(path), Some(map)) => write(path, &map),
            _ => Ok(()),
        }
    }
}

/// Replaces addresses in what a command made, or leaves it as it is.
#[derive(Debug, Default)]
pub(super) struct Redactor(Option<(Map, Option<PathBuf>)>);

impl Redactor {
    /// Whether it replaces anything.
    pub(super) fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// The document to draw.
    pub(super) fn document<T: Serialize + DeserializeOwned>(
        &mut self,
        document: T,
    ) -> anyhow::Result<T> {
        let Some((map, _)) = &mut self.0 else { return Ok(document) };
        redact::document(&document, map)
            .context("the result cannot be redacted; this is a bug in lbdiag")
    }

    /// The frames to write.
    pub(super) fn frames(&mut self, extract: &mut Extract) -> anyhow::Result<()> {
        let Some((map, _)) = &mut self.0 else { return Ok(()) };
        redact::extract(extract, map).context(
            "the frames cannot be kept in a temporary file; set TMPDIR to a folder with room",
        )
    }

    /// Writes the map, where it is to be kept: readable by its owner alone.
    pub(super) fn keep(&self) -> anyhow::Result<()> {
        let Some((map, Some(path))) = &self.0 else { return Ok(()) };
        write(path, &map.text())
    }
}

fn write(path: &Path, map: &str) -> anyhow::Result<()> {
    let failed = || format!("{} cannot be written; give another --redact-map", path.display());
    unfinished::watch();
    let mut file = Unfinished::at(path, Readers::Owner).with_context(failed)?;
    file.write_all(map.as_bytes()).with_context(failed)?;
    file.replace(path).with_context(failed)
}
