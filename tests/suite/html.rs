//! The page over all samples says what the JSON report says: findings, counts, frames,
//! commands, connections.

use crate::support::ladders::samples;
use crate::support::program::{parsed, printed, run};
use lbdiag::report::topology::{Topology, topology};
use lbdiag::report::{self, ConnectionFilter, Report};
use lbdiag::topology::StatedRoles;
use lbdiag::{capture, diagnose, ladder, load, render};
use scraper::{ElementRef, Html, Selector};
use std::path::Path;
use std::sync::atomic::AtomicU64;

struct Page {
    report: Report,
    topology: Topology,
    ladders: usize,
    html: Html,
}

fn page(path: &Path) -> Page {
    let inputs = capture::inputs(&[path.display().to_string()]).unwrap();
    let loaded = load::load(&inputs.inputs, &StatedRoles::default(), &AtomicU64::new(0));
    let diagnosis = diagnose::diagnose(&loaded.trace);
    let options =
        report::Options { connections: ConnectionFilter::All, ..report::Options::default() };
    let report = report::build(&loaded.trace, &diagnosis, &options);
    let (topology, ladders) = (
        topology(&loaded.trace, &diagnosis.breaks),
        ladder::of_findings(&loaded.trace, &diagnosis),
    );
    let html = Html::parse_document(&render::html(&report, &topology, &ladders));
    Page { report, topology, ladders: ladders.len(), html }
}

fn all<'a>(page: &'a Html, selector: &str) -> Vec<ElementRef<'a>> {
    page.select(&Selector::parse(selector).unwrap()).collect()
}

/// Text in which line breaks and indents do not matter.
fn words(element: &ElementRef<'_>) -> String {
    flowing(&element.text().collect::<String>())
}

fn flowing(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn the_page_agrees_with_the_report() {
    for path in samples() {
        let Page { report, topology, ladders, html } = page(&path);
        let of = path.display().to_string();
        assert!(html.errors.is_empty(), "{of}: {:?}", html.errors);
        let heading = words(&all(&html, "h1")[0]);
        assert!(heading.ends_with(&flowing(&report.verdict.summary)), "{of}: {heading}");
        findings(&report, &html, &of);
        let drawn = all(&html, "details.finding .fit > svg").len();
        assert_eq!(drawn, ladders, "{of}");
        let concerned = report.findings.iter().filter(|f| f.affected.connections > 0).count();
        assert!(ladders >= concerned.min(1), "{of}: a finding with connections has a drawing");

        let boxes = all(&html, "#hosts svg rect.host").len();
        assert_eq!(boxes, topology.hosts.len().min(24), "{of}");
        connections(&report, &html, &of);
        services(&report, &html, &of);
        for note in &report.notes {
            assert!(words(&all(&html, "#notes")[0]).contains(&flowing(note)), "{of}: {note}");
        }
        let captures = all(&html, "#captures .clocks tbody tr");
        assert_eq!(captures.len(), report.captures.len(), "{of}");
        let checked = words(&all(&html, "#coverage")[0]);
        for row in &report.coverage {
            assert!(checked.contains(&row.id), "{of}: {}", row.id);
            let reason = flowing(row.reason.as_deref().unwrap_or_default());
            assert!(checked.contains(&reason), "{of}: {reason}");
        }
    }
}

fn findings(report: &Report, html: &Html, of: &str) {
    let folds = all(html, "details.finding");
    assert_eq!(folds.len(), report.findings.len(), "{of}");
    for (fold, finding) in folds.iter().zip(&report.findings) {
        let place = format!("{of}: finding {}", finding.n);
        let said = words(fold);
        let head = format!("{} {}", finding.n, flowing(&finding.title));
        assert!(said.starts_with(&head), "{place}: {said}");
        assert!(said.contains(&flowing(&finding.explanation)), "{place}");
        let (severity, confidence) = (finding.severity.name(), finding.confidence.name());
        for word in [severity, confidence, finding.kind.name(), &finding.id] {
            assert!(said.contains(word), "{place}: {word}");
        }
        let affected = &finding.affected;
        if affected.connections > 0 && affected.of >= affected.connections {
            let (n, of, noun) = (affected.connections, affected.of, affected.noun());
            let share = format!("affects {n} of {of} {noun}");
            assert!(said.contains(&share), "{place}: {share}");
        }
        let rows = Selector::parse(".proofs tbody tr").unwrap();
        let rows: Vec<String> = fold.select(&rows).map(|row| words(&row)).collect();
        assert_eq!(rows.len(), finding.evidence.len(), "{place}");
        for (row, proof) in rows.iter().zip(&finding.evidence) {
            let file = proof.capture.rsplit('/').next().unwrap();
            let time = &proof.time[11..23];
            // Cells have no blank between them.
            let start = format!("{} {file}{}{time}", proof.vantage, proof.frame);
            assert!(row.starts_with(&start), "{place}: {row}: {start}");
            assert!(row.ends_with(&flowing(&proof.note)), "{place}: {row}");
        }
        let commands = Selector::parse(".command pre").unwrap();
        let commands: Vec<String> =
            fold.select(&commands).map(|pre| pre.text().collect()).collect();
        let given = finding.fix.iter().map(|fix| fix.command.trim_end());
        let asked = finding.to_confirm.iter().map(|step| step.command.trim_end());
        for command in given.chain(asked).chain(finding.wireshark_filter.as_deref()) {
            assert!(commands.iter().any(|shown| shown == command), "{place}: {command}");
        }
    }
}

fn connections(report: &Report, html: &Html, of: &str) {
    let rows = all(html, "script#rows")[0].text().collect::<String>();
    let data: serde_json::Value = serde_json::from_str(&rows).unwrap();
    let rows = data["rows"].as_array().unwrap();
    assert_eq!(rows.len(), report.connections.len(), "{of}");
    for (row, c) in rows.iter().zip(&report.connections) {
        let name = |list: &str, at: usize| data[list][row[at].as_u64().unwrap() as usize].clone();
        assert_eq!(row[0], c.id, "{of}");
        assert_eq!(row[2], c.client.as_str(), "{of}");
        assert_eq!(name("services", 3), c.service.as_str(), "{of}");
        assert_eq!(name("outcomes", 5), c.outcome.as_str(), "{of}");
        assert_eq!(name("fates", 6), words_of(&c.fate), "{of}");
        assert_eq!(row[7], c.duration_ns, "{of}");
        assert_eq!(row[9], serde_json::json!(c.findings), "{of}");
        assert_eq!(row[11], c.broken.unwrap_or(0), "{of}");
    }
    let failed = report.connections.iter().filter(|c| c.ordinary.is_none() && c.failed()).count();
    assert_eq!(failed as u64, report.totals.failed, "{of}: what is drawn as failed is so counted");
    let shown = all(html, "#table tbody tr");
    assert_eq!(shown.len(), report.connections.len().min(50), "{of}");
    for (row, c) in shown.iter().zip(&report.connections) {
        assert!(words(row).contains(&c.client) && words(row).contains(&c.outcome), "{of}");
    }
}

fn words_of(fate: &str) -> &'static str {
    match fate {
        "well" => "did well",
        "failed" => "failed",
        "suffered" => "suffered",
        _ => "cannot be told",
    }
}

