//! Numbers and lists in sentences: singular and plural, "a, b and 3 more", "3 of 6".

use crate::diagnose::Facts;
use crate::topology::ServiceId;
use crate::trace::ConnectionId;

/// "3 connections", "1 connection", "2,295 connections".
#[must_use]
pub fn count(n: usize, what: &str) -> String {
    let s = if n == 1 { "" } else { "s" };
    format!("{} {what}{s}", thousands(n as u64))
}

/// `n` with thousands set apart: `1,204`.
#[must_use]
pub fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + 6);
    for (at, c) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// A wait as people say it: "2.2 s", "40 ms".
#[must_use]
pub fn seconds(ns: i64) -> String {
    if ns >= 1_000_000_000 {
        format!("{:.1} s", ns as f64 / 1e9)
    } else {
        format!("{} ms", ns / 1_000_000)
    }
}

/// "a", "a and b", "a, b and 3 more".
#[must_use]
pub fn list(names: &[String]) -> String {
    match names {
        [] => "nobody".to_owned(),
        [one] => one.clone(),
        [one, two] => format!("{one} and {two}"),
        [one, two, three] => format!("{one}, {two} and {three}"),
        [one, two, rest @ ..] => {
            format!("{one}, {two} and {} more", thousands(rest.len() as u64))
        }
    }
}

/// The same of what is not text yet.
#[must_use]
pub fn list_of(items: impl IntoIterator<Item = impl ToString>) -> String {
    list(&items.into_iter().map(|item| item.to_string()).collect::<Vec<_>>())
}

/// The word that agrees with a number: `agree(1, "does", "do")` is "does".
#[must_use]
pub fn agree<T>(n: usize, one: T, many: T) -> T {
    if n == 1 { one } else { many }
}

/// How many of a service's connections failed or not, "3 of 6".
#[must_use]
pub fn share(facts: &Facts, service: ServiceId, ids: &[ConnectionId]) -> String {
    let all = facts.requests_to(service).len();
    format!("{} of {all}", ids.len())
}
