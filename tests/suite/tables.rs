//! Tables in place of captures: the same report byte for byte, from all samples; what is wrong with
//! tables is said in one line, and costs no other capture; other engines read them.

use crate::support::check::none;
use crate::support::each::of_each;
use crate::support::expected::root;
use crate::support::program::{code, lbdiag, printed, run, stderr, stdout};
use crate::support::tools::tool;
use lbdiag::capture::{self, Capture};
use lbdiag::flow::Observations;
use lbdiag::load::{self, How, Origin, Seen};
use lbdiag::report::{self, ConnectionFilter, Options};
use lbdiag::topology::StatedRoles;
use lbdiag::window::Window;
use lbdiag::{diagnose, render, tables};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::AtomicU64;
use tempfile::TempDir;

fn args(paths: &[PathBuf]) -> Vec<String> {
    paths.iter().map(|path| path.display().to_string()).collect()
}

fn origins(args: &[String]) -> Vec<Origin> {
    let sorted = load::sort_out(args);
    assert!(sorted.faults.is_empty(), "{:?}", sorted.faults);
    let inputs = match sorted.captures.is_empty() {
        true => Vec::new(),
        false => capture::inputs(&sorted.captures).unwrap().inputs,
    };
    sorted.origins(&inputs, 0)
}

/// The report of captures and tables, all connections in it, and what could not be read.
fn report(args: &[String]) -> (String, Vec<String>) {
    let how = How { stated: &StatedRoles::default(), window: &Window::default(), align: true };
    let loaded = load::load_all(&origins(args), &how, &AtomicU64::new(0));
    let diagnosis = diagnose::diagnose(&loaded.trace);
    let options = Options { connections: ConnectionFilter::All, notes: Vec::new() };
    let report = report::build(&loaded.trace, &diagnosis, &options);
    let failures = loaded.failures.iter().map(ToString::to_string).collect();
    (render::json(&report), failures)
}

/// The captures with what was observed of them.
fn seen(args: &[String]) -> (Vec<Capture>, Vec<Observations>) {
    let Seen { captures, vantages, .. } =
        load::see(&origins(args), &Window::default(), &AtomicU64::new(0));
    (captures, vantages)
}

/// Writes tables of captures into a folder of its own.
fn indexed(args: &[String]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let (captures, vantages) = seen(args);
    let written = tables::write(folder.path(), &captures, vantages).unwrap();
    assert_eq!(written.len(), captures.len());
    folder
}

