//! Which file may read which, by the paths that the sources name.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The sources, by module path: `diagnose::facts::silences`.
fn sources() -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut open = vec![root.clone()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                found.insert(module(&root, &path), code(&fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found
}

fn module(root: &Path, path: &Path) -> String {
    let within: PathBuf = path.strip_prefix(root).unwrap().with_extension("");
    let mut parts: Vec<&str> = within.iter().map(|p| p.to_str().unwrap()).collect();
    if parts.last() == Some(&"mod") {
        parts.pop();
    }
    parts.join("::")
}

/// A source without comments and without its tests, which may look anywhere.
fn code(text: &str) -> String {
    let own = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    let lines = own.lines().map(|l| l.split("//").next().unwrap_or_default());
    lines.collect::<Vec<_>>().join("\n")
}

/// The paths that a source names, from the crate's root, with `{}` expanded.
fn paths(module: &str, code: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut at = 0;
    while let Some(start) = ["crate::", "super::", "self::"]
        .iter()
        .filter_map(|head| code[at..].find(head).map(|i| at + i))
        .min()
    {
        let before = code[..start].chars().next_back();
        let end = if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
            start + 1
        } else {
            expand(&code[start..], &resolver(module), &mut found)
                .map_or(code.len(), |length| start + length)
        };
        at = end.max(start + 1);
    }
    found
}

/// What `super` and `self` mean in a module.
fn resolver(module: &str) -> impl Fn(&[String]) -> String + use<> {
    let here: Vec<String> = module.split("::").map(str::to_owned).collect();
    move |parts: &[String]| {
        let mut base: Vec<String> = Vec::new();
        let mut rest = parts;
        match parts.first().map(String::as_str) {
            Some("crate") => rest = &rest[1..],
            Some("self") => {
                base = here.clone();
                rest = &rest[1..];
            }
            _ => {
                base = here.clone();
                while rest.first().is_some_and(|p| p == "super") {
                    base.pop();
                    rest = &rest[1..];
                }
            }
        }
        base.extend(rest.iter().filter(|p| *p != "self").cloned());
        base.join("::")
    }
}

/// Reads one path, and the tree in its braces; gives its length.
fn expand(
    text: &str,
    resolve: &impl Fn(&[String]) -> String,
    found: &mut BTreeSet<String>,
) -> Option<usize> {
    let mut stack: Vec<Vec<String>> = Vec::new();
    let mut path: Vec<String> = Vec::new();
    let mut word = String::new();
    let mut chars = text.char_indices().peekable();
    while let Some((i, c)) = chars.next() {
        match c {
            _ if c.is_alphanumeric() || c == '_' => word.push(c),
            ':' if text[i..].starts_with("::") => {
                chars.next();
                path.push(std::mem::take(&mut word));
            }
            '{' if word.is_empty() && text[..i].ends_with("::") => stack.push(path.clone()),
            ' ' | '\n' if !stack.is_empty() => {}
            ',' | '}' if !stack.is_empty() => {
                if !word.is_empty() {
                    path.push(std::mem::take(&mut word));
                    found.insert(resolve(&path));
                }
                path = stack.last().cloned().unwrap_or_default();
                if c == '}' {
                    stack.pop();
                    path = stack.last().cloned().unwrap_or_default();
                    if stack.is_empty() {
                        return Some(i + 1);
                    }
                }
            }
            _ if stack.is_empty() => {
                path.push(std::mem::take(&mut word));
                found.insert(resolve(&path));
                return Some(i);
            }
            _ => {}
        }
    }
    None
}

/// For each file the files that it reads: the longest known module of each path.
fn arrows(sources: &BTreeMap<String, String>) -> BTreeMap<&str, BTreeSet<&str>> {
    let known = |path: &str| {
        let mut path = path;
        loop {
            if let Some((module, _)) = sources.get_key_value(path) {
                return Some(module.as_str());
            }
            path = path.rsplit_once("::")?.0;
        }
    };
    sources
        .iter()
        .map(|(module, code)| {
            let read = paths(module, code);
            let to = read.iter().filter_map(|path| known(path)).filter(|to| to != module).collect();
            (module.as_str(), to)
        })
        .collect()
}

/// A cause's own file, as the registry names them: with `EXPLAINS`.
fn causes(sources: &BTreeMap<String, String>) -> BTreeSet<&str> {
    let is = |(module, code): &(&String, &String)| {
        module.starts_with("diagnose::cause::") && code.contains("const EXPLAINS")
    };
    sources.iter().filter(is).map(|(module, _)| module.as_str()).collect()
}

#[test]
fn causes_do_not_read_each_other_and_nothing_below_reads_them() {
    let sources = sources();
    let causes = causes(&sources);
    assert!(causes.len() > 60, "the causes are not where this test looks");
    let mut wrong = Vec::new();
    for (from, to) in arrows(&sources) {
        let is_registry = from == "diagnose::registry";
        for to in to.into_iter().filter(|to| causes.contains(to) && !is_registry) {
            wrong.push(format!("{from} reads the cause {to}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn facts_and_decisions_know_nothing_that_comes_after_them() {
    let sources = sources();
    let after = |from: &str| -> &[&str] {
        const FACTS: &[&str] = &["cause", "symptom", "note", "decide", "explain", "verdict"];
        const DECIDE: &[&str] = &["cause", "symptom", "note", "explain", "verdict"];
        const SYMPTOM: &[&str] = &["note", "explain", "verdict"];
        match from.strip_prefix("diagnose::").and_then(|rest| rest.split("::").next()) {
            Some("facts") => FACTS,
            Some("decide") => DECIDE,
            Some("symptom") => SYMPTOM,
            _ => &[],
        }
    };
    let mut wrong = Vec::new();
    for (from, to) in arrows(&sources) {
        for later in after(from) {
            let is = |to: &&str| {
                to.strip_prefix("diagnose::").and_then(|t| t.split("::").next()) == Some(later)
            };
            wrong.extend(to.iter().filter(|t| is(t)).map(|to| format!("{from} reads {to}")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_circle_of_files() {
    let sources = sources();
    let arrows = arrows(&sources);
    let mut wrong = Vec::new();
    let folders: BTreeSet<&str> =
        sources.keys().filter_map(|module| Some(module.split_once("::")?.0)).collect();
    assert!(folders.len() > 20, "the folders are not where this test looks");
    for folder in folders {
        let within = |m: &str| m == folder || m.starts_with(&format!("{folder}::"));
        // A folder's own file is its face: what it gives on is not its own.
        let face = |m: &str| sources.keys().any(|k| k.starts_with(&format!("{m}::")));
        for start in arrows.keys().filter(|m| within(m) && !face(m)) {
            let mut seen = BTreeSet::new();
            let mut open: Vec<&str> = vec![start];
            while let Some(at) = open.pop() {
                for to in arrows.get(at).into_iter().flatten() {
                    if to == start {
                        wrong.push(format!("{start} is read by {at}, which it reads"));
                    }
                    if within(to) && !face(to) && seen.insert(*to) {
                        open.push(to);
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn paths_are_read_with_their_braces() {
    let code = "use crate::diagnose::facts::{self, asks::{a, b}, Names};\nlet x = super::super::flow::Flow::new();";
    let found = paths("diagnose::cause::silence", code);
    let expected = [
        "diagnose::facts",
        "diagnose::facts::asks::a",
        "diagnose::facts::asks::b",
        "diagnose::facts::Names",
        "diagnose::flow::Flow::new",
    ];
    let expected: BTreeSet<String> = expected.iter().map(|p| (*p).to_owned()).collect();
    assert_eq!(found, expected);
}
