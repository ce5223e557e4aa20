//! Texts of other programs than plain tcpdump: what they print of a packet is read, what is no packet
//! is named with what can be read in its place, and outputs of other commands between the packets are
//! taken for what the host says of itself.

use crate::support::run::{Run, run_paths};
use lbdiag::capture::{self, Source};
use std::sync::atomic::AtomicU64;

fn told(text: &str) -> Run {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("paste.txt");
    std::fs::write(&file, text).unwrap();
    run_paths(&[file])
}

fn frames(run: &Run) -> u64 {
    run.report.captures.iter().map(|c| c.frames).sum()
}

/// A SYN that is refused, as each program prints both packets.
const REFUSED: &[(&str, &str)] = &[
    (
        "macOS, -k",
        "listening on pktap, link-type PKTAP (Apple DLT_PKTAP), capture size 262144 bytes
09:14:02.118201 (en0, proc curl:4711, out) IP 192.0.2.5.51822 > 203.0.113.40.443: Flags [S], seq 2988112001, win 65535, options [mss 1460], length 0
09:14:02.131877 (en0, in) IP 203.0.113.40.443 > 192.0.2.5.51822: Flags [R.], seq 0, ack 2988112002, win 0, length 0
",
    ),
    (
        "pktmon of Windows",
        "10:00:00.000001100 PktGroupId 1, PktNumber 1, Appearance 1, Direction Rx , Type Ethernet , Component 12, Edge 1, Filter 1, OriginalSize 66, LoggedSize 66
\t52-54-00-AA-00-01 > 52-54-00-BB-00-01, ethertype IPv4 (0x0800), length 66: 192.0.2.5.51822 > 203.0.113.40.443: Flags [S], seq 1000, win 64240, options [mss 1460], length 0
10:00:00.000201100 PktGroupId 2, PktNumber 1, Appearance 1, Direction Tx , Type Ethernet , Component 12, Edge 1, Filter 1, OriginalSize 54, LoggedSize 54
\t52-54-00-BB-00-01 > 52-54-00-AA-00-01, ethertype IPv4 (0x0800), length 54: 203.0.113.40.443 > 192.0.2.5.51822: Flags [R.], seq 0, ack 1001, win 0, length 0
",
    ),
    (
        "a Cisco ASA",
        "2 packets captured
   1: 12:00:00.123456       802.1Q vlan#100 P0 192.0.2.5.51822 > 203.0.113.40.443: S 1000:1000(0) win 64240 <mss 1380>
   2: 12:00:00.124456       802.1Q vlan#100 P0 203.0.113.40.443 > 192.0.2.5.51822: R 0:0(0) ack 1001 win 0
2 packets shown
",
    ),
    (
        "a FortiGate",
        "FGT # diagnose sniffer packet port1 'port 443' 4
interfaces=[port1]
filters=[port 443]
2.345678 port1 -- 192.0.2.5.51822 -> 203.0.113.40.443: syn 2988112001
2.345901 port1 -- 203.0.113.40.443 -> 192.0.2.5.51822: rst 0 ack 2988112002
2 packets received by filter
",
    ),
    (
        "Wireshark, CSV",
        "\"No.\",\"Time\",\"Source\",\"Destination\",\"Protocol\",\"Length\",\"Info\"
\"1\",\"0.000000\",\"192.0.2.5\",\"203.0.113.40\",\"TCP\",\"74\",\"51822  >  443 [SYN] Seq=0 Win=64240 Len=0 MSS=1460\"
\"2\",\"0.000200\",\"203.0.113.40\",\"192.0.2.5\",\"TCP\",\"54\",\"443  >  51822 [RST, ACK] Seq=1 Ack=1 Win=0 Len=0\"
",
    ),
    (
        "Wireshark, columns in another order",
        "Time\tProtocol\tSource\tDestination\tInfo\tDelta
2024-03-05 12:00:01.000000\tTCP\t192.0.2.5\t203.0.113.40\t51822 \u{2192} 443 [SYN] Seq=0 Win=64240 Len=0 MSS=1460\t0.0
2024-03-05 12:00:01.000200\tTCP\t203.0.113.40\t192.0.2.5\t443 \u{2192} 51822 [RST, ACK] Seq=1 Ack=1 Win=0 Len=0\t0.0002
",
    ),
    (
        "Wireshark, lines and details",
        "No.     Time           Source                Destination           Protocol Length Info
      1 0.000000       192.0.2.5             203.0.113.40          TCP      74     51822 > 443 [SYN] Seq=0 Win=64240 Len=0 MSS=1460

Frame 1: 74 bytes on wire (592 bits), 74 bytes captured (592 bits) on interface eth0, id 0
    Arrival Time: Mar  5, 2024 12:00:01.000000000 UTC
    Frame Length: 74 bytes (592 bits)
Internet Protocol Version 4, Src: 192.0.2.5, Dst: 203.0.113.40
    Total Length: 60
    Time to Live: 63
    Protocol: TCP (6)
Transmission Control Protocol, Src Port: 51822, Dst Port: 443, Seq: 0, Len: 0
    [TCP Segment Len: 0]
    Sequence Number: 0    (relative sequence number)
    Sequence Number (raw): 3000111222
    Flags: 0x002 (SYN)
    Window: 64240

No.     Time           Source                Destination           Protocol Length Info
      2 0.000200       203.0.113.40          192.0.2.5             TCP      54     443 > 51822 [RST, ACK] Seq=1 Ack=1 Win=0 Len=0

Frame 2: 54 bytes on wire (432 bits), 54 bytes captured (432 bits) on interface eth0, id 0
    Arrival Time: Mar  5, 2024 12:00:01.000200000 UTC
    Frame Length: 54 bytes (432 bits)
Internet Protocol Version 4, Src: 203.0.113.40, Dst: 192.0.2.5
    Total Length: 40
    Time to Live: 64
    Protocol: TCP (6)
Transmission Control Protocol, Src Port: 443, Dst Port: 51822, Seq: 1, Ack: 1, Len: 0
    [TCP Segment Len: 0]
    Sequence Number (raw): 0
    Acknowledgment number (raw): 3000111223
    Flags: 0x014 (RST, ACK)
    Window: 0
",
    ),
];

