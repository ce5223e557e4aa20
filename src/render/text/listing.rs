//! Connections that were asked for, as a table a service.
//!
//! The head counts what matched, the foot names the findings, so that a number in
//! a row is understood where the list is pasted. Refuses to choose: what is
//! listed was decided when the listing was built.

use super::super::Style;
use super::super::ink::Tone;
use super::super::measure::{columns, cut, hang, pad_end, pad_start};
use super::super::sanitise::clean;
use super::super::units::{clock, count, day, duration, plural};
use super::connections::server;
use super::joined;
use crate::report::{Connection, Listing, Mention, Sent};
use std::collections::{BTreeSet, HashMap};

/// What a table shows, from all to the least.
const FORMS: [Form; 5] = [
    Form { bytes: true, lasted: true, places: 12, ports: true },
    Form { bytes: false, lasted: true, places: 12, ports: true },
    Form { bytes: false, lasted: true, places: 8, ports: false },
    Form { bytes: false, lasted: false, places: 8, ports: false },
    Form { bytes: false, lasted: false, places: 0, ports: false },
];

/// Which columns a table has, and how long they are.
#[derive(Clone, Copy)]
struct Form {
    bytes: bool,
    lasted: bool,
    /// Characters of the start's time of day; 0 leaves it out.
    places: usize,
    /// The real server's port, also where it is the service's own.
    ports: bool,
}

/// All connections of the listing. Ends with a line feed; without connections,
/// says so.
#[must_use]
pub fn connections(listing: &Listing, style: &Style) -> String {
    let mut sections = vec![vec![head(listing)]];
    sections.extend(tables(listing, style));
    sections.push(legend(listing, style));
    joined(&sections)
}

/// `3 of 6 connections: 3 failed`.
fn head(listing: &Listing) -> String {
    let (matched, shown) = (listing.totals.connections, listing.connections.len() as u64);
    if matched == 0 {
        return match listing.of {
            0 => "no connections".to_owned(),
            of => format!("none of {} matches", plural(of, "connection")),
        };
    }
    let all = if matched == listing.of {
        plural(matched, "connection")
    } else {
        format!("{} of {}", count(matched), plural(listing.of, "connection"))
    };
    let cut = if shown < matched {
        format!(" (the first {} are shown)", count(shown))
    } else {
        String::new()
    };
    format!("{all}: {}{cut}", listing.totals.fates())
}

/// One table a service, in the order in which the services come up.
fn tables(listing: &Listing, style: &Style) -> Vec<Vec<String>> {
    let mut groups: Vec<(&str, Vec<&Connection>)> = Vec::new();
    let mut known: HashMap<&str, usize> = HashMap::new();
    for c in &listing.connections {
        let at = *known.entry(c.service.as_str()).or_insert_with(|| {
            groups.push((c.service.as_str(), Vec::new()));
            groups.len() - 1
        });
        if let Some((_, group)) = groups.get_mut(at) {
            group.push(c);
        }
    }
    groups.iter().map(|(service, group)| table(service, group, style)).collect()
}

fn table(service: &str, group: &[&Connection], style: &Style) -> Vec<String> {
    let mode = match group.first().map_or("unknown", |c| c.mode.as_str()) {
        "unknown" => "forwarding mode unknown",
        known => known,
    };
    let first = group.first().map_or("", |c| day(&c.start));
    let one_day = group.iter().all(|c| day(&c.start) == first);
    let on = if one_day && !first.is_empty() { format!(", {first} UTC") } else { String::new() };
    let heading = cut(&format!("to {service}   {mode}{on}"), style.columns());
    let mut lines = vec![style.ink().paint(Tone::Strong, &heading)];
    let own = service.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
    let room = style.columns() - 2;
    for (n, form) in FORMS.iter().enumerate() {
        let rows: Vec<Vec<String>> = group.iter().map(|c| cells(c, *form, one_day, own)).collect();
        let header = header(*form);
        let widths: Vec<usize> = (0..header.len())
            .map(|at| {
                let heading = columns(header[at].trim_start_matches('>'));
                rows.iter().map(|row| columns(&row[at])).fold(heading, usize::max)
            })
            .collect();
        let all: usize = widths.iter().sum::<usize>() + 2 * (widths.len() - 1);
        if all > room && n + 1 < FORMS.len() {
            continue;
        }
        let heading: Vec<String> =
            header.iter().map(|h| h.trim_start_matches('>').to_owned()).collect();
        let heading = cut(&line(&heading, &header, &widths), room);
        lines.push(format!("  {}", style.ink().paint(Tone::Faint, &heading)));
        lines.extend(group.iter().zip(&rows).map(|(c, row)| {
            let whole = cut(&line(row, &header, &widths), room);
            let tone = match c.fate.as_str() {
                "failed" => Tone::Bad,
                "suffered" => Tone::Warn,
                _ => Tone::Plain,
            };
            let ended = c.ended();
            let outcome = clean(&ended);
            match whole.split_once(&format!("  {outcome}  ")) {
                Some((before, after)) => {
                    format!("  {before}  {}  {after}", style.ink().paint(tone, &outcome))
                }
                None => format!("  {whole}"),
            }
        }));
        break;
    }
    lines
}

/// Headings; `>` sets a column flush right.
fn header(form: Form) -> Vec<&'static str> {
    let mut header = vec!["client", ">id"];
    if form.places > 0 {
        header.push("start");
    }
    header.extend(["real server", "outcome"]);
    if form.lasted {
        header.push(">lasted");
    }
    if form.bytes {
        header.extend([">client sent", ">server sent"]);
    }
    header.push("found");
    header
}

