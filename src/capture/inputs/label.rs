//! What a vantage is called where the user gave it no name.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Extensions that captures have, before those of compression.
const CAPTURE: [&str; 4] = [".pcapng", ".pcap", ".cap", ".dmp"];
const COMPRESSION: [&str; 3] = [".gz", ".zst", ".zstd"];

/// A file name in the parts that matter to lbdiag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Parts<'a> {
    /// Without extensions and count.
    pub(super) stem: &'a str,
    /// `.pcap` or the like, empty where there is none.
    pub(super) extension: &'a str,
    /// Digits after the extension, as `tcpdump -C` writes them.
    pub(super) count: &'a str,
    /// `.gz` or the like, empty where there is none.
    pub(super) compression: &'a str,
}

/// `name` without the ending `end`, in any case.
fn strip<'a>(name: &'a str, end: &str) -> Option<(&'a str, &'a str)> {
    let at = name.len().checked_sub(end.len())?;
    let (front, back) = (name.get(..at)?, name.get(at..)?);
    (!front.is_empty() && back.eq_ignore_ascii_case(end)).then_some((front, back))
}

/// Takes a file name apart.
pub(super) fn parts(name: &str) -> Parts<'_> {
    let (front, compression) =
        COMPRESSION.iter().find_map(|end| strip(name, end)).unwrap_or((name, ""));
    let digits = front.len() - front.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    let (named, count) = front.split_at(front.len() - digits);
    match CAPTURE.iter().find_map(|end| strip(named, end)) {
        Some((stem, extension)) => Parts { stem, extension, count, compression },
        None => Parts { stem: front, extension: "", count: "", compression },
    }
}

/// The stem of a path: the file name without the extensions of captures and compression.
pub(super) fn stem(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    parts(&name).stem.to_owned()
}

/// One input to be named.
pub(super) struct Unnamed {
    /// What the user called it, or what its files have in common.
    pub(super) label: String,
    /// Whether the user did.
    pub(super) fixed: bool,
    /// Its first file; nothing for standard input.
    pub(super) path: Option<PathBuf>,
}

/// Gives every input a label of its own: where stems are alike, folders are put before them
/// (`a/eth0`, `b/eth0`), where the folders are alike too, the full file name is taken.
pub(super) fn distinct(mut inputs: Vec<Unnamed>) -> Vec<String> {
    let folders: Vec<Vec<String>> = inputs.iter().map(|i| folders(i.path.as_deref())).collect();
    let depth = folders.iter().map(Vec::len).max().unwrap_or(0);
    let stems: Vec<String> = inputs.iter().map(|i| i.label.clone()).collect();
    for level in 0..=depth {
        let alike = alike(&inputs);
        for members in alike.values().filter(|m| m.len() > 1) {
            let one_folder = members.iter().all(|m| folders[*m] == folders[members[0]]);
            for &at in members {
                let input = &mut inputs[at];
                if input.fixed {
                    continue;
                }
                let Some(path) = &input.path else { continue };
                if one_folder && level == 0 {
                    let name = path.file_name().unwrap_or_default().to_string_lossy();
                    input.label = name.into_owned();
                } else if let Some(front) =
                    folders[at].get(folders[at].len().saturating_sub(level.max(1))..)
                {
                    input.label = format!("{}/{}", front.join("/"), stems[at]);
                }
            }
        }
    }
    let mut seen: HashMap<String, u32> = HashMap::new();
    for input in &mut inputs {
        let base = input.label.clone();
        let mut times = seen.get(&base).copied().unwrap_or(0) + 1;
        while times > 1 && seen.contains_key(&format!("{base} ({times})")) {
            times += 1;
        }
        seen.insert(base.clone(), times);
        if times > 1 {
            input.label = format!("{base} ({times})");
            seen.insert(input.label.clone(), 1);
        }
    }
    inputs.into_iter().map(|i| printable(i.label)).collect()
}

/// A name on one line: what would end the line or steer a terminal is written out, so that every
/// output can show it within a sentence.
pub(crate) fn printable(name: String) -> String {
    if !name.contains(char::is_control) {
        return name;
    }
    let mut shown = String::with_capacity(name.len() + 8);
    for c in name.chars() {
        if c.is_control() {
            shown.push_str(&format!("\\x{:02x}", u32::from(c)));
        } else {
            shown.push(c);
        }
    }
    shown
}

fn alike(inputs: &[Unnamed]) -> HashMap<String, Vec<usize>> {
    let mut alike: HashMap<String, Vec<usize>> = HashMap::new();
    for (at, input) in inputs.iter().enumerate() {
        alike.entry(input.label.clone()).or_default().push(at);
    }
    alike
}

/// The folders that a path lies in, outermost first.
fn folders(path: Option<&Path>) -> Vec<String> {
    let Some(path) = path else { return Vec::new() };
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let parent = whole.parent().unwrap_or(Path::new(""));
    let name = |c: std::path::Component<'_>| match c {
        std::path::Component::Normal(name) => Some(name.to_string_lossy().into_owned()),
        _ => None,
    };
    parent.components().filter_map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::{Unnamed, distinct, parts, printable, stem};
    use std::path::Path;

    #[test]
    fn a_label_is_one_line() {
        let odd = Unnamed { label: "a\nb".into(), fixed: true, path: None };
        assert_eq!(distinct(vec![odd]), ["a\\x0ab"]);
        assert_eq!(printable("\x1b[2J\u{9b}é".into()), "\\x1b[2J\\x9bé");
    }

    fn names(paths: &[&str]) -> Vec<String> {
        let input =
            |p: &&str| Unnamed { label: stem(Path::new(p)), fixed: false, path: Some(p.into()) };
        distinct(paths.iter().map(input).collect())
    }

    #[test]
    fn stems_lose_capture_and_compression_extensions() {
        for name in
            ["eth0.pcap", "eth0.PCAP", "eth0.pcapng.gz", "eth0.cap.zst", "eth0.pcap12", "eth0"]
        {
            assert_eq!(parts(name).stem, "eth0", "{name}");
        }
        assert_eq!(parts("rs1").count, "");
        assert_eq!(parts("lb.1.trace").stem, "lb.1.trace");
        assert_eq!(parts(".pcap").stem, ".pcap");
    }

    #[test]
    fn like_stems_get_their_folders() {
        assert_eq!(
            names(&["/x/a/eth0.pcap", "/x/b/eth0.pcap", "/x/lb.pcap"]),
            ["a/eth0", "b/eth0", "lb"]
        );
        assert_eq!(names(&["/x/a/n/e.pcap", "/x/b/n/e.pcap"]), ["a/n/e", "b/n/e"]);
    }

    #[test]
    fn like_stems_in_one_folder_keep_their_extension() {
        assert_eq!(names(&["/x/e.pcap", "/x/e.pcapng"]), ["e.pcap", "e.pcapng"]);
    }

    #[test]
    fn a_given_name_stays() {
        let given = Unnamed { label: "lb".into(), fixed: true, path: Some("/x/y.pcap".into()) };
        let own = Unnamed { label: "lb".into(), fixed: false, path: Some("/x/lb.pcap".into()) };
        let stdin = Unnamed { label: "stdin".into(), fixed: false, path: None };
        assert_eq!(distinct(vec![given, own, stdin]), ["lb", "lb.pcap", "stdin"]);
    }
}
