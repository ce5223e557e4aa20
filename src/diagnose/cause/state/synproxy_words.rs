//! What the faults of a SYN proxy are called, why each is one, and what settles it.

use crate::diagnose::facts::state::syn_proxies::Fault;
use crate::diagnose::{Confidence, words};
use crate::topology::ServiceId;
use crate::trace::Trace;

/// What a fault is called, why it is one, and what settles it.
pub(in crate::diagnose) struct FaultWords {
    pub title: String,
    pub reason: String,
    pub confidence: Confidence,
    pub candidates: Vec<(&'static str, &'static str)>,
    pub confirm: (String, String, &'static str),
}

/// The words of a fault; `known` where a director is known to guard the service.
pub(in crate::diagnose) fn words(
    trace: &Trace,
    service: ServiceId,
    fault: Fault,
    (director, server): (&str, &str),
    known: bool,
) -> FaultWords {
    let s = trace.topology.service(service);
    let port = s.real_servers.first().map_or(s.port, |r| r.port);
    let listens = format!(
        "ss -ltn 'sport = :{port}'; {} -L INPUT -nv | grep -iE 'drop|reject'",
        words::tables(s.vip)
    );
    let tables = crate::diagnose::words::tables(s.vip);
    let proxy = format!(
        "ipvsadm -Ln -t {}; {tables}-save | grep SYNPROXY; nstat -az TcpExtSyncookiesFailed; cat /proc/net/stat/synproxy",
        s.name()
    );
    match fault {
        Fault::Refused => FaultWords {
            title: format!("clients are connected by {director}, and {server} refuses them then"),
            reason: format!("It then sends a SYN of its own to {server}, which answers with a RST: nobody listens there. The client, who has a connection, gets a reset instead of a refusal, and does not try another address."),
            confidence: Confidence::Certain,
            candidates: Vec::new(),
            confirm: (server.to_owned(), listens, "no listener, or a rule that rejects"),
        },
        Fault::Silent => FaultWords {
            title: format!("clients are connected by {director}, and {server} does not answer it"),
            reason: format!("It then sends a SYN of its own to {server}, again and again, and nothing comes back. The client has a connection on which nobody answers."),
            confidence: Confidence::Likely,
            candidates: vec![
                ("rs-silent", "then the SYN arrives at the real server, whose firewall or listener drops it: its own capture tells"),
                ("rs-unreachable", "then the real server does not answer ARP either"),
            ],
            confirm: (server.to_owned(), listens, "a rule whose counter grows with each SYN, or no such host"),
        },
        Fault::Cookie => FaultWords {
            title: format!("{director} answers SYNs itself and turns the clients' ACKs away"),
            reason: "Of these, nothing goes to a real server: the ACK that completes the handshake is answered with a RST, or what follows it is dropped, as if the director did not know its own number again. It was made with another secret (two directors, or one that restarted), it was too old, or the packet came by another way.".to_owned(),
            confidence: Confidence::Likely,
            candidates: vec![("ecmp-rehash-wrong-server", "then SYN and ACK of one client reach two directors: captures on both tell")],
            confirm: (director.to_owned(), proxy, "failed cookies that grow with each such connection"),
        },
        Fault::Closed => FaultWords {
            title: format!("{director} answers SYNs with a window of 0 and never opens it"),
            reason: "The client may send nothing but probes, and waits until it gives up. A director that waits for the first payload before it connects to a real server must let the client send one.".to_owned(),
            confidence: if known { Confidence::Certain } else { Confidence::Likely },
            candidates: if known { Vec::new() } else {
                vec![("zero-window", "then it is no director but a program that never reads, or a tarpit: nobody connects behind it")]
            },
            confirm: (director.to_owned(), format!("grep -nE 'defer|close_client_window|syn_proxy' /etc/dpvs.conf /etc/keepalived/keepalived.conf; {tables}-save | grep SYNPROXY"), "deferring together with a closed window"),
        },
        Fault::Stalled => FaultWords {
            title: format!("{director} answers SYNs with a window of 0, opens it, and takes nothing of what clients send"),
            reason: "No server answers a SYN so: a SYN proxy does, which then has to open a connection to the server behind and give the client that one's window. The window was opened, what the client sends after it is never acknowledged, and the empty ACKs that come again are the server's repeated SYN-ACK, translated: its handshake was not completed. netfilter's SYNPROXY does so where connection tracking takes up packets in mid-stream, or where the rules beside it (notrack for SYNs, SYNPROXY for INVALID and UNTRACKED) are not whole.".to_owned(),
            confidence: Confidence::Likely,
            candidates: vec![("zero-window", "then it is the server's own stack, which had no memory for a window: no SYNPROXY rule is there, and TcpExtTCPZeroWindowDrop grows")],
            confirm: (director.to_owned(), format!("{0}-save | grep -E 'SYNPROXY|notrack|INVALID|UNTRACKED'; sysctl net.netfilter.nf_conntrack_tcp_loose net.ipv4.tcp_timestamps net.ipv4.tcp_syncookies; cat /proc/net/stat/synproxy", words::tables(s.vip)), "a SYNPROXY rule for this port; nf_conntrack_tcp_loose must be 0 beside it"),
        },
        Fault::Direct => FaultWords {
            title: format!("{director} answers SYNs itself, and real servers answer them again: no SYN proxy works in {}", s.mode.name().to_uppercase()),
            reason: format!("It then sends a SYN to the real server ({server}), which answers the client directly with a number of its own. The client has another one already, what it sends acknowledges the director's, and the real server resets it. Answers do not pass the director in this mode, so it cannot translate their numbers."),
            confidence: Confidence::Certain,
            candidates: Vec::new(),
            confirm: (director.to_owned(), proxy, "the SYN proxy is on for the service"),
        },
    }
}
