//! Reports built by hand, for the tests of all renderers.

pub(crate) mod ladders;
pub(crate) mod networks;

use crate::diagnose::Join;
use crate::report::{
    Affected, Apart, Beside, Break, Candidate, Capture, Clock, Confidence, Connection, Coverage,
    CoverageStatus, Effect, Endpoint, Evidence, Finding, Fix, Host, HostRef, Kind, RealServer,
    Report, Role, SCHEMA_VERSION, Sent, Service, Severity, Status, Subject, ToConfirm, Totals,
    Verdict,
};

/// `text` without escape sequences for colour.
pub(crate) fn strip(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\x1b[") {
        out.push_str(before);
        rest = after.split_once('m').map_or("", |(_, tail)| tail);
    }
    out.push_str(rest);
    out
}

fn s(text: &str) -> String {
    text.to_owned()
}

fn totals(connections: u64, failed: u64, outcomes: &[(&str, u64)]) -> Totals {
    Totals {
        connections,
        failed,
        well: connections - failed,
        suffered: 0,
        untold: 0,
        outcomes: outcomes.iter().map(|(o, n)| (s(o), *n)).collect(),
    }
}

fn capture(name: &str, offset_ns: Option<i64>, notes: &[&str]) -> Capture {
    Capture {
        path: format!("caps/{name}.pcap"),
        vantages: vec![s(name)],
        frames: 1_204,
        link_type: s("EN10MB"),
        start: Some(s("2026-01-02T03:04:05.000000000Z")),
        end: Some(s("2026-01-02T03:05:05.000000000Z")),
        clock: Clock {
            offset_ns,
            error_ns: offset_ns.map(|_| 200_000),
            at: None,
            drift_ppm: None,
            drift_error_ppm: None,
            reference: Some(s("caps/rs1.pcap")),
        },
        notes: notes.iter().map(|n| s(n)).collect(),
    }
}

fn host(role: Role, address: &str, mac: &str, vantage: &str) -> Host {
    let some = |t: &str| if t.is_empty() { vec![] } else { vec![s(t)] };
    Host {
        role,
        own: some(address).pop(),
        addresses: some(address),
        macs: some(mac),
        vantages: some(vantage),
        evidence: s("it forwards what comes for the VIP"),
    }
}

fn real_server(address: &str, connections: u64, failed: u64, remark: Option<&str>) -> RealServer {
    RealServer {
        address: Some(s(address)),
        port: Some(80),
        mac: None,
        connections,
        totals: totals(
            connections,
            failed,
            &[("completed", connections - failed), ("reset", failed)],
        ),
        timing: None,
        remark: remark.map(s),
    }
}

fn proof(vantage: &str, frame: u64, ns: i64, direction: &str, note: &str) -> Evidence {
    Evidence {
        capture: format!("caps/{vantage}.pcap"),
        vantage: s(vantage),
        frame,
        time: s("2026-01-02T03:04:05.000000000Z"),
        since_first_ns: ns,
        direction: s(direction),
        note: s(note),
        line: None,
        printed: None,
    }
}

/// A finding with nothing but a head.
pub(crate) fn finding(n: u32, id: &str, kind: Kind, title: &str) -> Finding {
    Finding {
        n,
        id: s(id),
        kind,
        severity: Severity::Critical,
        confidence: Confidence::Certain,
        title: s(title),
        explanation: String::new(),
        subjects: vec![],
        affected: Affected::default(),
        evidence: vec![],
        wireshark_filter: None,
        fix: vec![],
        explains: vec![],
        candidates: vec![],
        refuted: vec![],
        to_confirm: vec![],
    }
}

fn coverage(clean: usize) -> Vec<Coverage> {
    let row = |id: String, status: CoverageStatus, reason: Option<&str>| Coverage {
        id,
        status,
        reason: reason.map(s),
    };
    let mut rows: Vec<Coverage> =
        (0..clean).map(|n| row(format!("detector-{n}"), CoverageStatus::Clean, None)).collect();
    rows.push(row(s("l4-self-access-hairpin"), CoverageStatus::Found, None));
    rows.push(row(
        s("mtu-blackhole"),
        CoverageStatus::NotCheckable,
        Some("no capture on the client; a capture there with full frames would show it"),
    ));
    rows
}

