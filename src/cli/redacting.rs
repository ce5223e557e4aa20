//! `--redact`: what every command that writes a result does with it before it is drawn.
//!
//! Refuses to touch what goes to stderr, which is for who sits here.

use anyhow::Context;
use lbdiag::capture::Input;
use lbdiag::extract::Extract;
use lbdiag::redact::{self, Labels, Map};
use lbdiag::trace::Trace;
use lbdiag::unfinished::{self, Readers, Unfinished};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::Write;
use std::path::PathBuf;

/// Whether and how to redact.
#[derive(Debug, Default, clap::Args)]
pub(super) struct Redacting {
    /// Replace addresses, MACs and file names, and drop payload, to pass the result on
    #[arg(long, help_heading = HEADING)]
    redact: bool,

    /// Keep what stands for what in FILE (JSON), and go on with what it holds
    #[arg(long, value_name = "FILE", requires = "redact", help_heading = HEADING)]
    #[arg(value_hint = clap::ValueHint::FilePath)]
    redact_map: Option<PathBuf>,
}

const HEADING: &str = "For other eyes";

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
        if !self.redact {
            return Ok(Redactor::default());
        }
        let map = match &self.redact_map {
            Some(path) => Map::read(path)?,
            None => Map::default(),
        };
        Ok(Redactor(Some((map, self.redact_map.clone()))))
    }
}

/// Replaces addresses in what a command made, or leaves it as it is.
#[derive(Debug, Default)]
pub(super) struct Redactor(Option<(Map, Option<PathBuf>)>);

impl Redactor {
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
        let failed = || format!("{} cannot be written; give another --redact-map", path.display());
        unfinished::watch();
        let mut file = Unfinished::at(path, Readers::Owner).with_context(failed)?;
        file.write_all(map.text().as_bytes()).with_context(failed)?;
        file.replace(path).with_context(failed)
    }
}