fn services(report: &Report, html: &Html, of: &str) {
    for service in &report.services {
        let name = format!("{}/{}", service.port, service.protocol);
        let heading = |e: &ElementRef<'_>| {
            let said = words(e);
            said.ends_with(&name) && said.contains(&service.vip)
        };
        assert!(all(html, "#services h3").iter().any(heading), "{of}: {name}");
        let said = words(&all(html, "#services")[0]);
        for server in &service.real_servers {
            let address = server.address.as_ref().or(server.mac.as_ref()).unwrap();
            assert!(said.contains(address.as_str()), "{of}: {address}");
        }
    }
}

#[test]
fn the_program_writes_the_page_to_stdout_or_a_file() {
    let sample = "samples/hairpin-cloud-slb";
    let text = printed(&["-q", "--format", "html", sample]);
    assert!(text.starts_with("<!DOCTYPE html><html lang=\"en\">") && text.ends_with("</html>\n"));
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("report.html");
    assert!(
        run(&["-q", "--format", "html", "-o", file.to_str().unwrap(), sample]).status.success()
    );
    assert_eq!(std::fs::read_to_string(file).unwrap(), text);
    // All connections, where the other formats list those that a finding concerns.
    let html = Html::parse_document(&text);
    let rows = |html: &Html| all(html, "#table tbody tr").len() as u64;
    let report = parsed(&["-q", "--json", sample]);
    assert_eq!(rows(&html), report["totals"]["connections"].as_u64().unwrap());
    assert!(rows(&html) > report["connections"].as_array().unwrap().len() as u64);
    let few = printed(&["-q", "--format", "html", "--connections", "affected", sample]);
    let few = Html::parse_document(&few);
    assert_eq!(rows(&few), report["connections"].as_array().unwrap().len() as u64);
    let none = printed(&["-q", "--format", "html", "--connections", "none", sample]);
    let none = Html::parse_document(&none);
    assert!(all(&none, "#table").is_empty() && all(&none, "#timeline").is_empty());
}