fn broken() -> Break {
    Break {
        n: 1,
        packet: s("syn"),
        manner: s("swallowed"),
        fate: s("failed"),
        service: s("203.0.113.8:80"),
        connections: 3,
        ids: vec![1, 2, 3],
        last: None,
        next: None,
        behind: None,
        cost_ns: 7_000_000_000,
        line: s("SYN  rs1 in #45 ✗ (no answer to it, and not sent on, in this capture)"),
        apart: vec![Apart {
            what: s("real-server"),
            value: s("172.16.100.11"),
            broken: 3,
            of_broken: 3,
            well: 0,
            of_well: 3,
            sentence: s("all 3 that fail are served by 172.16.100.11; of 3 that do well, none"),
        }],
        findings: vec![1, 2],
    }
}

/// No capture, no service, nothing found.
pub(crate) fn empty() -> Report {
    Report {
        schema_version: s(SCHEMA_VERSION),
        generator: s("lbdiag 0.1.0"),
        redacted: false,
        verdict: Verdict {
            status: Status::Inconclusive,
            summary: s("no connection through a load balancer in these captures."),
            lines: Vec::new(),
            findings: Vec::new(),
            accounts: String::new(),
        },
        captures: vec![],
        hosts: vec![],
        services: vec![],
        breaks: Vec::new(),
        totals: Totals::default(),
        beside: Beside::default(),
        connections: vec![],
        beyond: vec![],
        findings: vec![],
        coverage: vec![],
        host_states: vec![],
        notes: vec![],
    }
}

/// A real server that calls the VIP and is given to itself.
pub(crate) fn hairpin() -> Report {
    let mut cause = finding(
        1,
        "l4-self-access-hairpin",
        Kind::Cause,
        "172.16.100.11 called the VIP and was chosen as its own real server.",
    );
    cause.explanation = s(
        "The director rewrote the destination and kept the source, so 172.16.100.11 received a SYN \
         from itself, answered itself over lo, and reset the answer: the socket that called expects \
         203.0.113.8, not 172.16.100.11.\nIt fails every time the scheduler picks the caller (here \
         1 of 2), and works every other time.",
    );
    cause.subjects = vec![Subject {
        role: Role::RealServer,
        address: Some(s("172.16.100.11")),
        mac: None,
        port: None,
        vantage: None,
    }];
    cause.affected = Affected {
        connections: 3,
        of: 6,
        failed: 3,
        suffered: 0,
        health_checks: false,
        ids: vec![2, 4, 6],
        by_real_server: [(s("172.16.100.11:80"), 3)].into(),
        first_seen: Some(s("2026-01-02T03:04:05.123456789Z")),
        last_seen: Some(s("2026-01-02T03:04:09.500000000Z")),
    };
    cause.evidence = vec![
        proof("rs1", 14, 0, "out", "172.16.100.11:59780 > 203.0.113.8:80 SYN"),
        proof(
            "director",
            27,
            237_000,
            "out",
            "172.16.100.11:59780 > 172.16.100.11:80 the same SYN, destination rewritten",
        ),
        proof("rs1", 15, 267_000, "in", "it arrives"),
        proof("rs1", 16, 747_000, "lo", "SYN-ACK to itself"),
        proof("rs1", 17, 1_963_000, "lo", "RST, no socket for this connection"),
    ];
    cause.wireshark_filter = Some(s("tcp.port in {59780, 48622, 48632}"));
    cause.fix = vec![Fix {
        host: s("the director"),
        command: s(
            "sysctl -w net.ipv4.vs.conntrack=1\niptables -t nat -A POSTROUTING -s 172.16.100.11 -d \
             172.16.100.11 -m ipvs --vaddr 203.0.113.8 -j SNAT --to-source 203.0.113.8",
        ),
        effect: Effect::Safe,
        undo: s("the same with -D for -A."),
        join: Join::And,
    }];
    cause.explains = vec![2, 3];
    cause.candidates = vec![Candidate {
        id: s("nat-return-bypasses-director"),
        tell_apart: s("there the answer leaves the host; here it stays on lo."),
    }];
    cause.to_confirm = vec![ToConfirm {
        host: s("the director"),
        command: s("ipvsadm -Lnc | grep 172.16.100.11"),
        why: s("an entry with the caller on both sides."),
    }];
    let mut first = finding(2, "syn-ack-to-self", Kind::Symptom, "172.16.100.11 answered itself");
    first.affected.connections = 3;
    let mut second = finding(3, "rst-no-socket", Kind::Symptom, "a SYN-ACK met no socket");
    second.affected.connections = 3;
    let mut lone = finding(4, "connection-reset", Kind::Symptom, "a connection was reset mid-way");
    lone.severity = Severity::Warning;
    lone.confidence = Confidence::Likely;
    Report {
        verdict: Verdict {
            status: Status::Failing,
            summary: s(
                "3 of 6 connections to 203.0.113.8:80 fail, all from 172.16.100.11: the balancer \
                 hands it to itself.",
            ),
            lines: Vec::new(),
            findings: Vec::new(),
            accounts: s("6 connections: 3 did well, 3 failed"),
        },
        captures: vec![
            capture("rs1", Some(0), &["the last frame is cut short"]),
            capture("rs2", Some(90_000), &["the last frame is cut short"]),
            capture("director", Some(10_800_000_000_000), &[]),
            capture("lone", None, &[]),
        ],
        hosts: vec![
            host(Role::Client, "172.16.100.11", "52:54:00:9c:aa:11", "rs1"),
            host(Role::Director, "203.0.113.8", "52:54:00:79:a1:5c", "director"),
            host(Role::RealServer, "172.16.101.11", "52:54:00:12:00:01", "rs2"),
            host(Role::Client, "198.51.100.7", "", ""),
        ],
        services: vec![Service {
            vip: s("203.0.113.8"),
            port: 80,
            protocol: s("tcp"),
            mode: s("nat"),
            directors: vec![HostRef {
                own: Some(s("172.16.100.254")),
                addresses: vec![s("172.16.100.254")],
                macs: vec![s("52:54:00:79:a1:5c")],
            }],
            real_servers: vec![
                real_server("172.16.101.11", 3, 0, None),
                real_server("172.16.100.11", 3, 3, Some("the caller itself")),
            ],
            totals: totals(6, 3, &[("completed", 3), ("reset", 3)]),
        }],
        totals: totals(6, 3, &[("completed", 3), ("reset", 3)]),
        connections: vec![Connection {
            id: 1,
            client: s("172.16.100.11:59780"),
            service: s("203.0.113.8:80"),
            mode: s("nat"),
            real_server: Some(Endpoint {
                address: Some(s("172.16.100.11")),
                port: Some(80),
                mac: None,
            }),
            real_servers: vec![],
            outcome: s("reset"),
            fate: s("failed"),
            broken: None,
            wait_ns: None,
            start: s("2026-01-02T03:04:05.123456789Z"),
            duration_ns: 1_963_000,
            timing: None,
            losses: Vec::new(),
            from_client: Sent { frames: 3, bytes: Some(0) },
            from_server: Sent { frames: 1, bytes: Some(0) },
            ordinary: None,
            evidence: vec![],
            findings: vec![1, 2, 3],
        }],
        findings: vec![cause, first, second, lone],
        coverage: coverage(41),
        breaks: vec![broken()],
        host_states: vec![],
        notes: vec![s("roles were inferred; --director states one")],
        ..empty()
    }
}

