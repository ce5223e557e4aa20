//! `--host-state` as a user gives it.

use crate::support::program::run;
use lbdiag::report::Report;

#[test]
fn the_option_takes_files_and_folders() {
    let report = |paths: &[&str]| -> Report {
        let mut args = vec!["--json", "samples/healthy-dr"];
        args.extend(paths.iter().flat_map(|path| ["--host-state", path]));
        let output = run(&args);
        assert_eq!(output.status.code(), Some(0));
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let files = |report: &Report| -> Vec<String> {
        report.host_states.iter().flat_map(|s| s.files.clone()).collect()
    };
    let folder = report(&["tests/states/healthy-dr"]);
    let names = ["director", "rs1", "rs2"];
    assert_eq!(files(&folder), names.map(|n| format!("tests/states/healthy-dr/{n}.txt")));
    let single =
        report(&["tests/states/healthy-dr/rs1.txt", "tests/states/healthy-dr/director.txt"]);
    assert_eq!(files(&single).len(), 2);
    assert!(single.host_states.iter().all(|s| s.matched_by.as_deref() == Some("macs")));
    assert!(folder.notes.iter().any(|n| n.contains("rs1 is 172.16.0.11 by its MAC")));
}

#[test]
fn a_path_that_gives_nothing_is_an_error_with_the_next_step() {
    for (path, step) in
        [("no-such", "ls -l ."), ("LICENSE", "> HOST.txt"), ("samples/healthy-dr", "> HOST.txt")]
    {
        let output = run(&["samples/healthy-dr", "--host-state", path]);
        assert_eq!(output.status.code(), Some(2), "{path}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(path) && said.trim_end().ends_with(step), "{said}");
        assert!(output.stdout.is_empty());
    }
}
