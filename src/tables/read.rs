//! Reads the tables of a capture back.

use super::columns::{Inward, Taken};
use super::manifest::{Manifest, Part};
use super::schema::{self, OWN};
use super::{Place, TablesError};
use crate::capture::{self, Capture};
use crate::exchange::{self, Heard};
use crate::flow::{self, Observations};
use crate::parquet::{Fault, Reader};
use crate::row::{NO_VANTAGE, Restore, Row};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// How many bytes of text come of a byte of a file, at most.
const TEXT: u64 = 16;
/// Bytes of text that any table may have.
const SOME: u64 = 1 << 16;
/// What to do where tables are not what was written.
const AGAIN: &str = "copy the folder again from where it was indexed, or index the capture again";

/// What was observed of one capture.
#[derive(Debug)]
pub struct Restored {
    /// By what it is known again ([`super::identity`]).
    pub identity: String,
    /// The capture, whose frames are elsewhere.
    pub capture: Capture,
    /// Its vantages.
    pub vantages: Vec<Observations>,
    /// What its connections said, by the places of its vantages.
    pub heard: Heard,
}

/// Reads the tables of a capture; `progress` counts the bytes of its files.
///
/// # Errors
/// Where one is missing, cut, damaged, of another version, or contradicts another.
pub fn read(place: &Place, progress: &AtomicU64) -> Result<Restored, TablesError> {
    let manifest = Manifest::read(&place.folder)?;
    let mut folder =
        Folder { path: &place.folder, manifest: &manifest, labels: Vec::new(), progress };
    let (mut capture, _) = capture::restore(&mut folder)?;
    let mut vantages = flow::restore(&mut folder)?;
    for (seen, label) in vantages.iter_mut().zip(&folder.labels) {
        seen.label = capture::printable(label.clone());
    }
    let heard = exchange::restore(&mut folder, &vantages)?;
    if capture.files.is_empty() {
        return Err(folder.refuse("it says of no file"));
    }
    let identity = super::identity(&capture, &vantages);
    capture.notes = capture.notes.into_iter().map(capture::printable).collect();
    Ok(Restored { identity, capture, vantages, heard })
}

/// A folder of tables that is being read.
struct Folder<'a> {
    path: &'a Path,
    manifest: &'a Manifest,
    /// The vantages' names, by which rows name them.
    labels: Vec<String>,
    progress: &'a AtomicU64,
}

impl Folder<'_> {
    fn fault(path: &Path, why: impl Into<String>) -> TablesError {
        TablesError::new(path, why, AGAIN)
    }

    /// Whose a row is.
    fn vantage(&self, label: Option<&str>, last: usize) -> Option<usize> {
        let Some(label) = label else { return Some(NO_VANTAGE) };
        // Rows of one vantage follow each other.
        if self.labels.get(last).is_some_and(|own| own == label) {
            return Some(last);
        }
        self.labels.iter().position(|own| own == label)
    }
}

impl Restore for Folder<'_> {
    type Fault = TablesError;

    fn table<R: Row>(
        &mut self,
        mut each: impl FnMut(usize, u32, R) -> Result<(), &'static str>,
    ) -> Result<(), TablesError> {
        let names_vantages = R::TABLE == flow::VANTAGES;
        for (path, part) in self.manifest.files(self.path, R::TABLE)? {
            let mut table = Table::open::<R>(&path)?;
            if table.reader.rows() != part.rows {
                return Err(Self::fault(&path, "has other rows than its manifest lists"));
            }
            let mut last = 0;
            for group in 0..table.reader.groups() {
                let rows = table.reader.rows_of(group);
                let mut columns = table.columns(group, rows)?;
                for at in 0..rows {
                    let (own, rest) = columns.split_at_mut(OWN);
                    let number = own[0].own(at);
                    let label = own[OWN - 1].text(at);
                    if names_vantages {
                        self.labels.push(label.unwrap_or_default().to_owned());
                    }
                    let vantage = if names_vantages {
                        Some(number as usize)
                    } else {
                        self.vantage(label, last)
                    };
                    let vantage =
                        vantage.ok_or_else(|| Self::fault(&path, "a row is of no vantage"))?;
                    last = vantage;
                    let mut row = R::blank();
                    let mut inward = Inward::new(rest, at, &mut table.room);
                    row.row(&mut inward);
                    if let Some(column) = inward.fault {
                        let why = format!("its column {column} holds what lbdiag does not write");
                        return Err(Self::fault(&path, why));
                    }
                    each(vantage, number, row).map_err(|why| Self::fault(&path, why))?;
                }
            }
            self.progress.fetch_add(table.reader.bytes(), Ordering::Relaxed);
        }
        Ok(())
    }

    fn rows<R: Row>(&self) -> u64 {
        // What is claimed counts as far as there are bytes for it.
        let parts = self.manifest.files(self.path, R::TABLE).unwrap_or_default();
        let room = |(path, part): &(PathBuf, &Part)| {
            path.metadata().map_or(0, |file| part.rows.min(file.len()))
        };
        parts.iter().map(room).fold(0, u64::saturating_add)
    }

    fn refuse(&self, why: &'static str) -> TablesError {
        Self::fault(self.path, why)
    }
}

/// One file of a table.
struct Table {
    path: PathBuf,
    reader: Reader<File>,
    /// Where the columns that are asked for are in the file.
    wanted: Vec<usize>,
    room: u64,
}

impl Table {
    fn open<R: Row>(path: &Path) -> Result<Self, TablesError> {
        let fault = |fault: Fault| TablesError::new(path, fault.to_string(), AGAIN);
        let reader = Reader::open(File::open(path).map_err(|e| fault(e.into()))?).map_err(fault)?;
        let wanted = schema::columns::<R>().into_iter().map(|wanted| {
            let mut fields = reader.fields().iter();
            fields.position(|own| *own == wanted.field).ok_or_else(|| {
                let name = &wanted.field.name;
                if reader.fields().iter().any(|own| own.name == *name) {
                    return TablesError::new(
                        path,
                        format!("has no column {name} of its type"),
                        AGAIN,
                    );
                }
                let why = format!("has no column {name}, which an older lbdiag did not write");
                TablesError::new(path, why, "index the capture again with this lbdiag")
            })
        });
        let wanted = wanted.collect::<Result<Vec<_>, _>>()?;
        let room = reader.bytes().saturating_mul(TEXT) + SOME;
        Ok(Self { path: path.to_owned(), reader, wanted, room })
    }

    fn columns(&mut self, group: usize, rows: usize) -> Result<Vec<Taken>, TablesError> {
        let fault = |why: String| TablesError::new(&self.path, why, AGAIN);
        let columns = self.reader.columns(group, &self.wanted).map_err(|e| fault(e.to_string()))?;
        let taken = columns.into_iter().map(|column| Taken::new(column, rows));
        let taken = taken.collect::<Option<Vec<_>>>();
        taken.ok_or_else(|| fault("is damaged: a column is short".to_owned()))
    }
}
