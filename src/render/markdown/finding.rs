//! One finding in Markdown.

use super::super::units::{affects, capitalised, plural, since};
use super::escape::{code, fence, prose};
use crate::report::{Evidence, Finding, Fix, ToConfirm};
use std::fmt::Write as _;

/// Checks of findings that stand above, with the number of the first that has each.
pub(super) type Asked<'a> = Vec<(&'a ToConfirm, u32)>;

/// A finding with all that belongs to it, and those that it `explains` in a line each.
pub(super) fn write<'a>(
    out: &mut String,
    finding: &'a Finding,
    explains: &[&Finding],
    asked: &mut Asked<'a>,
) {
    // Writing to a String cannot fail, here and below.
    let _ = writeln!(out, "#### {}. {}\n", finding.n, prose(&finding.title));
    let _ = write!(
        out,
        "**{}**, {}, {} {}",
        finding.severity,
        finding.confidence,
        finding.kind,
        code(&finding.id)
    );
    let affected = affects(&finding.affected);
    if !affected.is_empty() {
        let _ = write!(out, "; {}", prose(&affected));
    }
    let _ = writeln!(out, ".\n\n{}\n", prose(&finding.explanation));
    // Where it is not certain, what to check stands before what to change.
    if !finding.is_settled() {
        candidates(out, finding);
        checks(out, finding, asked);
    }
    for (n, fix) in finding.fix.iter().enumerate() {
        write_fix(out, n, fix);
    }
    if finding.is_settled() {
        candidates(out, finding);
        checks(out, finding, asked);
    }
    explained(out, explains);
    evidence(out, finding);
}

fn candidates(out: &mut String, finding: &Finding) {
    if finding.candidates.is_empty() {
        return;
    }
    out.push_str("Or maybe:\n\n");
    for candidate in &finding.candidates {
        let _ = writeln!(out, "- {}: {}", code(&candidate.id), prose(&candidate.tell_apart));
    }
    out.push('\n');
}

/// What decides it: a command that a finding above has is not repeated.
pub(super) fn checks<'a>(out: &mut String, finding: &'a Finding, asked: &mut Asked<'a>) {
    for step in &finding.to_confirm {
        let place =
            if step.host.is_empty() { String::new() } else { format!(" on {}", prose(&step.host)) };
        let why =
            if step.why.is_empty() { String::new() } else { format!(": {}", prose(&step.why)) };
        let same = |known: &ToConfirm| known.host == step.host && known.command == step.command;
        if let Some((_, n)) = asked.iter().find(|(known, _)| same(known)) {
            let _ = writeln!(out, "Check{place}, by the command of finding {n}{why}\n");
            continue;
        }
        asked.push((step, finding.n));
        let _ = writeln!(out, "Check{place}{why}\n");
        out.push_str(&fence("sh", &step.command));
        out.push('\n');
    }
}

fn explained(out: &mut String, explains: &[&Finding]) {
    if explains.is_empty() {
        return;
    }
    out.push_str("It explains:\n\n");
    for other in explains {
        let hit = match other.affected.connections {
            0 => String::new(),
            n => format!(" ({})", plural(n, "connection")),
        };
        let _ = writeln!(out, "- {}. {}{hit}: {}", other.n, code(&other.id), prose(&other.title));
    }
    out.push('\n');
}

fn write_fix(out: &mut String, n: usize, fix: &Fix) {
    let word = capitalised(fix.lead(n));
    let place =
        if fix.host.is_empty() { String::new() } else { format!(" on {}", prose(&fix.host)) };
    let _ = writeln!(out, "{word}{place} ({}):\n", fix.effect);
    out.push_str(&fence("sh", &fix.command));
    out.push('\n');
    let undo = fix.undo.trim();
    if undo.is_empty() {
        return;
    }
    // A command, or a sentence that ends in a full stop.
    if undo.ends_with('.') && !undo.contains('\n') {
        let _ = writeln!(out, "Undo: {}\n", prose(undo));
    } else {
        let _ = writeln!(out, "Undo:\n\n{}", fence("sh", undo));
    }
}

/// All frames of the proof, folded away.
fn evidence(out: &mut String, finding: &Finding) {
    let frames = finding.evidence.len() as u64;
    if frames == 0 && finding.wireshark_filter.is_none() {
        return;
    }
    let _ = writeln!(out, "<details>\n<summary>Proof: {}</summary>\n", plural(frames, "frame"));
    for proof in &finding.evidence {
        let way = proof.direction.trim();
        let way = if way.is_empty() { String::new() } else { format!(" {}", prose(way)) };
        let _ = writeln!(
            out,
            "- {} {}{way}: {}",
            code(&format!("{} {}", place(proof), proof.place())),
            since(proof.since_first_ns),
            prose(&proof.note)
        );
    }
    if let Some(filter) = &finding.wireshark_filter {
        let _ = writeln!(out, "\nFilter for Wireshark:\n\n{}", fence("", filter).trim_end());
    }
    out.push_str("\n</details>\n\n");
}

/// The vantage, else the file.
fn place(proof: &Evidence) -> &str {
    match proof.vantage.trim() {
        "" => proof.capture.rsplit('/').next().unwrap_or_default(),
        vantage => vantage,
    }
}
