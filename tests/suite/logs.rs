//! Logs of proxies, and tables of programs that carry connections: they name both sides where TLS or
//! plain bytes hide what ties them, and what failed that no frame says. `tests/logs` is of a haproxy and
//! an nginx that end TLS and call their servers by TLS, asked for `/slow` and `/cut` among others.

use crate::support::expected::root;
use crate::support::run::{Run, run_with};
use lbdiag::report::Status;
use lbdiag::state::{self, HostState};
use std::path::PathBuf;

fn states(names: &[&str]) -> Vec<HostState> {
    let paths: Vec<PathBuf> = names.iter().map(|n| root().join("tests/logs").join(n)).collect();
    state::read(&paths).unwrap().hosts
}

fn run(names: &[&str]) -> Run {
    let capture = root().join("tests/logs/lb.pcap").display().to_string();
    run_with(&[capture], states(names))
}

/// Connections of a service that are tied to a real server.
fn tied(run: &Run, port: u16) -> u64 {
    let service = run.report.services.iter().find(|s| s.port == port && s.mode == "proxy");
    service.map_or(0, |s| {
        s.real_servers.iter().filter_map(|r| r.address.as_ref().map(|_| r.connections)).sum()
    })
}

#[test]
fn without_its_log_a_proxy_of_tls_is_two_services() {
    let run = run(&[]);
    assert!(run.report.services.iter().all(|s| s.mode != "proxy"));
    assert_eq!(run.report.verdict.status, Status::Inconclusive);
}

/// Of seven requests one was asked of a server twice at once with another, so that two fit.
#[test]
fn a_log_names_the_server_where_one_connection_fits() {
    let haproxy = run(&["haproxy.log", "show-stat.txt"]);
    assert_eq!((tied(&haproxy, 443), tied(&haproxy, 8443)), (6, 0));
    let nginx = run(&["nginx.log"]);
    assert_eq!((tied(&nginx, 443), tied(&nginx, 8443)), (0, 5));
    // Without the table nobody knows who s1 is.
    assert_eq!(tied(&run(&["haproxy.log"]), 443), 0);
}

/// Without the client's port the second of the line tells, where one connection was open then.
#[test]
fn a_log_without_ports_names_the_server_by_its_time() {
    let text = std::fs::read_to_string(root().join("tests/logs/nginx.log")).unwrap();
    let lines = text.lines().map(|line| {
        let (client, rest) = line.split_once(' ').unwrap();
        format!("{} {rest}\n", client.split(':').next().unwrap())
    });
    let mut state = HostState::default();
    assert!(state::parse(&mut state, "n", &lines.collect::<String>()));
    assert!(state.logged.iter().all(|row| row.client.1.is_none()), "{:?}", state.logged);
    let capture = root().join("tests/logs/lb.pcap").display().to_string();
    let run = run_with(&[capture], vec![state]);
    let tied = tied(&run, 8443);
    assert!((1..=5).contains(&tied), "{tied}");
}

#[test]
fn a_logged_error_is_no_connection_that_did_well() {
    for (name, wanted) in [
        (
            "haproxy.log",
            "the server was silent for too long, while the proxy waited for the server's answer",
        ),
        ("nginx.log", "went by waiting for the server's answer"),
    ] {
        let run = run(&[name]);
        assert_eq!(
            (run.report.verdict.status, run.report.totals.failed),
            (Status::Failing, 3),
            "{name}"
        );
        let finding = run.report.findings.iter().find(|f| f.id == "http-5xx").unwrap();
        assert!(finding.explanation.contains(wanted), "{}", finding.explanation);
        assert!(finding.evidence.iter().any(|e| e.note.contains("logged with status 504")));
    }
}

/// A client's port comes again: a line of another day is not about this connection.
#[test]
fn a_line_of_another_time_decides_nothing() {
    let text = std::fs::read_to_string(root().join("tests/logs/nginx.log")).unwrap();
    for other in ["28/Nov/2026:14:09", "29/Nov/2026:14:02"] {
        let mut state = HostState::default();
        state::parse(&mut state, "n", &text.replace("29/Nov/2026:14:09", other));
        let capture = root().join("tests/logs/lb.pcap").display().to_string();
        let run = run_with(&[capture], vec![state]);
        assert_eq!(run.report.totals.failed, 0, "{other}");
    }
}

#[test]
fn the_sessions_of_haproxy_name_both_sides() {
    let run = run(&["show-sess-all.txt"]);
    assert_eq!(tied(&run, 443), 1);
}

/// docker-proxy's two sockets, as `ss -tanp` prints them.
#[test]
fn a_carrying_program_names_both_sides() {
    let ss = |name: &str| {
        format!(
            "State  Recv-Q Send-Q Local Address:Port Peer Address:Port Process\nLISTEN 0 4096 198.51.100.1:443 0.0.0.0:*\nESTAB 0 0 198.51.100.1:443 198.51.100.7:49244 users:((\"{name}\",pid=71,fd=5))\nESTAB 0 0 10.30.0.1:40000 10.30.0.11:8443 users:((\"{name}\",pid=71,fd=6))\n"
        )
    };
    let both = |name: &str| {
        let mut state = HostState::default();
        assert!(state::parse(&mut state, "ss", &ss(name)));
        state::proxied(&[state]).len()
    };
    assert_eq!((both("docker-proxy"), both("socat")), (1, 1));
    // A program that serves one and calls another may do so for reasons of its own.
    assert_eq!(both("app"), 0);
}
