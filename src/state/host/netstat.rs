//! `netstat -s` of net-tools: the kernel's counters in words (statistics.c there), kept by their
//! nstat(8) names.

use crate::state::context::{Block, Cx};
use crate::state::model::{MAX_VALUES, Told};

/// Sections, which are the first parts of nstat's names.
const SECTIONS: [&str; 11] = [
    "Ip", "Icmp", "IcmpMsg", "Tcp", "Udp", "UdpLite", "TcpExt", "IpExt", "MPTcpExt", "Ip6", "Sctp",
];
/// What is said in words, by section.
const WORDS: [(&str, &str, &str); 21] = [
    ("Ip", "forwarded", "ForwDatagrams"),
    ("Ip", "with invalid addresses", "InAddrErrors"),
    ("Ip", "dropped because of missing route", "OutNoRoutes"),
    ("Ip", "incoming packets discarded", "InDiscards"),
    ("Ip", "packet reassembles failed", "ReasmFails"),
    ("Ip", "packet reassemblies failed", "ReasmFails"),
    ("Ip", "fragments failed", "FragFails"),
    ("Tcp", "failed connection attempts", "AttemptFails"),
    ("Tcp", "segments retransmitted", "RetransSegs"),
    ("Tcp", "bad segments received", "InErrs"),
    ("Tcp", "resets sent", "OutRsts"),
    ("Udp", "packets to unknown port received", "NoPorts"),
    ("Udp", "packet receive errors", "InErrors"),
    ("TcpExt", "times the listen queue of a socket overflowed", "ListenOverflows"),
    ("TcpExt", "SYNs to LISTEN sockets dropped", "ListenDrops"),
    ("TcpExt", "SYN cookies sent", "SyncookiesSent"),
    ("TcpExt", "SYN cookies received", "SyncookiesRecv"),
    ("TcpExt", "invalid SYN cookies received", "SyncookiesFailed"),
    ("TcpExt", "passive connections rejected because of time stamp", "PAWSPassive"),
    ("TcpExt", "active connections rejected because of time stamp", "PAWSActive"),
    ("TcpExt", "packets rejected in established connections because of timestamp", "PAWSEstab"),
];

pub(in crate::state) fn line(cx: &mut Cx<'_>, line: &str, words: &[&str]) -> bool {
    if let [one] = words
        && let Some(known) = SECTIONS.iter().find(|s| one.strip_suffix(':') == Some(**s))
    {
        cx.block = Block::Netstat(known);
        return true;
    }
    let Block::Netstat(section) = cx.block else { return false };
    if !line.starts_with("    ") {
        return false;
    }
    let named = match words {
        [name, value] => name.strip_suffix(':').zip(value.parse::<u64>().ok()),
        _ => None,
    };
    let found = named.map(|(name, value)| (name.to_owned(), value)).or_else(|| {
        let (count, said) = line.trim().split_once(' ')?;
        let value = count.parse().ok()?;
        let known = WORDS.iter().find(|(of, words, _)| *of == section && *words == said)?;
        Some((known.2.to_owned(), value))
    });
    // Most lines say what nothing here asks for.
    let Some((name, value)) = found else { return true };
    if cx.state.counters.len() >= MAX_VALUES {
        cx.full("counters");
        return true;
    }
    let at = cx.at;
    cx.state.counters.entry(format!("{section}{name}")).or_insert(Told { value, at });
    true
}

#[cfg(test)]
mod tests {
    use crate::state::model::HostState;
    use crate::state::parse;

    #[test]
    fn words_are_counters() {
        let mut state = HostState::default();
        parse(
            &mut state,
            "a",
            "Ip:\n    Forwarding: 2\n    208 total packets received\n    1 dropped because of missing route\nTcpExt:\n    12 times the listen queue of a socket overflowed\n    IPReversePathFilter: 4\n",
        );
        let value = |name: &str| state.counters.get(name).map(|told| told.value);
        assert_eq!(value("TcpExtListenOverflows"), Some(12));
        assert_eq!(value("TcpExtIPReversePathFilter"), Some(4));
        assert_eq!((value("IpOutNoRoutes"), state.notes.len()), (Some(1), 0));
    }
}
