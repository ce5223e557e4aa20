//! One text, line by line: each line goes to the parser that knows its form.
//!
//! Lines that command outputs share with nothing else decide by themselves;
//! those that need what stands above them (an address under its interface) are
//! read in the open [`Block`]. Comments, prompts and headings close it.

use super::balancer::{conntrack, ipvs_connections, ipvs_info, ipvs_rules, ipvs_table, keepalived};
use super::cluster::{cilium, kubectl, kubernetes};
use super::context::{Block, Cx};
use super::filter::{dropped, iptables, kernel_log, nft};
use super::host::{
    addresses, arp, brief, devices, neighbours, netstat, nstat, one_line, policy, proc_net,
    proc_pairs, route_table, routes, sockets, sysctl,
};
use super::json;
use super::model::HostState;
use super::place::Place;
use super::proxy::{access_log, haproxy};

/// Longer lines are none of any known form.
const MAX_LINE: usize = 4096;
/// Beginnings of JSON that are tried and are none: each costs a look at what follows.
const TRIED: u32 = 16;
/// Lines not understood that are shown.
const SHOWN: u32 = 3;

/// Reads one text into a state; `name` is what its file is called in notes.
///
/// Returns whether anything was understood. It never fails.
pub fn parse(state: &mut HostState, name: &str, text: &str) -> bool {
    let file = u16::try_from(state.files.len()).unwrap_or(u16::MAX);
    state.files.push(name.to_owned());
    let before = state.understood;
    let mut cx = Cx { state, at: Place { file, line: 0 }, block: Block::None };
    let mut odd = 0u32;
    // Editors of other systems begin a file with a byte order mark.
    let text = text.trim_start_matches('\u{feff}');
    let (mut next, mut tried) = (0, 0);
    while next < text.len() {
        cx.at.line = cx.at.line.saturating_add(1);
        let rest = &text[next..];
        if json::begins(rest) && !cx.block.is_braces() && tried < TRIED {
            if let Some(length) = document(&mut cx, rest) {
                next += length;
                continue;
            }
            tried += 1;
        }
        let end = rest.find('\n').map_or(rest.len(), |at| at + 1);
        next += end;
        match one(&mut cx, rest[..end].trim_end()) {
            Line::Understood => cx.state.understood = cx.state.understood.saturating_add(1),
            Line::Passed => {}
            Line::TooLong => odd += 1,
            Line::Odd => {
                if !cx.block.is_table() {
                    cx.block = Block::None;
                }
                odd += 1;
                // A file of which nothing is understood gets one note, not three.
                if odd <= SHOWN && cx.state.understood > before {
                    cx.note("not understood, left out");
                }
            }
        }
    }
    close(&mut cx);
    kubernetes::join(cx.state);
    let understood = cx.state.understood > before;
    if !understood {
        state.note(format!(
            "{name}: nothing in it is output that is read (ipvsadm, ip, ss, nft, iptables, conntrack, sysctl, nstat and others: lbdiag --help)"
        ));
    } else if odd > SHOWN {
        state.note(format!("{name}: {odd} lines in all were not understood"));
    }
    understood
}

/// Takes a document in JSON that begins here; gives its length up to the end of its last line.
fn document(cx: &mut Cx<'_>, rest: &str) -> Option<usize> {
    let at = cx.at;
    let Some(length) = json::take(cx, rest) else {
        cx.at = at;
        return None;
    };
    // What stands behind it on its line is not read.
    let behind = rest[length..].find('\n').map_or(rest.len(), |at| length + at + 1);
    let lines = rest[..behind].bytes().filter(|b| *b == b'\n').count().max(1);
    cx.at.line = at.line.saturating_add(lines as u32 - 1);
    cx.state.understood = cx.state.understood.saturating_add(1);
    cx.block = Block::None;
    Some(behind)
}

/// What a line was.
enum Line {
    Understood,
    /// A heading, a comment, or nothing.
    Passed,
    TooLong,
    Odd,
}

fn one(cx: &mut Cx<'_>, line: &str) -> Line {
    if line.len() > MAX_LINE {
        return Line::TooLong;
    }
    if haproxy::heading(cx, line) {
        return Line::Understood;
    }
    match remark(line) {
        Remark::Heading => {
            close(cx);
            devices::heading(cx, line);
            return Line::Passed;
        }
        // Settings of keepalived.conf are often commented out in place.
        Remark::Comment => {
            if !cx.block.is_braces() {
                close(cx);
            }
            return Line::Passed;
        }
        Remark::No => {}
    }
    let words: Vec<&str> = line.split_whitespace().collect();
    if words.is_empty() {
        // The details of a socket may be an empty line.
        if !cx.block.is_braces() && !matches!(cx.block, Block::Sockets { .. }) {
            cx.block = Block::None;
        }
        return Line::Passed;
    }
    if take(cx, line, &words) { Line::Understood } else { Line::Odd }
}

