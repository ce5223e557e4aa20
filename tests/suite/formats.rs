//! Every way of writing says the same numbers: findings, counts, frames.

use crate::support::ladders::samples;
use lbdiag::render::{self, Style, Times};
use lbdiag::report::ladder::{Ladder, StepKind};
use lbdiag::report::{self, ConnectionFilter, Kind, Report};
use lbdiag::topology::StatedRoles;
use lbdiag::{capture, diagnose, ladder, load};
use std::path::Path;
use std::sync::atomic::AtomicU64;

fn read(path: &Path) -> (Report, Option<Ladder>, Ladder) {
    let inputs = capture::inputs(&[path.display().to_string()]).unwrap();
    let loaded = load::load(&inputs.inputs, &StatedRoles::default(), &AtomicU64::new(0));
    let diagnosis = diagnose::diagnose(&loaded.trace);
    let options =
        report::Options { connections: ConnectionFilter::All, ..report::Options::default() };
    let report = report::build(&loaded.trace, &diagnosis, &options);
    let chosen = ladder::most_telling(&loaded.trace, &diagnosis).unwrap();
    let full = ladder::draw(&loaded.trace, &diagnosis, chosen, true).unwrap();
    (report, ladder::telling(&loaded.trace, &diagnosis), full)
}

/// Texts in which line breaks and indents do not matter.
fn flowing(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn reports_agree_on_findings_counts_and_frames() {
    for path in samples() {
        let (report, drawn, _) = read(&path);
        let of = path.display();
        let style =
            Style { verbose: true, max_evidence: usize::MAX, width: 400, ..Style::default() };
        let text = flowing(&render::text(&report, drawn.as_ref(), &style));
        let markdown = render::markdown(&report, drawn.as_ref());
        let flat = flowing(&markdown.replace('`', ""));
        let json: Report = serde_json::from_str(&render::json(&report)).unwrap();
        assert_eq!(json, report, "{of}");
        let lines = render::report_ndjson(&report);
        let all = 1 + report.breaks.len() + report.findings.len() + report.connections.len();
        assert_eq!(lines.lines().count(), all, "{of}");
        assert_eq!(lines.matches("{\"type\":\"finding\"").count(), report.findings.len(), "{of}");

        let is_note = |f: &&lbdiag::report::Finding| f.kind == Kind::Note;
        let notes = report.findings.iter().filter(is_note).count();
        // What a cause explains is a line of it.
        let causes = report.causes();
        let folded =
            |f: &lbdiag::report::Finding| f.kind == Kind::Symptom && causes.contains_key(&f.n);
        let lines = report.findings.iter().filter(|f| folded(f)).count();
        let told = report.findings.len() - notes - lines;
        assert_eq!(markdown.matches("\n#### ").count(), told, "{of}");
        assert!(flat.contains(&flowing(&report.verdict.summary.replace('`', ""))), "{of}");
        for finding in &report.findings {
            let place = format!("{of}: finding {}", finding.n);
            if is_note(&finding) || folded(finding) {
                // A line says it all.
                assert!(
                    markdown.contains(&format!("\n- {}. `{}`", finding.n, finding.id)),
                    "{place}"
                );
                continue;
            }
            assert!(markdown.contains(&format!("\n#### {}. ", finding.n)), "{place}");
            let title = flowing(&finding.title.replace('`', ""));
            assert!(flat.contains(&title) && text.contains(&title), "{place}: {title}");
            let affected = &finding.affected;
            if affected.connections > 0 && affected.of >= affected.connections {
                let s = if affected.of == 1 { "" } else { "s" };
                let (n, of, noun) = (affected.connections, affected.of, affected.noun());
                let said = format!("{n} of {of} {noun}{s}");
                assert!(flat.contains(&format!("affects {said}")), "{place}: {said}");
                assert!(text.contains(&format!("affects {said}")), "{place}: {said}");
            }
            for proof in &finding.evidence {
                let frame = format!("{} #{}", proof.vantage, proof.frame);
                assert!(markdown.contains(&format!("- `{frame}` ")), "{place}: {frame}");
                assert!(text.contains(&frame), "{place}: {frame}");
            }
            for fix in &finding.fix {
                assert!(markdown.contains(fix.command.trim_end()), "{place}");
            }
            for step in &finding.to_confirm {
                assert!(markdown.contains(step.command.trim_end()), "{place}");
            }
        }
        assert_eq!(markdown.contains("```mermaid\n"), drawn.is_some(), "{of}");
    }
}

/// Vantage and number of every frame, in the order in which `drawn` has them.
fn in_order(drawn: &str, ladder: &Ladder, form: impl Fn(&str, u64) -> String, of: &str) {
    let mut at = 0;
    for (n, step) in ladder.steps.iter().enumerate() {
        for (vantage, number) in &step.frames {
            let frame = form(vantage, *number);
            let next = drawn[at..].find(&frame);
            at += next.unwrap_or_else(|| panic!("{of}, step {n}: {frame}\n{drawn}")) + frame.len();
        }
    }
}

#[test]
fn drawings_agree_on_packets_losses_folds_and_frames() {
    for path in samples() {
        let (_, folded, full) = read(&path);
        for ladder in folded.iter().chain([&full]) {
            let of = &path.display().to_string();
            let count = |kind: &[StepKind]| -> usize {
                ladder.steps.iter().filter(|s| kind.contains(&s.kind)).count()
            };
            let packets = count(&[StepKind::Arrow, StepKind::Lost, StepKind::ToSelf]);
            let lost = count(&[StepKind::Lost]);
            let marked = ladder.steps.iter().filter(|s| s.marked).count();
            let folds = ladder.folds.len();
            assert_eq!(ladder.folds.iter().map(|f| f.packets).sum::<usize>(), ladder.folded);

            for times in [Times::Start, Times::Delta, Times::Absolute] {
                let style = Style { width: 240, times, ..Style::default() };
                let text = render::ladder(ladder, &style);
                in_order(&text, ladder, |v, n| format!("{v} #{n}"), of);
                assert_eq!(text.matches('✗').count(), lost, "{of}");
                assert_eq!(text.lines().filter(|l| l.starts_with(" * ")).count(), marked, "{of}");
                let fold = |l: &&str| l.contains('…') && l.contains("packet");
                assert_eq!(text.lines().filter(fold).count(), folds, "{of}");

                let svg = render::svg(ladder, times);
                in_order(&svg, ladder, |v, n| format!("{v} #{n}"), of);
                assert_eq!(svg.matches("<path class=\"shaft").count(), packets, "{of}");
                assert_eq!(svg.matches("<path class=\"cross").count(), lost, "{of}");
                assert_eq!(svg.matches("<circle").count(), marked, "{of}");
                assert_eq!(svg.matches("class=\"fold\"").count(), folds, "{of}");

                let mermaid = render::mermaid_sequence(ladder, times).replace("#35;", "#");
                in_order(&mermaid, ladder, |v, n| format!("{v} frame {n}"), of);
                let arrows = mermaid.lines().filter(|l| l.trim_start().starts_with('c')).count();
                assert_eq!(arrows, packets, "{of}");
                assert_eq!(mermaid.matches("-xc").count(), lost, "{of}");
                assert_eq!(mermaid.matches("  rect ").count(), marked, "{of}");
                assert_eq!(mermaid.matches(": … ").count(), folds, "{of}");

                let plantuml = render::plantuml(ladder, times).replace("<U+0023>", "#");
                in_order(&plantuml, ladder, |v, n| format!("{v} frame {n}"), of);
                let arrows = plantuml.lines().filter(|l| l.starts_with('c')).count();
                assert_eq!(arrows, packets, "{of}");
                assert_eq!(plantuml.matches(">x c").count(), lost, "{of}");
                assert_eq!(
                    plantuml.lines().filter(|l| l.contains(" : **")).count(),
                    marked,
                    "{of}"
                );
                assert_eq!(
                    plantuml.lines().filter(|l| l.starts_with("... ")).count(),
                    folds,
                    "{of}"
                );
            }
        }
    }
}
