//! The report as Markdown, for tickets: GitHub and GitLab, or read as it is.
//!
//! Verdict, findings with fixes to paste, what to check (before them where it is not certain)
//! and proof folded away, services and hosts, the drawing. A symptom that a finding explains is a
//! line of that finding, and many findings of one id are lines but for the first, as in the text. Syntax: GitHub Flavored Markdown (<https://github.github.com/gfm/>) with fenced code, Mermaid and `<details>`.
//! What a capture or a user brought stands as plain words, in a code span, or in a
//! fence; it never runs as markup. Refuses to judge: order and numbers are the
//! report's.

mod escape;
mod finding;

use super::drawing::Times;
use super::mermaid::mermaid_sequence;
use super::repeats::{self, Shown};
use super::text::MAX_ROWS;
use super::text::topology::needed;
use super::units::{self, count, plural, span};
use crate::report::ladder::Ladder;
use crate::report::{CoverageStatus, Finding, Host, Kind, Report};
use escape::{code, fence, prose};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;

/// Addresses, MACs and captures of one host that are named.
const MAX_NAMES: usize = 3;

/// The whole report as Markdown; ends with a line feed.
#[must_use]
pub fn markdown(report: &Report, ladder: Option<&Ladder>) -> String {
    let mut out = String::new();
    let word = units::verdict(report.verdict.status);
    // Writing to a String cannot fail, here and below.
    let _ = writeln!(out, "## {word}\n\n{}\n", prose(&report.verdict.summary));
    verdict(&mut out, report);
    breaks(&mut out, report);
    findings(&mut out, report);
    services(&mut out, report);
    hosts(&mut out, report);
    if let Some(ladder) = ladder {
        let _ = writeln!(out, "### Drawing\n\nConnection {}.\n", ladder.connection);
        out.push_str(&fence("mermaid", &mermaid_sequence(ladder, Times::Start)));
        out.push('\n');
    }
    unchecked(&mut out, report);
    captures(&mut out, report);
    let _ = writeln!(out, "Written by {}.", prose(&report.generator));
    out
}

/// What else is wrong, a line each with its finding's number, and the sums.
fn verdict(out: &mut String, report: &Report) {
    for (n, line) in report.verdict.others() {
        let _ = writeln!(out, "- finding {n}: {}", prose(line));
    }
    if report.verdict.lines.len() > 1 {
        out.push('\n');
    }
    if report.redacted {
        let _ = writeln!(out, "{}.\n", units::REDACTED);
    }
    if !report.verdict.accounts.is_empty() {
        let _ = writeln!(out, "{}.\n", prose(&report.verdict.accounts));
    }
}

/// Where connections broke, before any reason.
fn breaks(out: &mut String, report: &Report) {
    if report.breaks.is_empty() {
        return;
    }
    out.push_str("### Where it breaks\n\n");
    for broken in report.breaks.iter().take(MAX_ROWS) {
        let numbers: Vec<String> = broken.findings.iter().map(ToString::to_string).collect();
        let found = match numbers.as_slice() {
            [] => String::new(),
            [one] => format!(" (finding {one})"),
            all => format!(" (findings {})", all.join(", ")),
        };
        let _ = writeln!(out, "- {}{found}", prose(&broken.sentence()));
        for apart in &broken.apart {
            let _ = writeln!(out, "  - apart: {}", prose(&apart.sentence));
        }
    }
    if report.breaks.len() > MAX_ROWS {
        let _ = writeln!(out, "- and {} more", count((report.breaks.len() - MAX_ROWS) as u64));
    }
    out.push('\n');
}

fn services(out: &mut String, report: &Report) {
    if report.services.is_empty() {
        return;
    }
    out.push_str("### Services\n\n");
    let (wrong, rest) = report.shown_services();
    for service in wrong {
        let name = super::text::endpoint(&service.vip, (service.port > 0).then_some(service.port));
        let mode = if service.mode == "unknown" { "mode unknown" } else { &service.mode };
        let _ = write!(out, "- {} {}", code(&format!("{name}/{}", service.protocol)), prose(mode));
        let directors: Vec<String> =
            service.directors.iter().filter_map(|d| d.name()).map(|name| code(name)).collect();
        if !directors.is_empty() {
            let _ = write!(out, ", director {}", directors.join(", "));
        }
        let totals = &service.totals;
        let all = plural(totals.connections, "connection");
        let _ = writeln!(out, ": {all}: {}", totals.fates());
        for server in &service.rows() {
            let address = server.address.as_deref().map(|a| super::text::endpoint(a, server.port));
            let name = address.as_deref().or(server.mac.as_deref());
            let remark =
                server.remark.as_deref().map_or_else(String::new, |r| format!("; {}", prose(r)));
            let _ = writeln!(
                out,
                "  - real server {}: {}: {}{remark}",
                name.map_or_else(|| "not known".to_owned(), code),
                plural(server.connections, "connection"),
                server.totals.fates()
            );
        }
    }
    if let Some(rest) = rest {
        let _ = writeln!(out, "- {}", prose(&rest.said));
    }
    out.push('\n');
}