#[test]
fn each_program_prints_the_same_refusal() {
    for (name, text) in REFUSED {
        let run = told(text);
        assert_eq!(frames(&run), 2, "{name}: {}", run.text);
        let first = run.report.findings.iter().find(|f| f.severity.is_loud());
        let first = first.unwrap_or_else(|| panic!("{name}: {}", run.text));
        let refused = ["syn-refused", "connection-refused"];
        assert!(refused.contains(&first.id.as_str()), "{name}: {}", first.id);
        assert!(run.text.contains("203.0.113.40:443"), "{name}: {}", run.text);
        assert!(!run.text.contains("is not understood"), "{name}: {}", run.text);
        // A person finds in the paste what the report shows of it.
        for shown in first.evidence.iter().filter_map(|e| e.printed.as_deref()) {
            let line = shown.lines().next().unwrap_or_default();
            assert!(text.contains(line), "{name}: {line:?} was not pasted");
        }
    }
}

#[test]
fn what_pf_blocked_is_said_to_be_blocked() {
    let line = |n: u32, rule: &str| {
        format!(
            "Nov 12 10:22:3{n}.904312 {rule} in on em1: 192.0.2.5.40112 > 10.20.0.11.80: S 3344112:3344112(0) win 14480 <mss 1460,sackOK,timestamp {n} 0,nop,wscale 7> (DF)\n"
        )
    };
    let blocked: String = (1..4).map(|n| line(n, "rule 14/(match) block")).collect();
    let run = told(&blocked);
    assert_eq!(frames(&run), 3, "{}", run.text);
    let first = &run.report.findings[0];
    assert!(first.explanation.contains("was dropped by pf, rule 14"), "{}", run.text);
    assert!(first.explanation.contains("3 times"), "{}", run.text);
    assert!(run.text.contains("pf's log"), "{}", run.text);
    // A rule that passes logs the first packet alone: its silence says nothing.
    let run = told(&line(1, "rule 4/(match) pass"));
    assert!(run.report.findings.iter().all(|f| !f.severity.is_loud()), "{}", run.text);
}