fn cells(c: &Connection, form: Form, one_day: bool, own: Option<u16>) -> Vec<String> {
    let mut cells = vec![c.client.clone(), c.id.to_string()];
    if form.places > 0 {
        let time = clock(&c.start, form.places);
        cells.push(if one_day { time } else { format!("{} {time}", day(&c.start)) });
    }
    cells.extend([server(c, own.filter(|_| !form.ports)), c.ended()]);
    if form.lasted {
        cells.push(duration(c.duration_ns));
    }
    if form.bytes {
        cells.extend([sent(c.from_client), sent(c.from_server)]);
    }
    cells.push(finding(c));
    cells.iter().map(|cell| clean(cell).into_owned()).collect()
}

fn line(cells: &[String], header: &[&str], widths: &[usize]) -> String {
    let padded: Vec<String> =
        cells
            .iter()
            .zip(header)
            .zip(widths)
            .map(|((cell, heading), width)| {
                if heading.starts_with('>') {
                    pad_start(cell, *width)
                } else {
                    pad_end(cell, *width)
                }
            })
            .collect();
    padded.join("  ")
}

fn sent(sent: Sent) -> String {
    match (sent.frames, sent.bytes) {
        (0, _) => "-".to_owned(),
        (_, Some(bytes)) => format!("{} B", count(bytes)),
        (frames, None) => plural(frames, "frame"),
    }
}

/// The first finding, which is the most important, and how many others.
fn finding(c: &Connection) -> String {
    let number = match c.findings.as_slice() {
        [] => String::new(),
        [one] => one.to_string(),
        [first, rest @ ..] => format!("{first} +{}", rest.len()),
    };
    match c.ordinary.as_deref() {
        Some(kind) if number.is_empty() => kind.to_owned(),
        Some(kind) => format!("{kind}; {number}"),
        None => number,
    }
}

/// The findings that the rows name by number.
fn legend(listing: &Listing, style: &Style) -> Vec<String> {
    let named: BTreeSet<u32> =
        listing.connections.iter().filter_map(|c| c.findings.first().copied()).collect();
    let shown: Vec<&Mention> = listing.findings.iter().filter(|f| named.contains(&f.n)).collect();
    let digits = shown.iter().map(|f| f.n.to_string().len()).max().unwrap_or(1);
    let mut lines = Vec::new();
    if !shown.is_empty() {
        lines.push(style.ink().paint(Tone::Strong, "findings"));
    }
    for f in shown {
        let lead = format!("  {:>digits$}  ", f.n);
        let said = format!("{} ({}): {}", f.id, f.severity, f.title);
        lines.extend(hang(&lead, &said, style.prose()));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::super::fixtures;
    use super::*;
    use crate::report::Totals;
    use crate::report::{Confidence, Severity};

    fn listing(of: u64, connections: Vec<Connection>) -> Listing {
        let n = connections.len() as u64;
        Listing {
            schema_version: "1".into(),
            generator: "lbdiag".into(),
            of,
            totals: Totals {
                connections: n,
                outcomes: [("reset".to_owned(), n)].into_iter().filter(|o| o.1 > 0).collect(),
                failed: n,
                ..Totals::default()
            },
            connections,
            findings: Vec::new(),
        }
    }

    fn at(width: usize) -> Style {
        Style { width, ..Style::default() }
    }

    #[test]
    fn every_connection_has_its_row_and_the_head_counts() {
        let one = fixtures::hairpin().connections.remove(0);
        let text = connections(&listing(90, vec![one; 50]), &at(120));
        assert!(text.starts_with("50 of 90 connections: 50 failed\n"), "{text}");
        assert_eq!(text.lines().filter(|l| l.contains("172.16.100.11:59780")).count(), 50);
        assert!(text.contains("03:04:05.123"), "{text}");
        assert!(text.lines().skip(3).all(|l| !l.contains("59780") || l.ends_with("1 +2")));
    }

    #[test]
    fn a_row_is_one_line_at_any_width_and_names_stay_whole_where_they_can() {
        let mut one = fixtures::hairpin().connections.remove(0);
        for width in [40, 60, 80, 100, 200] {
            let text = connections(&listing(1, vec![one.clone()]), &at(width));
            assert!(text.lines().all(|l| columns(l) <= width), "{text}");
            assert_eq!(text.lines().count(), 5, "{text}");
            assert!(width < 60 || text.contains("172.16.100.11:59780") && text.contains("reset"));
        }
        one.client = "[2001:db8:1111:2222:3333:4444:5555:6666]:59780".into();
        let text = connections(&listing(1, vec![one.clone()]), &at(80));
        assert!(text.contains(&one.client) && text.contains("reset"), "{text}");
    }

    #[test]
    fn nothing_is_said_to_be_nothing() {
        assert_eq!(connections(&listing(0, vec![]), &at(80)), "no connections\n");
        assert_eq!(connections(&listing(3, vec![]), &at(80)), "none of 3 connections matches\n");
    }

    #[test]
    fn what_a_capture_holds_does_not_steer_the_terminal() {
        let mut one = fixtures::hairpin().connections.remove(0);
        one.client = "\x1b[2Ja".into();
        one.outcome = "\u{9b}1mx".into();
        let mut hostile = listing(1, vec![one]);
        hostile.findings.push(Mention {
            n: 1,
            id: "a".into(),
            severity: Severity::Info,
            confidence: Confidence::Likely,
            title: "\x1b]0;t\x07".into(),
        });
        for width in [40, 80, 120] {
            let text = connections(&hostile, &at(width));
            assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{text:?}");
        }
    }
}
