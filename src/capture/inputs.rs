//! What the user named on the command line, as vantages: files, folders, patterns, labels.
//!
//! Nothing is read here but the first bytes of files. A file that is named outright and is no
//! capture stays in the list, so that reading it gives its own error and the others go on.

mod expand;
mod label;
mod rotate;
mod stamp;

pub(crate) use label::printable;

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

use super::{CaptureError, Peek, Source, peek};
use expand::{expand, split};
use label::Unnamed;
use rotate::Part;

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

impl Input {
    /// Bytes of all its files, where each has a size.
    #[must_use]
    pub fn bytes(&self) -> Option<u64> {
        self.files.iter().map(Source::bytes).sum()
    }
}

/// All inputs, in the order in which they were given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inputs {
    /// The vantage groups.
    pub inputs: Vec<Input>,
    /// What was done that the user may not expect, one sentence each.
    pub notes: Vec<String>,
    /// What was done that only who looks closely wants to know: texts in folders that are no
    /// captures.
    pub details: Vec<String>,
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
    inputs_below(args, 0, Vec::new())
}

/// As [`inputs`]; folders are searched through `depth` levels of folders in them too, and
/// `more` stands beside them: captures that were found otherwise, as those of a bundle are.
///
/// # Errors
/// As [`inputs`].
pub fn inputs_below(
    args: &[String],
    depth: usize,
    more: Vec<Source>,
) -> Result<Inputs, CaptureError> {
    if args.is_empty() && more.is_empty() {
        return Err(CaptureError::NoInput);
    }
    let mut notes = Vec::new();
    let mut details = Vec::new();
    let mut given = Vec::new();
    for arg in args {
        let (label, what) = split(arg)?;
        for source in expand(what, depth, &mut notes, &mut details)? {
            given.push(Given { label: label.map(str::to_owned), source });
        }
    }
    given.extend(more.into_iter().map(|source| Given { label: None, source }));
    let given = once(given, &mut notes)?;
    let inputs = group(&given, &mut notes);
    Ok(Inputs { inputs, notes, details })
}

/// Keeps each file once; of several mentions, one with a label wins.
fn once(given: Vec<Given>, notes: &mut Vec<String>) -> Result<Vec<Given>, CaptureError> {
    let mut kept: Vec<Given> = Vec::new();
    let mut seen: HashMap<PathBuf, usize> = HashMap::new();
    let mut stdin = false;
    let mut again: Vec<String> = Vec::new();
    for one in given {
        let Some(path) = one.source.path() else {
            if stdin {
                return Err(CaptureError::StdinTwice);
            }
            stdin = true;
            kept.push(one);
            continue;
        };
        let key = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let Some(at) = seen.get(&key).copied() else {
            seen.insert(key, kept.len());
            kept.push(one);
            continue;
        };
        let first = &mut kept[at];
        let name = one.source.name();
        match (&first.label, one.label) {
            (None, Some(label)) => {
                notes.push(format!("{name} is named more than once; it is read once, as {label}"));
                first.label = Some(label);
            }
            (Some(label), Some(other)) if *label != other => notes.push(format!(
                "{name} is named more than once; it is read once, as {label} and not as {other}"
            )),
            _ if again.contains(&name) => {}
            _ => again.push(name),
        }
    }
    notes.extend(match &again[..] {
        [] => None,
        [one] => Some(format!("{one} is named more than once; it is read once")),
        [first, rest @ ..] => {
            let rest = rest.len();
            Some(format!("{first} and {rest} more are named more than once; each is read once"))
        }
    });
    Ok(kept)
}

/// Puts together what belongs together and labels it.
fn group(given: &[Given], notes: &mut Vec<String>) -> Vec<Input> {
    let looks: Vec<Option<Peek>> = given
        .iter()
        .map(|g| g.source.is_regular().then(|| peek(&g.source).ok()).flatten())
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
        // Texts have names that count up too, and no rotation writes them.
        let peek = looks[at].as_ref().filter(|peek| !peek.format.starts_with("text"));
        if let (None, Some(path), Some(peek)) = (&one.label, one.source.path(), peek) {
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
        let path = given[files[0]].source.path().map(std::path::Path::to_owned);
        let stem = || path.as_deref().map_or_else(|| "stdin".to_owned(), label::stem);
        Unnamed { label: label.clone().unwrap_or_else(stem), fixed: *g < labelled, path }
    });
    let labels = label::distinct(unnamed.collect());
    let input = |(g, label): (&usize, String)| Input {
        label,
        labelled: *g < labelled,
        files: groups[*g].1.iter().map(|at| given[*at].source.clone()).collect(),
    };
    order.iter().zip(labels).map(input).collect()
}

#[cfg(test)]
mod tests {
    use super::{Inputs, inputs};
    use crate::capture::testkit::{Pcap, gzip};
    use crate::capture::{CaptureError, Source};
    use std::path::Path;
    use tempfile::TempDir;