/// Who is who, for those whom findings and commands name.
fn hosts(out: &mut String, report: &Report) {
    let shown: Vec<&Host> = report.hosts.iter().filter(|host| needed(host, report)).collect();
    if shown.is_empty() {
        return;
    }
    out.push_str("### Hosts\n\n| host | addresses | MAC | capture |\n|---|---|---|---|\n");
    for host in shown.iter().take(MAX_ROWS) {
        let cells = [&host.addresses, &host.macs, &host.vantages].map(|all| {
            let some: Vec<String> = all.iter().take(MAX_NAMES).map(|name| code(name)).collect();
            let more = all.len().saturating_sub(MAX_NAMES);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            // A bar ends a cell even in a code span.
            format!("{}{more}", some.join(", ")).replace('|', "\\|")
        });
        let _ = writeln!(out, "| {} | {} |", host.role, cells.join(" | "));
    }
    out.push('\n');
    if shown.len() > MAX_ROWS {
        let more = count((shown.len() - MAX_ROWS) as u64);
        let _ = writeln!(out, "And {more} more.\n");
    }
}

fn findings(out: &mut String, report: &Report) {
    let causes = report.causes();
    // What a symptom says is said by the cause that explains it: it has no block of its own.
    let folded = |f: &&Finding| f.kind == Kind::Symptom && causes.contains_key(&f.n);
    let shown = report.findings.iter().filter(|f| !folded(f));
    let (notes, found): (Vec<&Finding>, Vec<&Finding>) = shown.partition(|f| f.kind == Kind::Note);
    if !found.is_empty() {
        out.push_str("### Findings\n\n");
    }
    let by_number: BTreeMap<u32, &Finding> = report.findings.iter().map(|f| (f.n, f)).collect();
    let sentences = repeats::sentences(report);
    let mut asked = Vec::new();
    for shown in repeats::shown(&found) {
        match shown {
            Shown::Whole(found) => {
                let others: BTreeSet<u32> =
                    found.explains.iter().copied().filter(|n| *n != found.n).collect();
                let explained: Vec<&Finding> =
                    others.iter().filter_map(|n| by_number.get(n).copied()).collect();
                finding::write(out, found, &explained, &mut asked);
            }
            Shown::Lines(more) => alike(out, &more, &sentences),
        }
    }
    if !notes.is_empty() {
        out.push_str("### Worth knowing\n\n");
        for note in &notes {
            let _ = writeln!(out, "- {}. {} {}", note.n, code(&note.id), prose(&note.title));
            for other in &note.candidates {
                let _ =
                    writeln!(out, "  - maybe {}: {}", code(&other.id), prose(&other.tell_apart));
            }
        }
        out.push('\n');
        for note in notes {
            finding::checks(out, note, &mut asked);
        }
    }
}

/// More findings of an id that has blocks above, a line each.
fn alike(out: &mut String, more: &[&Finding], sentences: &HashMap<u32, &str>) {
    let Some(first) = more.first() else { return };
    let n = count(more.len() as u64);
    let _ = writeln!(
        out,
        "#### {n} more of {}\n\nEach has a proof and a fix of its own: `--vip` picks one service.\n",
        code(&first.id)
    );
    for finding in more.iter().take(MAX_ROWS) {
        let sentence = sentences.get(&finding.n).copied().unwrap_or_default();
        let _ = writeln!(
            out,
            "- {}. {}, {}: {}",
            finding.n,
            finding.severity.name(),
            finding.confidence,
            prose(sentence)
        );
    }
    if more.len() > MAX_ROWS {
        let _ = writeln!(out, "- and {} more", count((more.len() - MAX_ROWS) as u64));
    }
    out.push('\n');
}

fn unchecked(out: &mut String, report: &Report) {
    let of = |status| report.coverage.iter().filter(|c| c.status == status).count() as u64;
    let (clean, open) = (of(CoverageStatus::Clean), of(CoverageStatus::NotCheckable));
    let summary =
        format!("Checked and clean: {}. Could not be checked: {}.", count(clean), count(open));
    if open == 0 {
        let _ = writeln!(out, "{summary}\n");
        return;
    }
    let _ = writeln!(out, "<details>\n<summary>{summary}</summary>\n");
    // Many lack the same: a reason once, in the order in which it comes first.
    let mut reasons: Vec<(&str, Vec<String>)> = Vec::new();
    for row in report.coverage.iter().filter(|c| c.status == CoverageStatus::NotCheckable) {
        let reason = row.reason.as_deref().unwrap_or("not known why");
        match reasons.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, ids)) => ids.push(code(&row.id)),
            None => reasons.push((reason, vec![code(&row.id)])),
        }
    }
    for (reason, ids) in reasons {
        let _ =
            writeln!(out, "- {} ({}: {})", prose(reason), count(ids.len() as u64), ids.join(", "));
    }
    out.push_str("\n</details>\n\n");
}

