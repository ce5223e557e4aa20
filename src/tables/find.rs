//! Folders of tables among the arguments, by their manifests.

use super::TablesError;
use super::manifest::{Manifest, NAME};
use std::path::{Path, PathBuf};

/// Folders that one argument may hold.
const MOST: usize = 65_536;
/// Levels of folders below an argument: captures of one host, hosts.
const DEPTH: usize = 2;

/// The tables of one capture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Their folder.
    pub folder: PathBuf,
    order: (u32, String),
    /// What the user calls its capture.
    pub(crate) label: Option<String>,
}

impl Place {
    /// The same under a name of the user's.
    #[must_use]
    pub fn named(self, label: Option<&str>) -> Self {
        Self { label: label.map(str::to_owned), ..self }
    }

    /// Bytes of its files, as the manifest has them.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let manifest = Manifest::read(&self.folder).ok();
        let parts = manifest.iter().flat_map(|manifest| manifest.tables.values().flatten());
        parts.fold(0, |all, part| all.saturating_add(part.bytes))
    }
}

/// The captures whose tables a folder holds, in the order in which they were indexed, and what is wrong
/// with others; nothing of both where it holds no tables.
#[must_use]
pub fn find(folder: &Path) -> (Vec<Place>, Vec<TablesError>) {
    let mut folders = Vec::new();
    let mut faults = Vec::new();
    walk(folder, DEPTH, &mut folders, &mut faults);
    let mut places = Vec::new();
    for folder in folders {
        match Manifest::read(&folder) {
            Ok(manifest) => {
                let order = (manifest.place, manifest.label);
                places.push(Place { folder, order, label: None });
            }
            Err(fault) => faults.push(fault),
        }
    }
    // Captures that were indexed together stand in one folder, in the order of their arguments.
    places.sort_by(|a, b| {
        let key = |place: &Place| (place.folder.parent().map(Path::to_owned), place.order.clone());
        key(a).cmp(&key(b)).then_with(|| a.folder.cmp(&b.folder))
    });
    (places, faults)
}

fn walk(folder: &Path, depth: usize, found: &mut Vec<PathBuf>, faults: &mut Vec<TablesError>) {
    if folder.join(NAME).is_file() {
        if found.len() < MOST {
            found.push(folder.to_owned());
        }
        return;
    }
    if folder.join("captures.parquet").is_file() {
        let why = "has tables and no manifest, so they are not all there";
        let next = "copy the folder again from where it was indexed, with manifest.json";
        faults.push(TablesError::new(folder, why, next));
        return;
    }
    if depth == 0 {
        return;
    }
    let Ok(entries) = folder.read_dir() else { return };
    let mut below: Vec<PathBuf> = entries
        .flatten()
        .take(MOST)
        .filter(|entry| !entry.file_name().to_string_lossy().starts_with('.'))
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
        .collect();
    below.sort();
    below.iter().for_each(|path| walk(path, depth - 1, found, faults));
}