/// Of all interfaces each packet shows as it came and as it went on.
#[test]
fn a_fortigate_shows_both_sides_of_what_it_translates() {
    let (outside, inside) = ("192.0.2.5.51822", "203.0.113.40.443");
    let server = "10.0.0.11.8443";
    let mut text = "interfaces=[any]\nfilters=[host 192.0.2.5]\n".to_owned();
    let lines = [
        ("port1 in", outside, inside, "syn 1000"),
        ("port2 out", outside, server, "syn 1000"),
        ("port2 in", server, outside, "rst 0 ack 1001"),
        ("port1 out", inside, outside, "rst 0 ack 1001"),
    ];
    for (n, (place, from, to, what)) in lines.into_iter().enumerate() {
        text += &format!("2024-03-05 12:00:00.00{n}000 {place} {from} -> {to}: {what}\n");
    }
    let run = told(&text);
    assert_eq!(frames(&run), 4, "{}", run.text);
    let first = &run.report.findings[0];
    assert_eq!(first.id, "connection-refused", "{}", run.text);
    assert!(run.text.contains("10.0.0.11:8443"), "{}", run.text);
}

#[test]
fn a_summary_without_ports_is_said_to_have_none() {
    let rows = |ports: [&str; 2]| {
        let row = |n: u32| {
            format!(
                "{n}\t{}.0\t10.0.0.5{}\t10.96.0.10{}\tDNS\t82\tStandard query 0x3a1f A a.example.com\n",
                n * 5,
                ports[0],
                ports[1]
            )
        };
        (1..4).map(row).collect::<String>()
    };
    let run = told(&rows(["", ""]));
    assert_eq!(frames(&run), 3);
    assert!(run.text.contains("without its ports"), "{}", run.text);
    let run = told(&rows(["\t40001", "\t53"]));
    assert!(!run.text.contains("without its ports"), "{}", run.text);
    assert!(run.text.contains("10.96.0.10:53"), "{}", run.text);
}

/// A response that the line of HTTP tells, without numbers.
#[test]
fn a_line_of_http_tells_its_status() {
    let of = |status: &str| {
        told(&format!(
            "1 0.000000000 10.9.0.2 \u{2192} 10.9.0.9 TCP 74 40100 \u{2192} 80 [SYN] Seq=0 Win=64240 Len=0 MSS=1460 SACK_PERM=1 TSval=1 TSecr=0 WS=128
2 0.000100000 10.9.0.9 \u{2192} 10.9.0.2 TCP 74 80 \u{2192} 40100 [SYN, ACK] Seq=0 Ack=1 Win=65160 Len=0 MSS=1460 SACK_PERM=1 TSval=9 TSecr=1 WS=128
3 0.000200000 10.9.0.2 \u{2192} 10.9.0.9 TCP 66 40100 \u{2192} 80 [ACK] Seq=1 Ack=1 Win=64256 Len=0 TSval=1 TSecr=9
4 0.000300000 10.9.0.2 \u{2192} 10.9.0.9 HTTP 140 GET /health HTTP/1.1
5 0.000400000 10.9.0.9 \u{2192} 10.9.0.2 TCP 66 80 \u{2192} 40100 [ACK] Seq=1 Ack=75 Win=65152 Len=0 TSval=9 TSecr=1
6 0.020000000 10.9.0.9 \u{2192} 10.9.0.2 HTTP 250 HTTP/1.1 {status}  (text/html)
7 0.020100000 10.9.0.2 \u{2192} 10.9.0.9 TCP 66 40100 \u{2192} 80 [ACK] Seq=75 Ack=185 Win=64128 Len=0 TSval=21 TSecr=29
"
        ))
    };
    let failed = of("503 Service Unavailable");
    assert!(failed.report.findings.iter().any(|f| f.id == "http-5xx"), "{}", failed.text);
    let well = of("200 OK");
    assert!(well.report.findings.iter().all(|f| !f.severity.is_loud()), "{}", well.text);
}

