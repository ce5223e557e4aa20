//! `ss` in its forms (-ltn, -tan, -ti, -peaonmi, -s) and `netstat -tan`: sockets and what waits in them.

use crate::state::context::{Block, Cx};
use crate::state::model::Told;
use crate::state::records::{Held, Listener};
use crate::state::text::ip;
use crate::wire::{Ip, Protocol};

/// States as ss(8) prints them.
const STATES: [&str; 13] = [
    "ESTAB",
    "LISTEN",
    "TIME-WAIT",
    "SYN-SENT",
    "SYN-RECV",
    "FIN-WAIT-1",
    "FIN-WAIT-2",
    "CLOSE-WAIT",
    "LAST-ACK",
    "CLOSING",
    "CLOSED",
    "UNCONN",
    "UNKNOWN",
];
/// Kinds of sockets in the column `Netid`.
const KINDS: [&str; 18] = [
    "tcp", "udp", "raw", "nl", "u_str", "u_dgr", "u_seq", "p_raw", "p_dgr", "v_str", "v_dgr",
    "mptcp", "sctp", "icmp", "icmp6", "dccp", "tipc", "xdp",
];
/// What ss says beside its table.
const REMARKS: [&str; 2] = ["RTNETLINK answers:", "Failed to find cgroup2 mount"];

pub(in crate::state) fn line(cx: &mut Cx<'_>, line: &str, words: &[&str]) -> bool {
    if REMARKS.iter().any(|remark| line.starts_with(remark)) {
        return true;
    }
    match words {
        ["State" | "Netid", .., "Process"]
        | ["Recv-Q", "Send-Q", ..]
        | ["State" | "Netid", "State" | "Recv-Q", ..]
            if line.contains("Recv-Q") =>
        {
            cx.block = Block::Sockets { stateless: words[0] == "Recv-Q" };
            true
        }
        ["State" | "Netid", ..] if line.contains("Recv-Q") => {
            cx.block = Block::Sockets { stateless: false };
            true
        }
        ["Active", "Internet", "connections", ..] | ["Proto", "Recv-Q", "Send-Q", ..] => {
            cx.block = Block::Sockets { stateless: false };
            true
        }
        ["TCP:", total, rest @ ..]
            if total.parse::<u32>().is_ok()
                && rest.first().is_none_or(|word| word.starts_with('(')) =>
        {
            summary(cx, rest)
        }
        ["Total:", n, ..] if n.parse::<u32>().is_ok() => true,
        ["Transport", "Total", "IP", "IPv6"] => true,
        ["RAW" | "UDP" | "TCP" | "INET" | "FRAG", a, b, c] => {
            [a, b, c].iter().all(|n| n.parse::<u32>().is_ok())
        }
        _ => row(cx, line, words),
    }
}

fn row(cx: &mut Cx<'_>, line: &str, words: &[&str]) -> bool {
    let stateless = matches!(cx.block, Block::Sockets { stateless: true });
    let inside = matches!(cx.block, Block::Sockets { .. });
    // Details of the socket above (-i, -m, -o, -e).
    if inside && line.starts_with(char::is_whitespace) {
        return true;
    }
    let (kind, rest) = match words {
        [kind, rest @ ..] if KINDS.contains(kind) => (*kind, rest),
        // netstat: the state stands behind the addresses.
        ["tcp6" | "udp6", rest @ ..] if inside => (&words[0][..3], rest),
        _ => ("", words),
    };
    let (state, rest) = match rest {
        [state, rest @ ..] if STATES.contains(state) => (*state, rest),
        _ if stateless || !kind.is_empty() => ("", rest),
        _ => return false,
    };
    let [received, sent, local, peer, more @ ..] = rest else { return false };
    let (Ok(waiting), Ok(backlog)) = (received.parse::<u32>(), sent.parse::<u32>()) else {
        return false;
    };
    let of_netstat = state.is_empty() && !stateless;
    let state = if of_netstat { more.first().copied().unwrap_or("") } else { state };
    let protocol = match kind {
        "tcp" => Protocol::TCP,
        "udp" => Protocol::UDP,
        "" if state == "UNCONN" => Protocol::UDP,
        "" => Protocol::TCP,
        // Sockets of no network that a capture shows.
        _ => return true,
    };
    let (Some(own), Some(other)) = (end(local), end(peer)) else {
        return inside;
    };
    if let ((Some(ip), port), (Some(peer), at), Some(pid)) = (own, other, relay(line))
        && state == "ESTAB"
        && protocol == Protocol::TCP
    {
        let row = Held { local: (ip, port), peer: (peer, at), pid, at: cx.at };
        cx.keep(row);
    }
    let waits = state == "LISTEN" || state == "UNCONN";
    if waits {
        let backlog = (state == "LISTEN" && !of_netstat).then_some(backlog);
        let row = Listener { protocol, local: own, waiting, backlog, at: cx.at };
        cx.keep(row);
    }
    true
}

