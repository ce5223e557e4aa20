//! Names in documents, where a text prints names in place of addresses: what stands for a name
//! within is an address that no host has, which no reader knows and no command may ask for.
//!
//! They are put into the finished document, wherever the address stands; only what says which
//! address stands for which name keeps it, since `--from` and the like ask for an address.

use crate::trace::Trace;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::net::Ipv4Addr;

/// The address that stands for the first name.
const FIRST: u32 = 0xf000_0001;

/// Fields that a shell or Wireshark reads.
const TYPED: [&str; 3] = ["command", "undo", "wireshark_filter"];
/// Fields that keep the addresses: what is said of the captures themselves, and commands of this program.
const KEPT: [&str; 2] = ["captures", "see_others"];

/// A document with the names in it. Where two texts have other names for one address, none is put.
pub(crate) fn named<T: Serialize + DeserializeOwned>(trace: &Trace, document: T) -> T {
    let files = trace.captures.iter().flat_map(|capture| &capture.files);
    let texts = files.filter_map(|file| file.text.as_ref());
    let mut lists = texts.map(|text| &text.names).filter(|names| !names.is_empty());
    let Some(names) = lists.next().filter(|first| lists.all(|other| other == *first)) else {
        return document;
    };
    let address = |n: usize| Ipv4Addr::from(FIRST + n as u32).to_string();
    let known = Known {
        said: names.iter().enumerate().map(|(n, name)| (address(n), name.clone())).collect(),
        typed: names.iter().enumerate().map(|(n, name)| (address(n), spelled(name))).collect(),
    };
    let Ok(mut value) = serde_json::to_value(&document) else { return document };
    known.walk(&mut value, false);
    serde_json::from_value(value).unwrap_or(document)
}

/// Each stand-in with its name.
struct Known {
    said: Vec<(String, String)>,
    typed: Vec<(String, String)>,
}

impl Known {
    fn walk(&self, value: &mut Value, typed: bool) {
        match value {
            Value::String(text) => put(text, if typed { &self.typed } else { &self.said }),
            Value::Array(all) => all.iter_mut().for_each(|value| self.walk(value, typed)),
            Value::Object(fields) => {
                for (mut key, mut value) in std::mem::take(fields) {
                    if !KEPT.contains(&key.as_str()) {
                        self.walk(&mut value, TYPED.contains(&key.as_str()));
                        put(&mut key, &self.said);
                    }
                    fields.insert(key, value);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
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
    use super::{Known, put, spelled};

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

    #[test]
    fn names_stand_wherever_the_address_does_but_where_it_is_explained() {
        let of = |name: &str| vec![("240.0.0.1".to_owned(), name.to_owned())];
        let known = Known { said: of("<vip>"), typed: of("vip") };
        let mut document = serde_json::json!({
            "summary": "240.0.0.1:80 fails",
            "by": { "240.0.0.1": 3 },
            "fix": [{ "command": "ping 240.0.0.1", "host": "240.0.0.1" }],
            "captures": ["240.0.0.1 for <vip>"],
        });
        known.walk(&mut document, false);
        let wanted = serde_json::json!({
            "summary": "<vip>:80 fails",
            "by": { "<vip>": 3 },
            "fix": [{ "command": "ping vip", "host": "<vip>" }],
            "captures": ["240.0.0.1 for <vip>"],
        });
        assert_eq!(document, wanted);
    }
}