fn take(cx: &mut Cx<'_>, line: &str, words: &[&str]) -> bool {
    if matches!(cx.block, Block::Braces(_)) {
        return keepalived::line(cx, words);
    }
    if matches!(cx.block, Block::Nft(_)) {
        return nft::line(cx, words);
    }
    // Rows of an open table first: their words may be anything.
    haproxy::line(cx, line, words)
        || proc_net::line(cx, words)
        || route_table::line(cx, words)
        || devices::line(cx, line, words)
        || kubectl::line(cx, words)
        || cilium::line(cx, line, words)
        || conntrack::line(cx, words)
        || sockets::line(cx, line, words)
        || netstat::line(cx, line, words)
        || proc_pairs::line(cx, words)
        || dropped::line(cx, line, words)
        || kernel_log::line(cx, line)
        || iptables::line(cx, words)
        || nft::line(cx, words)
        || ipvs_info::line(cx, words)
        || policy::line(cx, words)
        || one_line::line(cx, words)
        || access_log::line(cx, line, words)
        || ipvs_rules::line(cx, words)
        || ipvs_connections::line(cx, words)
        || ipvs_table::line(cx, words)
        || addresses::line(cx, line, words)
        || brief::line(cx, words)
        || neighbours::line(cx, words)
        || routes::line(cx, words)
        || arp::line(cx, words)
        || nstat::line(cx, words)
        || sysctl::line(cx, words)
        || keepalived::line(cx, words)
}

fn close(cx: &mut Cx<'_>) {
    if let Block::Braces(braces) = std::mem::take(&mut cx.block)
        && braces.is_open()
    {
        cx.note("a block of keepalived.conf above is not closed");
    }
}

/// Commands whose names tell a prompt from an output.
const COMMANDS: [&str; 27] = [
    "ip",
    "ipvsadm",
    "arp",
    "sysctl",
    "nstat",
    "cat",
    "sudo",
    "ssh",
    "ss",
    "nft",
    "iptables",
    "iptables-save",
    "ip6tables",
    "ip6tables-save",
    "conntrack",
    "netstat",
    "kubectl",
    "cilium",
    "echo",
    "socat",
    "ethtool",
    "tc",
    "route",
    "tcpdump",
    "tshark",
    "nsenter",
    "hubble",
];

/// What a line is beside output.
#[derive(Debug, PartialEq, Eq)]
enum Remark {
    No,
    /// A comment of keepalived.conf, the `#kernel` of nstat.
    Comment,
    /// A heading between outputs, or a prompt with its command.
    Heading,
}

fn remark(line: &str) -> Remark {
    let headings = ["$ ", "==", "--- ", "***", ">>", "+ "];
    let names_command =
        |rest: &str| rest.split_whitespace().next().is_some_and(|word| COMMANDS.contains(&word));
    let after = line.split_once("# ").or_else(|| line.split_once("$ ")).map(|(_, rest)| rest);
    // `root@lb1:~# ip addr`, `# ipvsadm -Sn`.
    let prompt = after.is_some_and(names_command) && !line.starts_with(char::is_whitespace);
    // The command alone on its line; `ipvsadm -A ...` is a rule out of a script.
    let rules = ["ipvsadm -A ", "ipvsadm -a ", "iptables -A ", "ip6tables -A "];
    let is_rule = rules.iter().any(|rule| line.starts_with(rule));
    let prompt =
        prompt || (names_command(line) && !line.starts_with(char::is_whitespace) && !is_rule);
    if prompt || headings.iter().any(|s| line.starts_with(s)) {
        Remark::Heading
    } else if line.trim_start().starts_with(['!', '#']) {
        Remark::Comment
    } else {
        Remark::No
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prompts_and_comments_are_told_from_output() {
        for line in
            ["$ ip addr", "# ipvsadm -Sn", "root@lb1:~# ip -br addr", "== sysctl ==", "ip addr"]
        {
            assert_eq!(remark(line), Remark::Heading, "{line}");
        }
        for line in
            ["#kernel", "! Configuration File", "   # weight 1", "#real_server 1.1.1.1 80 {"]
        {
            assert_eq!(remark(line), Remark::Comment, "{line}");
        }
        for line in
            ["-A -t 10.0.0.8:80 -s rr", "2: eth0: <UP>", "    inet 10.0.0.1/8", "priority 1"]
        {
            assert_eq!(remark(line), Remark::No, "{line}");
        }
    }

    #[test]
    fn outputs_follow_each_other_with_and_without_headings() {
        let parts = [
            "-A -t 10.0.0.8:80 -s rr",
            "eth0 UP 10.0.0.1/24",
            "default via 10.0.0.254 dev eth0",
            "10.0.0.254 dev eth0 lladdr 52:54:00:25:ad:53 STALE",
            "net.ipv4.ip_forward = 1",
            "TcpExtListenDrops 0 0.0",
        ];
        for between in ["\n", "\n\n", "\n$ next\n", "\n# ip next\n", "\n== next ==\n"] {
            let mut state = HostState::default();
            assert!(parse(&mut state, "a", &parts.join(between)));
            let counts = (
                state.services.len(),
                state.interfaces.len(),
                state.routes.len(),
                state.neighbours.len(),
                state.sysctls.len(),
                state.counters.len(),
            );
            assert_eq!(counts, (1, 1, 1, 1, 1, 1), "{between:?}");
            assert!(state.notes.is_empty(), "{:?}", state.notes);
        }
    }

    #[test]
    fn what_is_not_understood_is_a_note_with_its_place() {
        let mut state = HostState::default();
        let odd = "what is this\n".repeat(9);
        assert!(parse(&mut state, "a.txt", &format!("net.ipv4.ip_forward = 1\n{odd}")));
        assert_eq!(state.notes.len(), 4);
        assert!(state.notes[0].starts_with("a.txt:2: "), "{:?}", state.notes);
        assert!(state.notes[3].contains("9 lines"), "{:?}", state.notes);
        assert!(!parse(&mut HostState::default(), "b", &odd));
    }
}
