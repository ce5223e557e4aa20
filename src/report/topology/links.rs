//! The hops of all ways, each once.

use super::{Link, Way};
use std::collections::{BTreeMap, BTreeSet};

/// Those of some ways, by their ends.
pub(super) fn links(ways: &[Way]) -> Vec<Link> {
    let mut found: BTreeMap<(String, String, bool), Link> = BTreeMap::new();
    for way in ways {
        let n = way.totals.connections;
        for (hops, forward) in [(&way.there, true), (&way.back, false)] {
            let mut before: Option<&str> = None;
            let mut counted = BTreeSet::new();
            let mut add = |from: &str, to: &str, seen: bool, rewrite: Option<&String>| {
                let key = (from.to_owned(), to.to_owned(), seen);
                let link = found.entry(key.clone()).or_insert_with(|| Link {
                    from: from.to_owned(),
                    to: to.to_owned(),
                    there: 0,
                    back: 0,
                    seen,
                    rewrites: Vec::new(),
                    broken: Vec::new(),
                });
                // A loop passes one place again and again.
                if counted.insert(key) {
                    *(if forward { &mut link.there } else { &mut link.back }) += n;
                }
                if let Some(rewrite) = rewrite.filter(|r| !link.rewrites.contains(r)) {
                    link.rewrites.push(rewrite.clone());
                }
            };
            for hop in hops {
                if let (Some(last), Some(from)) = (before, hop.from.as_deref())
                    && last != from
                {
                    add(last, from, false, None);
                }
                if let (Some(from), Some(to)) = (&hop.from, &hop.to) {
                    add(from, to, true, hop.rewrite.as_ref());
                }
                before = hop.to.as_deref().or(hop.from.as_deref()).or(before);
            }
        }
    }
    found.into_values().collect()
}
