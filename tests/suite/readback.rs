//! What a report asks for can be read back: every command that a finding of a sample names as what
//! settles it has its output among `tests/host_states`, or is listed as one that a person reads.

use crate::support::check::{none, of_each};
use crate::support::expected::{entries, root};
use crate::support::run::whole;
use lbdiag::state::{HostState, Verdict, parse};
use std::path::PathBuf;

/// Beginnings of commands, with an output of each.
const READ: &[(&str, &str)] = &[
    ("arp -an", "documented/arp-an"),
    ("cat /proc/net/arp", "proc-net-arp"),
    ("cat /proc/net/ip_vs_conn", "documented/proc-net-ip_vs_conn"),
    ("cat /proc/net/ip_vs", "documented/proc-net-ip_vs"),
    ("cat /proc/net/netstat", "proc-net-netstat"),
    ("cat /proc/net/nf_conntrack", "nf_conntrack"),
    ("cat /proc/net/route", "proc-net-route"),
    ("cat /proc/net/snmp", "proc-net-snmp"),
    ("cat /proc/net/tcp", "proc-net-tcp"),
    ("cat /proc/net/udp", "proc-net-udp"),
    ("cilium monitor --type drop", "documented/cilium-monitor-drop"),
    ("conntrack -E", "conntrack-E"),
    ("conntrack -L", "conntrack-L"),
    ("conntrack -S", "conntrack-S"),
    ("echo 'show stat'", "h-stat"),
    ("ethtool -S", "documented/ethtool-S"),
    ("ethtool -k", "documented/ethtool-k"),
    ("for i in /sys/class/net/*; do ethtool -k", "documented/ethtool-k-grep"),
    ("hubble observe", "documented/hubble-observe"),
    ("ip -6 addr", "ip-d-addr"),
    ("ip -br addr", "documented/ip-br-addr"),
    ("ip -br neigh", "ip-br-neigh"),
    ("ip -d link", "ip-d-link"),
    ("ip -s -s link", "ip-s-link"),
    ("ip -s link", "ip-s-link"),
    ("ip addr", "ip-d-addr"),
    ("ip neigh", "ip-s-neigh"),
    ("ip route get", "ip-route-get"),
    ("ip route", "ip-d-route"),
    ("ip6tables -L", "iptables-L-nv"),
    ("iptables -L", "iptables-L-nvx-line"),
    ("iptables-save", "iptables-save-c"),
    ("ipvsadm -L --daemon", "documented/ipvsadm-L-daemon"),
    ("ipvsadm -l --daemon", "documented/ipvsadm-L-daemon"),
    ("ipvsadm -L --timeout", "documented/ipvsadm-L-timeout"),
    ("ipvsadm -Ln --stats", "documented/ipvsadm-Ln-stats"),
    ("ipvsadm -Lnc", "documented/ipvsadm-Lnc"),
    ("ipvsadm -Ln", "documented/ipvsadm-Ln"),
    ("ipvsadm -Sn", "documented/ipvsadm-Sn"),
    ("kubectl get endpointslices", "documented/kubectl-get-endpointslices"),
    ("kubectl get pods", "documented/kubectl-get-pods"),
    ("kubectl get svc", "documented/kubectl-get-svc"),
    ("netstat -antp", "netstat-antp"),
    ("netstat -rn", "netstat-rn"),
    ("nft -j list ruleset", "nft-j"),
    ("nft list ruleset", "nft"),
    ("nft monitor trace", "documented/nft-monitor-trace"),
    ("nstat -az", "nstat-az"),
    ("route -n", "route-n"),
    ("ss -ltn", "ss-ltn"),
    ("ss -lunp", "ss-lunp"),
    ("ss -tan", "ss-tan"),
    ("ss -tn", "ss-tnmp"),
    ("sysctl", "sysctl-a"),
    ("tc -s qdisc", "tc-s-qdisc"),
];

