//! What one argument of the command line stands for: a label, and files, folders or a pattern.

use std::io;
use std::path::{Path, PathBuf};

use crate::capture::{CaptureError, Source, peek};

/// Names of skipped files that one note lists.
const LISTED: usize = 5;

fn exists(path: &str) -> bool {
    Path::new(path).symlink_metadata().is_ok()
}

fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

/// Splits `NAME=FILE`. Of several `=` the first that leaves something that exists is taken.
pub(super) fn split(arg: &str) -> Result<(Option<&str>, &str), CaptureError> {
    if exists(arg) || !arg.contains('=') {
        return Ok((None, arg));
    }
    let mut first = None;
    for (at, _) in arg.match_indices('=') {
        let (name, file) = (&arg[..at], &arg[at + 1..]);
        if name.is_empty() || name.contains(['/', '\\']) {
            break;
        }
        first = first.or(Some((name, file)));
        if file == "-" || exists(file) {
            return Ok((Some(name), file));
        }
    }
    match first {
        Some((_, "")) => Err(CaptureError::NoFile { arg: arg.to_owned() }),
        Some((name, file)) => Ok((Some(name), file)),
        None => Ok((None, arg)),
    }
}

/// Files that one argument may stand for; a folder of more is named by mistake.
const MAX_FILES: usize = 65_536;

/// The sources that one FILE stands for; folders are searched `depth` levels down.
pub(super) fn expand(
    what: &str,
    depth: usize,
    notes: &mut Vec<String>,
    details: &mut Vec<String>,
) -> Result<Vec<Source>, CaptureError> {
    if what == "-" && !exists(what) {
        return Ok(vec![Source::Stdin]);
    }
    let path = PathBuf::from(what);
    if path.is_dir() {
        let found = folder(&path, depth, notes, details)?;
        return Ok(found.into_iter().map(Source::Path).collect());
    }
    if exists(what) {
        return Ok(vec![Source::Path(path)]);
    }
    if !is_pattern(what) {
        return Err(CaptureError::Missing { path: what.to_owned() });
    }
    let bad = |why: String| CaptureError::Pattern { path: what.to_owned(), why };
    // As shells do it: a * stays within its folder and does not match hidden files.
    let rules = glob::MatchOptions {
        case_sensitive: true,
        require_literal_separator: true,
        require_literal_leading_dot: true,
    };
    let matches =
        glob::glob_with(what, rules).map_err(|e| bad(format!("the pattern is not valid ({e})")))?;
    let mut files: Vec<PathBuf> = Vec::new();
    let mut any = false;
    for path in matches.flatten() {
        any = true;
        if path.is_dir() {
            files.extend(folder(&path, depth, notes, details).unwrap_or_default());
        } else {
            files.push(path);
        }
    }
    if !any {
        return Err(bad("no file matches the pattern".to_owned()));
    }
    let found = captures(what, files, notes, details);
    if found.is_empty() {
        return Err(bad("no file that matches the pattern is a capture".to_owned()));
    }
    Ok(found.into_iter().map(Source::Path).collect())
}

/// The captures in a folder and `depth` levels of folders in it, sorted by name.
fn folder(
    path: &Path,
    depth: usize,
    notes: &mut Vec<String>,
    details: &mut Vec<String>,
) -> Result<Vec<PathBuf>, CaptureError> {
    let name = path.display().to_string();
    let mut files = Vec::new();
    walk(path, depth, &mut files)
        .map_err(|source| CaptureError::Io { path: name.clone(), source })?;
    files.sort();
    if files.len() > MAX_FILES {
        files.truncate(MAX_FILES);
        notes.push(format!("{name}: only the first {MAX_FILES} files in it were looked at"));
    }
    let found = captures(&name, files, notes, details);
    if found.is_empty() { Err(CaptureError::NoCaptures { path: name }) } else { Ok(found) }
}

/// The files that are not hidden. Links to folders are not followed, so that no walk is endless;
/// a folder below that may not be read is passed over.
fn walk(path: &Path, depth: usize, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in path.read_dir()?.flatten() {
        if entry.file_name().to_string_lossy().starts_with('.') || files.len() > MAX_FILES {
            continue;
        }
        let below = entry.path();
        if below.is_file() {
            files.push(below);
        } else if depth > 0 && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            let _ = walk(&below, depth - 1, files);
        }
    }
    Ok(())
}

/// Those of `files` that are captures, with a note on those that may be meant to be, and a detail
/// on texts, which lie beside captures everywhere.
fn captures(
    of: &str,
    files: Vec<PathBuf>,
    notes: &mut Vec<String>,
    details: &mut Vec<String>,
) -> Vec<PathBuf> {
    let mut skipped = Vec::new();
    let mut texts = Vec::new();
    let mut found = Vec::new();
    for path in files {
        let source = Source::Path(path.clone());
        // A pipe cannot be looked into; it was matched by name, so it is meant.
        if !source.is_regular() {
            found.push(path);
            continue;
        }
        let name = || path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        match peek(&source) {
            // A page with examples is meant where it is named outright.
            Ok(peek) if peek.format == "text in part" => {
                texts.push(format!("{} (text, with few packets in it)", name()));
            }
            Ok(_) => found.push(path),
            Err(e @ CaptureError::Text { .. }) => {
                texts.push(format!("{} ({})", name(), reason(&e)));
            }
            Err(e) => skipped.push(format!("{} ({})", name(), reason(&e))),
        }
    }
    tell(of, skipped, notes);
    // Where nothing else is there, a text may be what was meant.
    tell(of, texts, if found.is_empty() { notes } else { details });
    found
}

fn tell(of: &str, mut skipped: Vec<String>, into: &mut Vec<String>) {
    if skipped.is_empty() {
        return;
    }
    let more = skipped.len().saturating_sub(LISTED);
    skipped.truncate(LISTED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    into.push(format!("{of}: skipped what is no readable capture: {}{more}", skipped.join(", ")));
}

/// Why a file is no capture, in a few words.
fn reason(error: &CaptureError) -> String {
    match error {
        CaptureError::Empty { .. } => "empty".to_owned(),
        CaptureError::Text { .. } => "text".to_owned(),
        CaptureError::OtherFormat { format, .. } => {
            format!("{format}; convert it with editcap -F pcap")
        }
        CaptureError::OtherPacking { what, command, .. } => {
            format!("{what}; unpack it with {command}")
        }
        CaptureError::HeaderCut { .. } => "ends inside its file header".to_owned(),
        CaptureError::Io { source, .. } | CaptureError::Unpack { source, .. } => source.to_string(),
        _ => "unknown content".to_owned(),
    }
}
