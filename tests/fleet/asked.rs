//! What may be asked of one machine may be asked of a fleet: formats, roles, outputs of hosts, redaction. What
//! is printed, said and ended with is that of one machine, to the byte.

use crate::same::{differences, in_parts, indexed};
use crate::support::check::none;
use crate::support::expected::{entries, root, samples};
use crate::support::program::{printed, run};
use lbdiag::fleet::{self, Options, Said};
use lbdiag::report::Report;
use lbdiag::state;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

fn text(path: &Path) -> String {
    path.display().to_string()
}

fn tables(sample: &str) -> TempDir {
    indexed(&[root().join("samples").join(sample)])
}

/// What differs between the answers of one machine and of a fleet, asked the same.
fn differs(folder: &Path, asked: &[&str]) -> Vec<String> {
    let folder = text(folder);
    let [one, fleet] = [&[][..], &["fleet"]].map(|how| run(&[how, &[&folder], asked].concat()));
    let mut wrong = Vec::new();
    if one.stdout != fleet.stdout {
        wrong.push(format!("{asked:?}: another report"));
    }
    if one.status.code() != fleet.status.code() {
        wrong.push(format!("{asked:?}: ends with {:?}", fleet.status.code()));
    }
    if one.stderr != fleet.stderr {
        wrong.push(format!("{asked:?}: says {}", String::from_utf8_lossy(&fleet.stderr)));
    }
    wrong
}

const SAMPLE: &str = "nat-one-rs-gateway-wrong";

#[test]
fn every_format_is_that_of_one_machine() {
    let folder = tables(SAMPLE);
    let formats = ["text", "json", "ndjson", "markdown", "html"];
    let asked = formats.iter().flat_map(|format| {
        let listed = ["all", "affected", "none"].map(|listed| vec!["--connections", listed]);
        let also = [vec![], vec!["-v"], vec!["--coverage"]];
        let more = also.into_iter().chain(listed);
        more.map(move |more| [vec!["--format", *format], more].concat())
    });
    none(asked.flat_map(|asked| differs(folder.path(), &asked)).collect());
}

/// Every tenth sample as a page and as a text.
#[test]
fn pages_and_texts_are_those_of_one_machine() {
    let all = samples();
    let some = all.iter().step_by(10).flat_map(|sample| {
        let folder = indexed(&sample.captures);
        let asked = [["--format", "html"], ["--format", "text"]];
        let wrong = asked.iter().flat_map(|asked| differs(folder.path(), asked));
        wrong.map(|line| format!("{}: {line}", sample.name)).collect::<Vec<_>>()
    });
    none(some.collect());
}

#[test]
fn a_name_of_a_file_says_the_format() {
    let folder = tables(SAMPLE);
    let page = folder.path().join("report.html");
    assert_eq!(printed(&["fleet", &text(folder.path()), "-o", &text(&page)]), "");
    assert!(std::fs::read_to_string(page).unwrap().starts_with("<!DOCTYPE html>"));
}

#[test]
fn roles_clocks_and_levels_are_taken_as_by_one_machine() {
    let folder = tables(SAMPLE);
    let report: serde_json::Value =
        serde_json::from_str(&printed(&["--json", "-q", &text(folder.path())])).unwrap();
    let server = report["services"][0]["real_servers"][0]["address"].as_str().unwrap().to_owned();
    let asked: &[&[&str]] = &[
        &["--json", "--client", &server],
        &["--json", "--director", &server],
        &["--json", "--real-server", &server],
        &["--json", "--no-clock-align"],
        &["--json", "--fail-on", "critical"],
        &["--json", "--fail-on", "info"],
        &["--json", "--real-server", "ff:ff:ff:ff:ff:ff"],
        &["--json", "--host-state", "no-such-file.txt"],
    ];
    none(asked.iter().flat_map(|asked| differs(folder.path(), asked)).collect());
}

/// Samples with what their hosts said.
fn told() -> Vec<(String, PathBuf)> {
    let folders = entries(&root().join("tests/states")).into_iter().filter(|path| path.is_dir());
    folders.map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), path)).collect()
}

#[test]
fn what_hosts_say_is_heard() {
    let told = told();
    assert!(told.len() > 4);
    none(
        told.iter()
            .flat_map(|(sample, states)| {
                let folder = tables(sample);
                let states = text(states);
                let mut wrong = Vec::new();
                for more in [&["--json"][..], &["--format", "html"], &["--json", "--redact"]] {
                    let asked = [&["--host-state", &states], more].concat();
                    wrong.extend(differs(folder.path(), &asked));
                }
                let silent = printed(&["fleet", "-q", "--json", &text(folder.path())]);
                let heard = ["fleet", "-q", "--json", &text(folder.path()), "--host-state"];
                if silent == printed(&[&heard[..], &[&states]].concat()) {
                    wrong.push(format!("{sample}: what hosts say changes nothing"));
                }
                wrong
            })
            .collect(),
    );
}

