//! A bundle as one argument: an archive (tar, tar.gz, tar.xz, zip) or a folder that holds captures
//! and what hosts said of themselves, as sosreport, Retina, cilium-bugtool, must-gather and people
//! put them together.
//!
//! Content decides what each file is: a capture ([`capture::peek`]), a text of which most lines are
//! known outputs ([`state`]), an archive again, or none of these. Names decide nothing but whose a
//! state is: where several folders of one bundle each list interfaces, each is a host; else all of it
//! is one host's. An archive within an archive is one of its own.
//!
//! A file that is named outright and holds such outputs and no packet is a state as well.
//!
//! Archives are unpacked into a temporary folder, with bounds on bytes, files, depth and on how far
//! they expand; what goes beyond is refused with the bound that it met. Links, devices and names that
//! lead out of the folder are passed over.

mod kind;
mod limits;
mod tree;
mod unpack;

use crate::capture::{Source, Unpacked};
use crate::shell::quote;
use crate::state::HostState;
use limits::Budget;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What arguments hold.
#[derive(Debug, Default)]
pub struct Opened {
    /// Arguments that are no bundles.
    pub args: Vec<String>,
    /// Captures in bundles.
    pub captures: Vec<Source>,
    /// States in bundles.
    pub states: Vec<HostState>,
    /// What was passed over.
    pub notes: Vec<String>,
}

/// Why a bundle cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// It is too large, or built to be.
    #[error("{path}: {why}; unpack it yourself and name the captures in it")]
    Refused {
        /// As given.
        path: String,
        /// The bound that it met.
        why: String,
    },
    /// It is damaged, or there is no room to unpack it.
    #[error("{path}: cannot be unpacked ({why}); look into it with: {command}")]
    Damaged {
        /// As given.
        path: String,
        /// What was said.
        why: String,
        /// A command that lists what is in it.
        command: String,
    },
    /// It holds nothing that is read.
    #[error("{path}: no capture in it, and no output that is read; look into it with: {command}")]
    Nothing {
        /// As given.
        path: String,
        /// A command that lists what is in it.
        command: String,
    },
}

/// Opens those of the arguments that are bundles, and leaves the others as they are.
///
/// # Errors
///
/// Where a bundle is refused, damaged, or holds nothing.
pub fn open(args: &[String]) -> Result<Opened, BundleError> {
    let mut opened = Opened::default();
    let mut budget = Budget::default();
    for arg in args {
        let path = Path::new(arg);
        let taken = if path.is_dir() {
            tree::folder(path, &mut budget, &mut opened)?
        } else if path.is_file() && kind::of(path).is_some() {
            let before = (opened.captures.len(), opened.states.len());
            archive(path, arg, 0, &mut budget, &mut opened)?;
            if (opened.captures.len(), opened.states.len()) == before {
                let command = list(path);
                return Err(BundleError::Nothing { path: arg.clone(), command });
            }
            true
        } else {
            tree::output(path, arg, &mut opened)
        };
        if !taken {
            opened.args.push(arg.clone());
        }
    }
    Ok(opened)
}

/// The command that lists an archive.
fn list(path: &Path) -> String {
    let name = quote(&path.display().to_string());
    match kind::of(path) {
        Some(kind::Kind::Zip) => format!("unzip -l {name}"),
        _ => format!("tar -tvf {name}"),
    }
}

/// Unpacks an archive and takes in what it holds; `depth` archives are around it.
fn archive(
    path: &Path,
    shown: &str,
    depth: u32,
    budget: &mut Budget,
    opened: &mut Opened,
) -> Result<(), BundleError> {
    let damaged =
        |why: String| BundleError::Damaged { path: shown.to_owned(), why, command: list(path) };
    let folder = tempfile::tempdir().map_err(|e| damaged(e.to_string()))?;
    let Some(kind) = kind::of(path) else { return Ok(()) };
    unpack::unpack(path, kind, folder.path(), budget).map_err(|fault| match fault {
        unpack::Fault::Bound(why) => BundleError::Refused { path: shown.to_owned(), why },
        unpack::Fault::Io(why) => damaged(why.to_string()),
    })?;
    let folder = Arc::new(folder);
    let of = |file: PathBuf, name: String| {
        Source::Unpacked(Arc::new(Unpacked {
            path: file,
            shown: name,
            folder: Arc::clone(&folder),
        }))
    };
    let root = folder.path().to_owned();
    tree::take(&root, shown, depth, budget, opened, &of)
}