    /// A folder with captures, each with the second of its first frame; second 0 is a text file.
    fn folder(files: &[(&str, u32)]) -> TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (name, second) in files {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            let mut pcap = Pcap::new();
            pcap.frame(*second, 0, b"frame");
            let bytes = match second {
                0 => b"text\n".to_vec(),
                _ if name.ends_with(".gz") => gzip(&pcap.bytes),
                _ => pcap.bytes,
            };
            std::fs::write(path, bytes).unwrap();
        }
        dir
    }

    fn run(dir: &TempDir, args: &[&str]) -> Result<Inputs, CaptureError> {
        // {} is the folder.
        let root = dir.path().display().to_string();
        inputs(&args.iter().map(|a| a.replace("{}", &root)).collect::<Vec<_>>())
    }

    /// `label: file file`, an asterisk at labels that were given.
    fn shown(dir: &TempDir, args: &[&str]) -> Vec<String> {
        let show = |source: &Source| match source {
            Source::Path(path) => {
                let path = path.canonicalize().unwrap();
                let root = dir.path().canonicalize().unwrap();
                path.strip_prefix(root).unwrap_or(Path::new("?")).display().to_string()
            }
            _ => "-".to_owned(),
        };
        let found = run(dir, args).unwrap();
        found
            .inputs
            .iter()
            .map(|i| {
                let files: Vec<String> = i.files.iter().map(show).collect();
                format!("{}{}: {}", i.label, if i.labelled { "*" } else { "" }, files.join(" "))
            })
            .collect()
    }

    #[test]
    fn labels_are_given_or_made_from_names() {
        let dir = folder(&[("c.pcap", 5), ("d.pcapng.gz", 5)]);
        assert_eq!(
            shown(&dir, &["client={}/c.pcap", "{}/d.pcapng.gz", "-"]),
            ["client*: c.pcap", "d: d.pcapng.gz", "stdin: -"]
        );
    }

    #[test]
    fn a_path_that_exists_means_itself() {
        let dir = folder(&[("a=b.pcap", 5), ("x:1.pcap", 5), ("b[1]*.pcap", 5), ("b.pcap", 5)]);
        assert_eq!(
            shown(&dir, &["{}/a=b.pcap", "{}/x:1.pcap", "{}/b[1]*.pcap"]),
            ["a=b: a=b.pcap", "x:1: x:1.pcap", "b[1]*: b[1]*.pcap"]
        );
        assert_eq!(shown(&dir, &["lb={}/a=b.pcap"]), ["lb*: a=b.pcap"]);
    }

    #[test]
    fn folders_and_patterns_give_the_captures_in_them() {
        let dir = folder(&[
            ("b.pcap", 5),
            ("a.bin", 5),
            ("notes.pcap", 0),
            ("in/c.pcap", 5),
            (".h.pcap", 5),
        ]);
        assert_eq!(shown(&dir, &["{}"]), ["a.bin: a.bin", "b: b.pcap"]);
        let told = run(&dir, &["{}"]).unwrap();
        assert_eq!(told.notes, [""; 0], "a text beside captures is a detail");
        assert!(told.details[0].ends_with("notes.pcap (text)"), "{:?}", told.details);
        let args = [dir.path().display().to_string()];
        let labels = |depth| {
            let found = super::inputs_below(&args, depth, Vec::new()).unwrap().inputs;
            found.into_iter().map(|input| input.label).collect::<Vec<_>>()
        };
        assert_eq!(
            (labels(0), labels(1)),
            (vec!["a.bin".into(), "b".into()], vec!["a.bin".into(), "b".into(), "c".into()])
        );
        assert_eq!(shown(&dir, &["{}/*.pcap"]), ["b: b.pcap"]);
        assert_eq!(shown(&dir, &["lb={}"]), ["lb*: a.bin b.pcap"]);
        assert!(matches!(run(&dir, &["{}/*.zip"]), Err(CaptureError::Pattern { .. })));
        assert!(matches!(run(&dir, &["{}/n*"]), Err(CaptureError::Pattern { .. })));
        let empty = tempfile::tempdir().unwrap();
        assert!(matches!(run(&empty, &["{}"]), Err(CaptureError::NoCaptures { .. })));
    }

    #[test]
    fn one_label_joins_files_by_time() {
        let dir = folder(&[("x.pcap", 9), ("y.pcap", 5), ("z.pcap", 7)]);
        let args = ["a={}/x.pcap", "{}/z.pcap", "a={}/y.pcap"];
        assert_eq!(shown(&dir, &args), ["a*: y.pcap x.pcap", "z: z.pcap"]);
    }

    #[test]
    fn rotated_captures_join_and_others_do_not() {
        let dir =
            folder(&[("x.pcap1", 6), ("x.pcap", 5), ("12345678.cap", 5), ("12345679.cap", 6)]);
        assert_eq!(
            shown(&dir, &["{}"]),
            ["12345678: 12345678.cap", "12345679: 12345679.cap", "x: x.pcap x.pcap1"]
        );
    }

    #[test]
    fn a_file_is_read_once_under_the_label_that_it_was_given() {
        let dir = folder(&[("x.pcap", 5), ("y.pcap", 5)]);
        let args = ["{}", "lb={}/x.pcap", "{}/./y.pcap"];
        assert_eq!(shown(&dir, &args), ["lb*: x.pcap", "y: y.pcap"]);
        assert_eq!(run(&dir, &args).unwrap().notes.len(), 2);
        let many = ["{}/x.pcap"; 300];
        let notes = run(&dir, &many).unwrap().notes;
        assert_eq!(notes.len(), 1, "{notes:?}");
    }

    #[test]
    fn like_stems_of_different_folders_are_told_apart() {
        let dir = folder(&[("a/eth0.pcap", 5), ("b/eth0.pcap", 5)]);
        assert_eq!(shown(&dir, &["{}/a", "{}/b"]), ["a/eth0: a/eth0.pcap", "b/eth0: b/eth0.pcap"]);
    }

    #[test]
    fn mistakes_are_named() {
        let dir = folder(&[("x.pcap", 5)]);
        let error = |args: &[&str]| run(&dir, args).unwrap_err().to_string();
        assert!(error(&["{}/no.pcap"]).contains("no such file"));
        assert!(error(&["lb={}/no.pcap"]).starts_with(&dir.path().display().to_string()));
        assert!(error(&["lb="]).contains("NAME=FILE"));
        assert!(error(&["-", "a=-"]).contains("only once"));
        assert!(error(&[]).contains("name at least one file"));
        assert!(error(&["C:\\x.pcap"]).contains("no such file"));
    }
}
