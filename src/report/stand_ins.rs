//! Names in the commands of a report, where a text prints names in place of addresses: what stands
//! for a name in the report is an address that no host has, so no command may ask for it.

use super::Report;
use crate::trace::Trace;
use std::net::Ipv4Addr;

/// The address that stands for the first name.
const FIRST: u32 = 0xf000_0001;

/// Puts the names back into commands. Where two texts have other names for one address, nothing is
/// put.
pub(super) fn name(trace: &Trace, report: &mut Report) {
    let files = trace.captures.iter().flat_map(|capture| &capture.files);
    let texts = files.filter_map(|file| file.text.as_ref());
    let mut lists = texts.map(|text| &text.names).filter(|names| !names.is_empty());
    let Some(names) = lists.next().filter(|first| lists.all(|other| other == *first)) else {
        return;
    };
    let known: Vec<(String, String)> = names
        .iter()
        .enumerate()
        .map(|(n, name)| (Ipv4Addr::from(FIRST + n as u32).to_string(), spelled(name)))
        .collect();
    for finding in &mut report.findings {
        for fix in &mut finding.fix {
            put(&mut fix.command, &known);
            put(&mut fix.undo, &known);
        }
        for check in &mut finding.to_confirm {
            put(&mut check.command, &known);
        }
    }
}

/// A name as a shell takes it; what somebody put in its place may have any letters.
fn spelled(name: &str) -> String {
    let plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let name: String = name.chars().filter(plain).collect();
    if name.is_empty() { "HOST".to_owned() } else { name }
}

fn put(command: &mut String, known: &[(String, String)]) {
    let mut from = 0;
    while let Some(at) = command[from..].find("240.").map(|at| from + at) {
        let rest = &command[at..];
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let address = rest[..end].trim_end_matches('.');
        let before = command[..at].chars().next_back();
        let whole = !before.is_some_and(|c| c.is_ascii_digit() || c == '.');
        match known.iter().find(|(stand_in, _)| whole && stand_in == address) {
            Some((stand_in, name)) => {
                command.replace_range(at..at + stand_in.len(), name);
                from = at + name.len();
            }
            None => from = at + end.max(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{put, spelled};

    #[test]
    fn names_are_put_into_commands() {
        let known = [("240.0.0.1", "lb-1"), ("240.0.0.11", "web")];
        let known = known.map(|(a, b)| (a.to_owned(), b.to_owned()));
        for (command, wanted) in [
            ("tcpdump 'host 240.0.0.1 or host 240.0.0.11'", "tcpdump 'host lb-1 or host web'"),
            ("curl 240.0.0.1:80; ping 240.0.0.2", "curl lb-1:80; ping 240.0.0.2"),
            ("ping 1.240.0.0.1", "ping 1.240.0.0.1"),
            ("ping 240.0.0.1.", "ping lb-1."),
        ] {
            let mut text = command.to_owned();
            put(&mut text, &known);
            assert_eq!(text, wanted);
        }
        assert_eq!((spelled("<VIP of a>").as_str(), spelled("***").as_str()), ("VIPofa", "HOST"));
    }
}
