//! Which arguments are folders of tables, and where their captures stand among the others.

use crate::capture::{self, CaptureError, Input};
use crate::tables::{self, Place};
use std::path::Path;

/// Where a capture's observations come from.
#[derive(Debug, Clone)]
pub enum Origin {
    /// Its frames.
    Capture(Input),
    /// The tables that were made of it.
    Tables(Place),
}

impl Origin {
    /// Captures.
    #[must_use]
    pub fn captures(inputs: &[Input]) -> Vec<Self> {
        inputs.iter().cloned().map(Self::Capture).collect()
    }

    /// Bytes to read, where that is known.
    #[must_use]
    pub fn bytes(&self) -> Option<u64> {
        match self {
            Self::Capture(input) => input.bytes(),
            Self::Tables(place) => Some(place.bytes()),
        }
    }
}

/// Arguments, of which folders of tables are taken out.
#[derive(Debug, Default)]
pub struct Sorted {
    /// The others: captures, folders of captures, bundles.
    pub captures: Vec<String>,
    /// Tables, each with how many of the others come before it.
    tables: Vec<(usize, Place)>,
    /// Tables that cannot be used.
    pub faults: Vec<CaptureError>,
}

/// Takes out of the arguments (`[NAME=]PATH`) what are folders of tables, by content.
#[must_use]
pub fn sort_out(args: &[String]) -> Sorted {
    let mut sorted = Sorted::default();
    for arg in args {
        let (label, folder) = split(arg);
        let (places, faults) =
            if folder.is_dir() { tables::find(folder) } else { Default::default() };
        let is_tables = !places.is_empty() || !faults.is_empty();
        let before = sorted.captures.len();
        // A name is for one capture.
        let label = label.filter(|_| places.len() == 1);
        let named = places.into_iter().map(|place| place.named(label));
        sorted.tables.extend(named.map(|place| (before, place)));
        sorted.faults.extend(faults.into_iter().map(CaptureError::from));
        // Captures may lie beside tables.
        if !is_tables || capture::inputs(std::slice::from_ref(arg)).is_ok() {
            sorted.captures.push(arg.clone());
        }
    }
    sorted
}

fn split(arg: &str) -> (Option<&str>, &Path) {
    let named = arg.split_once('=').filter(|(name, _)| !name.is_empty() && !name.contains('/'));
    match named.filter(|_| !Path::new(arg).exists()) {
        Some((name, folder)) => (Some(name), Path::new(folder)),
        None => (None, Path::new(arg)),
    }
}

impl Sorted {
    /// Whether there are tables.
    #[must_use]
    pub fn has_tables(&self) -> bool {
        !self.tables.is_empty()
    }

    /// Captures and tables in the order of their arguments; `inputs` are those of [`Self::captures`],
    /// found through `depth` levels of folders.
    #[must_use]
    pub fn origins(self, inputs: &[Input], depth: usize) -> Vec<Origin> {
        let mut origins = Origin::captures(inputs);
        // From the last on, so that earlier places stay where they are.
        let mut counted: Option<(usize, usize)> = None;
        for (before, place) in self.tables.into_iter().rev() {
            let at = match counted {
                Some((known, at)) if known == before => at,
                _ => {
                    let args = &self.captures[..before];
                    let found = capture::inputs_below(args, depth, Vec::new());
                    found.map_or(0, |found| found.inputs.len())
                }
            };
            counted = Some((before, at));
            origins.insert(at.min(inputs.len()), Origin::Tables(place));
        }
        origins
    }
}
