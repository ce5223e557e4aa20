//! Detectors, their manual pages and the samples belong together: nothing is
//! undocumented, unregistered, misnamed or never seen to fire.

use crate::support::catalogue::{self, knows, quoted_ids};
use crate::support::check::none;
use crate::support::expected::{entries, root, samples};
use crate::support::run::whole;
use lbdiag::diagnose::{CAUSES, NOTES, SYMPTOMS, manual, manuals};
use lbdiag::report::CoverageStatus;
use lbdiag::report::Report;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Detectors that no sample triggers, and why that is so.
const NEVER_SEEN: [(&str, &str); 2] = [
    ("stated-not-seen", "it compares with --host-state, which tests/suite/states.rs gives"),
    ("text-leaves-open", "it is of texts, which tests/suite/text.rs makes of every sample"),
];

fn all_ids() -> Vec<&'static str> {
    manuals().map(|(id, _)| id).collect()
}

fn kinds() -> [(&'static str, Vec<&'static str>); 3] {
    let causes = CAUSES.iter().map(|d| d.id.as_str()).collect();
    let symptoms = SYMPTOMS.iter().map(|d| d.id.as_str()).collect();
    let notes = NOTES.iter().map(|d| d.id.as_str()).collect();
    [("cause", causes), ("symptom", symptoms), ("note", notes)]
}

#[test]
fn ids_are_kebab_case_unique_and_of_the_catalogue() {
    let mut seen = BTreeSet::new();
    let mut wrong = Vec::new();
    for (kind, ids) in kinds() {
        for id in ids {
            let word = |w: &str| {
                !w.is_empty() && w.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
            };
            if !id.split('-').all(word) {
                wrong.push(format!("{id} is not kebab-case"));
            }
            if !seen.insert(id) {
                wrong.push(format!("{id} is there twice"));
            }
            let known: &[&str] = match kind {
                "cause" => &catalogue::CAUSES,
                "note" => &catalogue::NOTES,
                _ => &catalogue::SYMPTOMS,
            };
            if !known.contains(&id) {
                wrong.push(format!("{id} is no {kind} of the catalogue"));
            }
        }
    }
    none(wrong);
}

#[test]
fn a_detector_is_one_file_named_as_its_id_with_its_page_beside_it() {
    let mut wrong = Vec::new();
    for (kind, ids) in kinds() {
        let folder = root().join("src/diagnose").join(kind);
        let stem = |path: &Path| path.file_stem().unwrap().to_str().unwrap().replace('_', "-");
        // Causes stand in a folder a family.
        let (families, loose): (Vec<_>, Vec<_>) =
            entries(&folder).into_iter().partition(|path| path.is_dir());
        let files: Vec<PathBuf> =
            loose.into_iter().chain(families.iter().flat_map(|f| entries(f))).collect();
        let with = |extension: &str| -> BTreeMap<String, PathBuf> {
            let of = files.iter().filter(|p| p.extension().is_some_and(|e| e == extension));
            of.map(|p| (stem(p), p.clone())).collect()
        };
        let (code, pages) = (with("rs"), with("md"));
        for id in &ids {
            if !code.contains_key(*id) {
                wrong.push(format!("{id} is in no file of its name in {}", folder.display()));
            }
        }
        for page in pages.keys().filter(|page| !ids.contains(&page.as_str())) {
            wrong.push(format!("the page {kind}/{page} belongs to no detector"));
        }
        // A detector that is written and not registered never runs.
        for (file, path) in code.iter().filter(|(file, _)| !ids.contains(&file.as_str())) {
            let text = std::fs::read_to_string(path).unwrap();
            let begins = |line: &str| {
                let detector = line.contains("fn detect(") || line.contains("fn sightings(");
                line.starts_with("pub") && detector
            };
            if text.lines().any(begins) {
                wrong.push(format!("{kind}/{file} is a detector that is not registered"));
            }
        }
        for id in &ids {
            let page = pages.get(*id).and_then(|path| std::fs::read_to_string(path).ok());
            if page.is_none() || page.as_deref() != manual(id) {
                wrong.push(format!("{id} does not print its page"));
            }
        }
    }
    none(wrong);
}

#[test]
fn manual_pages_have_their_title_and_sections() {
    const CAUSE: [&str; 6] = [
        "What is seen",
        "Why it happens",
        "How to tell it from its look-alikes",
        "How to mend it",
        "What settles it",
        "Sources",
    ];
    const SYMPTOM: [&str; 6] = [
        "What is seen",
        "Why it happens",
        "Which causes explain it",
        "How to tell it from its look-alikes",
        "What settles it",
        "Sources",
    ];
    const NOTE: [&str; 5] = [
        "What is seen",
        "Why it is no fault",
        "How to tell it from its look-alikes",
        "What settles it",
        "Sources",
    ];
    let mut wrong = Vec::new();
    for (kind, ids) in kinds() {
        let sections: &[&str] = match kind {
            "cause" => &CAUSE,
            "note" => &NOTE,
            _ => &SYMPTOM,
        };
        for id in ids {
            let page = manual(id).unwrap();
            if page.lines().next() != Some(&format!("# {id}")) {
                wrong.push(format!("{id}: the title is {:?}", page.lines().next()));
            }
            let found: Vec<&str> = page.lines().filter_map(|l| l.strip_prefix("## ")).collect();
            if found != sections {
                wrong.push(format!("{id}: the sections are {found:?}"));
            }
            let mut parts = page.split("\n## ");
            // `explain` without an id lists the first words below the title.
            let summary = parts.next().and_then(|head| head.split_once('\n'));
            if summary.is_none_or(|(_, text)| text.trim().is_empty()) {
                wrong.push(format!("{id}: nothing between the title and the first section"));
            }
            for part in parts {
                let (title, body) = part.split_once('\n').unwrap_or((part, ""));
                if body.trim().is_empty() {
                    wrong.push(format!("{id}: {title} is empty"));
                }
            }
        }
    }
    none(wrong);
}

