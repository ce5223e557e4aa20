//! Archives into a folder.

use super::kind::{Kind, XZ_KIB};
use super::limits::{Budget, FOLDERS};
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Component, Path, PathBuf};

/// Why unpacking stopped.
#[derive(Debug)]
pub(super) enum Fault {
    /// A bound was met.
    Bound(String),
    /// The archive is damaged, or the disk is full.
    Io(io::Error),
}

impl From<io::Error> for Fault {
    fn from(fault: io::Error) -> Self {
        Self::Io(fault)
    }
}

/// Unpacks the files of an archive.
pub(super) fn unpack(
    path: &Path,
    kind: Kind,
    folder: &Path,
    budget: &mut Budget,
) -> Result<(), Fault> {
    let size = path.metadata()?.len();
    let mut into = Into { folder, budget, size, given: 0 };
    let file = || File::open(path).map(BufReader::new);
    match kind {
        Kind::Tar => tar(file()?, &mut into),
        Kind::TarGz => tar(flate2::read::MultiGzDecoder::new(file()?), &mut into),
        Kind::TarXz => tar(lzma_rust2::XzReader::new_mem_limit(file()?, true, XZ_KIB), &mut into),
        Kind::Xz => {
            let name = path.file_stem().map_or_else(|| PathBuf::from("file"), PathBuf::from);
            into.file(&name, lzma_rust2::XzReader::new_mem_limit(file()?, true, XZ_KIB))
        }
        Kind::Zip => zip(file()?, &mut into),
    }
}

/// Where files go.
struct Into<'a> {
    folder: &'a Path,
    budget: &'a mut Budget,
    size: u64,
    given: u64,
}

impl Into<'_> {
    /// Writes one file; a name that leads out of the folder, or too deep into it, is passed over.
    fn file(&mut self, name: &Path, mut from: impl Read) -> Result<(), Fault> {
        self.budget.file().map_err(Fault::Bound)?;
        let Some(name) = safe(name) else { return Ok(()) };
        let path = self.folder.join(name);
        let made = path.parent().map_or(Ok(()), fs::create_dir_all);
        // A file where a folder should be, or a name that the system does not take.
        let Ok(file) = made.and_then(|()| File::create(&path)) else { return Ok(()) };
        let mut to = BufWriter::new(file);
        let mut chunk = vec![0; 1 << 16];
        loop {
            let n = match from.read(&mut chunk) {
                Ok(0) => break,
                Ok(n) => n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(e.into()),
            };
            self.given += n as u64;
            self.budget.bytes(n as u64, self.given, self.size).map_err(Fault::Bound)?;
            to.write_all(&chunk[..n])?;
        }
        to.flush()?;
        Ok(())
    }
}

/// A path of plain names alone.
fn safe(name: &Path) -> Option<PathBuf> {
    let mut path = PathBuf::new();
    for part in name.components() {
        match part {
            Component::Normal(part) => path.push(part),
            Component::CurDir | Component::RootDir => {}
            Component::ParentDir | Component::Prefix(_) => return None,
        }
    }
    let depth = path.components().count();
    (1..=FOLDERS).contains(&depth).then_some(path)
}

fn tar(reader: impl Read, into: &mut Into<'_>) -> Result<(), Fault> {
    let mut archive = tar::Archive::new(reader);
    for entry in archive.entries()? {
        let entry = entry?;
        // Links may lead anywhere, and devices are none of ours.
        if entry.header().entry_type().is_file() {
            let name = entry.path()?.into_owned();
            into.file(&name, entry)?;
        }
    }
    Ok(())
}

fn zip(reader: BufReader<File>, into: &mut Into<'_>) -> Result<(), Fault> {
    let mut archive = zip::ZipArchive::new(reader).map_err(io::Error::from)?;
    for at in 0..archive.len() {
        let entry = archive.by_index(at).map_err(io::Error::from)?;
        if entry.is_file() {
            let name = PathBuf::from(entry.name().map_err(io::Error::from)?.into_owned());
            into.file(&name, entry)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_within_the_folder() {
        let of = |name: &str| safe(Path::new(name)).map(|p| p.display().to_string());
        assert_eq!(of("./a/b").as_deref(), Some("a/b"));
        assert_eq!(of("/etc/passwd").as_deref(), Some("etc/passwd"));
        assert_eq!((of("../a"), of("a/../../b"), of("")), (None, None, None));
        assert_eq!(of(&"a/".repeat(FOLDERS + 1)), None);
    }
}
