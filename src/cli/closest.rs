//! The name that was probably meant.

/// Of `names`, those that `typed` was probably meant to be, best first; at most three.
///
/// A name is meant where it differs by few letters, or where `typed` is a part of it.
pub(super) fn closest<'a>(typed: &str, names: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    // The table below is quadratic, and no name is anywhere near as long.
    if typed.is_empty() || typed.len() > 100 {
        return Vec::new();
    }
    let allowed = typed.chars().count().div_ceil(4).max(1);
    let mut ranked: Vec<(usize, &str)> = names
        .into_iter()
        .filter_map(|name| {
            let far = distance(typed, name);
            if far <= allowed {
                Some((far, name))
            } else if typed.len() > 2 && name.contains(typed) {
                Some((allowed + 1, name))
            } else {
                None
            }
        })
        .collect();
    ranked.sort();
    ranked.into_iter().take(3).map(|(_, name)| name).collect()
}

/// Letters to insert, delete, replace or swap with their neighbour: the optimal string alignment
/// distance (Damerau 1964).
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().collect();
    let b: Vec<char> = b.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replaced.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(before[j - 2] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::{closest, distance};

    #[test]
    fn distances() {
        for (a, b, far) in [
            ("", "", 0),
            ("", "abc", 3),
            ("abc", "", 3),
            ("abc", "abc", 0),
            ("abc", "acb", 1),
            ("kitten", "sitting", 3),
            ("ca", "abc", 3),
        ] {
            assert_eq!(distance(a, b), far, "{a} {b}");
        }
    }

    #[test]
    fn slips_and_parts_are_understood_and_others_are_not() {
        let names = ["dr-arp-problem", "rs-silent", "l4-self-access-hairpin", "schema"];
        assert_eq!(closest("dr-apr-problem", names), ["dr-arp-problem"]);
        assert_eq!(closest("hairpin", names), ["l4-self-access-hairpin"]);
        assert_eq!(closest("shcema", names), ["schema"]);
        assert!(closest("client.pcap", names).is_empty());
        assert!(closest("", names).is_empty());
        assert!(closest(&"x".repeat(100_000), names).is_empty());
    }
}