fn captures(out: &mut String, report: &Report) {
    let notes = report.captures.iter().map(|c| c.notes.len()).sum::<usize>() + report.notes.len();
    let noted =
        if notes == 0 { String::new() } else { format!(", {}", plural(notes as u64, "note")) };
    let all = plural(report.captures.len() as u64, "capture");
    let _ = writeln!(out, "<details>\n<summary>{all}{noted}</summary>\n");
    for capture in &report.captures {
        let when = match (&capture.start, &capture.end) {
            (Some(start), Some(end)) => format!(", {}", prose(&span(start, end))),
            _ => String::new(),
        };
        let _ = writeln!(
            out,
            "- {}: {}, {}{when}",
            code(&capture.path),
            plural(capture.frames, "frame"),
            prose(&capture.link_type)
        );
        for note in &capture.notes {
            let _ = writeln!(out, "  - {}", prose(note));
        }
    }
    for note in &report.notes {
        let _ = writeln!(out, "- {}", prose(note));
    }
    out.push_str("\n</details>\n\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::text::fixtures;
    use crate::render::text::fixtures::ladders::{hairpin_ladder, hostile_ladder};

    #[test]
    fn a_ticket_has_verdict_findings_fixes_checks_proof_and_drawing() {
        let report = fixtures::hairpin();
        let text = markdown(&report, Some(&hairpin_ladder()));
        for part in [
            "## Failing\n",
            "### Services\n",
            "#### 1. ",
            "```sh\n",
            "<details>\n",
            "```mermaid\nsequenceDiagram\n",
            "\nCheck on ",
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
        for finding in &report.findings {
            for fix in &finding.fix {
                assert!(
                    text.contains(&format!("```sh\n{}\n```", fix.command.trim_end())),
                    "{text}"
                );
            }
        }
        assert_eq!(text.matches("<details>").count(), text.matches("</details>").count());
    }

    #[test]
    fn what_is_not_certain_is_checked_before_it_is_mended() {
        let mut report = fixtures::hairpin();
        report.findings[0].confidence = crate::report::Confidence::Likely;
        let text = markdown(&report, None);
        let (check, fix) = (text.find("Check on ").unwrap(), text.find("Fix on").unwrap());
        assert!(check < fix, "{text}");
        let step = &report.findings[0].to_confirm[0].command;
        assert_eq!(text.matches(step.as_str()).count(), 1, "{text}");
    }

    #[test]
    fn a_symptom_that_is_explained_is_a_line_of_its_cause() {
        let report = fixtures::hairpin();
        let text = markdown(&report, None);
        let causes = report.causes();
        let folded = |f: &&Finding| f.kind == Kind::Symptom && causes.contains_key(&f.n);
        let symptom = report.findings.iter().find(folded).unwrap();
        assert!(!text.contains(&format!("#### {}. ", symptom.n)), "{text}");
        assert!(text.contains(&format!("- {}. `{}`", symptom.n, symptom.id)), "{text}");
    }

    #[test]
    fn a_reason_is_said_once() {
        let mut report = fixtures::hairpin();
        for row in report.coverage.iter_mut().take(3) {
            row.status = CoverageStatus::NotCheckable;
            row.reason = Some("no director was captured".to_owned());
        }
        let text = markdown(&report, None);
        assert_eq!(text.matches("no director was captured").count(), 1, "{text}");
    }

    #[test]
    fn nothing_healthy_gets_a_heading_for_findings() {
        let text = markdown(&fixtures::healthy(), None);
        assert!(text.starts_with("## Healthy\n") && !text.contains("### Findings"), "{text}");
    }

    #[test]
    fn whatever_a_string_holds_it_adds_no_line_and_no_tag() {
        for evil in [
            "</details><script>x</script>",
            "a\n\n# heading\n```\n~~~",
            "``` `` ` ````",
            "@team #1 !2 http://x.y www.x.y [a](b) ![c](d) <img src=x>",
            "- x",
            "/close",
            "a | b\u{2028}c",
        ] {
            let text =
                markdown(&fixtures::hostile(evil), Some(&hostile_ladder(&hairpin_ladder(), evil)));
            let mut open: Option<usize> = None;
            for line in text.lines() {
                let ticks = line.len() - line.trim_start_matches('`').len();
                match open {
                    Some(n) if ticks >= n && line.trim_start_matches('`').is_empty() => open = None,
                    Some(_) => {}
                    // What has ticks behind them is a span (GFM, section 4.5).
                    None if ticks >= 3 && !line[ticks..].contains('`') => open = Some(ticks),
                    None => {
                        let bare = escape::without_code(line);
                        let tags = bare.replace("<details>", "").replace("</details>", "");
                        let tags = tags.replace("<summary>", "").replace("</summary>", "");
                        assert!(!tags.contains(['<', '@', '[', '!']), "{evil:?}: {line}");
                        assert!(
                            !tags.contains("http:") && !tags.contains("www."),
                            "{evil:?}: {line}"
                        );
                        assert!(!line.starts_with('/') && !line.starts_with("# "), "{line}");
                    }
                }
            }
            assert_eq!(open, None, "{evil:?}\n{text}");
        }
    }
}
