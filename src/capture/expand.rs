//! What one argument of the command line stands for: a label, and files, folders or a pattern.

use std::path::{Path, PathBuf};

use super::{CaptureError, Source, peek};

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

/// The sources that one FILE stands for.
pub(super) fn expand(what: &str, notes: &mut Vec<String>) -> Result<Vec<Source>, CaptureError> {
    if what == "-" && !exists(what) {
        return Ok(vec![Source::Stdin]);
    }
    let path = PathBuf::from(what);
    if path.is_dir() {
        let found = folder(&path, notes)?;
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
            files.extend(folder(&path, notes).unwrap_or_default());
        } else {
            files.push(path);
        }
    }
    if !any {
        return Err(bad("no file matches the pattern".to_owned()));
    }
    let found = captures(what, files, notes);
    if found.is_empty() {
        return Err(bad("no file that matches the pattern is a capture".to_owned()));
    }
    Ok(found.into_iter().map(Source::Path).collect())
}

/// The captures in a folder, sorted by name.
fn folder(path: &Path, notes: &mut Vec<String>) -> Result<Vec<PathBuf>, CaptureError> {
    let name = path.display().to_string();
    let entries =
        path.read_dir().map_err(|source| CaptureError::Io { path: name.clone(), source })?;
    let hidden = |p: &PathBuf| p.file_name().is_some_and(|n| n.to_string_lossy().starts_with('.'));
    let mut files: Vec<PathBuf> =
        entries.flatten().map(|e| e.path()).filter(|p| p.is_file() && !hidden(p)).collect();
    files.sort();
    let found = captures(&name, files, notes);
    if found.is_empty() { Err(CaptureError::NoCaptures { path: name }) } else { Ok(found) }
}

/// Those of `files` that are captures, with one note on the others.
fn captures(of: &str, files: Vec<PathBuf>, notes: &mut Vec<String>) -> Vec<PathBuf> {
    let mut skipped = Vec::new();
    let mut found = Vec::new();
    for path in files {
        let source = Source::Path(path.clone());
        // A pipe cannot be looked into; it was matched by name, so it is meant.
        if !source.is_regular() {
            found.push(path);
            continue;
        }
        match peek(&source) {
            // A page with examples is meant where it is named outright.
            Ok(peek) if peek.format == "text in part" => {
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                skipped.push(format!("{name} (text, with few packets in it)"));
            }
            Ok(_) => found.push(path),
            Err(e) => {
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                skipped.push(format!("{name} ({})", reason(&e)));
            }
        }
    }
    if !skipped.is_empty() {
        let more = skipped.len().saturating_sub(LISTED);
        skipped.truncate(LISTED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        notes.push(format!(
            "{of}: skipped what is no readable capture: {}{more}",
            skipped.join(", ")
        ));
    }
    found
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
