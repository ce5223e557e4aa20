//! From paths to states: files, and folders whose sub-folders or file-name
//! stems name the hosts.
//!
//! Captures that lie beside the texts are passed over. Refuses what cannot be
//! text, and more of it than [`MAX_FILE`] and [`MAX_FILES`] say.

use super::model::HostState;
use super::parse;
use crate::shell::quote;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

/// Bytes of one file; the rest of a longer one is not read.
const MAX_FILE: u64 = 16 << 20;
/// Files of one path, and bytes of all paths together.
const MAX_FILES: usize = 4096;
const MAX_BYTES: u64 = 128 << 20;
/// Folders below a host's folder.
const MAX_DEPTH: usize = 12;

/// Why a path gives no state.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// It leads nowhere.
    #[error("--host-state {path}: no such file or folder; look with: ls -l {}", quote(folder))]
    Missing {
        /// As given.
        path: String,
        /// Where to look.
        folder: String,
    },
    /// The system refuses.
    #[error(
        "--host-state {path}: {why}; make it readable for this user: chmod u+r {}",
        quote(path)
    )]
    Unreadable {
        /// As given.
        path: String,
        /// The system's words.
        why: std::io::Error,
    },
    /// Nothing in it is known.
    #[error(
        "--host-state {path}: nothing in it is the output of ipvsadm, ip, ss, nft, iptables, conntrack, arp, sysctl, nstat or another tool that is read, or a keepalived.conf; save one on the host: (ip addr; ip route; ip neigh; ipvsadm -Sn; sysctl -a; nstat -az) > HOST.txt"
    )]
    Empty {
        /// As given.
        path: String,
    },
}

/// What could be read.
#[derive(Debug, Default)]
pub struct States {
    /// One for each host named, with at least one line that was understood.
    pub hosts: Vec<HostState>,
    /// Files that were passed over, and why.
    pub notes: Vec<String>,
}

/// Reads all paths.
///
/// # Errors
///
/// A path that leads nowhere, cannot be opened, or holds nothing that is known.
/// A file within a folder is passed over with a note instead.
pub fn read(paths: &[PathBuf]) -> Result<States, StateError> {
    let mut states = States::default();
    let mut left = MAX_BYTES;
    for path in paths {
        let before = states.hosts.len();
        let shown = || path.display().to_string();
        let kind = fs::metadata(path).map_err(|why| match why.kind() {
            std::io::ErrorKind::NotFound => StateError::Missing {
                path: shown(),
                folder: match path.parent() {
                    Some(up) if up.components().next().is_some() => up.display().to_string(),
                    _ => ".".to_owned(),
                },
            },
            _ => StateError::Unreadable { path: shown(), why },
        })?;
        let mut hosts: Vec<(String, Vec<PathBuf>)> = Vec::new();
        if kind.is_dir() {
            let unreadable = |why| StateError::Unreadable { path: shown(), why };
            for entry in sorted(path).map_err(unreadable)? {
                let name = name_of(&entry);
                let files = if entry.is_dir() { below(&entry) } else { vec![entry] };
                match hosts.iter_mut().find(|(known, _)| *known == name) {
                    Some((_, known)) => known.extend(files),
                    None => hosts.push((name, files)),
                }
            }
        } else {
            hosts.push((name_of(path), vec![path.clone()]));
        }
        let mut files = 0;
        for (name, list) in hosts {
            let mut state = HostState { name, ..HostState::default() };
            for file in list {
                files += 1;
                if files > MAX_FILES {
                    break;
                }
                match one(&mut state, &mut states.notes, &file, kind.is_dir(), &mut left) {
                    Err(why) if !kind.is_dir() => {
                        return Err(StateError::Unreadable { path: shown(), why });
                    }
                    Err(why) => states
                        .notes
                        .push(format!("{}: {why}; what it says is left out", file.display())),
                    Ok(()) => {}
                }
            }
            if state.understood > 0 {
                states.hosts.push(state);
            } else {
                states.notes.append(&mut state.notes);
            }
        }
        if files > MAX_FILES {
            states.notes.push(format!("{}: only {MAX_FILES} files of it were read", shown()));
        }
        if states.hosts.len() == before {
            return Err(StateError::Empty { path: shown() });
        }
    }
    Ok(states)
}

/// Reads the files of one host out of a bundle, each with the name to show. A file counts where most
/// of its lines are understood: a bundle holds thousands that are none of these outputs.
#[must_use]
pub fn read_group(name: &str, files: &[(PathBuf, String)]) -> Option<HostState> {
    let mut state = HostState { name: name.to_owned(), ..HostState::default() };
    let mut left = MAX_BYTES;
    for (path, shown) in files {
        let size = path.metadata().map_or(u64::MAX, |m| m.len());
        if size > MAX_FILE.min(left) {
            continue;
        }
        let Ok(bytes) = fs::read(path) else { continue };
        left = left.saturating_sub(size);
        if bytes.iter().take(4096).any(|b| *b == 0) {
            continue;
        }
        let text = String::from_utf8_lossy(&bytes);
        let setting = setting(shown, &text);
        let text = setting.as_deref().unwrap_or(&text);
        let mut alone = HostState::default();
        if parse(&mut alone, shown, text) && alone.is_most_of(text) {
            parse(&mut state, shown, text);
        }
    }
    (state.understood > 0).then_some(state)
}

