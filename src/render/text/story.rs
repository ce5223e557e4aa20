//! One connection's story for a terminal and for a ticket.
//!
//! The outcome heads it, then labelled sentences, then the drawing. Commands are
//! printed whole. Refuses to leave out what is not known.

use super::super::Style;
use super::super::ink::Tone;
use super::super::measure::{blanks, columns, hang, verbatim, wrap};
use super::super::units::{count, duration, span};
use super::topology::{outcomes, spent};
use super::{endpoint, ladder};
use crate::report::story::Story;
use crate::report::{Connection, Endpoint, Fix, Lost, Mention};

/// Columns of the labels ("unknown" and two spaces) with their indent.
const LABEL: usize = 11;

/// A SYN is sent again after this long at the soonest (RFC 6298, section 2: the initial
/// time-out), nanoseconds.
const REPEATED_NS: i64 = 1_000_000_000;

/// The story as text of `style.width` columns; only commands may be wider. Ends
/// with a line feed.
#[must_use]
pub fn story(story: &Story, style: &Style) -> String {
    let mut lines = head(&story.connection, style);
    lines.push(String::new());
    lines.extend(part("there", &story.there, style));
    lines.extend(part("back", &story.back, style));
    lines.extend(part("end", &story.end, style));
    if let Some(said) = &story.broken {
        lines.extend(part("breaks", said, style));
    }
    for said in &story.apart {
        lines.extend(part("apart", said, style));
    }
    let ties = story.connection.evidence.join("; ");
    let (waited, time) = (waited(&story.connection), time(&story.connection));
    let lost = lost(&story.connection);
    let parts = [("waited", waited), ("time", time), ("lost", lost), ("tied by", ties)];
    for (label, said) in parts {
        if !said.is_empty() {
            lines.extend(part(label, &said, style));
        }
    }
    lines.extend(why(story.finding.as_ref(), style));
    if let Some(first) = story.fixes.first() {
        lines.extend(fix(first, style));
    }
    for said in super::finding::candidates(&story.candidates) {
        lines.extend(part("or maybe", &said, style));
    }
    for (n, unknown) in story.unknown.iter().enumerate() {
        lines.extend(part(if n == 0 { "unknown" } else { "" }, unknown, style));
    }
    for step in story.to_confirm.iter().take(1) {
        lines.extend(part("check", &format!("on {}: {}", step.host, step.why), style));
        lines.extend(command(&step.command));
    }
    lines.extend(others(story, style));
    if let Some(drawn) = &story.ladder {
        lines.push(String::new());
        lines.extend(ladder::lines(drawn, style));
    }
    let mut out = String::new();
    for line in lines {
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// What became of it in capitals, the ends, and when it was.
fn head(c: &Connection, style: &Style) -> Vec<String> {
    let word = c.ended().to_uppercase();
    let tone = match c.fate.as_str() {
        "failed" => Tone::Bad,
        "suffered" => Tone::Warn,
        "well" if c.outcome == "completed" => Tone::Good,
        _ => Tone::Unsure,
    };
    let mode = match c.mode.as_str() {
        "unknown" => ", forwarding mode unknown".to_owned(),
        known => format!(", {known}"),
    };
    let servers: Vec<String> = c.real_servers.iter().filter_map(server).collect();
    let server = match servers.as_slice() {
        [] => String::new(),
        [one] => format!(", real server {one}"),
        several => format!(", real servers {}", several.join(", ")),
    };
    let kind = c.ordinary.as_deref().map_or_else(String::new, |kind| format!(", a {kind}"));
    let ends = format!("{} to {}{mode}{server}{kind}", c.client, c.service);
    let mut lines = hang(&format!("{word}   "), &ends, style.prose());
    if let Some(first) = lines.first_mut() {
        let rest = first.split_off(word.len().min(first.len()));
        *first = format!("{}{rest}", style.ink().paint(tone, &word));
    }
    let when = format!(
        "{}, lasted {}, connection {}",
        span(&c.start, &c.start),
        duration(c.duration_ns),
        c.id
    );
    lines.extend(hang(&blanks(columns(&word) + 3), &when, style.prose()));
    lines
}

/// How long the client waited to connect, where SYNs had to be repeated.
fn waited(c: &Connection) -> String {
    let handshake = c.timing.as_ref().and_then(|timing| timing.connect_ns);
    match c.wait_ns {
        Some(ns) if ns >= REPEATED_NS && handshake != Some(ns) => {
            format!("{} from its first SYN until it went on", duration(ns))
        }
        _ => String::new(),
    }
}

/// Where the time went, as far as it was seen.
fn time(c: &Connection) -> String {
    let Some(timing) = &c.timing else { return String::new() };
    let of = |name: &str, ns: Option<i64>| ns.map(|ns| format!("{name} {}", duration(ns)));
    let whole = of("to connect", timing.connect_ns).into_iter();
    let whole: Vec<String> = whole.chain(of("to the first byte", timing.first_byte_ns)).collect();
    match spent(timing) {
        parts if parts.is_empty() => whole.join(", "),
        parts => format!("{}: {parts}", whole.join(", ")),
    }
}

/// What was lost on the way, by segment.
fn lost(c: &Connection) -> String {
    let lost = |l: &Lost| {
        format!("{} of {} frames from {} to {}", count(l.lost), count(l.sent), l.from, l.to)
    };
    c.losses.iter().map(lost).collect::<Vec<_>>().join("; ")
}

fn server(end: &Endpoint) -> Option<String> {
    let address = end.address.as_deref().map(|address| endpoint(address, end.port));
    address.or_else(|| end.mac.clone())
}

fn why(finding: Option<&Mention>, style: &Style) -> Vec<String> {
    let Some(f) = finding else { return Vec::new() };
    let said = format!("finding {}, {} ({}, {}): {}", f.n, f.id, f.severity, f.confidence, f.title);
    part("why", &said, style)
}

/// The first remedy; the report has them all.
fn fix(fix: &Fix, style: &Style) -> Vec<String> {
    let place = if fix.host.is_empty() { String::new() } else { format!("on {}, ", fix.host) };
    let mut lines = part("fix", &format!("{place}{}:", fix.effect), style);
    lines.extend(command(&fix.command));
    let undo = fix.undo.trim();
    if undo.ends_with('.') {
        lines.extend(part("", &format!("undo: {undo}"), style));
    } else if !undo.is_empty() {
        lines.extend(part("", "undo:", style));
        lines.extend(command(undo));
    }
    lines
}

fn others(story: &Story, style: &Style) -> Vec<String> {
    let n = story.others.connections;
    if n == 0 {
        return Vec::new();
    }
    let said = format!(
        "{} more of this client: {}. This one was chosen as the most telling; see the others:",
        count(n),
        outcomes(&story.others, |_| true)
    );
    let mut lines = part("others", &said, style);
    lines.extend(command(&story.see_others));
    lines
}

/// `text` beside a label.
fn part(label: &str, text: &str, style: &Style) -> Vec<String> {
    let mut lines = wrap(text, style.prose().saturating_sub(LABEL));
    if lines.is_empty() {
        lines.push(String::new());
    }
    let faint = style.ink().paint(Tone::Faint, label);
    let gap = blanks((LABEL - 2).saturating_sub(columns(label)));
    let under = blanks(LABEL);
    lines
        .iter()
        .enumerate()
        .map(|(n, line)| match n {
            0 => format!("  {faint}{gap}{line}"),
            _ => format!("{under}{line}"),
        })
        .collect()
}

/// Lines to paste, stood in but never cut.
fn command(text: &str) -> Vec<String> {
    verbatim(text).into_iter().map(|line| format!("{}{line}", blanks(LABEL + 2))).collect()
}
