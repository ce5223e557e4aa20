//! What is wrong with tables is said in one line, and costs no other capture.

use super::{folders, sample, text};
use crate::support::program::{code, lbdiag, run, stderr};
use lbdiag::parquet::{Column, Field, Reader, Values, Writer};
use std::fs;
use std::path::Path;

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

/// Changes a table of one capture.
fn change_table(path: &Path, change: impl FnOnce(&mut Vec<Field>, &mut Vec<Column>)) {
    let bytes = fs::read(path).unwrap();
    let mut reader = Reader::open(std::io::Cursor::new(&bytes)).unwrap();
    let mut fields = reader.fields().to_vec();
    let every: Vec<usize> = (0..fields.len()).collect();
    let mut columns = reader.columns(0, &every).unwrap();
    change(&mut fields, &mut columns);
    let mut writer = Writer::new(Vec::new(), fields).unwrap();
    writer.group(&columns).unwrap();
    fs::write(path, writer.finish(&[], &[]).unwrap()).unwrap();
}

/// Counts that no capture can have would add up to more than sums hold.
#[test]
fn impossible_counts_are_refused() {
    for (table, column) in [("vantages", "frames_without_macs"), ("neighbor_claims", "count")] {
        let (_, tables) = sample("healthy-nat");
        let path = folders(tables.path())[0].1.join(format!("{table}.parquet"));
        change_table(&path, |fields, columns| {
            let at = fields.iter().position(|field| field.name == column).unwrap();
            let Values::Numbers(list) = &mut columns[at].values else { panic!("{column}") };
            list.fill(if table == "vantages" { -1 } else { i64::from(u32::MAX) });
        });
        let (errors, _) = said_of(tables.path());
        assert!(errors.len() == 1 && errors[0].contains("more than a capture"), "{errors:?}");
    }
}

/// Tables of before a column was added: what they lack is not to be guessed.
#[test]
fn tables_of_an_older_lbdiag_are_to_be_made_again() {
    let (_, tables) = sample("healthy-nat");
    let path = folders(tables.path())[0].1.join("vantages.parquet");
    change_table(&path, |fields, columns| {
        let at = fields.iter().position(|field| field.name == "signed_syns").unwrap();
        fields.remove(at);
        columns.remove(at);
    });
    let (errors, _) = said_of(tables.path());
    let said = "has no column signed_syns, which an older lbdiag did not write; index the capture again with this lbdiag";
    assert!(errors.len() == 1 && errors[0].contains(said), "{errors:?}");
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
