//! The terminal UI in a real terminal: every pane by keys and by mouse, at two sizes, with
//! captures from files and from standard input. Needs tmux.

use crate::support::tools::tool;
use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

const SIZES: [(u16, u16); 2] = [(80, 24), (200, 60)];

/// Looks at the screen before a wait is given up.
const LOOKS: usize = 400;

/// A terminal of its own server, which ends with it.
struct Terminal {
    tmux: std::path::PathBuf,
    socket: String,
}

impl Terminal {
    /// Runs a shell command in a terminal of a size; `None` where tmux is not installed.
    fn run(name: &str, (width, height): (u16, u16), command: &str) -> Option<Self> {
        let tmux = tool("tmux")?;
        let socket = format!("lbdiag-{name}-{width}-{}", std::process::id());
        let new = Self { tmux, socket };
        let (width, height) = (width.to_string(), height.to_string());
        // What the command leaves on the terminal stays to be seen.
        let shell = format!("{command}; echo \"left with $?\"; stty -a | grep -o '.icanon'; cat");
        let started = new.tmux(&[
            "-f",
            "/dev/null",
            "new-session",
            "-d",
            "-x",
            &width,
            "-y",
            &height,
            &shell,
        ]);
        assert!(started.is_some(), "tmux did not start");
        Some(new)
    }

    fn tmux(&self, arguments: &[&str]) -> Option<String> {
        let output = Command::new(&self.tmux)
            .env_remove("TMUX")
            .env("LC_ALL", "C.UTF-8")
            .args(["-u", "-L", &self.socket])
            .args(arguments)
            .output()
            .unwrap();
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    }

    fn screen(&self) -> String {
        self.tmux(&["capture-pane", "-p"]).unwrap_or_default()
    }

    /// Waits until all of these are on the screen.
    fn shows(&self, wanted: &[&str]) -> String {
        for _ in 0..LOOKS {
            let screen = self.screen();
            if wanted.iter().all(|text| screen.contains(text)) {
                return screen;
            }
            sleep(Duration::from_millis(25));
        }
        panic!("{wanted:?} did not come:\n{}", self.screen());
    }

    /// Sends keys by tmux's names.
    fn keys(&self, keys: &[&str]) {
        assert!(self.tmux(&[&["send-keys"], keys].concat()).is_some());
    }

    /// Sends text as it is.
    fn types(&self, text: &str) {
        assert!(self.tmux(&["send-keys", "-l", text]).is_some());
    }

    /// Sends a mouse event (xterm's SGR 1006): button, cell from 0, pressed or released.
    fn mouse(&self, button: u8, x: usize, y: usize, pressed: bool) {
        let end = if pressed { 'M' } else { 'm' };
        self.types(&format!("\x1b[<{button};{};{}{end}", x + 1, y + 1));
    }

    fn click(&self, x: usize, y: usize) {
        self.mouse(0, x, y, true);
        self.mouse(0, x, y, false);
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.tmux(&["kill-server"]);
    }
}

/// Column and row, counted from 0, of a text on a screen.
fn place(screen: &str, text: &str) -> (usize, usize) {
    let rows = screen.lines().enumerate();
    let found = rows.filter_map(|(y, line)| Some((line[..line.find(text)?].chars().count(), y)));
    found.into_iter().next().unwrap_or_else(|| panic!("{text} is not on the screen:\n{screen}"))
}

fn program(sample: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let config = "XDG_CONFIG_HOME=/nonexistent";
    let sample = root.join("samples").join(sample);
    format!("{config} {} tui '{}'", env!("CARGO_BIN_EXE_lbdiag"), sample.display())
}

