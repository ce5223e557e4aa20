//! The samples and their `expected.toml`, read strictly: a word that is not
//! known is an error, not a thing that is never checked.

use lbdiag::report::Status;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What a right report of a sample holds; see `samples/README.md`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// Acceptable statuses.
    pub verdict: Vec<Status>,
    /// Forwarding mode, where the captures show it.
    pub mode: Option<String>,
    pub vip: String,
    pub port: u16,
    pub causes: Vec<Cause>,
    pub symptoms: Vec<String>,
    /// Further causes and symptoms that are no mistake.
    pub may: Vec<String>,
    /// The break lines, most harm first, where they are stated.
    #[serde(default)]
    pub breaks: Vec<String>,
    /// Client endpoint to addresses and MACs of the real server that answered.
    #[serde(default)]
    pub connections: BTreeMap<String, Vec<String>>,
}

/// A cause that must be found.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cause {
    /// Acceptable ids.
    pub id: Vec<String>,
    pub confidence: Option<lbdiag::report::Confidence>,
    /// Addresses and MACs of which the first subject must have one.
    pub culprit: Option<Vec<String>>,
}

impl Expected {
    /// Whether nothing is wrong in this sample.
    pub fn is_healthy(&self) -> bool {
        self.verdict.contains(&Status::Healthy)
    }

    /// Whether a cause of this id is right.
    pub fn allows_cause(&self, id: &str) -> bool {
        self.causes.iter().any(|cause| cause.id.iter().any(|i| i == id)) || self.may(id)
    }

    /// Whether a symptom of this id is right.
    pub fn allows_symptom(&self, id: &str) -> bool {
        self.symptoms.iter().any(|s| s == id) || self.may(id)
    }

    fn may(&self, id: &str) -> bool {
        self.may.iter().any(|m| m == id)
    }
}

/// One folder of `samples/`.
#[derive(Debug)]
pub struct Sample {
    pub name: String,
    pub captures: Vec<PathBuf>,
    pub expected: Expected,
}

/// The root of the package.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All samples, sorted by name.
pub fn samples() -> Vec<Sample> {
    let mut folders: Vec<PathBuf> = entries(&root().join("samples"));
    // The lab makes samples and is none.
    folders.retain(|path| path.is_dir() && !path.ends_with("lab"));
    assert!(folders.len() > 20, "the samples are missing");
    folders.iter().map(|folder| sample(folder)).collect()
}

fn sample(folder: &Path) -> Sample {
    let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
    let text = std::fs::read_to_string(folder.join("expected.toml"))
        .unwrap_or_else(|e| panic!("{name}: no expected.toml ({e})"));
    let expected = toml::from_str(&text).unwrap_or_else(|e| panic!("{name}/expected.toml: {e}"));
    let mut captures = entries(folder);
    let is_capture = |path: &PathBuf| path.to_str().unwrap().contains(".pcap");
    captures.retain(is_capture);
    assert!(!captures.is_empty(), "{name} holds no capture");
    Sample { name, captures, expected }
}

/// What is in a folder, sorted.
pub fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> =
        folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}
