//! One finding in Markdown.

use super::super::units::{affects, capitalised, plural, since};
use super::escape::{code, fence, prose};
use crate::report::{Evidence, Finding, Fix};
use std::fmt::Write as _;

/// A finding with all that belongs to it; one that `cause` explains in short.
pub(super) fn write(out: &mut String, finding: &Finding, cause: Option<&Finding>) {
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
    if let Some(cause) = cause {
        let _ = write!(out, ", explained by finding {}", cause.n);
    }
    let affected = affects(&finding.affected);
    if !affected.is_empty() {
        let _ = write!(out, "; {}", prose(&affected));
    }
    let _ = writeln!(out, ".\n\n{}\n", prose(&finding.explanation));
    if !finding.is_settled() && !finding.fix.is_empty() && !finding.to_confirm.is_empty() {
        out.push_str("Check first what stands under Next.\n\n");
    }
    for (n, fix) in finding.fix.iter().enumerate() {
        write_fix(out, n, fix);
    }
    if !finding.candidates.is_empty() {
        out.push_str("It may also be:\n\n");
        for candidate in &finding.candidates {
            let _ = writeln!(out, "- {}: {}", code(&candidate.id), prose(&candidate.tell_apart));
        }
        out.push('\n');
    }
    evidence(out, finding);
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