#[test]
fn every_pane_is_reached_by_keys() {
    for size in SIZES {
        let command = program("nat-one-rs-gateway-wrong");
        let Some(terminal) = Terminal::run("keys", size, &command) else { return };
        terminal.shows(&["FAILING", "nat-return-bypasses-director", "Enter open"]);
        terminal.keys(&["C-l"]);
        terminal.shows(&["FAILING", "nat-return-bypasses-director", "Enter open"]);
        terminal.keys(&["Enter"]);
        terminal.shows(&["critical · certain · cause", "affects", "proof"]);
        terminal.keys(&["y"]);
        terminal.shows(&["copied"]);
        terminal.keys(&["M"]);
        terminal.shows(&["What is seen"]);
        terminal.keys(&["Escape"]);
        terminal.keys(&["Tab"]);
        terminal.shows(&["there ", "back ", "took this way: 3 failed"]);
        terminal.keys(&["2"]);
        terminal.shows(&["lanes by real server", "172.16.0.12:80", "├╌", "incomplete"]);
        terminal.keys(&["L"]);
        terminal.shows(&["lanes by host"]);
        terminal.keys(&["v", "l", "l", "l", "v"]);
        terminal.shows(&["of 6 connections", "time 07:44:00"]);
        terminal.keys(&["x"]);
        terminal.shows(&[" 6 connections"]);
        terminal.keys(&["3"]);
        terminal.shows(&["outcome", "completed", "incomplete"]);
        terminal.keys(&["/"]);
        terminal.types("outcome comp");
        terminal.shows(&["filter: outcome comp", "completed"]);
        terminal.keys(&["Tab", "Enter"]);
        terminal.shows(&["3 of 6 connections", "filter outcome completed"]);
        terminal.keys(&["x"]);
        terminal.shows(&[" 6 connections, 3 failed"]);
        terminal.keys(&["Home", "Enter"]);
        terminal.shows(&["#1 188.88.88.10:39272", "SYN  39272 > 80", "client #4", "packet SYN"]);
        terminal.keys(&["n", "Enter"]);
        terminal.shows(&["TCP source port", "bytes of"]);
        terminal.keys(&["Escape"]);
        terminal.shows(&["#1 188.88.88.10:39272"]);
        terminal.keys(&["Space", "3", "j", "c"]);
        terminal.shows(&["#1 188.88.88.10:39272", "#2 188.88.88.10:39278", "marked,"]);
        terminal.keys(&["?"]);
        terminal.shows(&["Overview    what is wrong"]);
        terminal.keys(&["q", "q"]);
        let left = terminal.shows(&["left with 0"]);
        assert!(!left.contains("-icanon"), "the terminal is as it was: {left}");
    }
}

#[test]
fn every_pane_is_reached_by_mouse() {
    for size in SIZES {
        let command = program("nat-one-rs-gateway-wrong");
        let Some(terminal) = Terminal::run("mouse", size, &command) else { return };
        let first = terminal.shows(&["FAILING", "6 Path"]);
        let tab = |name: &str| place(&first, name);
        let (x, y) = place(&first, "172.16.0.12:80");
        terminal.click(x, y);
        terminal.click(x, y);
        let table = terminal.shows(&["3 of 6 connections", "and rs 172.16.0.12"]);
        let (x, y) = place(&table, "188.88.88.10:59558");
        terminal.click(x, y);
        terminal.click(x, y);
        let ladder = terminal.shows(&["188.88.88.10:59558 >", "packet", "client"]);
        let (x, y) = place(&ladder, "RST");
        terminal.click(x, y);
        terminal.shows(&["packet RST"]);
        let (x, y) = tab("2 Timeline");
        terminal.click(x, y);
        let timeline = terminal.shows(&["lanes by real server", "├╌"]);
        let (x, y) = place(&timeline, "├╌");
        terminal.mouse(0, x + 1, y, true);
        terminal.mouse(32, x + 5, y, true);
        terminal.mouse(0, x + 5, y, false);
        terminal.shows(&["time 07:44"]);
        // The wheel zooms.
        terminal.mouse(64, x + 3, y, true);
        let before = timeline.lines().nth(1).unwrap_or_default().to_owned();
        for _ in 0..LOOKS {
            if !terminal.screen().contains(&before) {
                break;
            }
            sleep(Duration::from_millis(25));
        }
        assert!(!terminal.screen().contains(&before));
        let (x, y) = tab("5 Findings");
        terminal.click(x, y);
        let findings = terminal.shows(&["asymmetric-return-path"]);
        let (x, y) = place(&findings, "asymmetric-return-path");
        terminal.click(x, y);
        terminal.shows(&["3  info"]);
        terminal.keys(&["x"]);
        terminal.shows(&[" 6 connections"]);
        let (x, y) = tab("6 Path");
        terminal.click(x, y);
        let path = terminal.shows(&["there ", "director"]);
        let (x, y) = place(&path, "│172.16.0.2");
        terminal.click(x + 1, y);
        terminal.shows(&["filter host 172.16.0.2"]);
    }
}