/// Everything works.
pub(crate) fn healthy() -> Report {
    let mut report = hairpin();
    report.verdict = Verdict {
        status: Status::Healthy,
        summary: s("all 6 connections to 203.0.113.8:80 complete, by both real servers."),
        lines: Vec::new(),
        findings: Vec::new(),
        accounts: s("6 connections: 6 did well"),
    };
    report.findings.clear();
    report.breaks.clear();
    report.captures.truncate(2);
    for capture in &mut report.captures {
        capture.notes.clear();
    }
    report.notes.clear();
    for service in &mut report.services {
        service.totals = totals(6, 0, &[("completed", 6)]);
        service.mode = s("dr");
        service.real_servers = vec![
            real_server("172.16.101.11", 3, 0, None),
            real_server("172.16.100.11", 3, 0, None),
        ];
    }
    report
}

/// The hairpin with `evil` in place of every string.
pub(crate) fn hostile(evil: &str) -> Report {
    let value = serde_json::to_value(hairpin()).expect("a report is plain data");
    serde_json::from_value(poisoned(value, evil)).expect("only strings were changed")
}

/// Fields whose words are of closed sets, which no capture adds to.
const CLOSED: [&str; 7] = ["role", "status", "kind", "severity", "confidence", "effect", "join"];

fn poisoned(value: serde_json::Value, evil: &str) -> serde_json::Value {
    use serde_json::Value;
    match value {
        Value::String(_) => Value::String(evil.to_owned()),
        Value::Array(items) => Value::Array(items.into_iter().map(|v| poisoned(v, evil)).collect()),
        Value::Object(fields) => {
            let open = |k: &str| !CLOSED.contains(&k);
            let poison =
                |(k, v): (String, Value)| if open(&k) { (k, poisoned(v, evil)) } else { (k, v) };
            Value::Object(fields.into_iter().map(poison).collect())
        }
        other => other,
    }
}
