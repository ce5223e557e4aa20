//! The program as a user calls it: what goes where, and with which exit code.

mod input;
mod manual;
mod output;

use crate::support::program::{code, run, stderr, stdout};
use std::path::{Path, PathBuf};

fn sample(name: &str) -> String {
    format!("samples/{name}")
}

/// A folder for what a test writes, and a path in it.
fn scratch(name: &str) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name);
    (dir, path)
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn help() {
    let output = run(&["--help"]);
    assert_eq!(code(&output), Some(0));
    assert_eq!(stdout(&run(&["-h"])), stdout(&output));
    insta::with_settings!({ snapshot_path => "../snapshots" }, {
        insta::assert_snapshot!(stdout(&output));
    });
}

#[test]
fn without_arguments_it_says_what_to_do() {
    let output = run(&[]);
    assert_eq!(code(&output), Some(2));
    assert!(output.stdout.is_empty());
    let said = stderr(&output);
    assert!(said.contains("tcpdump -i any") && said.contains("lbdiag --help"), "{said}");
    assert!(said.lines().count() < 15);
}

#[test]
fn usage_errors_are_exit_code_2() {
    let healthy = &sample("healthy-nat");
    for (args, needle) in [
        (&["--no-such", healthy][..], "--no-such"),
        (&["--format", "yaml", healthy], "text, json"),
        (&["--fail-on", "always", healthy], "warning"),
        (&["--vip", "203.0.113.8:80", healthy], "leave the port out: 203.0.113.8"),
        (&["--vip", "52:54:00:0d:47:99", healthy], "a VIP is an IP address"),
        (&["--director", "lb1", healthy], "52:54:00:0d:47:99"),
        (&["--json"], "no capture is given"),
        (&["-", "-"], "named twice"),
        (&["completions"], "SHELL"),
        (&["man", "no-such"], "lbdiag --help"),
    ] {
        let output = run(args);
        assert_eq!(code(&output), Some(2), "{args:?}");
        assert!(output.stdout.is_empty(), "{args:?}");
        assert!(stderr(&output).contains(needle), "{args:?}: {}", stderr(&output));
    }
}

#[test]
fn captures_are_diagnosed() {
    let output = run(&[&sample("healthy-nat")]);
    assert_eq!(code(&output), Some(0));
    assert!(stdout(&output).contains("HEALTHY"), "{}", stdout(&output));
    assert!(!stdout(&output).contains('\x1b'));
}

#[test]
fn stated_roles_are_taken() {
    let output = run(&[
        "--vip=203.0.113.8",
        "--director=52:54:00:0d:47:99",
        "--director=10.0.0.2",
        "--real-server=2001:db8::12",
        "--client=198.51.100.7",
        &sample("healthy-nat"),
    ]);
    assert_eq!(code(&output), Some(0), "{}", stderr(&output));
}

#[test]
fn fail_on_sets_the_exit_code_and_nothing_else() {
    let (healthy, broken) = (&sample("healthy-nat"), &sample("nat-one-rs-gateway-wrong"));
    assert_eq!(code(&run(&["--fail-on", "warning", healthy])), Some(0));
    assert_eq!(code(&run(&[broken])), Some(0));
    let output = run(&["--fail-on", "warning", broken]);
    assert_eq!(code(&output), Some(1));
    assert_eq!(stdout(&output), stdout(&run(&[broken])));
}

#[test]
fn a_misspelt_command_stops_and_help_helps() {
    let output = run(&["conections", &sample("healthy-nat")]);
    assert_eq!((code(&output), stdout(&output)), (Some(2), String::new()));
    assert!(stderr(&output).contains("did you mean the command connections?"));
    // Its options are those of the command that was meant.
    let output = run(&["extarct", "--finding", "1", &sample("healthy-nat")]);
    assert_eq!((code(&output), stdout(&output)), (Some(2), String::new()));
    assert!(stderr(&output).contains("did you mean the command extract?"), "{}", stderr(&output));
    // Of a command that is right, the option is at fault.
    let output = run(&["connections", "--fromm", "192.0.2.1", &sample("healthy-nat")]);
    assert_eq!((code(&output), stdout(&output)), (Some(2), String::new()));
    assert!(stderr(&output).contains("unexpected argument '--fromm'"), "{}", stderr(&output));
    let output = run(&["help", "why"]);
    assert_eq!((code(&output), stdout(&output)), (Some(0), stdout(&run(&["why", "--help"]))));
    assert_eq!(stdout(&run(&["help"])), stdout(&run(&["--help"])));
}

#[test]
fn a_redacted_report_says_so() {
    let said = "stand-ins: commands below fit no real host";
    for format in ["text", "markdown", "html"] {
        let plain = ["-q", "--format", format, &sample("rs-port-closed")];
        let told = |args: &[&str]| {
            let words = stdout(&run(args));
            words.split_whitespace().collect::<Vec<_>>().join(" ").contains(said)
        };
        assert!(!told(&plain), "{format}");
        assert!(told(&[&plain[..], &["--redact"]].concat()), "{format}");
    }
}
