//! Redaction of what a command makes once and writes: a trace's names first, then its documents.

use super::{Labels, Map};
use crate::extract::Extract;
use crate::trace::Trace;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io;

/// Replaces addresses in what a command made, or leaves it as it is, which is the default.
#[derive(Debug, Default)]
pub struct Redactor(Option<Map>);

/// Why something cannot be redacted, and so must not be shown.
#[derive(Debug, thiserror::Error)]
pub enum RedactError {
    /// A document does not survive being written and read; none of ours does that.
    #[error("the result cannot be redacted; this is a bug in lbdiag")]
    Document(#[source] serde_json::Error),
    /// The temporary file of an extract cannot be written.
    #[error("the frames cannot be kept in a temporary file; set TMPDIR to a folder with room")]
    Frames(#[source] io::Error),
}

impl Redactor {
    /// One that goes on with a map; without one it changes nothing.
    #[must_use]
    pub fn new(map: Option<Map>) -> Self {
        Self(map)
    }

    /// Takes the names out of a trace and learns its addresses.
    pub fn trace(&mut self, trace: &mut Trace, labels: &Labels) {
        if let Some(map) = &mut self.0 {
            super::trace(trace, labels, map);
        }
    }

    /// Whether it changes anything.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// The document to draw.
    ///
    /// # Errors
    /// [`RedactError::Document`].
    pub fn document<T: Serialize + DeserializeOwned>(
        &mut self,
        document: T,
    ) -> Result<T, RedactError> {
        match &mut self.0 {
            Some(map) => super::document(&document, map).map_err(RedactError::Document),
            None => Ok(document),
        }
    }

    /// The frames to write.
    ///
    /// # Errors
    /// [`RedactError::Frames`].
    pub fn frames(&mut self, extract: &mut Extract) -> Result<(), RedactError> {
        match &mut self.0 {
            Some(map) => super::extract(extract, map).map_err(RedactError::Frames),
            None => Ok(()),
        }
    }

    /// The map as a file keeps it, with what was replaced so far; none where nothing is.
    #[must_use]
    pub fn kept(&self) -> Option<String> {
        self.0.as_ref().map(Map::text)
    }
}