/// Beginnings of commands whose output a person reads, and why lbdiag does not.
const NOT_READ: &[(&str, &str)] = &[
    ("arping", "asks the network, as ping does; a capture shows the answers"),
    ("cat /proc/net/ip_vs_ext_stats", "counters of alibaba/LVS, of which no output is at hand"),
    ("cat /proc/net/stat/synproxy", "counters without names of their own"),
    ("curl", "an answer to a person"),
    ("dmesg", "a log in words"),
    ("ethtool -g", "how long the queues of a card are"),
    ("ethtool IFACE", "what a link negotiated"),
    ("firewall-cmd --state", "whether firewalld rules"),
    ("grep", "lines of configurations in many languages"),
    ("ip maddr", "groups that an interface has joined"),
    ("openssl s_client", "an answer to a person"),
    ("ip nexthop", "objects that routes name"),
    ("ipconfig", "Windows"),
    ("journalctl", "a log in words"),
    ("kubectl -n metallb-system logs", "a log in words"),
    ("kubectl get networkpolicies", "policies in a language of selectors"),
    ("kubectl get nodes,pods", "two tables in one output"),
    ("netsh", "Windows"),
    ("openstack", "a cloud's settings"),
    ("ping", "asks the network; a capture shows the answers"),
    ("ps ", "when a process began"),
    ("psql", "an answer to a person"),
    ("systemctl", "whether a service runs"),
    ("tcpdump", "a capture, or its text"),
    ("tracepath", "asks the network"),
    ("uname", "the kernel's version"),
    ("uptime", "when the host began"),
    ("vmstat", "load"),
    ("vtysh", "routing daemons"),
];