/// The answer in parts of 20 streams, beside what hosts say.
fn in_parts_with(folder: &Path, states: &[PathBuf]) -> Report {
    let states = state::read(states).unwrap().hosts;
    let options = Options { said: Said { states, ..Said::default() }, ..in_parts() };
    let answer = fleet::diagnose(&[text(folder)], options).unwrap();
    assert!(answer.failures.is_empty(), "{:?}", answer.failures);
    answer.report
}

fn single_with(folder: &Path, states: &[PathBuf]) -> Report {
    let mut args = vec!["--json".to_owned(), "-q".to_owned(), text(folder)];
    for path in states {
        args.extend(["--host-state".to_owned(), text(path)]);
    }
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    serde_json::from_str(&printed(&args)).unwrap()
}

#[test]
fn what_hosts_say_is_heard_in_every_part() {
    let mut wrong = Vec::new();
    for (sample, states) in told() {
        let folder = tables(&sample);
        let states = [states];
        let own = in_parts_with(folder.path(), &states);
        let lines = differences(&own, &single_with(folder.path(), &states));
        wrong.extend(lines.into_iter().map(|line| format!("{sample}: {line}")));
    }
    none(wrong);
}

/// TLS on both sides of a proxy: nothing but its log or its table ties the two connections, which have
/// nothing else in common, so that they lie in one part by that alone.
#[test]
fn what_a_proxy_says_to_have_passed_on_lies_in_one_part() {
    let logs = root().join("tests/logs");
    let folder = indexed(&[logs.join("lb.pcap")]);
    let mut wrong = Vec::new();
    let said: [&[&str]; 4] = [
        &["haproxy.log", "show-stat.txt"],
        &["haproxy.log"],
        &["nginx.log"],
        &["show-sess-all.txt"],
    ];
    for names in said {
        let states: Vec<PathBuf> = names.iter().map(|name| logs.join(name)).collect();
        let single = single_with(folder.path(), &states);
        let lines = differences(&in_parts_with(folder.path(), &states), &single);
        wrong.extend(lines.into_iter().map(|line| format!("{names:?}: {line}")));
    }
    none(wrong);
}

/// Everything that a fleet writes is redacted, the sums too, and what stands for what is kept and gone on
/// with as by one machine.
#[test]
fn addresses_are_replaced_as_by_one_machine() {
    let folder = tables(SAMPLE);
    let out = tempfile::tempdir().unwrap();
    let (own, other) = (out.path().join("fleet.json"), out.path().join("one.json"));
    let tables = text(folder.path());
    let plain = printed(&["--json", "-q", &tables]);
    let report: serde_json::Value = serde_json::from_str(&plain).unwrap();
    let service = report["services"][0]["vip"].as_str().unwrap();
    for format in ["json", "text", "html", "json"] {
        let sums = out.path().join("sums.json");
        let asked = ["-q", &tables, "--redact", "--format", format, "--redact-map"];
        let fleet = ["fleet", "--sums", &text(&sums)];
        let given = printed(&[&fleet[..], &asked, &[&text(&own)]].concat());
        let expected = printed(&[&asked[..], &[&text(&other)]].concat());
        assert!(given == expected, "{format}: another report");
        let sums = std::fs::read_to_string(sums).unwrap();
        let names = ["client", "director", "rs1", SAMPLE, service];
        let leaks = |text: &str, names: &[&str]| {
            names.iter().find(|name| text.contains(&format!("\"{name}"))).map(|n| (*n).to_owned())
        };
        assert_eq!(leaks(&sums, &names), None, "{sums}");
        assert!(!given.contains(service), "{format}: an address is left");
        let [a, b] = [&own, &other].map(|path| std::fs::read(path).unwrap());
        assert!(a == b && !a.is_empty(), "{format}: another map");
    }
    // Dealt into parts, vantages have no names in sums either.
    let sums = out.path().join("sums.json");
    let parts = ["fleet", "-q", &tables, "--redact", "--whole", "0", "--part", "20", "--sums"];
    let given = printed(&[&parts[..], &[&text(&sums)]].concat());
    let sums = std::fs::read_to_string(sums).unwrap();
    for text in [given, sums] {
        assert!(!text.contains(service) && !text.contains("rs1"), "{text}");
    }
}
