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

/// What a number of a service's connections do: "3 of 6 connections are", "1 of 2
/// connections is", "1 of 1 connection fails". The verb is given as many have it.
#[must_use]
pub fn share(facts: &Facts, service: ServiceId, ids: &[ConnectionId], verb: &str) -> String {
    let all = facts.requests_to(service).len();
    part(ids.len(), all, "connection", verb)
}

/// The same of anything: "1 of 3 exchanges fails"; without a verb where words stand between.
#[must_use]
pub fn part(n: usize, of: usize, what: &str, verb: &str) -> String {
    let verb = if n == 1 { singular(verb) } else { verb.to_owned() };
    let whole = format!("{} of {} {verb}", thousands(n as u64), count(of, what));
    whole.trim_end().to_owned()
}

/// "1 connection is", "3 connections are".
#[must_use]
pub fn counted(n: usize, what: &str, verb: &str) -> String {
    let verb = if n == 1 { singular(verb) } else { verb.to_owned() };
    format!("{} {verb}", count(n, what))
}

/// A verb as one has it. Those of the past are alike for all.
fn singular(verb: &str) -> String {
    match verb {
        "are" => "is".to_owned(),
        "were" => "was".to_owned(),
        "have" => "has".to_owned(),
        "do" => "does".to_owned(),
        "got" | "took" | "had" | "went" | "" => verb.to_owned(),
        other => format!("{other}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verbs_agree_with_what_is_counted() {
        assert_eq!(part(1, 1, "connection", "took"), "1 of 1 connection took");
        assert_eq!(part(1, 5, "connection", "are"), "1 of 5 connections is");
        assert_eq!(part(2, 5, "connection", "hang"), "2 of 5 connections hang");
        assert_eq!(part(1, 3, "exchange", "fail"), "1 of 3 exchanges fails");
        assert_eq!(part(1, 3, "exchange", ""), "1 of 3 exchanges");
        assert_eq!(counted(1, "connection", "have"), "1 connection has");
        assert_eq!(counted(2, "connection", "have"), "2 connections have");
    }
}