/// Programs that carry each connection which they accept to one that they open, and hold no other.
const RELAYS: [&str; 6] =
    ["docker-proxy", "rootlessport", "socat", "stunnel", "rinetd", "systemd-socket-"];

/// `users:(("docker-proxy",pid=21921,fd=17))`, where one process of such a program holds it.
fn relay(line: &str) -> Option<u32> {
    let (_, users) = line.split_once("users:((\"")?;
    RELAYS.iter().find(|name| users.starts_with(**name))?;
    let mut all = users.split("pid=").skip(1);
    let (first, more) = (all.next()?, all.next());
    let digits = first.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok().filter(|_| more.is_none())
}

/// `10.0.0.1:80`, `[::]:80`, `*:80`, `127.0.0.53%lo:53`, `0.0.0.0:*`.
fn end(text: &str) -> Option<(Option<Ip>, u16)> {
    let (address, port) = text.rsplit_once(':')?;
    let port = if port == "*" { 0 } else { port.parse().ok()? };
    let any = matches!(address, "*" | "0.0.0.0" | "[::]" | "::");
    if any { Some((None, port)) } else { ip(address).map(|own| (Some(own), port)) }
}

/// `TCP:   23 (estab 4, closed 15, orphaned 0, timewait 6)`
fn summary(cx: &mut Cx<'_>, words: &[&str]) -> bool {
    for pair in words.chunks_exact(2) {
        let name = pair[0].trim_start_matches('(');
        let count = pair[1].trim_end_matches([',', ')']).split('/').next().unwrap_or("");
        if let Ok(value) = count.parse() {
            let at = cx.at;
            cx.state.counters.insert(format!("ss-{name}"), Told { value, at });
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use crate::state::model::HostState;
    use crate::state::parse;
    use crate::wire::Ip;

    #[test]
    fn listeners_and_their_queues_are_read() {
        let mut state = HostState::default();
        parse(
            &mut state,
            "a",
            "State  Recv-Q Send-Q Local Address:Port Peer Address:PortProcess\nLISTEN 2      1            0.0.0.0:8000      0.0.0.0:*          \nLISTEN 0      16           10.0.0.1:80        0.0.0.0:*    users:((\"x y\",pid=1,fd=3))\nESTAB 0 0 10.0.0.1:80 10.0.0.2:5\n\t cubic rto:204\nNetid State Recv-Q Send-Q Local Address:Port Peer Address:Port Process\nudp UNCONN 0 0 [::]:53 *:*\n",
        );
        assert!(state.notes.is_empty(), "{:?}", state.notes);
        let [full, free, udp] = &state.listeners[..] else { panic!("{:?}", state.listeners) };
        assert!(full.is_full() && !free.is_full() && udp.backlog.is_none());
        let own = Ip::v4([10, 0, 0, 1]);
        assert!(
            full.takes(own, 8000) && free.takes(own, 80) && !free.takes(Ip::v4([10, 0, 0, 9]), 80)
        );
    }

    #[test]
    fn netstat_and_summaries_are_read() {
        let mut state = HostState::default();
        parse(
            &mut state,
            "a",
            "Active Internet connections (servers and established)\nProto Recv-Q Send-Q Local Address           Foreign Address         State      \ntcp        3      0 0.0.0.0:22              0.0.0.0:*               LISTEN     \ntcp6       0      0 ::1:25 :::* LISTEN\nTotal: 16\nTCP:   23 (estab 4, closed 15, orphaned 0, timewait 6)\n",
        );
        assert_eq!((state.listeners[0].waiting, state.listeners[0].backlog), (3, None));
        assert_eq!(state.counters["ss-timewait"].value, 6);
    }
}