/// The folders of single captures, by their labels.
fn folders(of: &Path) -> Vec<(String, PathBuf)> {
    let entries = fs::read_dir(of).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<_> = entries
        .map(|path| {
            let text = fs::read_to_string(path.join("manifest.json")).unwrap();
            let manifest: serde_json::Value = serde_json::from_str(&text).unwrap();
            (
                manifest["place"].as_u64().unwrap(),
                manifest["label"].as_str().unwrap().to_owned(),
                path,
            )
        })
        .collect();
    found.sort();
    found.into_iter().map(|(_, label, path)| (label, path)).collect()
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

#[test]
fn every_sample_gives_the_report_of_its_captures_byte_for_byte() {
    none(of_each(|sample| {
        let own = args(&sample.captures);
        let folder = indexed(&own);
        let (from_tables, failures) = report(&[text(folder.path())]);
        let (from_captures, _) = report(&own);
        let mut wrong = failures;
        if from_tables != from_captures {
            wrong.push("the report is another one".to_owned());
        }
        wrong
    }));
}

#[test]
fn tables_of_one_capture_stand_in_for_it_among_the_others() {
    none(of_each(|sample| {
        let own = args(&sample.captures);
        if own.len() < 2 {
            return Vec::new();
        }
        let folder = indexed(&own);
        let expected = report(&own).0;
        let single = folders(folder.path());
        if single.len() != own.len() {
            // Some captures are of several files, or of none.
            return Vec::new();
        }
        // The first, then the last.
        let places = [0, own.len() - 1];
        let wrong = places.into_iter().filter_map(|at| {
            let mut mixed = own.clone();
            mixed[at] = text(&single[at].1);
            let (given, failures) = report(&mixed);
            (given != expected || !failures.is_empty())
                .then(|| format!("{} from tables: {failures:?}", own[at]))
        });
        wrong.collect()
    }));
}

/// As a fleet does it: each host indexes its own captures and knows no other.
#[test]
fn captures_that_were_indexed_apart_give_the_same_report() {
    none(of_each(|sample| {
        let own = args(&sample.captures);
        let apart: Vec<TempDir> = capture::inputs(&own)
            .unwrap()
            .inputs
            .iter()
            .map(|input| {
                let folder = tempfile::tempdir().unwrap();
                let origin = Origin::captures(std::slice::from_ref(input));
                let seen = load::see(&origin, &Window::default(), &AtomicU64::new(0));
                tables::write(folder.path(), &seen.captures, seen.vantages).unwrap();
                folder
            })
            .collect();
        let folders: Vec<String> = apart.iter().map(|folder| text(folder.path())).collect();
        let folders: Vec<String> = folders
            .into_iter()
            .filter(|folder| fs::read_dir(folder).unwrap().count() > 0)
            .collect();
        let (given, failures) = report(&folders);
        let mut wrong = failures;
        if given != report(&own).0 {
            wrong.push("the report is another one".to_owned());
        }
        wrong
    }));
}

/// A sample with tables of it.
fn sample(name: &str) -> (String, TempDir) {
    let folder = root().join("samples").join(name).display().to_string();
    let tables = indexed(std::slice::from_ref(&folder));
    (folder, tables)
}

/// Tables are changed; what is said of them, and how many captures are left.
fn said_of(tables: &Path) -> (Vec<String>, usize) {
    let output = run(&["--json", &text(tables)]);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let errors: Vec<String> = stderr(&output)
        .lines()
        .filter(|line| line.contains("error: "))
        .map(|line| line.to_owned())
        .collect();
    let captures = report["captures"].as_array().map_or(0, Vec::len);
    (errors, captures)
}

#[test]
fn what_is_wrong_with_tables_is_said_and_costs_no_other_capture() {
    let change = |name: &str, change: &dyn Fn(&Path)| {
        let (_, tables) = sample("healthy-nat");
        let single = folders(tables.path());
        change(&single[0].1);
        let (errors, captures) = said_of(tables.path());
        assert_eq!((errors.len(), captures), (1, single.len() - 1), "{name}: {errors:?}");
        assert!(errors[0].contains("; "), "{name} has no next step: {errors:?}");
        errors[0].clone()
    };
    let manifest = |folder: &Path, from: &str, to: &str| {
        let path = folder.join("manifest.json");
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from));
        fs::write(path, text.replacen(from, to, 1)).unwrap();
    };
    let said = change("version", &|f| manifest(f, "\"version\": 1", "\"version\": 2"));
    assert!(said.contains("version 2 of the schema") && said.contains("reads version 1"), "{said}");
    let said = change("missing", &|f| fs::remove_file(f.join("hops.parquet")).unwrap());
    assert!(said.contains("hops.parquet is missing"), "{said}");
    let said = change("no manifest", &|f| fs::remove_file(f.join("manifest.json")).unwrap());
    assert!(said.contains("no manifest"), "{said}");
    let said = change("cut", &|f| {
        let path = f.join("vantages.parquet");
        let bytes = fs::read(&path).unwrap();
        fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
    });
    assert!(said.contains("vantages.parquet: it is cut off"), "{said}");
    let said = change("half a manifest", &|f| {
        let path = f.join("manifest.json");
        let bytes = fs::read(&path).unwrap();
        fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
    });
    assert!(said.contains("cut off"), "{said}");
    let said = change("another table", &|f| {
        fs::copy(f.join("hops.parquet"), f.join("vantages.parquet")).unwrap();
    });
    assert!(said.contains("vantages.parquet"), "{said}");
    change("damaged", &|f| {
        let path = f.join("hops.parquet");
        let mut bytes = fs::read(&path).unwrap();
        for byte in &mut bytes[30..60] {
            *byte ^= 0x55;
        }
        fs::write(path, bytes).unwrap();
    });
}

/// Counts that no capture can have would add up to more than sums hold.
#[test]
fn impossible_counts_are_refused() {
    use lbdiag::parquet::{Reader, Values, Writer};
    for (table, column) in [("vantages", "frames_without_macs"), ("neighbor_claims", "count")] {
        let (_, tables) = sample("healthy-nat");
        let path = folders(tables.path())[0].1.join(format!("{table}.parquet"));
        let bytes = fs::read(&path).unwrap();
        let mut reader = Reader::open(std::io::Cursor::new(&bytes)).unwrap();
        let fields = reader.fields().to_vec();
        let every: Vec<usize> = (0..fields.len()).collect();
        let mut columns = reader.columns(0, &every).unwrap();
        let at = fields.iter().position(|field| field.name == column).unwrap();
        let Values::Numbers(list) = &mut columns[at].values else { panic!("{column}") };
        list.fill(if table == "vantages" { -1 } else { i64::from(u32::MAX) });
        let mut writer = Writer::new(Vec::new(), fields).unwrap();
        writer.group(&columns).unwrap();
        fs::write(&path, writer.finish(&[], &[]).unwrap()).unwrap();
        let (errors, _) = said_of(tables.path());
        assert!(errors.len() == 1 && errors[0].contains("more than a capture"), "{errors:?}");
    }
}

