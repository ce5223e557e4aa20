//! What the user named on the command line, as vantages: files, folders, patterns, labels.
//!
//! Nothing is read here but the first bytes of files. A file that is named outright and is no
//! capture stays in the list, so that reading it gives its own error and the others go on.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use super::label::{self, Unnamed};
use super::rotate::{self, Part};
use super::{CaptureError, Peek, Source, peek};

/// Names of skipped files that one note lists.
const LISTED: usize = 5;

/// One vantage group as the user gave it: files that belong together, in order of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// NAME of `NAME=FILE`, else made from the file name; no two inputs have the same.
    pub label: String,
    /// Whether the user gave the label.
    pub labelled: bool,
    /// The files: one, or the parts of a rotated capture in order.
    pub files: Vec<Source>,
}

/// All inputs, in the order in which they were given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inputs {
    /// The vantage groups.
    pub inputs: Vec<Input>,
    /// What was done that the user may not expect, one sentence each.
    pub notes: Vec<String>,
}

/// A source with what was said of it.
struct Given {
    label: Option<String>,
    source: Source,
}

/// Turns arguments into inputs.
///
/// An argument is `[NAME=]FILE`, where FILE is a file, a folder (the captures in it, by content), a
/// pattern with `*`, `?` or `[...]`, or `-` for standard input. A path that exists as written always
/// means itself.
///
/// # Errors
/// Where a name does not exist, a pattern or folder yields no capture, or `-` is named twice.
pub fn inputs(args: &[String]) -> Result<Inputs, CaptureError> {
    if args.is_empty() {
        return Err(CaptureError::NoInput);
    }
    let mut notes = Vec::new();
    let mut given = Vec::new();
    for arg in args {
        let (label, what) = split(arg)?;
        for source in expand(what, &mut notes)? {
            given.push(Given {
                label: label.map(str::to_owned),
                source,
            });
        }
    }
    let given = once(given, &mut notes)?;
    let inputs = group(&given, &mut notes);
    Ok(Inputs { inputs, notes })
}

fn exists(path: &str) -> bool {
    Path::new(path).symlink_metadata().is_ok()
}

fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

/// Splits `NAME=FILE`. Of several `=` the first that leaves something that exists is taken.
fn split(arg: &str) -> Result<(Option<&str>, &str), CaptureError> {
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
        Some((_, "")) => Err(CaptureError::NoFile {
            arg: arg.to_owned(),
        }),
        Some((name, file)) => Ok((Some(name), file)),
        None => Ok((None, arg)),
    }
}

/// The sources that one FILE stands for.
fn expand(what: &str, notes: &mut Vec<String>) -> Result<Vec<Source>, CaptureError> {
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
        return Err(CaptureError::Missing {
            path: what.to_owned(),
        });
    }
    let bad = |why: String| CaptureError::Pattern {
        path: what.to_owned(),
        why,
    };
    let matches = glob::glob(what).map_err(|e| bad(format!("the pattern is not valid ({e})")))?;
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
        return Err(bad(
            "no file that matches the pattern is a capture".to_owned()
        ));
    }
    Ok(found.into_iter().map(Source::Path).collect())
}

