//! What names on the command line and standard input lead to.

use super::{sample, scratch, text};
use crate::support::program::{code, lbdiag, run, stderr, stdout};
use std::path::Path;
use std::process::Stdio;

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
