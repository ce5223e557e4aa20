//! The program as a user calls it: what goes where, and with which exit code.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The program, with no setting of this machine that changes its output.
fn lbdiag(args: &[&str]) -> Command {
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

fn run(args: &[&str]) -> Output {
    lbdiag(args).output().unwrap()
}

fn code(output: &Output) -> Option<i32> {
    output.status.code()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

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
fn schema_is_json_and_the_report_follows_it() {
    let schema: serde_json::Value = serde_json::from_slice(&run(&["schema"]).stdout).unwrap();
    assert!(schema["properties"]["findings"].is_object());
    let output = run(&["--json", &sample("healthy-nat")]);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["schema_version"], "1");
    assert!(jsonschema::is_valid(&schema, &report));
    assert!(!jsonschema::is_valid(&schema, &serde_json::json!({"schema_version": 1})));
    let same = run(&["--format", "json", &sample("healthy-nat")]);
    assert_eq!(same.stdout, output.stdout);
    let later = run(&["--json", "--format", "text", &sample("healthy-nat")]);
    assert!(stdout(&later).contains("HEALTHY"));
}

#[test]
fn a_file_that_cannot_be_read_is_named_and_the_others_go_on() {
    let (_dir, notes) = scratch("notes.txt");
    std::fs::write(&notes, "not a capture\n").unwrap();
    let output = run(&["--json", &sample("healthy-nat"), "no-such.pcap", text(&notes)]);
    assert_eq!(code(&output), Some(0));
    let said = stderr(&output);
    assert!(said.contains("error: no-such.pcap: no such file"), "{said}");
    assert!(said.contains("notes.txt: this is a text without a packet"), "{said}");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let noted = report["notes"].to_string();
    assert!(noted.contains("no-such.pcap") && noted.contains("notes.txt"), "{noted}");
    assert_eq!(report["captures"].as_array().map(Vec::len), Some(4));
}

#[test]
fn where_nothing_can_be_read_the_exit_code_is_2() {
    let (_dir, empty) = scratch("empty.pcap");
    std::fs::write(&empty, "").unwrap();
    for (args, needle) in [
        (&["no-such.pcap"][..], "check the name with: ls -l ."),
        (&["no-such.pcap", "nor-this.pcap"], "nor-this.pcap"),
        (&[text(&empty)], "the file is empty"),
        (&["--quiet", "no-such.pcap"], "no-such.pcap"),
        (&["-v", "explain"], "the command explain comes first"),
    ] {
        let output = run(args);
        assert_eq!(code(&output), Some(2), "{args:?}");
        assert!(output.stdout.is_empty(), "{args:?}");
        assert!(stderr(&output).contains(needle), "{args:?}: {}", stderr(&output));
    }
}

#[test]
fn notes_go_to_stderr_unless_quiet() {
    let healthy = &sample("healthy-nat");
    let twice = format!("{healthy}/director.pcap");
    assert!(stderr(&run(&[healthy, &twice])).contains("note: "));
    assert_eq!(stderr(&run(&["-q", healthy, &twice])), "");
    // The README beside the captures is skipped, which is said to who looks closely.
    assert_eq!(stderr(&run(&[healthy])), "");
    assert!(!stdout(&run(&[healthy])).contains("README"));
    assert!(stdout(&run(&["-v", "--json", healthy])).contains("README.md (text)"));
    assert!(stderr(&run(&["-vv", healthy])).contains("diagnosing: "));
}

#[test]
fn file_names_do_not_steer_the_terminal() {
    let (_dir, odd) = scratch("a\u{1b}]0;x\u{7}\u{202e}.pcap");
    std::fs::write(&odd, "text\n").unwrap();
    for args in
        [&[text(&odd)][..], &["\u{1b}[2J.pcap"], &["--\u{1b}[2J\u{9b}1m"], &["explain", "\u{1b}c"]]
    {
        let output = run(args);
        assert_eq!(code(&output), Some(2), "{args:?}");
        let steers = |c: char| c != '\n' && (c.is_control() || c == '\u{202e}');
        assert!(!stderr(&output).contains(steers), "{:?}", stderr(&output));
    }
}

#[test]
fn standard_input_is_a_capture() {
    let capture = std::fs::File::open(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/healthy-nat/director.pcap"),
    );
    let output = lbdiag(&["--json", "lb=-"]).stdin(capture.unwrap()).output().unwrap();
    assert_eq!(code(&output), Some(0), "{}", stderr(&output));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["captures"][0]["vantages"][0], "lb");
}