fn error(text: &str) -> String {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("paste.txt");
    std::fs::write(&file, text).unwrap();
    let progress = AtomicU64::new(0);
    capture::read(&Source::Path(file), &progress, &mut |_: &capture::Frame<'_>| {})
        .map(|_| ())
        .unwrap_err()
        .to_string()
}

#[test]
fn what_is_no_packet_is_named() {
    for (text, name) in [
        ("a/b:1 (ID:12) <> a/c:80 (ID:33) Policy denied DROPPED (TCP Flags: SYN)\n", "Hubble"),
        (
            "xx drop (Policy denied) flow 0x2b to endpoint 12, : 10.0.1.4:3 -> 10.0.1.9:80 tcp SYN\n",
            "cilium",
        ),
        ("2 1 eni-0a 198.51.100.9 10.0.1.20 41022 443 6 3 180 1 2 REJECT OK\n", "cloud"),
        (
            "[1.2] DROP: IN=eth0 OUT= SRC=1.1.1.1 DST=2.2.2.2 PROTO=TCP SPT=1 DPT=2\n",
            "packet filter",
        ),
        ("  192.0.2.5 -> 10.0.0.100   TCP D=80 S=40000 Syn Seq=1000 Len=0\n", "snoop"),
        ("interfaces=[any]\nfilters=[port 80]\n", "FortiGate"),
    ] {
        let error = error(text);
        assert!(error.contains(name) && error.contains("what can be read is"), "{error}");
    }
}

const SYNS: &str = "root@rs1:~# tcpdump -nne -v -i eth0 port 80
10:00:00.000000 52:54:00:aa:00:02 > 52:54:00:cc:00:11, ethertype IPv4 (0x0800), length 74: (tos 0x0, ttl 63, id 100, offset 0, flags [DF], proto TCP (6), length 60)
    192.0.2.5.40000 > 10.0.0.11.80: Flags [S], cksum 0x1111 (correct), seq 1000, win 64240, options [mss 1460,sackOK,TS val 1 ecr 0,nop,wscale 7], length 0
10:00:01.000000 52:54:00:aa:00:02 > 52:54:00:cc:00:11, ethertype IPv4 (0x0800), length 74: (tos 0x0, ttl 63, id 101, offset 0, flags [DF], proto TCP (6), length 60)
    192.0.2.5.40000 > 10.0.0.11.80: Flags [S], cksum 0x1111 (correct), seq 1000, win 64240, options [mss 1460,sackOK,TS val 1001 ecr 0,nop,wscale 7], length 0
10:00:03.000000 52:54:00:aa:00:02 > 52:54:00:cc:00:11, ethertype IPv4 (0x0800), length 74: (tos 0x0, ttl 63, id 102, offset 0, flags [DF], proto TCP (6), length 60)
    192.0.2.5.40000 > 10.0.0.11.80: Flags [S], cksum 0x1111 (correct), seq 1000, win 64240, options [mss 1460,sackOK,TS val 3001 ecr 0,nop,wscale 7], length 0
";

#[test]
fn outputs_between_the_packets_are_the_hosts_own_words() {
    let words = "root@rs1:~# ip -br link; ip -br addr
lo               UNKNOWN        00:00:00:00:00:00 <LOOPBACK,UP,LOWER_UP>
eth0             UP             52:54:00:cc:00:11 <BROADCAST,MULTICAST,UP,LOWER_UP>
eth0             UP             10.0.0.11/24
root@rs1:~# ss -ltn
State   Recv-Q  Send-Q    Local Address:Port    Peer Address:Port
LISTEN  0       128       0.0.0.0:22            0.0.0.0:*
";
    let run = told(&format!("{words}{SYNS}"));
    assert_eq!(frames(&run), 3, "{}", run.text);
    let [state] = &run.report.host_states[..] else { panic!("{}", run.text) };
    assert_eq!(state.matched_by.as_deref(), Some("macs"), "{}", run.text);
    // Words that are no output are none.
    let run = told(&format!("It worked until Monday.\nAny idea?\n{SYNS}"));
    assert!(run.report.host_states.is_empty(), "{}", run.text);
}

#[test]
fn a_log_beside_the_packets_names_who_dropped_them() {
    let log = |client: &str| {
        format!(
            "[ 1001.1] FW-DROP: IN=eth0 OUT= SRC={client} DST=10.0.0.11 LEN=60 TTL=63 ID=100 DF PROTO=TCP SPT=40000 DPT=80 WINDOW=64240 SYN URGP=0\n"
        )
    };
    let run = told(&format!("{}{SYNS}", log("192.0.2.5")));
    let first = &run.report.findings[0];
    let said = "192.0.2.5:40000 > 10.0.0.11:80 was dropped by the packet filter (FW-DROP)";
    assert!(first.explanation.contains(said), "{}", run.text);
    let run = told(&format!("{}{SYNS}", log("192.0.2.99")));
    assert!(!run.text.contains("was dropped by"), "{}", run.text);
}
