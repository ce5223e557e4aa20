//! What must hold of the reports of captures that a variable names.

use super::expected::entries;
use super::run::run_paths;
use lbdiag::report::Report;
use rayon::prelude::*;
use std::path::{Path, PathBuf};

/// What is wrong with the report of each network that `LBDIAG_WORLDS` names, whole and of each of
/// its captures alone.
pub fn of_worlds(wrong: impl Fn(&Report) -> Vec<String> + Sync) -> Vec<String> {
    let judge = |captures: &Vec<PathBuf>| {
        let alone = captures.iter().filter(|_| captures.len() > 1).map(|one| vec![one.clone()]);
        let all = std::iter::once(captures.clone()).chain(alone);
        let lines = all.flat_map(|part| {
            let lines = wrong(&run_paths(&part).report);
            let name = part[0].display().to_string();
            lines.into_iter().map(move |line| format!("{name} ({}): {line}", part.len()))
        });
        lines.collect::<Vec<_>>()
    };
    other_worlds().par_iter().flat_map_iter(judge).collect()
}

/// What is read as a capture, by the end of its name.
const CAPTURES: [&str; 4] = ["pcap", "pcapng", "cap", "ntar"];

fn is_capture(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let bare = name.strip_suffix(".gz").or(name.strip_suffix(".zst")).unwrap_or(&name);
    bare.rsplit_once('.').is_some_and(|(_, end)| CAPTURES.contains(&end))
}

/// The networks below a folder. The captures of a folder that says what is true of them are
/// of one network; any other capture is one by itself.
fn worlds(folder: &Path, found: &mut Vec<Vec<PathBuf>>) {
    const SAY: [&str; 3] = ["truth.json", "case.json", "expected.toml"];
    let (folders, files): (Vec<_>, Vec<_>) =
        entries(folder).into_iter().partition(|path| path.is_dir());
    let said = files.iter().any(|path| SAY.iter().any(|name| path.ends_with(name)));
    let captures: Vec<PathBuf> = files.into_iter().filter(|path| is_capture(path)).collect();
    if said && !captures.is_empty() {
        found.push(captures);
    } else {
        found.extend(captures.into_iter().map(|path| vec![path]));
    }
    folders.iter().for_each(|folder| worlds(folder, found));
}

/// The networks that `LBDIAG_WORLDS` names; none where it is not set.
pub fn other_worlds() -> Vec<Vec<PathBuf>> {
    let Some(folders) = std::env::var_os("LBDIAG_WORLDS") else { return Vec::new() };
    let mut found = Vec::new();
    std::env::split_paths(&folders).for_each(|folder| worlds(&folder, &mut found));
    assert!(!found.is_empty(), "no captures below LBDIAG_WORLDS");
    found
}
