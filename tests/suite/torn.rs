//! Pastes that a page, a mail, a log or an editor spoilt say what the lines said that were printed.

use crate::support::run::{Run, run_paths};

/// A client's SYNs, which nobody answers, and one connection that is reset after its request.
const LINES: [&str; 8] = [
    "12:00:00.000100 IP 198.51.100.7.40001 > 203.0.113.9.8080: Flags [S], seq 100, win 64240, options [mss 1460,sackOK,TS val 1 ecr 0,nop,wscale 7], length 0",
    "12:00:00.000900 IP 203.0.113.9.8080 > 198.51.100.7.40001: Flags [S.], seq 700, ack 101, win 65160, options [mss 1460,sackOK,TS val 9 ecr 1,nop,wscale 7], length 0",
    "12:00:00.001000 IP 198.51.100.7.40001 > 203.0.113.9.8080: Flags [.], ack 1, win 502, options [nop,nop,TS val 2 ecr 9], length 0",
    "12:00:00.001100 IP 198.51.100.7.40001 > 203.0.113.9.8080: Flags [P.], seq 1:79, ack 1, win 502, options [nop,nop,TS val 2 ecr 9], length 78: HTTP: GET / HTTP/1.1",
    "12:00:00.002100 IP 203.0.113.9.8080 > 198.51.100.7.40001: Flags [R], seq 701, win 0, length 0",
    "12:00:01.000100 IP 198.51.100.7.40002 > 203.0.113.9.8080: Flags [S], seq 900, win 64240, options [mss 1460,sackOK,TS val 1001 ecr 0,nop,wscale 7], length 0",
    "12:00:02.000100 IP 198.51.100.7.40002 > 203.0.113.9.8080: Flags [S], seq 900, win 64240, options [mss 1460,sackOK,TS val 2001 ecr 0,nop,wscale 7], length 0",
    "12:00:04.000100 IP 198.51.100.7.40002 > 203.0.113.9.8080: Flags [S], seq 900, win 64240, options [mss 1460,sackOK,TS val 4001 ecr 0,nop,wscale 7], length 0",
];

fn told(bytes: &[u8]) -> Run {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("paste.txt");
    std::fs::write(&file, bytes).unwrap();
    run_paths(&[file])
}

/// What is found, in order, and of how many frames.
fn found(run: &Run) -> (u64, Vec<(String, u64)>) {
    let frames = run.report.captures.iter().map(|c| c.frames).sum();
    let of = |f: &lbdiag::report::Finding| (f.id.clone(), f.affected.connections);
    (frames, run.report.findings.iter().map(of).collect())
}

#[test]
fn what_was_spoilt_says_the_same() {
    let plain = found(&told(LINES.join("\n").as_bytes()));
    assert_eq!((plain.0, plain.1.is_empty()), (8, false));
    let each = |change: &dyn Fn(&str) -> String| LINES.map(change).join("\n");
    let texts = [
        LINES.join(" "),
        format!("{} {}\n{}", LINES[0], LINES[1], LINES[2..].join("<br>")),
        format!("{{\"output\": \"{}\\n\"}}", LINES.join("\\n")),
        LINES.join("\r"),
        each(&|line| format!("2026-01-05T{}456+00:00 stdout F {line}", &line[..15])),
        each(&|line| format!("2026-01-05T12:00:00.1+0100 lb1 tcpdump[77]: {line}")),
        each(&|line| line.replace(" > ", " -> ")),
        each(&|line| line.replace(" > ", " \u{2192} ")),
        each(&|line| line.replace("Flags [", "Flags\u{ff3b}")),
        each(&|line| line.replace("Flags [", "Flags\n[")),
        each(&|line| format!("    # {line}")),
        each(&|line| format!("^C{line}")),
    ];
    for text in texts {
        let run = told(text.as_bytes());
        assert_eq!(found(&run), plain, "{text}\n{}", run.text);
    }
}

#[test]
fn a_text_of_powershell_is_read() {
    let plain = found(&told(LINES.join("\n").as_bytes()));
    let text = LINES.join("\r\n");
    let units = || std::iter::once(0xfeff).chain(text.encode_utf16());
    let little: Vec<u8> = units().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = units().flat_map(u16::to_be_bytes).collect();
    assert_eq!(found(&told(&little)), plain);
    assert_eq!(found(&told(&big)), plain);
}

