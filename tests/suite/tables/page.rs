//! docs/tables.md: every column is listed, and every question of the page is answered by another engine.

use super::{folders, seen};
use crate::support::expected::root;
use crate::support::tools::tool;
use lbdiag::tables;
use std::fs;
use std::process::Command;

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
