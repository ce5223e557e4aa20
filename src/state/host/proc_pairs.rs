//! /proc/net/netstat and /proc/net/snmp: a line of names and a line of values below it, each behind
//! the section, which is the first part of nstat(8)'s names. /proc/net/snmp6 has a name and a value
//! a line.

use crate::state::context::{Block, Cx};
use crate::state::model::{MAX_VALUES, Told};

/// Sections of both files.
const SECTIONS: [&str; 9] =
    ["Ip:", "Icmp:", "IcmpMsg:", "Tcp:", "Udp:", "UdpLite:", "TcpExt:", "IpExt:", "MPTcpExt:"];

pub(in crate::state) fn line(cx: &mut Cx<'_>, words: &[&str]) -> bool {
    let [section, rest @ ..] = words else { return false };
    if let ([value], true) = (rest, is_v6(section)) {
        let Ok(value) = value.parse() else { return false };
        put(cx, section, value);
        return true;
    }
    if !SECTIONS.contains(section) || rest.is_empty() {
        return false;
    }
    if let Block::Paired { section: above, names } = &mut cx.block
        && above == section
        && names.len() == rest.len()
        && rest.iter().all(|value| value.parse::<i64>().is_ok())
    {
        let names = std::mem::take(names);
        cx.block = Block::None;
        for (name, value) in names.iter().zip(rest) {
            // A limit that is none is negative.
            if let Ok(value) = value.parse() {
                put(cx, &format!("{}{name}", section.trim_end_matches(':')), value);
            }
        }
        return true;
    }
    if !rest.iter().all(|name| name.starts_with(|c: char| c.is_ascii_alphabetic())) {
        return false;
    }
    let names = rest.iter().map(|name| (*name).to_owned()).collect();
    cx.block = Block::Paired { section: (*section).to_owned(), names };
    true
}

fn is_v6(name: &str) -> bool {
    let after =
        ["Ip6", "Icmp6", "UdpLite6", "Udp6"].iter().find_map(|section| name.strip_prefix(section));
    after.is_some_and(|after| after.starts_with(|c: char| c.is_ascii_uppercase()))
}

fn put(cx: &mut Cx<'_>, name: &str, value: u64) {
    if cx.state.counters.len() >= MAX_VALUES {
        cx.full("counters");
        return;
    }
    let at = cx.at;
    cx.state.counters.entry(name.to_owned()).or_insert(Told { value, at });
}

#[cfg(test)]
mod tests {
    use crate::state::model::HostState;
    use crate::state::parse;

    #[test]
    fn names_and_values_meet() {
        let mut state = HostState::default();
        parse(
            &mut state,
            "a",
            "TcpExt: SyncookiesSent ListenOverflows IPReversePathFilter\nTcpExt: 0 12 4\nTcp: RtoAlgorithm MaxConn OutRsts\nTcp: 1 -1 7\nIp6InReceives                   \t12\n",
        );
        let value = |name: &str| state.counters.get(name).map(|told| (told.value, told.at.line));
        assert_eq!(value("TcpExtListenOverflows"), Some((12, 2)));
        assert_eq!((value("TcpOutRsts"), value("TcpMaxConn")), (Some((7, 4)), None));
        assert_eq!(value("Ip6InReceives"), Some((12, 5)));
        assert!(state.notes.is_empty(), "{:?}", state.notes);
    }
}
