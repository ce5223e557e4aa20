//! What a folder holds: captures, states, archives.

use super::limits::{Budget, DEPTH, FOLDERS};
use super::{BundleError, Opened, archive, kind};
use crate::capture::{self, CaptureError, Source};
use crate::state::{self, HostState};
use std::fs;
use std::path::{Path, PathBuf};

/// A file with its name below the folder.
struct Found {
    path: PathBuf,
    name: String,
}

/// A folder that was named. Where captures lie in it, it is read as folders always were, and the
/// texts beside them are states; else all that is below it is taken in. Whether it was.
pub(super) fn folder(
    path: &Path,
    budget: &mut Budget,
    opened: &mut Opened,
) -> Result<bool, BundleError> {
    let shown = path.display().to_string();
    let direct = list(path, 1, budget);
    let is_capture = |found: &&Found| is_capture(&Source::Path(found.path.clone()));
    if direct.iter().any(|found| is_capture(&found)) {
        let texts: Vec<Found> = direct.into_iter().filter(|found| !is_capture(&found)).collect();
        for text in texts {
            let stem = Path::new(&text.name).file_stem().map(|s| s.to_string_lossy().into_owned());
            let name = stem.unwrap_or_else(|| text.name.clone());
            let shown = text.path.display().to_string();
            opened.states.extend(state::read_group(&name, &[(text.path, shown)]));
        }
        return Ok(false);
    }
    let before = (opened.captures.len(), opened.states.len());
    take(path, &shown, 0, budget, opened, &|file, _| Source::Path(file))?;
    Ok((opened.captures.len(), opened.states.len()) != before)
}

/// A text that was named outright, of which most lines are outputs and none is a packet: a state
/// that goes by the stem of its name. Whether it is one.
pub(super) fn output(path: &Path, shown: &str, opened: &mut Opened) -> bool {
    let source = Source::Path(path.to_path_buf());
    if !path.is_file() || !matches!(capture::peek(&source), Err(CaptureError::Text { .. })) {
        return false;
    }
    let stem = path.file_stem().map_or_else(|| shown.into(), |s| s.to_string_lossy());
    let state = state::read_group(&stem, &[(path.to_path_buf(), shown.to_owned())]);
    let found = state.is_some();
    opened.states.extend(state);
    found
}

/// Takes in all that is below a folder; `of` makes a source of a file and its name to show.
pub(super) fn take(
    root: &Path,
    shown: &str,
    depth: u32,
    budget: &mut Budget,
    opened: &mut Opened,
    of: &dyn Fn(PathBuf, String) -> Source,
) -> Result<(), BundleError> {
    let mut texts = Vec::new();
    for found in list(root, FOLDERS, budget) {
        let name = format!("{shown}/{}", found.name);
        let source = of(found.path.clone(), name.clone());
        if is_capture(&source) {
            opened.captures.push(source);
        } else if kind::of(&found.path).is_none() {
            texts.push(found);
        } else if depth < DEPTH {
            archive(&found.path, &name, depth + 1, budget, opened)?;
        } else {
            opened.notes.push(format!("{name}: an archive in more than {DEPTH} others, left out"));
        }
    }
    opened.states.extend(hosts(shown, &texts));
    Ok(())
}

fn is_capture(source: &Source) -> bool {
    // A page with a few packets in it is meant where it is named outright.
    capture::peek(source).is_ok_and(|peek| peek.format != "text in part")
}

/// The files below a folder, in the order of their names; links are not followed.
fn list(root: &Path, depth: usize, budget: &mut Budget) -> Vec<Found> {
    let mut found = Vec::new();
    let mut open = vec![(root.to_path_buf(), 1)];
    while let Some((folder, level)) = open.pop() {
        let mut entries: Vec<PathBuf> =
            fs::read_dir(&folder).into_iter().flatten().flatten().map(|e| e.path()).collect();
        entries.sort();
        for path in entries {
            let hidden = path.file_name().is_some_and(|n| n.to_string_lossy().starts_with('.'));
            let Ok(kind) = path.symlink_metadata() else { continue };
            if kind.is_dir() && level < depth && !hidden {
                open.push((path, level + 1));
            } else if kind.is_file() && !hidden && kind.len() > 0 {
                if budget.file().is_err() {
                    return found;
                }
                let name = path.strip_prefix(root).unwrap_or(&path).display().to_string();
                found.push(Found { path, name });
            }
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

/// What the texts say: of one host, or of several where several folders each list interfaces.
fn hosts(shown: &str, texts: &[Found]) -> Vec<HostState> {
    let mut skip = 0;
    // Archives have all in one folder.
    while let Some(first) = texts.first().and_then(|t| part(&t.name, skip))
        && texts
            .iter()
            .all(|t| part(&t.name, skip) == Some(first) && part(&t.name, skip + 1).is_some())
    {
        skip += 1;
    }
    let mut groups: Vec<(String, Vec<&Found>)> = Vec::new();
    for text in texts {
        let name = part(&text.name, skip).unwrap_or(&text.name).to_owned();
        match groups.last_mut().filter(|(last, _)| *last == name) {
            Some((_, files)) => files.push(text),
            None => groups.push((name, vec![text])),
        }
    }
    let read = |name: &str, files: &[&Found]| {
        let of = |f: &&Found| (f.path.clone(), format!("{shown}/{}", f.name));
        let files: Vec<(PathBuf, String)> = files.iter().map(of).collect();
        state::read_group(name, &files)
    };
    let apart: Vec<HostState> =
        groups.iter().filter_map(|(name, files)| read(name, files)).collect();
    let known = |state: &&HostState| state.interfaces.iter().any(|i| i.mac.is_some());
    if apart.len() < 2 || apart.iter().filter(known).count() > 1 {
        return apart;
    }
    let all: Vec<&Found> = texts.iter().collect();
    let name = Path::new(shown)
        .file_name()
        .map_or_else(|| shown.to_owned(), |n| n.to_string_lossy().into_owned());
    read(&name, &all).into_iter().collect()
}

/// The part of a path at a depth.
fn part(name: &str, at: usize) -> Option<&str> {
    name.split('/').nth(at)
}