/// The commands of a line, without what only filters, comments and redirections.
fn commands(line: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let (mut quote, mut before, mut piped) = (None, ' ', false);
    let mut pipes = vec![false];
    for c in line.chars() {
        match (quote, c) {
            (Some(q), c) if c == q => quote = None,
            (None, '\'' | '"') => quote = Some(c),
            (None, '#') if before == ' ' => break,
            (None, ';' | '|' | '\n') => {
                piped = c == '|';
                parts.push(String::new());
                pipes.push(piped);
                before = ' ';
                continue;
            }
            _ => {}
        }
        parts.last_mut().unwrap().push(c);
        before = c;
    }
    let _ = piped;
    let own = parts.into_iter().zip(pipes).filter(|(_, piped)| !piped);
    own.map(|(part, _)| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
}

#[test]
fn every_command_that_settles_a_finding_is_read_or_listed() {
    none(of_each(|sample| {
        let run = whole(sample);
        let asked = run.report.findings.iter().flat_map(|f| &f.to_confirm);
        let lines: Vec<String> = asked.map(|c| c.command.clone()).collect();
        let mut unknown = Vec::new();
        for line in lines {
            // A loop is one command, whatever stands in it.
            let whole = if line.starts_with("for i in") { vec![line] } else { commands(&line) };
            for command in whole {
                // What is asked within another command, or set before it is asked.
                let known =
                    READ.iter().chain(NOT_READ).any(|(start, _)| command.starts_with(start));
                if !known {
                    unknown.push(format!("neither read nor listed: {command}"));
                }
            }
        }
        unknown
    }));
}

fn read(name: &str) -> (HostState, bool) {
    let path = root().join("tests/host_states").join(format!("{name}.txt"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{name}: {e}"));
    let mut state = HostState::default();
    let understood = parse(&mut state, name, &text);
    (state, understood)
}

#[test]
fn every_output_is_understood_whole() {
    let wrong = READ.iter().filter_map(|(command, name)| {
        let (state, understood) = read(name);
        (!understood || !state.notes.is_empty()).then(|| format!("{command}: {:?}", state.notes))
    });
    none(wrong.collect());
    let folders = [root().join("tests/host_states"), root().join("tests/host_states/documented")];
    let files = folders.iter().flat_map(|folder| entries(folder));
    let texts = files.filter(|path| path.extension().is_some_and(|e| e == "txt"));
    let wrong = texts.filter_map(|path: PathBuf| {
        let text = std::fs::read_to_string(&path).unwrap();
        let mut state = HostState::default();
        let understood = parse(&mut state, "x", &text);
        (!understood || !state.notes.is_empty())
            .then(|| format!("{}: {:?}", path.display(), state.notes))
    });
    none(wrong.collect());
}

#[test]
fn outputs_of_the_tools_say_what_was_set_up() {
    // A listener with a backlog of one that accepts nobody.
    for name in ["ss-ltn", "ss-tan", "ss-ltnp", "ss-peaonmi"] {
        let state = read(name).0;
        let full: Vec<u16> =
            state.listeners.iter().filter(|l| l.is_full()).map(|l| l.local.1).collect();
        assert_eq!(full, [8000], "{name}");
    }
    let waiting: Vec<_> =
        read("proc-net-tcp").0.listeners.iter().map(|l| (l.local, l.waiting)).collect();
    assert_eq!(waiting, [((None, 8000), 2)]);
    let overflows = read("proc-net-netstat").0.counters["TcpExtListenOverflows"].value;
    assert!(overflows > 0, "two SYNs found the queue full");
    for name in ["route-n", "netstat-rn", "proc-net-route"] {
        let state = read(name).0;
        let default = state.routes.iter().find(|r| r.to.1 == 0).unwrap();
        assert_eq!(default.via.unwrap().to_string(), "10.9.0.254", "{name}");
        assert!(state.routes.iter().any(|r| r.kind == "unreachable"), "{name}");
    }
    for name in ["ip-br-neigh", "proc-net-arp"] {
        let state = read(name).0;
        let known = state.neighbours.iter().find(|n| n.ip.to_string() == "10.9.0.2").unwrap();
        assert!(known.mac.is_some(), "{name}");
    }
    // One SYN to a port that is dropped, one to a port that is rejected.
    for name in ["iptables-save-c", "iptables-L-nv", "iptables-L-nvx-line", "nft", "nft-j"] {
        let state = read(name).0;
        let stops = |wanted| {
            let mut rules = state.rules.iter().filter(|r| !r.policy && r.verdict == wanted);
            let rule = rules.next().unwrap_or_else(|| panic!("{name}: {wanted:?}"));
            (rule.packets, rule.ports.first().copied(), rule.plain)
        };
        assert_eq!(stops(Verdict::Drop), (Some(1), Some((81, 81)), true), "{name}");
        assert_eq!(stops(Verdict::Reject), (Some(1), Some((82, 82)), true), "{name}");
    }
    let tracked = read("conntrack-L").0.tracked;
    let translated: Vec<_> =
        tracked.iter().filter(|t| t.to.1 == 8080).map(|t| t.reply_from.1).collect();
    assert!(!translated.is_empty() && translated.iter().all(|port| *port == 80));
    assert_eq!(read("nf_conntrack").0.tracked.len(), tracked.len());
    assert_eq!(read("netstat-s").0.counters["TcpExtListenOverflows"].value, 12);
    for name in ["ip-j-addr", "ip-jp-addr", "ip-o-addr", "ip-d-addr"] {
        let state = read(name).0;
        let own = state.interfaces.iter().find(|i| i.name == "va").unwrap();
        assert_eq!(own.addresses[0].ip.to_string(), "10.9.0.1", "{name}");
    }
    let servers: Vec<_> = read("h-stat").0.proxy_servers;
    assert_eq!(servers.iter().map(|s| s.up).collect::<Vec<_>>(), [Some(true), Some(false), None]);
    assert_eq!(read("h-sess").0.sessions.len(), 1);
    assert_eq!(read("nginx-upstream-log").0.logged[0].upstream.len(), 2);
}

/// Any output cut anywhere, any byte wrong: no panic.
#[test]
fn damaged_outputs_are_read() {
    let folders = [root().join("tests/host_states"), root().join("tests/host_states/documented")];
    for path in folders.iter().flat_map(|folder| entries(folder)).filter(|path| path.is_file()) {
        let bytes: Vec<u8> = std::fs::read(&path).unwrap().into_iter().take(6000).collect();
        for at in (0..bytes.len()).step_by(13) {
            let mut state = HostState::default();
            parse(&mut state, "x", &String::from_utf8_lossy(&bytes[..at]));
            let mut wrong = bytes.clone();
            wrong[at] = b"{[=:/ \n\"0"[at % 9];
            parse(&mut HostState::default(), "x", &String::from_utf8_lossy(&wrong));
        }
    }
}
