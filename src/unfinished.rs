//! Files that are being written: whole or not there, also when a signal ends the program.
//!
//! What is written waits in a hidden file beside its place and is renamed when it is whole. The
//! hidden files are listed here, so that [`watch`] can remove them when SIGINT, SIGTERM or SIGHUP
//! comes in between. Refuses to leave anything else behind; SIGKILL asks nobody.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tempfile::{Builder, NamedTempFile};

static OPEN: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

fn open() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    OPEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Who may read a new file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readers {
    /// Whom the user's mask lets.
    AsUsual,
    /// Its owner.
    Owner,
}

/// A file that is not whole yet. Dropped, it is gone.
#[derive(Debug)]
pub struct Unfinished {
    file: NamedTempFile,
    path: PathBuf,
}

impl Unfinished {
    /// Begins a file that is to stand at `place`.
    ///
    /// # Errors
    /// Where nothing can be written in that folder.
    pub fn at(place: &Path, readers: Readers) -> io::Result<Self> {
        let mut builder = Builder::new();
        builder.prefix(".lbdiag-").suffix(".tmp");
        if readers == Readers::AsUsual {
            open_to_all(&mut builder);
        }
        // Nobody cleans up between the file's birth and its name's being listed.
        let mut open = open();
        let file = builder.tempfile_in(folder(place))?;
        let path = file.path().to_owned();
        open.insert(path.clone());
        drop(open);
        Ok(Self { file, path })
    }

    /// The file.
    #[must_use]
    pub fn as_file(&self) -> &std::fs::File {
        self.file.as_file()
    }

    /// Puts it into its place, instead of what is there.
    ///
    /// # Errors
    /// Where it cannot be renamed; it is gone then.
    pub fn replace(self, place: &Path) -> io::Result<()> {
        let done = self.file.persist(place).map(drop).map_err(|fault| fault.error);
        open().remove(&self.path);
        done
    }

    /// Puts it into its place, where nothing may be.
    ///
    /// # Errors
    /// Where something is (`AlreadyExists`), or it cannot be renamed; it is gone then.
    pub fn place_new(self, place: &Path) -> io::Result<()> {
        let done = self.file.persist_noclobber(place).map(drop).map_err(|fault| fault.error);
        open().remove(&self.path);
        done
    }
}

impl Write for Unfinished {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// A folder that is not whole yet. Dropped, it is gone with all that is in it.
#[derive(Debug)]
pub struct UnfinishedFolder {
    folder: tempfile::TempDir,
}

impl UnfinishedFolder {
    /// Begins a folder within another.
    ///
    /// # Errors
    /// Where nothing can be written there.
    pub fn within(folder: &Path) -> io::Result<Self> {
        let mut builder = Builder::new();
        builder.prefix(".lbdiag-").suffix(".tmp");
        folder_open_to_all(&mut builder);
        let mut open = open();
        let folder = builder.tempdir_in(folder)?;
        open.insert(folder.path().to_owned());
        Ok(Self { folder })
    }

    /// Where it is meanwhile.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Puts it into its place, where nothing may be.
    ///
    /// # Errors
    /// Where something is, or it cannot be renamed; it is gone then.
    pub fn place_new(mut self, place: &Path) -> io::Result<()> {
        std::fs::rename(self.folder.path(), place)?;
        // It is no longer where it would be removed from.
        self.folder.disable_cleanup(true);
        Ok(())
    }
}

impl Drop for UnfinishedFolder {
    fn drop(&mut self) {
        open().remove(self.folder.path());
    }
}

/// Removes all files and folders that are not whole.
pub fn remove_all() {
    for path in std::mem::take(&mut *open()) {
        let _ =
            if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) };
    }
}

/// The folder that a file is in.
#[must_use]
pub fn folder(place: &Path) -> &Path {
    match place.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// As any new file: what the mask leaves. Temporary files are private otherwise.
#[cfg(unix)]
fn open_to_all(builder: &mut Builder<'_, '_>) {
    use std::os::unix::fs::PermissionsExt;
    builder.permissions(std::fs::Permissions::from_mode(0o666));
}

#[cfg(unix)]
fn folder_open_to_all(builder: &mut Builder<'_, '_>) {
    use std::os::unix::fs::PermissionsExt;
    builder.permissions(std::fs::Permissions::from_mode(0o777));
}

#[cfg(not(unix))]
fn folder_open_to_all(_: &mut Builder<'_, '_>) {}

#[cfg(not(unix))]
fn open_to_all(_: &mut Builder<'_, '_>) {}

/// From now on a signal that ends the program removes what is not whole, and ends it as it
/// would have without. A second call does nothing.
#[cfg(unix)]
pub fn watch() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let Ok(mut signals) = signal_hook::iterator::Signals::new(not_ignored()) else { return };
        std::thread::spawn(move || {
            for signal in signals.forever() {
                remove_all();
                let _ = signal_hook::low_level::emulate_default_handler(signal);
            }
        });
    });
}

/// Nothing here tells a program that it is to end.
#[cfg(not(unix))]
pub fn watch() {}

/// The signals that would end the program. One that its parent had it ignore (`nohup`, a shell's
/// background) stays ignored; where that cannot be told, SIGHUP is left alone.
#[cfg(unix)]
fn not_ignored() -> Vec<i32> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    match mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()) {
        Some(mask) => {
            let ends = |signal: &i32| mask & (1 << (signal - 1)) == 0;
            [SIGHUP, SIGINT, SIGTERM].into_iter().filter(ends).collect()
        }
        None => vec![SIGINT, SIGTERM],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_finished_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("report");
        let mut file = Unfinished::at(&place, Readers::AsUsual).unwrap();
        file.write_all(b"half").unwrap();
        assert_eq!(dir.path().read_dir().unwrap().count(), 1);
        drop(file);
        assert_eq!(dir.path().read_dir().unwrap().count(), 0);
    }

    #[test]
    fn a_file_takes_its_place_or_refuses_to_take_anothers() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("report");
        for text in ["one", "two"] {
            let mut file = Unfinished::at(&place, Readers::Owner).unwrap();
            file.write_all(text.as_bytes()).unwrap();
            file.replace(&place).unwrap();
            assert_eq!(std::fs::read_to_string(&place).unwrap(), text);
        }
        let file = Unfinished::at(&place, Readers::Owner).unwrap();
        assert_eq!(file.place_new(&place).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(dir.path().read_dir().unwrap().count(), 1);
        assert!(open().iter().all(|path| !path.starts_with(dir.path())));
    }
}