#[test]
fn names_in_tables_lead_nowhere() {
    let (_, tables) = sample("healthy-nat");
    let single = folders(tables.path());
    let outside = tables.path().join("outside.parquet");
    fs::copy(single[1].1.join("hops.parquet"), &outside).unwrap();
    let path = single[0].1.join("manifest.json");
    let whole = fs::read_to_string(&path).unwrap();
    for name in ["../outside.parquet", &text(&outside), "./hops.parquet", "a/../hops.parquet"] {
        fs::write(&path, whole.replacen("\"hops.parquet\"", &format!("{name:?}"), 1)).unwrap();
        let (errors, captures) = said_of(tables.path());
        assert_eq!((errors.len(), captures), (1, single.len() - 1), "{name}: {errors:?}");
        assert!(errors[0].contains("lbdiag does not write"), "{errors:?}");
    }
    fs::write(&path, &whole).unwrap();
    #[cfg(unix)]
    {
        let own = single[0].1.join("hops.parquet");
        fs::remove_file(&own).unwrap();
        std::os::unix::fs::symlink(&outside, &own).unwrap();
        let (errors, _) = said_of(tables.path());
        assert!(errors[0].contains("is a link"), "{errors:?}");
    }
    // The frames of a capture from tables are not looked for, even where a file has their name.
    let (folder, tables) = sample("hairpin-cloud-slb");
    let output = run(&["ladder", &text(tables.path())]);
    assert_eq!(code(&output), Some(2));
    let said = stderr(&output);
    assert!(said.contains(&format!("they are in {folder}/")), "{said}");
}

#[test]
fn a_capture_that_is_there_twice_is_read_once() {
    let (folder, tables) = sample("healthy-nat");
    let again = indexed(std::slice::from_ref(&folder));
    let expected = report(std::slice::from_ref(&folder)).0;
    let (given, failures) = report(&[text(tables.path()), text(again.path())]);
    assert_eq!(failures.len(), folders(tables.path()).len(), "{failures:?}");
    assert!(failures.iter().all(|f| f.contains("is there twice")), "{failures:?}");
    assert!(given == expected);
    // A capture beside its own tables, too.
    let (given, failures) = report(&[folder.clone(), text(tables.path())]);
    assert!(failures.iter().all(|f| f.contains("is there twice")), "{failures:?}");
    assert!(given == expected);
}

#[test]
fn a_part_of_the_time_is_not_taken_of_tables() {
    let (_, tables) = sample("healthy-nat");
    let output = run(&["--since", "+1s", &text(tables.path())]);
    assert_eq!(code(&output), Some(2), "{}", stderr(&output));
    assert!(stderr(&output).contains("index it with --since"), "{}", stderr(&output));
}

#[test]
fn captures_are_added_to_tables_and_nothing_half_done_is_read() {
    let to = tempfile::tempdir().unwrap();
    let out = text(to.path());
    let own = root().join("samples/healthy-nat");
    let one = |file: &str| text(&own.join(file));
    let index = |file: &str| {
        let output = run(&["index", &one(file), "-o", &out]);
        assert_eq!(code(&output), Some(0), "{}", stderr(&output));
        assert_eq!(stdout(&output), "");
        stderr(&output)
    };
    assert!(index("client.pcap").contains("1 capture written"));
    assert!(index("director.pcap").contains("1 capture written"));
    assert!(index("client.pcap").contains("1 capture had tables there already"));
    // What a program that was killed left.
    let left = to.path().join(".lbdiag-abc.tmp");
    let whole = folders(to.path()).first().unwrap().1.join("captures.parquet");
    fs::create_dir_all(&left).unwrap();
    fs::copy(whole, left.join("captures.parquet")).unwrap();
    let report = printed(&["--json", "-q", &out]);
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["captures"].as_array().unwrap().len(), 2);
}