/// The captures in a folder, sorted by name.
fn folder(path: &Path, notes: &mut Vec<String>) -> Result<Vec<PathBuf>, CaptureError> {
    let name = path.display().to_string();
    let entries = path.read_dir().map_err(|source| CaptureError::Io {
        path: name.clone(),
        source,
    })?;
    let hidden = |p: &PathBuf| {
        p.file_name()
            .is_some_and(|n| n.to_string_lossy().starts_with('.'))
    };
    let mut files: Vec<PathBuf> = entries
        .flatten()
        .map(|e| e.path())
        .filter(|p| p.is_file() && !hidden(p))
        .collect();
    files.sort();
    let found = captures(&name, files, notes);
    if found.is_empty() {
        Err(CaptureError::NoCaptures { path: name })
    } else {
        Ok(found)
    }
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
            Ok(_) => found.push(path),
            Err(e) => {
                let name = path
                    .file_name()
                    .unwrap_or_default()
                    .to_string_lossy()
                    .into_owned();
                skipped.push(format!("{name} ({})", reason(&e)));
            }
        }
    }
    if !skipped.is_empty() {
        let more = skipped.len().saturating_sub(LISTED);
        skipped.truncate(LISTED);
        let more = if more > 0 {
            format!(" and {more} more")
        } else {
            String::new()
        };
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

/// Keeps each file once; of several mentions, one with a label wins.
fn once(given: Vec<Given>, notes: &mut Vec<String>) -> Result<Vec<Given>, CaptureError> {
    let mut kept: Vec<Given> = Vec::new();
    let mut seen: HashMap<PathBuf, usize> = HashMap::new();
    let mut stdin = false;
    for one in given {
        let Source::Path(path) = &one.source else {
            if stdin {
                return Err(CaptureError::StdinTwice);
            }
            stdin = true;
            kept.push(one);
            continue;
        };
        let key = path.canonicalize().unwrap_or_else(|_| path.clone());
        let Some(at) = seen.get(&key).copied() else {
            seen.insert(key, kept.len());
            kept.push(one);
            continue;
        };
        let first = &mut kept[at];
        let name = one.source.name();
        match (&first.label, one.label) {
            (None, Some(label)) => {
                notes.push(format!(
                    "{name} is named more than once; it is read once, as {label}"
                ));
                first.label = Some(label);
            }
            (Some(label), Some(other)) if *label != other => notes.push(format!(
                "{name} is named more than once; it is read once, as {label} and not as {other}"
            )),
            _ => notes.push(format!("{name} is named more than once; it is read once")),
        }
    }
    Ok(kept)
}

/// Puts together what belongs together and labels it.
fn group(given: &[Given], notes: &mut Vec<String>) -> Vec<Input> {
    let looks: Vec<Option<Peek>> = given
        .iter()
        .map(|g| {
            g.source
                .is_regular()
                .then(|| peek(&g.source).ok())
                .flatten()
        })
        .collect();
    // Label, and the files by index; the first of them places the input in the list.
    let mut groups: Vec<(Option<String>, Vec<usize>)> = Vec::new();
    for (at, one) in given.iter().enumerate() {
        let Some(label) = &one.label else { continue };
        match groups.iter_mut().find(|(l, _)| l.as_ref() == Some(label)) {
            Some((_, files)) => files.push(at),
            None => groups.push((Some(label.clone()), vec![at])),
        }
    }
    for (_, files) in &mut groups {
        let time = |at: &usize| looks[*at].as_ref().and_then(|p| p.first);
        files.sort_by_key(|at| (time(at).is_none(), time(at)));
    }
    let labelled = groups.len();

    let mut indices = Vec::new();
    let mut parts = Vec::new();
    for (at, one) in given.iter().enumerate() {
        if let (None, Source::Path(path), Some(peek)) = (&one.label, &one.source, &looks[at]) {
            indices.push(at);
            parts.push(Part { path, peek });
        }
    }
    let mut joined = HashSet::new();
    for rotation in rotate::join(&parts, notes) {
        let files: Vec<usize> = rotation.parts.iter().map(|n| indices[*n]).collect();
        joined.extend(files.iter().copied());
        groups.push((Some(rotation.label), files));
    }
    for (at, one) in given.iter().enumerate() {
        if one.label.is_none() && !joined.contains(&at) {
            groups.push((None, vec![at]));
        }
    }

    let mut order: Vec<usize> = (0..groups.len()).collect();
    order.sort_by_key(|g| groups[*g].1.iter().min().copied());
    let unnamed = order.iter().map(|g| {
        let (label, files) = &groups[*g];
        let path = match &given[files[0]].source {
            Source::Path(path) => Some(path.clone()),
            Source::Stdin => None,
        };
        let stem = || {
            path.as_deref()
                .map_or_else(|| "stdin".to_owned(), label::stem)
        };
        Unnamed {
            label: label.clone().unwrap_or_else(stem),
            fixed: *g < labelled,
            path,
        }
    });
    let labels = label::distinct(unnamed.collect());
    let input = |(g, label): (&usize, String)| Input {
        label,
        labelled: *g < labelled,
        files: groups[*g]
            .1
            .iter()
            .map(|at| given[*at].source.clone())
            .collect(),
    };
    order.iter().zip(labels).map(input).collect()
}
