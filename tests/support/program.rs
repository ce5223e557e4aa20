//! The program as a user calls it.

use std::process::{Command, Output, Stdio};

/// The program, with no setting of this machine that changes its output.
pub fn lbdiag(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lbdiag"));
    for name in [
        "NO_COLOR",
        "FORCE_COLOR",
        "CLICOLOR",
        "CLICOLOR_FORCE",
        "COLUMNS",
        "LINES",
        "TERM",
        "RUST_BACKTRACE",
    ] {
        command.env_remove(name);
    }
    command.current_dir(env!("CARGO_MANIFEST_DIR")).stdin(Stdio::null()).args(args);
    command
}

/// Runs it to its end.
pub fn run(args: &[&str]) -> Output {
    lbdiag(args).output().unwrap()
}

/// Exit code.
pub fn code(output: &Output) -> Option<i32> {
    output.status.code()
}

/// What it printed.
pub fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// What it said besides.
pub fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Runs it, expects success, gives what it printed.
pub fn printed(args: &[&str]) -> String {
    let output = run(args);
    assert_eq!(code(&output), Some(0), "{args:?}: {}", stderr(&output));
    stdout(&output)
}

/// The same as JSON.
pub fn parsed(args: &[&str]) -> serde_json::Value {
    serde_json::from_str(&printed(args)).unwrap()
}