/// Reads one file into its host's state.
fn one(
    state: &mut HostState,
    notes: &mut Vec<String>,
    path: &Path,
    in_folder: bool,
    left: &mut u64,
) -> std::io::Result<()> {
    // A pipe or a device that is not named would wait for ever, or never end.
    if in_folder && !path.is_file() {
        return Ok(());
    }
    let name = path.display().to_string();
    let room = MAX_FILE.min(*left);
    let mut bytes = Vec::new();
    File::open(path)?.take(room + 1).read_to_end(&mut bytes)?;
    let cut = bytes.len() as u64 > room;
    bytes.truncate(usize::try_from(room).unwrap_or(usize::MAX));
    *left -= bytes.len() as u64;
    // Captures, archives and pictures hold zero bytes early on.
    if bytes.iter().take(4096).any(|b| *b == 0) {
        if !in_folder {
            notes.push(format!("{name}: no text, left out"));
        }
        return Ok(());
    }
    let text = String::from_utf8_lossy(&bytes);
    match setting(&name, &text) {
        Some(line) => parse(state, &name, &line),
        None => parse(state, &name, &text),
    };
    if cut {
        state.note(format!("{name}: longer than what is read, the rest is left out"));
    }
    Ok(())
}

/// A file of a tree of /proc/sys: its path is the name of a setting, which it holds the value of.
fn setting(path: &str, text: &str) -> Option<String> {
    let (_, name) = path.split_once("proc/sys/")?;
    let mut lines = text.lines();
    let value = lines.next()?;
    let settings = ["net/", "kernel/", "vm/", "fs/"];
    let known = settings.iter().any(|first| name.starts_with(first));
    // sysctl(8): a dot in a part of the name, as of an interface, is written as a slash.
    let parts: Vec<String> = name.split('/').map(|part| part.replace('.', "/")).collect();
    (known && lines.next().is_none()).then(|| format!("{} = {value}\n", parts.join(".")))
}

/// The files of a host's folder and of the folders in it.
fn below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut open = vec![(folder.to_path_buf(), 0)];
    while let Some((folder, depth)) = open.pop() {
        for entry in sorted(&folder).unwrap_or_default() {
            if files.len() > MAX_FILES {
                return files;
            }
            if !entry.is_dir() {
                files.push(entry);
            } else if depth < MAX_DEPTH && !entry.is_symlink() {
                open.push((entry, depth + 1));
            }
        }
    }
    files
}

/// What is in a folder and not hidden, in the order of names.
fn sorted(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| !name_of(path).starts_with('.'))
        .take(MAX_FILES + 1)
        .collect();
    entries.sort();
    Ok(entries)
}

/// The stem of a file, the whole name of a folder.
fn name_of(path: &Path) -> String {
    let stem = if path.is_dir() { path.file_name() } else { path.file_stem() };
    stem.map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_and_stems_name_the_hosts() {
        let dir = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &[u8]| {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("rs1/addr.txt", b"eth0 UP 10.0.0.1/24\n");
        write("rs1/more/routes", b"default via 10.0.0.254 dev eth0\n");
        write("lb.txt", b"-A -t 10.0.0.8:80 -s rr\n");
        write("lb.pcap", b"\xd4\xc3\xb2\xa1\x02\x00\x04\x00");
        write("truth.json", b"{\n \"a\": 1\n}\n");
        write(".hidden", b"eth0 UP 10.0.0.2/24\n");
        let states = read(&[dir.path().to_path_buf()]).unwrap();
        let names: Vec<&str> = states.hosts.iter().map(|h| h.name.as_str()).collect();
        assert_eq!(names, ["lb", "rs1"]);
        assert_eq!((states.hosts[1].files.len(), states.hosts[1].routes.len()), (2, 1));
        assert!(states.notes.len() == 1 && states.notes[0].contains("truth.json"));
    }

    #[test]
    fn a_tree_of_settings_is_read_by_its_paths() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lb/proc/sys/net/ipv4/conf/eth0.100");
        fs::create_dir_all(&path).unwrap();
        fs::write(path.join("rp_filter"), "1\n").unwrap();
        fs::write(dir.path().join("lb/proc/sys/net/ipv4/ip_forward"), "0\n").unwrap();
        let state = &read(&[dir.path().to_path_buf()]).unwrap().hosts[0];
        let value = |name: &str| state.sysctls.get(name).map(|told| told.value.as_str());
        assert_eq!(value("net.ipv4.ip_forward"), Some("0"));
        assert_eq!(value("net.ipv4.conf.eth0/100.rp_filter"), Some("1"));
    }

    #[test]
    fn errors_name_the_next_step() {
        let told = |path: &Path| read(&[path.to_path_buf()]).unwrap_err().to_string();
        assert!(told(Path::new("no-such.txt")).ends_with("ls -l ."));
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.txt");
        fs::write(&path, "hello\n").unwrap();
        assert!(told(&path).ends_with("> HOST.txt"));
        fs::write(&path, [0; 9]).unwrap();
        assert!(told(&path).ends_with("> HOST.txt"));
        fs::write(&path, []).unwrap();
        assert!(told(dir.path()).ends_with("> HOST.txt"));
    }
}
