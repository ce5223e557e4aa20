//! `ip rule`: which table of routes is asked.

use crate::state::context::Cx;
use crate::state::records::PolicyRule;
use crate::state::text::prefix;

pub(in crate::state) fn line(cx: &mut Cx<'_>, words: &[&str]) -> bool {
    let [number, rest @ ..] = words else { return false };
    let Some(priority) = number.strip_suffix(':').and_then(|n| n.parse::<u32>().ok()) else {
        return false;
    };
    if !rest.contains(&"from") || !rest.contains(&"lookup") {
        return false;
    }
    let mut row =
        PolicyRule { priority, from: None, to: None, more: false, table: String::new(), at: cx.at };
    let mut words = rest.iter();
    while let Some(word) = words.next() {
        match *word {
            "from" => row.from = words.next().filter(|w| **w != "all").and_then(|w| prefix(w)),
            "to" => row.to = words.next().filter(|w| **w != "all").and_then(|w| prefix(w)),
            "lookup" => row.table = words.next().map_or_else(String::new, |w| (*w).to_owned()),
            "proto" | "protocol" => _ = words.next(),
            "[detached]" | "unicast" => {}
            _ => row.more = true,
        }
    }
    cx.keep(row);
    true
}

#[cfg(test)]
mod tests {
    use crate::state::model::HostState;
    use crate::state::parse;

    #[test]
    fn rules_are_read() {
        let mut state = HostState::default();
        parse(
            &mut state,
            "a",
            "0:\tfrom all lookup local\n100:\tfrom all fwmark 0x1 lookup 100\n200:\tfrom 10.0.0.1 lookup wan proto static\n32766:\tfrom all lookup main\n",
        );
        let r = &state.rules_of_routing;
        assert_eq!((r.len(), state.notes.len()), (4, 0));
        assert!(r[1].more && !r[2].more && r[2].from.is_some() && r[2].table == "wan");
    }
}