#[test]
fn a_service_without_a_number_is_a_port_that_is_told() {
    let plain = found(&told(LINES.join("\n").as_bytes()));
    let run = told(LINES.join("\n").replace(".8080", ".nosuch-svc").as_bytes());
    assert_eq!(found(&run), plain, "{}", run.text);
    let notes = run.report.captures[0].notes.join("\n");
    assert!(notes.contains("port 1020 for nosuch-svc"), "{notes}");
}

#[test]
fn a_version_that_prints_the_checksum_behind_the_flags_is_of_tcp() {
    let header = "(tos 0x0, ttl 64, id 9, offset 0, flags [DF], proto TCP (6), length 60)";
    let line = |s: u32| {
        format!(
            "12:00:0{s}.5 IP {header} 198.51.100.7.40002 > 203.0.113.9.www: S, cksum 0x0dcf (correct), 900:900(0) win 5840 <mss 1460,sackOK,timestamp {s} 0,nop,wscale 5>"
        )
    };
    let run = told([line(1), line(2), line(4)].join("\n").as_bytes());
    assert_eq!(run.report.findings[0].id, "syn-unanswered", "{}", run.text);
}

/// SYNs in VXLAN, and what `-v` says of the checksum of the datagram around them.
fn tunnelled(ends: (&str, &str), said: &str) -> String {
    let one = |at: u32| {
        format!(
            "12:00:0{at}.1 IP (tos 0x0, ttl 64, id {at}, offset 0, flags [none], proto UDP (17), length 102)\n    {}.26898 > {}.4789: {said} VXLAN, flags [I] (0x08), vni 4096\nIP (tos 0x0, ttl 64, id 8{at}, offset 0, flags [DF], proto TCP (6), length 52)\n    10.244.7.192.39274 > 10.244.9.193.8080: Flags [S], cksum {} (correct), seq 7000, win 43690, options [mss 65495,nop,nop,sackOK,nop,wscale 7], length 0\n",
            ends.0, ends.1, SUM
        )
    };
    [one(1), one(2), one(4)].concat()
}

/// The checksum of that SYN.
const SUM: &str = "0xce87";

#[test]
fn a_tunnel_whose_checksum_is_said_to_be_wrong() {
    let nodes = ("192.0.2.13", "192.0.2.11");
    let run = told(tunnelled(nodes, "[bad udp cksum 0xffff -> 0x76dc!]").as_bytes());
    let first = &run.report.findings[0];
    assert_eq!(first.id, "vxlan-or-nat-bad-checksum", "{}", run.text);
    // Which of both nodes was captured is not told.
    assert_ne!(first.confidence, lbdiag::report::Confidence::Certain);
    for said in ["[udp sum ok]", "[no cksum]", ""] {
        let run = told(tunnelled(nodes, said).as_bytes());
        assert_eq!(run.report.findings[0].id, "syn-unanswered", "{}", run.text);
    }
    // A name stands for an address that the sum covers.
    let names = ("node-a.example", "node-b.example");
    let run = told(tunnelled(names, "[bad udp cksum 0xffff -> 0x76dc!]").as_bytes());
    assert_eq!(run.report.findings[0].id, "syn-unanswered", "{}", run.text);
}

#[test]
fn pings_that_are_too_big_are_not_said_to_be_ignored() {
    let ask = |s: u32| {
        format!(
            "12:00:0{s}.1 ens1 Out IP 10.7.0.30 > 10.8.0.21: ICMP echo request, id 7, seq {s}, length 1408"
        )
    };
    let error = |s: u32| {
        format!(
            "12:00:0{s}.2 ens1 In  IP 10.7.0.1 > 10.7.0.30: ICMP 10.8.0.21 unreachable - need to frag (mtu 1000), length 556"
        )
    };
    let asked = [ask(1), ask(2), ask(3)].join("\n");
    let told_so = [ask(1), error(1), ask(2), error(2), ask(3), error(3)].join("\n");
    let notes = |text: &str| told(text.as_bytes()).report.notes.join("\n");
    let said = notes(&told_so);
    assert!(said.contains("which takes 1000 bytes") && !said.contains("answer none"), "{said}");
    let said = notes(&asked);
    assert!(said.contains("answer none"), "{said}");
}
