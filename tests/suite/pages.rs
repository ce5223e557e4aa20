//! What a finding and a page name exists, and both say the same.

use crate::support::catalogue::{knows, quoted_ids};
use crate::support::check::{none, of_each};
use crate::support::run::whole;
use lbdiag::diagnose::{CAUSES, NOTES, SYMPTOMS};
use std::collections::BTreeSet;

#[test]
fn candidates_are_ids_of_the_catalogue() {
    none(of_each(|sample| {
        let mut wrong = Vec::new();
        for finding in &whole(sample).report.findings {
            for candidate in &finding.candidates {
                if !knows(&candidate.id) || candidate.id == finding.id {
                    wrong.push(format!("{} has the candidate {}", finding.id, candidate.id));
                }
            }
        }
        wrong
    }));
}

#[test]
fn the_page_of_a_symptom_names_the_causes_that_explain_it() {
    let mut wrong = Vec::new();
    for symptom in SYMPTOMS {
        let section = symptom.manual.split("\n## Which causes explain it").nth(1).unwrap();
        let section = section.split("\n## ").next().unwrap();
        let named: BTreeSet<&str> = quoted_ids(section).collect();
        for cause in CAUSES.iter().filter(|c| symptom.id.is_of(c.explains)) {
            if !named.contains(cause.id.as_str()) {
                wrong.push(format!("{}: the page does not name {}", symptom.id, cause.id));
            }
        }
    }
    none(wrong);
}

/// The manual pages as one page of the documents, ids linked to each other.
fn catalogue() -> String {
    let symptoms: Vec<_> = SYMPTOMS.iter().map(|d| (d.id.as_str(), d.manual)).collect();
    let causes: Vec<_> = CAUSES.iter().map(|d| (d.id.as_str(), d.manual)).collect();
    let notes: Vec<_> = NOTES.iter().map(|d| (d.id.as_str(), d.manual)).collect();
    let all = symptoms.iter().chain(&causes).chain(&notes);
    let ids: BTreeSet<&str> = all.map(|(id, _)| *id).collect();
    let mut page = "# Findings\n\nWhat `lbdiag` can find, and how each is told from what looks like it: the pages of\n`lbdiag explain ID`. A cause says why, a symptom says what is seen, a\nnote what looks like a fault and is none.\n".to_owned();
    let groups = [("Causes", causes), ("Symptoms", symptoms), ("Notes", notes)];
    for (name, pages) in &groups {
        page += &format!("\n## {name}\n\n| id | is |\n|---|---|\n");
        for (id, manual) in pages {
            let first = manual.split("\n\n").nth(1).unwrap().replace('\n', " ");
            page += &format!("| [`{id}`](#{id}) | {} |\n", first.trim().replace('|', "\\|"));
        }
    }
    for (_, pages) in &groups {
        for (_, manual) in pages {
            page.push('\n');
            page += &linked(manual, &ids);
        }
    }
    page
}

/// A page two levels deeper, with known ids outside of commands as links.
fn linked(manual: &str, ids: &BTreeSet<&str>) -> String {
    let mut in_code = false;
    let mut text = String::new();
    for line in manual.trim_end().lines() {
        in_code ^= line.starts_with("```");
        if in_code || line.starts_with("```") {
            text += line;
        } else if let Some(heading) = line.strip_prefix('#') {
            text += &format!("###{heading}");
        } else {
            let words = line.split('`').enumerate().map(|(n, word)| match n % 2 {
                1 if ids.contains(word) => format!("[`{word}`](#{word})"),
                1 => format!("`{word}`"),
                _ => word.to_owned(),
            });
            text.extend(words);
        }
        text.push('\n');
    }
    text
}

/// `LBDIAG_WRITE_DOCS=1` writes it anew.
#[test]
fn the_page_of_all_findings_is_made_from_their_manual_pages() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/findings.md");
    let page = catalogue();
    if std::env::var_os("LBDIAG_WRITE_DOCS").is_some() {
        std::fs::write(path, &page).unwrap();
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert!(written == page, "docs/findings.md is old; write it with LBDIAG_WRITE_DOCS=1");
}

#[test]
fn the_readme_and_the_changelog_count_them() {
    let (causes, symptoms, notes) = (CAUSES.len(), SYMPTOMS.len(), NOTES.len());
    let all = causes + symptoms + notes;
    let read = |name: &str| {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
        let text = std::fs::read_to_string(path).unwrap();
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let counts = format!("{causes} causes, {symptoms} symptoms and {notes} notes");
    let readme = format!("{all} findings: {counts}");
    assert!(read("README.md").contains(&readme), "README.md: {readme}");
    let log = format!("{all} findings for layer 4 and layer 7, {counts}");
    assert!(read("CHANGELOG.md").contains(&log), "CHANGELOG.md: {log}");
}
