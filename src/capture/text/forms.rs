//! Texts of this field that are no packets as tcpdump prints them: what they are, and what can be
//! read in their place. None is passed over without a word.

/// A form that is not read as packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Form {
    /// Whose lines they are.
    pub name: &'static str,
    /// What can be read in their place.
    pub instead: &'static str,
}

/// Bytes at the beginning of a line that are looked at.
const LOOK: usize = 2048;

const fn form(name: &'static str, instead: &'static str) -> Form {
    Form { name, instead }
}

/// Each form with what its lines have: all words of one of the lists.
const FORMS: &[(Form, &[&[&str]])] = &[
    (
        form(
            "flows of Hubble",
            "tcpdump in the pods or on their node; what it says was dropped is read where it prints addresses (hubble observe --ip-translation=false)",
        ),
        &[
            &[" FORWARDED (", "): "],
            &[" FORWARDED (", " -> "],
            &[" DROPPED (", "(ID:"],
            &[" policy-verdict:"],
            &[" TRANSLATED ("],
            &["\"flow\":{", "\"verdict\":"],
        ],
    ),
    (
        form("events of cilium monitor", "tcpdump on that node; what it says was dropped is read"),
        &[
            &["xx drop ("],
            &[" endpoint ", " flow 0x", " identity "],
            &[" flow 0x", " state ", " ifindex "],
        ],
    ),
    (
        form(
            "functions that pwru traced",
            "tcpdump on that host; what it says was dropped is read",
        ),
        &[
            &["SKB", "CPU", "PROCESS", "FUNC"],
            &["0xffff", "(tcp)"],
            &["0xffff", "(udp)"],
            &["SKB_DROP_REASON_"],
        ],
    ),
    (
        form("a cloud's log of flows", "tcpdump on the instance; what it says was refused is read"),
        &[
            &[" eni-", " ACCEPT OK"],
            &[" eni-", " REJECT OK"],
            &["\"jsonPayload\"", "\"connection\""],
            &["\"flowTuples\""],
        ],
    ),
    (
        form(
            "the kernel's log of a packet filter (LOG, TRACE)",
            "tcpdump on that host, as a log has only what its rule matches; what it says was dropped is read",
        ),
        &[&["IN=", " OUT=", " SRC=", " DST=", " PROTO="]],
    ),
    (
        form("a trace of nftables", "tcpdump on that host; what it says was dropped is read"),
        &[&["trace id ", " packet: "], &["trace id ", "verdict "]],
    ),
    (
        form("lines of Solaris' snoop", "snoop -o FILE, with editcap -F pcap"),
        &[&[" -> ", "TCP D=", " S="], &[" -> ", "UDP D=", " S="]],
    ),
    (
        form(
            "fields that tshark was asked for (-T fields)",
            "tshark's own lines, without -T and -e, or the file",
        ),
        &[&["ip.src\t"], &["tcp.srcport"], &["frame.time_relative\t"]],
    ),
    (
        form("tshark's JSON", "tshark's own lines, without -T, or with -V, or the file"),
        &[&["\"_index\": \"packets-"], &["\"layers\":", "\"frame\""], &["\"tcp.srcport\""]],
    ),
    (
        form("lines of ngrep", "tcpdump -nn -e -v with the same filter"),
        &[&["T ", ":", " -> ", " [", "] #"], &["U ", ":", " -> ", " #"]],
    ),
    (
        form(
            "a FortiGate's sniffer that caught nothing",
            "its lines of packets, at any level, best with times (a as the last argument)",
        ),
        &[&["interfaces=["]],
    ),
    (
        form("a Check Point's fw monitor", "fw monitor -o FILE"),
        &[&["[vs_", "]:", " -> "], &["[vs_", "len=", "id="]],
    ),
    (
        form(
            "events of conntrack",
            "them beside a capture, with --host-state: they name both sides of what is translated",
        ),
        &[
            &["[NEW]", "src=", "dst=", "sport="],
            &["[UPDATE]", "src=", "dst="],
            &["[DESTROY]", "src=", "dst="],
        ],
    ),
];

/// The form that a line is of.
pub(super) fn of(line: &str) -> Option<Form> {
    let mut end = line.len().min(LOOK);
    while !line.is_char_boundary(end) {
        end -= 1;
    }
    let line = &line[..end];
    let has = |words: &[&str]| words.iter().all(|word| line.contains(word));
    FORMS.iter().find(|(_, any)| any.iter().any(|words| has(words))).map(|(form, _)| *form)
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn forms_are_told_by_their_lines() {
        for (line, name) in [
            (
                "Mar  5 10:11:12.101: a/b:1 (ID:1) <> a/c:8080 (ID:2) Policy denied DROPPED (TCP Flags: SYN)",
                "Hubble",
            ),
            (
                "xx drop (Policy denied) flow 0x2b to endpoint 12, identity 1->2: 10.0.1.4:3 -> 10.0.1.9:80 tcp SYN",
                "cilium monitor",
            ),
            (
                "0xffff9a1c 2 [<empty>(0)] ip_rcv netns=1 203.0.113.9:41000->10.0.0.100:80(tcp)",
                "pwru",
            ),
            ("2 1 eni-0a 198.51.100.9 10.0.1.20 41022 443 6 3 180 1 2 REJECT OK", "cloud"),
            (
                "[1] DROP: IN=eth0 OUT= MAC= SRC=1.1.1.1 DST=2.2.2.2 LEN=60 PROTO=TCP SPT=1 DPT=2",
                "kernel",
            ),
            ("trace id 5a inet filter input rule tcp dport 80 drop (verdict drop)", "nftables"),
            ("  192.0.2.5 -> 10.0.0.100   TCP D=80 S=40000 Syn Seq=1000", "snoop"),
        ] {
            assert!(of(line).is_some_and(|form| form.name.contains(name)), "{line}");
        }
        for line in [
            "",
            "hello",
            "12:00:00.1 IP 10.0.0.1.80 > 10.0.0.2.90: Flags [S], seq 1",
            "5 packets captured",
        ] {
            assert_eq!(of(line), None, "{line}");
        }
    }
}