#[test]
fn manual_pages_name_known_ids() {
    let mut wrong = Vec::new();
    for (id, page) in manuals() {
        for other in quoted_ids(page).filter(|other| !knows(other)) {
            wrong.push(format!("{id}: the page names {other}, which is no id"));
        }
    }
    none(wrong);
}

#[test]
fn causes_explain_what_exists_and_not_themselves() {
    let ids = all_ids();
    let mut wrong = Vec::new();
    for cause in CAUSES {
        for explained in cause.explains {
            if !ids.contains(explained) || cause.id == *explained {
                wrong.push(format!("{} explains {explained}", cause.id));
            }
        }
        if cause.explains.iter().collect::<BTreeSet<_>>().len() != cause.explains.len() {
            wrong.push(format!("{} explains something twice", cause.id));
        }
    }
    none(wrong);
}

fn reports() -> Vec<(String, &'static Report)> {
    samples().iter().map(|s| (s.name.clone(), &whole(s).report)).collect()
}

#[test]
fn every_detector_fires_on_a_sample() {
    let reports = reports();
    let fired: BTreeSet<&str> =
        reports.iter().flat_map(|(_, r)| &r.findings).map(|f| f.id.as_str()).collect();
    let excused: BTreeSet<&str> = NEVER_SEEN.iter().map(|(id, _)| *id).collect();
    let mut wrong = Vec::new();
    for id in all_ids() {
        match (fired.contains(id), excused.contains(id)) {
            (false, false) => wrong.push(format!("{id} fires on no sample")),
            (true, true) => wrong.push(format!("{id} does fire on a sample")),
            _ => {}
        }
    }
    none(wrong);
}

#[test]
fn reports_name_known_ids_and_cover_every_detector() {
    let mut wrong = Vec::new();
    for (name, report) in reports() {
        let ids = report.findings.iter().map(|f| &f.id);
        wrong.extend(ids.filter(|id| !knows(id)).map(|id| format!("{name}: finds {id}")));
        let covered: Vec<&str> = report.coverage.iter().map(|c| c.id.as_str()).collect();
        let mut sorted = covered.clone();
        sorted.sort_unstable();
        let mut ids = all_ids();
        ids.sort_unstable();
        if sorted != ids {
            wrong.push(format!("{name}: the coverage lists {covered:?}"));
        }
        for row in &report.coverage {
            let there = report.findings.iter().any(|f| f.id == row.id);
            let right = match row.status {
                CoverageStatus::Found => there && row.reason.is_none(),
                CoverageStatus::Clean => !there && row.reason.is_none(),
                CoverageStatus::NotCheckable => {
                    !there && row.reason.as_ref().is_some_and(|r| !r.is_empty())
                }
            };
            if !right {
                wrong.push(format!("{name}: {} is {}, {:?}", row.id, row.status, row.reason));
            }
        }
    }
    none(wrong);
}

#[test]
fn samples_state_known_ids_and_are_listed() {
    let list = std::fs::read_to_string(root().join("samples/README.md")).unwrap();
    let mut wrong = Vec::new();
    for sample in samples() {
        let (name, expected) = (&sample.name, &sample.expected);
        let causes = expected.causes.iter().flat_map(|c| &c.id);
        let unknown = causes.filter(|id| !catalogue::CAUSES.contains(&id.as_str()));
        wrong.extend(unknown.map(|id| format!("{name}: {id} is no cause")));
        let symptoms = expected.symptoms.iter();
        let unknown = symptoms.filter(|id| !catalogue::SYMPTOMS.contains(&id.as_str()));
        wrong.extend(unknown.map(|id| format!("{name}: {id} is no symptom")));
        let unknown = expected.may.iter().filter(|id| !knows(id));
        wrong.extend(unknown.map(|id| format!("{name}: {id} is no id")));
        if !list.contains(&format!("\n| [{name}]({name}/README.md) |")) {
            wrong.push(format!("{name} is not in samples/README.md"));
        }
        let page = root().join("samples").join(name).join("README.md");
        let page = std::fs::read_to_string(page).unwrap_or_default();
        if !page.starts_with("# ") {
            wrong.push(format!("{name} has no README.md with a title"));
        }
    }
    let listed = list.lines().filter(|l| l.starts_with("| [")).count();
    if listed != samples().len() {
        wrong.push(format!("samples/README.md lists {listed} samples"));
    }
    none(wrong);
}

/// The page on memory says how large the values are of which there are many.
#[test]
fn sizes_on_the_page_are_those_of_the_structs() {
    use lbdiag::correlate::{Connection, Leg};
    use lbdiag::flow::{Flow, Hello, Hop, Link, Mark, Stream};
    let page = std::fs::read_to_string(root().join("docs/architecture.md")).unwrap();
    for (name, size) in [
        ("Mark", size_of::<Mark>()),
        ("Flow", size_of::<Flow>()),
        ("Stream", size_of::<Stream>()),
        ("Link", size_of::<Link>()),
        ("Hop", size_of::<Hop>()),
        ("Hello", size_of::<Hello>()),
        ("Connection", size_of::<Connection>()),
        ("Leg", size_of::<Leg>()),
    ] {
        let row = page.lines().find(|line| line.starts_with(&format!("| `{name}`"))).unwrap();
        assert!(row.ends_with(&format!("| {size} |")), "{row}: {size}");
    }
}
