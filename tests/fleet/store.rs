//! Tables in an object store that speaks S3: the report is that of the same tables in folders.

use crate::bucket::{Bucket, Objects, add};
use crate::same::indexed;
use crate::support::expected::{entries, root, samples};
use crate::support::program::{lbdiag, run};
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Output;
use std::sync::atomic::Ordering;
use tempfile::TempDir;

/// What a fleet's command says of a bucket.
fn asked(bucket: &Bucket, prefix: &str, more: &[&str]) -> Output {
    let address = format!("s3://captures/{prefix}");
    let mut command = lbdiag(&[&["fleet", &address, "--json", "-q"], more].concat());
    for (name, value) in [
        ("AWS_ENDPOINT_URL", bucket.url.as_str()),
        ("AWS_ALLOW_HTTP", "true"),
        ("AWS_REGION", "eu-central-1"),
        ("AWS_ACCESS_KEY_ID", "k"),
        ("AWS_SECRET_ACCESS_KEY", "s"),
    ] {
        command.env(name, value);
    }
    command.output().unwrap()
}

fn in_folder(folder: &Path, more: &[&str]) -> Output {
    let folder = folder.display().to_string();
    run(&[&["fleet", &folder, "--json", "-q"], more].concat())
}

fn same(given: &Output, expected: &Output, what: &str) {
    let said = String::from_utf8_lossy(&given.stderr);
    assert!(expected.status.success(), "{what}");
    assert!(given.stdout == expected.stdout, "{what}: another report {said}");
}

/// Tables of several hosts in folders of their own, until they are more objects than two lists name.
fn hosts() -> (TempDir, Objects) {
    let all = tempfile::tempdir().unwrap();
    let (mut objects, mut known) = (Objects::new(), BTreeSet::new());
    for (at, sample) in samples().iter().enumerate() {
        let folder = all.path().join(format!("host-{at:02}"));
        let tables = indexed(&sample.captures);
        let own = entries(tables.path()).into_iter().map(|own| own.file_name().unwrap().to_owned());
        // Two samples share a capture, and what is said of one that is there twice names its folder.
        let new = own.map(|own| known.insert(own)).collect::<Vec<_>>();
        if new.contains(&false) {
            continue;
        }
        std::fs::rename(tables.keep(), &folder).unwrap();
        add(&mut objects, &folder, &format!("tables/host-{at:02}"));
        if objects.len() > 2_000 {
            break;
        }
    }
    (all, objects)
}

#[test]
fn more_objects_than_one_list_names_are_all_found() {
    let (all, objects) = hosts();
    assert!(objects.len() > 2_000, "{} objects", objects.len());
    let bucket = Bucket::serve(objects);
    let given = asked(&bucket, "tables/", &[]);
    assert_eq!(bucket.pages.load(Ordering::Relaxed), 3);
    same(&given, &in_folder(all.path(), &[]), "three pages");
}

#[test]
fn tables_are_found_behind_what_else_a_bucket_holds() {
    let sample = root().join("samples/nat-one-rs-gateway-wrong");
    let tables = indexed(&[sample]);
    let beside = tempfile::tempdir().unwrap();
    let note = beside.path().join("note.txt");
    std::fs::write(&note, "x").unwrap();
    let mut objects = Objects::new();
    add(&mut objects, tables.path(), "a b/tables");
    for at in 0..1_500 {
        objects.insert(format!("a b/notes/{at}.txt"), note.clone());
    }
    let bucket = Bucket::serve(objects);
    let expected = in_folder(tables.path(), &[]);
    same(&asked(&bucket, "a%20b/tables", &[]), &expected, "a prefix without its slash");
    assert_eq!(bucket.pages.load(Ordering::Relaxed), 1);
    same(&asked(&bucket, "a%20b/", &[]), &expected, "the second page");
    assert!(bucket.pages.load(Ordering::Relaxed) > 2);
    let parts = ["--whole", "0", "--part", "20"];
    same(&asked(&bucket, "a%20b/", &parts), &in_folder(tables.path(), &parts), "in parts");
}

#[test]
fn a_prefix_that_holds_nothing_is_said() {
    let given = asked(&Bucket::serve(Objects::new()), "tables/", &[]);
    let said = String::from_utf8_lossy(&given.stderr);
    assert_eq!(given.status.code(), Some(2));
    assert!(said.contains("holds no tables") && said.lines().count() == 1, "{said}");
}
