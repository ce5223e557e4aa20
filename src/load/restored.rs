//! Captures that come from tables, put together with those that were read.

use super::Seen;
use crate::capture::{Capture, CaptureError};
use crate::flow::Observations;
use crate::tables::{self, Place, Restored, TablesError, identity};
use crate::window::Window;
use rayon::prelude::*;
use std::collections::HashMap;
use std::sync::atomic::AtomicU64;

/// Reads tables, in the order of their places.
pub(super) fn read(
    places: &[&Place],
    window: &Window,
    progress: &AtomicU64,
) -> std::vec::IntoIter<Result<Restored, CaptureError>> {
    let read: Vec<_> = places
        .par_iter()
        .map(|place| {
            if !window.is_open() {
                let why = "its streams stand in tables whole, so no part of the time can be taken";
                let next = "name the capture itself, or index it with --since and --until";
                return Err(TablesError::new(&place.folder, why, next).into());
            }
            tables::read(place, progress).map_err(CaptureError::from)
        })
        .collect();
    read.into_iter()
}

/// Numbers captures and vantages, and leaves out what is there already.
pub(super) struct Gather {
    room: usize,
    /// Whether captures are to be told from tables.
    tells: bool,
    /// By identity: the capture's label.
    known: HashMap<String, String>,
}

impl Gather {
    pub(super) fn new(room: usize, tells: bool) -> Self {
        Self { room, tells, known: HashMap::new() }
    }

    /// Takes in a capture that was read.
    pub(super) fn capture(
        &mut self,
        capture: Capture,
        vantages: Vec<Observations>,
        seen: &mut Seen,
    ) {
        if self.tells {
            self.known.insert(identity(&capture, &vantages), capture.label.clone());
        }
        add(capture, vantages, seen);
    }

    /// Takes in a capture that comes from tables.
    pub(super) fn tables(&mut self, place: &Place, own: Restored, seen: &mut Seen) {
        let Restored { identity, mut capture, mut vantages, heard } = own;
        let refused = |why: String, next: &str| TablesError::new(&place.folder, why, next).into();
        if let Some(known) = self.known.get(&identity) {
            let why = format!("its capture is there twice: {known} is read once");
            seen.failures.push(refused(why, "leave one of the two out"));
            return;
        }
        if vantages.len() > self.room {
            let why = "it has more vantages than all captures together may have".to_owned();
            seen.failures.push(refused(why, "read fewer captures at a time"));
            return;
        }
        self.room -= vantages.len();
        rename(place, &mut capture, &mut vantages, seen);
        self.known.insert(identity, capture.label.clone());
        seen.heard.add(heard, seen.vantages.len());
        add(capture, vantages, seen);
    }
}

fn add(capture: Capture, vantages: Vec<Observations>, seen: &mut Seen) {
    let at = seen.captures.len();
    seen.vantages.extend(vantages.into_iter().map(|own| Observations { capture: at, ..own }));
    seen.captures.push(capture);
}

/// Gives a capture the user's name for it, and another one where one has that: indexed apart, nobody
/// could see to it.
fn rename(place: &Place, capture: &mut Capture, vantages: &mut [Observations], seen: &Seen) {
    let taken = |label: &str| seen.captures.iter().any(|other| other.label == label);
    let wanted = place.label.as_ref().unwrap_or(&capture.label);
    let label = free_label(wanted, taken);
    if label == capture.label {
        return;
    }
    for own in vantages {
        own.label = relabelled(&own.label, &capture.label, &label);
    }
    capture.label = label;
}

/// The label, numbered where another capture has it.
pub(crate) fn free_label(wanted: &str, taken: impl Fn(&str) -> bool) -> String {
    let numbered = (2u64..).map(|n| format!("{wanted} ({n})"));
    let all = std::iter::once(wanted.to_owned()).chain(numbered);
    // There are more numbers than captures.
    all.into_iter().find(|label| !taken(label)).unwrap_or_default()
}

/// The label of a vantage whose capture has another one now.
pub(crate) fn relabelled(own: &str, before: &str, now: &str) -> String {
    format!("{now}{}", own.strip_prefix(before).unwrap_or(own))
}
