//! Numbers and lists in sentences: singular and plural, "a, b and 3 more", "3 of 6".

use crate::diagnose::Facts;
use crate::topology::ServiceId;
use crate::trace::ConnectionId;

/// "3 connections", "1 connection".
#[must_use]
pub fn count(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}

/// "a", "a and b", "a, b and 3 more".
#[must_use]
pub fn list(names: &[String]) -> String {
    match names {
        [] => "nobody".to_owned(),
        [one] => one.clone(),
        [one, two] => format!("{one} and {two}"),
        [one, two, three] => format!("{one}, {two} and {three}"),
        [one, two, rest @ ..] => format!("{one}, {two} and {} more", rest.len()),
    }
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
