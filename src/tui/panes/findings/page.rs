//! All that is known of a finding, as a page with places that lead on; and what could be
//! checked at all.

use super::super::super::app::App;
use super::super::super::roles::severity;
use super::super::super::theme::Paint;
use super::super::stops::{Page, labelled, paragraph};
use crate::render::measure::verbatim;
use crate::render::units::{count, harmed, since, span};
use crate::report::{CoverageStatus, Effect, Finding, Fix, Report, ToConfirm};
use ratatui::text::Line;

/// What a place leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum To {
    /// A frame of the proof.
    Frame(usize),
    /// A text to copy, and what it is.
    Copy(String, &'static str),
    /// A detector's page.
    Manual(String),
    /// Another finding.
    Finding(u32),
    /// The connections that it concerns.
    Connections,
    /// Nothing.
    Here,
}

/// The page of the finding under the cursor; behind the last finding, the coverage.
pub fn page(app: &App, width: usize) -> Page<To> {
    let mut page = Page::default();
    let data = app.data.as_ref();
    let Some(f) = data.and_then(|data| data.report.findings.get(app.findings.at)) else {
        if let Some(data) = data {
            coverage(app, &data.report, width, &mut page);
        }
        return page;
    };
    let theme = &app.config.theme;
    let head = format!("{} · {} · {}", f.severity, f.confidence, f.kind);
    page.line(
        theme
            .line(&[(severity(f.severity), &format!("{}  {head}  ", f.n)), (Paint::Strong, &f.id)]),
    );
    for line in paragraph(app, Paint::Strong, &f.title, width) {
        page.line(line);
    }
    // The page begins at the first stop, so long text must be stops itself.
    for line in paragraph(app, Paint::Plain, &f.explanation, width) {
        page.stop(To::Here, [line]);
    }
    page.gap();
    affected(app, f, width, &mut page);
    proof(app, f, width, &mut page);
    // Where it is not certain, what to check stands before what to change.
    if !f.is_settled() {
        doubt(app, f, width, &mut page);
    }
    for (n, fix) in f.fix.iter().enumerate() {
        self::fix(app, fix, fix.lead(n), width, &mut page);
    }
    if f.is_settled() {
        doubt(app, f, width, &mut page);
    }
    for n in &f.explains {
        if let Some(other) = data.and_then(|data| data.finding(*n)) {
            let said = format!("{n} {}: {}", other.id, other.title);
            page.stop(To::Finding(*n), labelled(app, "explains", Paint::Plain, &said, width));
        }
    }
    let by = data.into_iter().flat_map(|data| &data.report.findings);
    for other in by.filter(|other| other.explains.contains(&f.n)) {
        let said = format!("{} {}", other.n, other.id);
        page.stop(To::Finding(other.n), labelled(app, "caused by", Paint::Plain, &said, width));
    }
    if let Some(filter) = &f.wireshark_filter {
        let lines = labelled(app, "Wireshark", Paint::Plain, filter, width);
        page.stop(To::Copy(filter.clone(), "filter"), lines);
    }
    let said = format!("what every capture shows of {}, and how to tell it apart", f.id);
    page.stop(To::Manual(f.id.clone()), labelled(app, "manual", Paint::Plain, &said, width));
    page
}

fn affected(app: &App, f: &Finding, width: usize, page: &mut Page<To>) {
    let affected = &f.affected;
    if affected.connections > 0 {
        let (n, of) = (count(affected.connections), count(affected.of));
        let mut said = format!("{n} of {of} {}s", affected.noun());
        said.push_str(&harmed(affected));
        let by: Vec<String> =
            affected.servers().iter().map(|(name, n)| format!("{name}: {}", count(*n))).collect();
        if !by.is_empty() {
            said.push_str(&format!(" (real server {})", by.join(", ")));
        }
        page.stop(To::Connections, labelled(app, "affects", Paint::Plain, &said, width));
    }
    if let (Some(first), Some(last)) = (&affected.first_seen, &affected.last_seen) {
        for line in labelled(app, "", Paint::Faint, &span(first, last), width) {
            page.line(line);
        }
    }
}

fn proof(app: &App, f: &Finding, width: usize, page: &mut Page<To>) {
    for (n, evidence) in f.evidence.iter().enumerate() {
        let frame = format!("{} {}", evidence.vantage, evidence.place());
        let way = if evidence.direction.is_empty() {
            String::new()
        } else {
            format!(" {}", evidence.direction)
        };
        let said = format!("{frame}  {}{way}  {}", since(evidence.since_first_ns), evidence.note);
        let label = if n == 0 { "proof" } else { "" };
        page.stop(To::Frame(n), labelled(app, label, Paint::Plain, &said, width));
    }
}

fn fix(app: &App, fix: &Fix, label: &str, width: usize, page: &mut Page<To>) {
    let role = if fix.effect == Effect::Safe { Paint::Good } else { Paint::Warn };
    let said = format!("on {}, {}", fix.host, fix.effect);
    for line in labelled(app, label, role, &said, width) {
        page.line(line);
    }
    page.stop(To::Copy(fix.command.clone(), "command"), command(app, &fix.command, width));
    if !fix.undo.trim().is_empty() {
        for line in labelled(app, "", Paint::Faint, "undo:", width) {
            page.line(line);
        }
        page.stop(To::Copy(fix.undo.clone(), "undo"), command(app, &fix.undo, width));
    }
}

/// A command's lines, wrapped for the eye; what is copied is whole.
fn command(app: &App, text: &str, width: usize) -> Vec<Line<'static>> {
    let lines = verbatim(text);
    let wrapped = lines.iter().flat_map(|line| labelled(app, "", Paint::Key, line, width));
    wrapped.collect()
}

fn doubt(app: &App, f: &Finding, width: usize, page: &mut Page<To>) {
    for (n, candidate) in f.candidates.iter().enumerate() {
        let said = format!("{}: {}", candidate.id, candidate.tell_apart);
        let label = if n == 0 { "or maybe" } else { "" };
        let lines = labelled(app, label, Paint::Plain, &said, width);
        page.stop(To::Manual(candidate.id.clone()), lines);
    }
    for (n, ToConfirm { host, command: text, why }) in f.to_confirm.iter().enumerate() {
        let label = if n == 0 { "check" } else { "" };
        for line in labelled(app, label, Paint::Plain, &format!("on {host}: {why}"), width) {
            page.line(line);
        }
        page.stop(To::Copy(text.clone(), "command"), command(app, text, width));
    }
}

/// What every detector could say, what is open first.
fn coverage(app: &App, report: &Report, width: usize, page: &mut Page<To>) {
    let theme = &app.config.theme;
    if report.findings.is_empty() {
        page.line(theme.line(&[(Paint::Good, "nothing was found")]));
        page.gap();
    }
    let with = |status| report.coverage.iter().filter(move |row| row.status == status);
    page.line(theme.line(&[(Paint::Strong, "could not be checked")]));
    for row in with(CoverageStatus::NotCheckable) {
        let why = row.reason.as_deref().unwrap_or_default();
        let mut lines = vec![theme.line(&[(Paint::Unsure, &row.id)])];
        lines.extend(labelled(app, "", Paint::Plain, why, width));
        page.stop(To::Manual(row.id.clone()), lines);
    }
    page.gap();
    page.line(theme.line(&[(Paint::Strong, "checked and clean")]));
    for row in with(CoverageStatus::Clean) {
        page.stop(To::Manual(row.id.clone()), [theme.line(&[(Paint::Good, &row.id)])]);
    }
}