#[test]
fn a_hint_quotes_every_name_that_it_prints() {
    let (dir, _) = scratch("x");
    let odd = dir.path().join("it's $(x)");
    let nowhere = text(&odd);
    let quoted = format!("{}/'it'\\''s $(x)'", text(dir.path()).replace('\'', ""));
    let quoted = format!("'{}'", quoted.replace("/'it", "/it").trim_end_matches('\''));
    let folder = odd.join("report.txt");
    let output = run(&["-o", text(&folder), &sample("healthy-nat")]);
    assert!(stderr(&output).contains(&format!("mkdir -p {quoted}")), "{}", stderr(&output));
    std::fs::create_dir(&odd).unwrap();
    let output = run(&["-o", nowhere, &sample("healthy-nat")]);
    assert!(stderr(&output).contains("/report.txt'"), "{}", stderr(&output));
    let capture = odd.join("a b.pcap");
    std::fs::copy(format!("{}/director.pcap", sample("healthy-nat")), &capture).unwrap();
    let short = lbdiag(&["ladder", "--connection", "99", "a b.pcap"]).current_dir(&odd).output();
    let said = stderr(&short.unwrap());
    assert!(said.contains("lbdiag connections 'a b.pcap'"), "{said}");
    let missing = text(&folder).to_owned();
    let output = run(&["--host-state", &missing, &sample("healthy-nat")]);
    assert!(stderr(&output).contains(&format!("ls -l {quoted}")), "{}", stderr(&output));
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
fn a_file_gets_what_its_name_says() {
    let (dir, _) = scratch("x");
    let path = dir.path().join("ticket.md");
    let output = run(&["-q", "-o", text(&path), &sample("healthy-nat")]);
    assert_eq!(code(&output), Some(0), "{}", stderr(&output));
    assert!(std::fs::read_to_string(&path).unwrap().starts_with("## Healthy"));
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

#[test]
fn folders_are_searched_as_deep_as_is_asked() {
    let (dir, _) = scratch("x");
    let below = dir.path().join("a/b");
    std::fs::create_dir_all(&below).unwrap();
    let from = format!("{}/director.pcap", sample("healthy-nat"));
    std::fs::copy(&from, below.join("deep.pcap")).unwrap();
    std::fs::copy(&from, dir.path().join("flat.pcap")).unwrap();
    let count = |args: &[&str]| {
        let report: serde_json::Value =
            serde_json::from_str(&stdout(&run(
                &[args, &["-q", "--json", text(dir.path())]].concat()
            )))
            .unwrap();
        report["captures"].as_array().unwrap().len()
    };
    assert_eq!((count(&[]), count(&["-r"]), count(&["--recursive=1"])), (1, 2, 1));
    assert_eq!(count(&["--recursive=2"]), 2);
}

#[test]
fn connections_are_written_as_csv_and_ladders_as_json() {
    let folder = sample("nat-one-rs-gateway-wrong");
    let csv = stdout(&run(&["connections", "-q", "--format", "csv", &folder]));
    let json: serde_json::Value =
        serde_json::from_str(&stdout(&run(&["connections", "-q", "--format", "json", &folder])))
            .unwrap();
    let list = json["connections"].as_array().unwrap();
    let lines: Vec<Vec<&str>> = csv.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(lines.len(), list.len() + 1);
    for (line, connection) in lines[1..].iter().zip(list) {
        assert_eq!(line.len(), lines[0].len(), "{line:?}");
        assert_eq!(line[1], connection["client"].as_str().unwrap());
        assert_eq!(line[5], connection["outcome"].as_str().unwrap());
        assert_eq!(line[8], connection["duration_ns"].to_string());
    }
    let ladder: serde_json::Value =
        serde_json::from_str(&stdout(&run(&["ladder", "-q", "--format", "json", &folder])))
            .unwrap();
    assert!(!ladder["steps"].as_array().unwrap().is_empty());
}

#[test]
fn a_closed_pipe_is_no_error() {
    let healthy = &sample("healthy-nat");
    for args in [
        &[healthy.as_str()][..],
        &["--json", healthy],
        &["schema"],
        &["explain"],
        &["man"],
        &["completions", "bash"],
        &["--help"],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = lbdiag(args).stdout(writer).stderr(Stdio::piped()).output().unwrap();
        assert_eq!(code(&output), Some(0), "{args:?}");
        assert!(!stderr(&output).contains("error"), "{args:?}: {}", stderr(&output));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error() {
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let output = lbdiag(&["schema"]).stdout(full).stderr(Stdio::piped()).output().unwrap();
    assert_eq!(code(&output), Some(2));
    assert!(stderr(&output).contains("give a file with -o"));
}

#[test]
fn the_result_goes_to_a_file() {
    let (dir, path) = scratch("report.txt");
    let healthy = &sample("healthy-nat");
    let output = run(&["-o", text(&path), healthy]);
    assert_eq!(code(&output), Some(0), "{}", stderr(&output));
    assert!(output.stdout.is_empty());
    let plain = run(&[healthy]);
    assert_eq!(std::fs::read(&path).unwrap(), plain.stdout);
    assert_eq!(run(&["-o", "-", healthy]).stdout, plain.stdout);
    assert_eq!(dir.path().read_dir().unwrap().count(), 1);
}

#[test]
fn a_place_that_cannot_be_written_is_said_and_captures_are_not_overwritten() {
    let (dir, path) = scratch("director.pcap");
    let healthy = &sample("healthy-nat");
    std::fs::copy(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/healthy-nat/director.pcap"),
        &path,
    )
    .unwrap();
    let before = std::fs::read(&path).unwrap();
    for (place, needle) in [
        (text(&path), "would be lost"),
        (text(dir.path()), "is a folder"),
        (&format!("{}/no/report.txt", dir.path().display()), "mkdir -p"),
    ] {
        let output = run(&["-o", place, healthy]);
        assert_eq!(code(&output), Some(2), "{place}");
        assert!(stderr(&output).contains(needle), "{}", stderr(&output));
    }
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[cfg(unix)]
#[test]
fn devices_are_written_directly() {
    let output = run(&["-o", "/dev/null", &sample("healthy-nat")]);
    assert_eq!(code(&output), Some(0), "{}", stderr(&output));
    assert!(output.stdout.is_empty());
}

#[test]
fn explain_prints_a_page_or_all_ids() {
    let page = run(&["explain", "dr-arp-problem"]);
    assert_eq!(code(&page), Some(0));
    assert!(stdout(&page).starts_with("dr-arp-problem\n"));
    let all = run(&["explain"]);
    assert_eq!(code(&all), Some(0));
    let line = stdout(&all).lines().find(|l| l.starts_with("dr-arp-problem ")).map(str::to_owned);
    assert!(line.is_some_and(|l| l.contains("A real server")));
}

#[test]
fn explain_understands_a_slip() {
    let output = run(&["explain", "dr-apr-problem"]);
    assert_eq!(code(&output), Some(2));
    assert!(output.stdout.is_empty());
    assert!(stderr(&output).contains("did you mean dr-arp-problem?"), "{}", stderr(&output));
}

#[test]
fn colour_follows_the_option_then_the_environment() {
    let coloured = |args: &[&str], vars: &[(&str, &str)]| {
        let output = lbdiag(args).envs(vars.iter().copied()).output().unwrap();
        assert_eq!(code(&output), Some(0));
        stdout(&output).contains('\x1b')
    };
    let healthy = &sample("healthy-nat");
    for what in [&["explain", "rs-silent"][..], &[healthy.as_str()]] {
        let with = |extra: &'static str| [what, &[extra]].concat();
        assert!(!coloured(what, &[]));
        assert!(coloured(what, &[("FORCE_COLOR", "1")]));
        assert!(!coloured(what, &[("FORCE_COLOR", "1"), ("NO_COLOR", "1")]));
        assert!(coloured(&with("--color=always"), &[("NO_COLOR", "1")]));
        assert!(!coloured(&with("--color=never"), &[("FORCE_COLOR", "1")]));
    }
}

#[test]
fn columns_set_the_width() {
    let width = |columns: &str| {
        let output = lbdiag(&["explain"]).env("COLUMNS", columns).output().unwrap();
        stdout(&output).lines().map(|line| line.chars().count()).max().unwrap()
    };
    assert!(width("70") <= 70 && width("150") > 80 && width("no number") <= 80);
}

#[test]
fn shells_get_completions() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = run(&["completions", shell]);
        assert_eq!(code(&output), Some(0));
        assert!(stdout(&output).contains("fail-on"), "{shell}");
    }
    assert!(stdout(&run(&["completions", "bash"])).contains("complete -F _lbdiag"));
}

#[test]
fn manual_pages_are_roff() {
    let page = stdout(&run(&["man"]));
    assert!(page.contains(".TH lbdiag 1") && page.contains(r"\-\-fail\-on"), "{page}");
    assert!(stdout(&run(&["man", "explain"])).contains(".TH lbdiag-explain 1"));
}

#[test]
fn a_paste_on_standard_input_is_a_capture() {
    use std::io::Write as _;
    let lines = "Hello,\n> 20:39:27.923720 Out 00:16:3f:00:94:40 ethertype IPv4 (0x0800), length 76: 192.168.0.237.47986 > 192.168.0.238.80: Flags [S], seq 2404934922, win 29200, options [mss 1460,sackOK,TS val 1545908 ecr 0,nop,wscale 7], length 0\n> 20:39:27.923879  In ee:ff:ff:ff:ff:ff ethertype IPv4 (0x0800), length 76: 192.168.0.237.47986 > 192.168.0.237.80: Flags [S], seq 2404934922, win 29200, options [mss 1460,sackOK,TS val 1545908 ecr 0,nop,wscale 7], length 0\n> 20:39:27.923894  In 00:00:00:00:00:00 ethertype IPv4 (0x0800), length 76: 192.168.0.237.80 > 192.168.0.237.47986: Flags [S.], seq 213761747, ack 2404934923, win 43690, options [mss 65495,sackOK,TS val 1545908 ecr 1545908,nop,wscale 7], length 0\n> 20:39:27.923903  In 00:00:00:00:00:00 ethertype IPv4 (0x0800), length 56: 192.168.0.237.47986 > 192.168.0.237.80: Flags [R], seq 2404934923, win 0, length 0\n";
    let mut child =
        lbdiag(&["--json", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let first = &report["findings"][0];
    assert_eq!(first["id"], "l4-self-access-hairpin");
    let proof = first["evidence"].as_array().unwrap().last().unwrap();
    assert_eq!((proof["frame"].as_u64(), proof["line"].as_u64()), (Some(4), Some(5)));
    assert!(proof["printed"].as_str().unwrap().contains("Flags [R]"));
}