#[test]
fn a_capture_on_standard_input_leaves_the_keyboard_to_the_user() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let capture = root.join("samples/hairpin-cloud-slb/director.pcap");
    let program = env!("CARGO_BIN_EXE_lbdiag");
    let command = format!("cat '{}' | {program} tui lb=-", capture.display());
    let Some(terminal) = Terminal::run("stdin", (80, 24), &command) else { return };
    terminal.shows(&["203.0.113.8:80/tcp", "captures"]);
    terminal.keys(&["4"]);
    terminal.shows(&["SYN", "lb #", "packet"]);
    terminal.keys(&["q"]);
    terminal.shows(&["left with 0"]);
}

#[test]
fn what_cannot_be_shown_is_said_on_a_terminal_that_is_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("tui.toml");
    std::fs::write(&config, "\n[keys]\nquitt = \"q\"\n").unwrap();
    let command = format!("{} --config '{}'", program("healthy-nat"), config.display());
    let Some(terminal) = Terminal::run("config", (120, 24), &command) else { return };
    terminal.shows(&["line 3", "quitt", "left with 2"]);
    drop(terminal);
    let text = dir.path().join("a.pcap");
    std::fs::write(&text, "no capture at all, only text").unwrap();
    let command = format!("{} tui '{}'", env!("CARGO_BIN_EXE_lbdiag"), text.display());
    let Some(terminal) = Terminal::run("nothing", (120, 24), &command) else { return };
    let said = terminal.shows(&["a.pcap", "left with 2"]);
    assert!(!said.contains("-icanon"), "{said}");
}

/// A program whose process is known.
fn known(name: &str, sample: &str) -> Option<(Terminal, String)> {
    let dir = tempfile::tempdir().unwrap();
    let (script, pid) = (dir.path().join("run.sh"), dir.path().join("pid"));
    let command = program(sample);
    let text = format!("echo $$ > '{}'\nexec env {command}\n", pid.display());
    std::fs::write(&script, text).unwrap();
    let run = format!("sh '{}'", script.display());
    let terminal = Terminal::run(name, (80, 24), &run)?;
    terminal.shows(&["HEALTHY"]);
    let number = std::fs::read_to_string(&pid).unwrap();
    Some((terminal, number.trim().to_owned()))
}

fn signal(name: &str, process: &str) {
    assert!(Command::new("kill").args([name, process]).status().unwrap().success());
}

#[test]
fn a_signal_that_ends_it_leaves_the_terminal_as_it_was() {
    let Some((terminal, process)) = known("signal", "healthy-dr") else { return };
    signal("-TERM", &process);
    let left = terminal.shows(&["left with"]);
    assert!(!left.contains("-icanon") && !left.contains("HEALTHY"), "{left}");
}

#[test]
fn it_stops_for_the_shell_and_goes_on() {
    let Some((terminal, process)) = known("stop", "healthy-dr") else { return };
    terminal.keys(&["3"]);
    terminal.shows(&["outcome"]);
    terminal.keys(&["C-z"]);
    for _ in 0..LOOKS {
        if !terminal.screen().contains("outcome") {
            break;
        }
        sleep(Duration::from_millis(25));
    }
    assert!(!terminal.screen().contains("outcome"), "the shell has the terminal");
    signal("-CONT", &process);
    terminal.shows(&["outcome"]);
    terminal.keys(&["q"]);
    let left = terminal.shows(&["left with 0"]);
    assert!(!left.contains("-icanon"), "{left}");
}

#[test]
fn a_resized_terminal_is_drawn_anew() {
    let Some(terminal) = Terminal::run("resize", (80, 24), &program("healthy-dr")) else { return };
    terminal.shows(&["HEALTHY"]);
    for (width, height) in [("120", "40"), ("50", "12"), ("30", "8"), ("80", "24")] {
        terminal.tmux(&["resize-window", "-x", width, "-y", height]);
        terminal.shows(&[if width == "30" { "too small" } else { "HEALTHY" }]);
    }
}