#[test]
fn what_needs_frames_says_where_they_are() {
    let (folder, tables) = sample("hairpin-cloud-slb");
    let output = run(&[&text(tables.path())]);
    assert_eq!(code(&output), Some(0));
    assert!(stderr(&output).contains("nothing is drawn"), "{}", stderr(&output));
    // All else is what captures give.
    let whole = printed(&["-q", &folder]);
    let given = stdout(&output);
    let lines = given.lines().filter(|line| !whole.contains(line.trim())).count();
    assert_eq!(lines, 0, "{given}");
    let extract = run(&["extract", "-w", "/dev/null", &text(tables.path())]);
    assert_eq!(code(&extract), Some(2));
    assert!(stderr(&extract).contains("name captures in place of their tables"));
}

/// `docs/tables.md` lists every column, between its marks; `LBDIAG_WRITE_DOCS=1` writes them.
#[test]
fn the_page_has_every_table_and_column() {
    let mut text = String::new();
    for (table, about, columns) in tables::schema() {
        text.push_str(&format!("### {table}\n\n{about}\n\n| column | type | |\n|---|---|---|\n"));
        for column in columns {
            let null = if column.field.optional { ", or null" } else { "" };
            let kind = column.field.kind.name();
            text.push_str(&format!(
                "| `{}` | {kind}{null} | {} |\n",
                column.field.name,
                column.what.replace('|', "\\|")
            ));
        }
        text.push('\n');
    }
    let path = root().join("docs/tables.md");
    let page = fs::read_to_string(&path).unwrap();
    let (begin, end) = ("<!-- columns: begin -->\n\n", "<!-- columns: end -->");
    let (before, rest) = page.split_once(begin).unwrap();
    let (listed, after) = rest.split_once(end).unwrap();
    if std::env::var_os("LBDIAG_WRITE_DOCS").is_some() {
        fs::write(&path, format!("{before}{begin}{text}{end}{after}")).unwrap();
        return;
    }
    assert!(listed == text, "docs/tables.md is old; write it with LBDIAG_WRITE_DOCS=1");
}

/// The questions of the page, each by an engine that knows nothing of lbdiag.
#[test]
fn duckdb_answers_the_questions_of_the_page() {
    let Some(duckdb) = tool("duckdb") else { return };
    let page = fs::read_to_string(root().join("docs/tables.md")).unwrap();
    let questions: Vec<&str> =
        page.split("```sql\n").skip(1).map(|block| block.split("```").next().unwrap()).collect();
    assert!(questions.len() >= 5);
    let place = tempfile::tempdir().unwrap();
    let args = ["healthy-nat", "nat-one-rs-gateway-wrong", "dr-arp-vip-conflict"];
    for (n, name) in args.into_iter().enumerate() {
        let folder = root().join("samples").join(name).display().to_string();
        let (captures, vantages) = seen(&[folder]);
        let to = place.path().join(if n == 0 { "tables" } else { name });
        tables::write(&to, &captures, vantages).unwrap();
        let tables = place.path().join("tables");
        if n > 0 {
            for (_, single) in folders(&to) {
                fs::rename(&single, tables.join(single.file_name().unwrap())).unwrap();
            }
        }
    }
    for question in questions {
        let output = Command::new(&duckdb)
            .current_dir(place.path())
            .args(["-csv", "-c", question])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.is_empty(), "{question}\n{said}");
        let rows = String::from_utf8_lossy(&output.stdout).lines().count();
        assert!(rows > 1, "{question}\nhas no row");
    }
    // And every file of every table.
    let all = "select count(*) from read_parquet('tables/*/*.parquet', union_by_name = true)";
    let output =
        Command::new(&duckdb).current_dir(place.path()).args(["-c", all]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn index_says_what_it_cannot_do() {
    let to = tempfile::tempdir().unwrap();
    let output = run(&["index", "no-such.pcap", "-o", &text(to.path())]);
    assert_eq!(code(&output), Some(2));
    assert!(stderr(&output).contains("no-such.pcap"), "{}", stderr(&output));
    let (_, tables) = sample("healthy-nat");
    let output = run(&["index", &text(tables.path()), "-o", &text(to.path())]);
    assert_eq!(code(&output), Some(2));
    assert!(stderr(&output).contains("indexed already"), "{}", stderr(&output));
    let file = to.path().join("file");
    fs::write(&file, "").unwrap();
    let mut command = lbdiag(&["index", "samples/healthy-nat", "-o", &text(&file)]);
    let output = command.output().unwrap();
    assert_eq!(code(&output), Some(2));
    assert!(stderr(&output).contains("cannot be written"), "{}", stderr(&output));
}
