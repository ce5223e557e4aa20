//! The list of a capture's tables, which is there when all of them are whole.
//!
//! Names in it lead only to files below its folder.

use super::{TablesError, VERSION};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Its name.
pub(crate) const NAME: &str = "manifest.json";
/// What it says that it is of.
const OF: &str = "lbdiag tables";
/// Bytes of a manifest, at most.
const MOST: u64 = 16 << 20;

/// One file of a table.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Part {
    /// Its name within the folder, with `/`.
    pub(crate) file: String,
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
}

/// What the tables of a capture are.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Manifest {
    of: String,
    pub(crate) version: u32,
    /// The program that wrote it.
    program: String,
    /// The capture, as its folder is named.
    pub(crate) capture: String,
    /// Its label, for who looks in here.
    pub(crate) label: String,
    /// Its place among the captures that were indexed together.
    pub(crate) place: u32,
    /// By table. One without a row has no file.
    pub(crate) tables: BTreeMap<String, Vec<Part>>,
}

impl Manifest {
    pub(crate) fn new(capture: String, label: String, place: u32) -> Self {
        let program = env!("CARGO_PKG_VERSION").to_owned();
        let tables = BTreeMap::new();
        Self { of: OF.to_owned(), version: VERSION, program, capture, label, place, tables }
    }

    pub(crate) fn text(&self) -> String {
        // It holds nothing that cannot be written so.
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }

    /// Reads the manifest of a folder.
    pub(crate) fn read(folder: &Path) -> Result<Self, TablesError> {
        let path = folder.join(NAME);
        let again = "copy the folder again from where it was indexed";
        let fault = |why: String| TablesError::new(&path, why, again);
        let mut text = String::new();
        File::open(&path)
            .and_then(|file| file.take(MOST).read_to_string(&mut text))
            .map_err(|e| fault(format!("cannot be read ({e})")))?;
        Self::parse(folder, &text)
    }

    /// A manifest that was read from a folder.
    pub(crate) fn parse(folder: &Path, text: &str) -> Result<Self, TablesError> {
        let path = folder.join(NAME);
        let again = "copy the folder again from where it was indexed";
        let fault = |why: String| TablesError::new(&path, why, again);
        // The version comes first: all else may have changed with it.
        #[derive(Deserialize)]
        struct Head {
            of: String,
            version: u32,
            #[serde(default)]
            program: String,
        }
        let head: Head = serde_json::from_str(text)
            .map_err(|_| fault("is no manifest of tables, or was cut off".to_owned()))?;
        if head.of != OF {
            return Err(fault("is no manifest of lbdiag's tables".to_owned()));
        }
        if head.version != VERSION {
            let program: String =
                head.program.chars().filter(|c| !c.is_control()).take(20).collect();
            let why = format!(
                "its tables have version {} of the schema (lbdiag {program}), and this lbdiag reads version {VERSION}",
                head.version
            );
            return Err(TablesError::new(folder, why, "index the capture again with this lbdiag"));
        }
        serde_json::from_str(text).map_err(|_| fault("is damaged".to_owned()))
    }

    /// The files of a table: only such as lie below the folder and are files themselves.
    pub(crate) fn files(
        &self,
        folder: &Path,
        table: &str,
    ) -> Result<Vec<(PathBuf, &Part)>, TablesError> {
        let parts = self.tables.get(table).map_or(&[][..], Vec::as_slice);
        let mut known = HashSet::new();
        if !parts.iter().all(|part| known.insert(&part.file)) {
            let why = format!("its manifest lists a file of {table} twice");
            return Err(TablesError::new(folder, why, "index the capture again"));
        }
        parts.iter().map(|part| Ok((within(folder, &part.file)?, part))).collect()
    }
}

/// Whether a name may be one of a folder or file here.
fn is_plain(name: &str) -> bool {
    let may = |c: char| c.is_ascii_alphanumeric() || "._-=%".contains(c);
    !name.is_empty() && !name.starts_with('.') && name.chars().all(may)
}

/// A name leads below its folder, and is one that this program writes.
pub(crate) fn plain(folder: &Path, name: &str) -> Result<(), TablesError> {
    let parts: Vec<&str> = name.split('/').collect();
    if parts.len() > 4 || !parts.iter().all(|part| is_plain(part)) {
        let why = "its manifest names a file in a way that lbdiag does not write";
        return Err(TablesError::new(folder, why, "index the capture again"));
    }
    Ok(())
}

fn within(folder: &Path, name: &str) -> Result<PathBuf, TablesError> {
    plain(folder, name)?;
    let mut path = folder.to_owned();
    for part in name.split('/') {
        path.push(part);
        let kind = path.symlink_metadata().map_err(|_| {
            let why = format!("{name} is missing, which its manifest lists");
            TablesError::new(folder, why, "copy the folder again from where it was indexed")
        })?;
        if kind.is_symlink() {
            let why = format!("{name} is a link, which is not followed");
            return Err(TablesError::new(folder, why, "copy the file itself"));
        }
    }
    Ok(path)
}
