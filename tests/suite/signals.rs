//! A signal that ends the program leaves nothing behind but what was there.

#![cfg(unix)]

use std::io::Write as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use lbdiag::unfinished::{self, Readers, Unfinished};

/// Names the file that [`half_written`] is to write.
const PLACE: &str = "LBDIAG_TEST_PLACE";

/// What stands in a folder, hidden or not.
fn names(folder: &Path) -> Vec<String> {
    let entries = folder.read_dir().unwrap();
    entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !holds() {
        assert!(begin.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Not a test: the program that is ended, which writes half of a file and waits.
#[test]
#[ignore = "run by the others"]
fn half_written() {
    let Some(place) = std::env::var_os(PLACE).map(PathBuf::from) else { return };
    unfinished::watch();
    let mut file = Unfinished::at(&place, Readers::AsUsual).unwrap();
    file.write_all(&[b'x'; 1 << 16]).unwrap();
    std::thread::sleep(Duration::from_secs(120));
}

/// Ends it by a signal, with those in `ignored` ignored; says how it ended.
fn end(signal: &str, ignored: &str) -> (Vec<String>, Option<ExitStatus>) {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("report");
    std::fs::write(&place, "old").unwrap();
    let script = format!("trap '' {ignored}; exec \"$0\" --ignored --exact signals::half_written");
    let script = if ignored.is_empty() { script.replace("trap '' ; ", "") } else { script };
    let mut child = Command::new("sh")
        .args(["-c", &script])
        .arg(std::env::current_exe().unwrap())
        .env(PLACE, &place)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    until("it begins to write", || names(folder.path()).len() == 2);
    // Its name is listed a moment after it stands in the folder.
    kill(&child, signal);
    let status = if ignored.is_empty() {
        let mut ended = None;
        until("the signal ends it", || {
            ended = child.try_wait().unwrap();
            ended.is_some()
        });
        ended
    } else {
        std::thread::sleep(Duration::from_millis(200));
        let going_on = child.try_wait().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        going_on
    };
    assert_eq!(std::fs::read_to_string(&place).unwrap(), "old");
    (names(folder.path()), status)
}

fn kill(child: &Child, signal: &str) {
    let sent = Command::new("kill").args(["-s", signal, &child.id().to_string()]).status();
    assert!(sent.unwrap().success());
}

/// Whether whoever runs the tests has them ignore a signal (`nohup`, a shell's background): so do their children.
fn is_ignored(number: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap_or("0");
    u64::from_str_radix(mask.trim(), 16).unwrap() & (1 << (number - 1)) != 0
}

#[test]
fn what_is_half_written_goes_with_the_program_and_it_ends_by_the_signal() {
    let all = [("INT", 2), ("TERM", 15), ("HUP", 1)];
    for (signal, number) in all.into_iter().filter(|(_, number)| !is_ignored(*number)) {
        let (left, status) = end(signal, "");
        assert_eq!(left, ["report"], "{signal}");
        assert_eq!(status.unwrap().signal(), Some(number), "{signal}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn what_nohup_ignores_stays_ignored() {
    let (left, status) = end("HUP", "HUP");
    assert_eq!((left.len(), status), (2, None), "it goes on: {left:?}");
}

/// The program itself, ended at the moment at which its file begins to stand there.
#[test]
fn an_extract_that_is_ended_leaves_nothing() {
    for signal in ["INT", "TERM", "HUP"] {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("all.pcapng");
        let mut child = Command::new(env!("CARGO_BIN_EXE_lbdiag"))
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .args(["extract", "--all", "-w"])
            .arg(&place)
            .arg("samples/nat-rs-gateway-bypasses-director")
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        until("it writes or ends", || {
            !names(folder.path()).is_empty() || child.try_wait().unwrap().is_some()
        });
        if child.try_wait().unwrap().is_none() {
            let id = child.id().to_string();
            // It may have ended meanwhile.
            let _ = Command::new("kill").args(["-s", signal, &id]).stderr(Stdio::null()).status();
        }
        child.wait().unwrap();
        assert!(names(folder.path()).iter().all(|name| name == "all.pcapng"), "{signal}");
    }
}
