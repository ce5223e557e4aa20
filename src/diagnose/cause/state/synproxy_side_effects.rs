//! A director that answers SYNs itself (SYN proxy) tells clients that they are connected
//! before a real server is, and something goes wrong between the two.
//!
//! [`crate::diagnose::facts::syn_proxies`] says what; here it is worded. A SYN proxy that works is no finding.

use crate::diagnose::cause::{needs_mode, severity};
use crate::diagnose::facts::syn_proxies::{Fault, Spoilt, guards, second_answerer};
use crate::diagnose::thresholds::PAIR;
use crate::diagnose::words::commands::ipvsadm::Virtual;
use crate::diagnose::words::commands::sysctl;
use crate::diagnose::words::{explained, rest, servers, share};
use crate::diagnose::{
    Candidate, Confidence, Detection, Facts, Finding, Fix, Names, Proof, Subject,
};
use crate::topology::{HostId, Mode, Role, ServiceId};
use crate::trace::{ConnectionId, Trace};
use std::collections::BTreeMap;

pub(in crate::diagnose) const EXPLAINS: &[&str] =
    &["connection-reset", "rst-no-socket", "retransmission"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let mut sets: BTreeMap<(ServiceId, Fault), Vec<Spoilt<'_>>> = BTreeMap::new();
    for one in facts.spoilt().iter().copied() {
        let service = facts.topology.service_of[one.id.0 as usize];
        sets.entry((service, one.fault)).or_default().push(one);
    }
    sets.retain(|(_, fault), set| *fault != Fault::Cookie || set.len() >= PAIR);
    let findings =
        sets.into_iter().map(|((service, fault), set)| finding(facts, service, fault, &set));
    Detection::from(findings.collect(), || {
        const MODES: [Mode; 4] = [Mode::Nat, Mode::FullNat, Mode::Dr, Mode::Tun];
        if let Some(other) = needs_mode(facts, &MODES) {
            return other;
        }
        let mut services = facts.topology.services.iter().filter(|s| MODES.contains(&s.mode));
        if services.any(|s| s.directors.iter().any(|d| facts.is_captured(d.host))) {
            return Detection::Clean;
        }
        Detection::Unchecked(
            "no director was captured; who answers a SYN first shows there, 'tcpdump -i any'"
                .to_owned(),
        )
    })
}

/// What a fault is called, why it is one, and what settles it.
struct Words {
    title: String,
    reason: String,
    confidence: Confidence,
    candidates: Vec<(&'static str, &'static str)>,
    confirm: (String, String, &'static str),
}

fn words(
    trace: &Trace,
    service: ServiceId,
    fault: Fault,
    (director, server): (&str, &str),
    known: bool,
) -> Words {
    let s = trace.topology.service(service);
    let port = s.real_servers.first().map_or(s.port, |r| r.port);
    let listens = format!(
        "ss -ltn 'sport = :{port}'; {} -L INPUT -nv | grep -iE 'drop|reject'",
        crate::diagnose::words::tables(s.vip)
    );
    let proxy = format!(
        "ipvsadm -Ln -t {}; iptables-save | grep SYNPROXY; nstat -az TcpExtSyncookiesFailed; cat /proc/net/stat/synproxy",
        s.name()
    );
    match fault {
        Fault::Refused => Words {
            title: format!("clients are connected by {director}, and {server} refuses them then"),
            reason: format!("It then sends a SYN of its own to {server}, which answers with a RST: nobody listens there. The client, who has a connection, gets a reset instead of a refusal, and does not try another address."),
            confidence: Confidence::Certain,
            candidates: Vec::new(),
            confirm: (server.to_owned(), listens, "no listener, or a rule that rejects"),
        },
        Fault::Silent => Words {
            title: format!("clients are connected by {director}, and {server} does not answer it"),
            reason: format!("It then sends a SYN of its own to {server}, again and again, and nothing comes back. The client has a connection on which nobody answers."),
            confidence: Confidence::Likely,
            candidates: vec![
                ("rs-silent", "then the SYN arrives at the real server, whose firewall or listener drops it: its own capture tells"),
                ("rs-unreachable", "then the real server does not answer ARP either"),
            ],
            confirm: (server.to_owned(), listens, "a rule whose counter grows with each SYN, or no such host"),
        },
        Fault::Cookie => Words {
            title: format!("{director} answers SYNs itself and turns the clients' ACKs away"),
            reason: "Of these, nothing goes to a real server: the ACK that completes the handshake is answered with a RST, or what follows it is dropped, as if the director did not know its own number again. It was made with another secret (two directors, or one that restarted), it was too old, or the packet came by another way.".to_owned(),
            confidence: Confidence::Likely,
            candidates: vec![("ecmp-rehash-wrong-server", "then SYN and ACK of one client reach two directors: captures on both tell")],
            confirm: (director.to_owned(), proxy, "failed cookies that grow with each such connection"),
        },
        Fault::Closed => Words {
            title: format!("{director} answers SYNs with a window of 0 and never opens it"),
            reason: "The client may send nothing but probes, and waits until it gives up. A director that waits for the first payload before it connects to a real server must let the client send one.".to_owned(),
            confidence: if known { Confidence::Certain } else { Confidence::Likely },
            candidates: if known { Vec::new() } else {
                vec![("zero-window", "then it is no director but a program that never reads, or a tarpit: nobody connects behind it")]
            },
            confirm: (director.to_owned(), "grep -nE 'defer|close_client_window|syn_proxy' /etc/dpvs.conf /etc/keepalived/keepalived.conf; iptables-save | grep SYNPROXY".to_owned(), "deferring together with a closed window"),
        },
        Fault::Stalled => Words {
            title: format!("{director} answers SYNs with a window of 0, opens it, and takes nothing of what clients send"),
            reason: "No server answers a SYN so: a SYN proxy does, which then has to open a connection to the server behind and give the client that one's window. The window was opened, what the client sends after it is never acknowledged, and the empty ACKs that come again are the server's repeated SYN-ACK, translated: its handshake was not completed. netfilter's SYNPROXY does so where connection tracking takes up packets in mid-stream, or where the rules beside it (notrack for SYNs, SYNPROXY for INVALID and UNTRACKED) are not whole.".to_owned(),
            confidence: Confidence::Likely,
            candidates: vec![("zero-window", "then it is the server's own stack, which had no memory for a window: no SYNPROXY rule is there, and TcpExtTCPZeroWindowDrop grows")],
            confirm: (director.to_owned(), format!("{0}-save | grep -E 'SYNPROXY|notrack|INVALID|UNTRACKED'; sysctl net.netfilter.nf_conntrack_tcp_loose net.ipv4.tcp_timestamps net.ipv4.tcp_syncookies; cat /proc/net/stat/synproxy", crate::diagnose::words::tables(s.vip)), "a SYNPROXY rule for this port; nf_conntrack_tcp_loose must be 0 beside it"),
        },
        Fault::Direct => Words {
            title: format!("{director} answers SYNs itself, and real servers answer them again: no SYN proxy works in {}", s.mode.name().to_uppercase()),
            reason: format!("It then sends a SYN to the real server ({server}), which answers the client directly with a number of its own. The client has another one already, what it sends acknowledges the director's, and the real server resets it. Answers do not pass the director in this mode, so it cannot translate their numbers."),
            confidence: Confidence::Certain,
            candidates: Vec::new(),
            confirm: (director.to_owned(), proxy, "the SYN proxy is on for the service"),
        },
    }
}

fn finding(facts: &Facts, service: ServiceId, fault: Fault, set: &[Spoilt<'_>]) -> Finding {
    let names = Names(facts);
    let s = facts.topology.service(service);
    let ids: Vec<ConnectionId> = set.iter().map(|x| x.id).collect();
    let mut hosts: Vec<HostId> = set.iter().filter_map(|x| x.director).collect();
    crate::diagnose::cause::by_address(facts, &mut hosts);
    let mut directors: Vec<Subject> =
        hosts.iter().map(|h| names.subject(Role::Director, *h)).collect();
    if directors.is_empty() {
        let own = servers(facts, &ids);
        match own.len() {
            // Without a director in sight the server itself answers so.
            1 if fault == Fault::Stalled => directors = own,
            _ => directors.push(crate::diagnose::words::service_subject(s)),
        }
    }
    let director = crate::diagnose::words::names(&directors);
    let on_servers: Vec<Subject> = match fault {
        Fault::Cookie | Fault::Closed | Fault::Stalled => Vec::new(),
        Fault::Direct => {
            let mut hosts: Vec<HostId> =
                set.iter().filter_map(|x| second_answerer(facts, x)).collect();
            crate::diagnose::cause::by_address(facts, &mut hosts);
            hosts.iter().map(|h| names.subject(Role::RealServer, *h)).collect()
        }
        Fault::Refused | Fault::Silent => servers(facts, &ids),
    };
    let server = if on_servers.is_empty() {
        "the real server".to_owned()
    } else {
        crate::diagnose::words::names(&on_servers)
    };
    let known = fault == Fault::Closed && !hosts.is_empty() && guards(facts, service);
    let words = words(facts, service, fault, (&director, &server), known);
    let how = match (fault, known) {
        (Fault::Closed, false) => "as a SYN proxy does that waits for the client",
        (Fault::Stalled, _) => "as a SYN proxy does that has no server yet",
        _ => "before a real server was asked (SYN proxy)",
    };
    let explanation = format!(
        "{director} answers SYNs for {} itself, {how}. {} {} connections are concerned.",
        s.name(),
        words.reason,
        share(facts, service, &ids)
    );
    let mut finding = Finding::cause("synproxy-side-effects", words.title, explanation);
    finding.severity = severity(facts, &ids);
    finding.confidence = words.confidence;
    finding.candidates = words
        .candidates
        .into_iter()
        .map(|(id, tell_apart)| Candidate { id, tell_apart: tell_apart.to_owned() })
        .collect();
    let (host, command, why) = words.confirm;
    finding.confirm(host, command, why.to_owned());
    if matches!(fault, Fault::Refused | Fault::Silent) {
        let mut resting: Vec<HostId> =
            ids.iter().filter_map(|id| facts.server(*id)?.host).collect();
        crate::diagnose::cause::by_address(facts, &mut resting);
        let port = facts.server(ids[0]).map_or(s.port, |r| r.port);
        let until = "until it answers";
        finding.fixes = resting.iter().map(|h| rest(facts, service, *h, port, until)).collect();
    } else if fault == Fault::Stalled {
        finding.fixes = vec![mend(director)];
    } else {
        finding.fixes = vec![off(&Virtual::of(s), director)];
    }
    finding.proofs = set.first().map(|x| proofs(facts, x)).unwrap_or_default();
    finding.subjects = match fault {
        Fault::Refused | Fault::Silent => [on_servers, directors].concat(),
        _ => [directors, on_servers].concat(),
    };
    finding.connections = ids;
    finding
}

/// The SYN proxy off for a service.
fn off(table: &Virtual, director: String) -> Fix {
    let edit = |what: &str| table.schedule(&format!("rr -j {what}"));
    Fix::safe(
        format!("{director}, with the service's own scheduler for rr"),
        format!(
            "{}   # dpvs, alibaba/LVS; netfilter: delete the rule with '-j SYNPROXY'. A flood of SYNs then reaches the real servers",
            edit("disable")
        ),
        edit("enable"),
    ).or()
}

/// What netfilter's SYNPROXY needs beside its rule.
fn mend(director: String) -> Fix {
    let loose = |state: &str| sysctl::set(&[("net.netfilter.nf_conntrack_tcp_loose", state)]);
    Fix::safe(
        format!("{director}, if its rules have SYNPROXY"),
        format!(
            "{}   # or delete the rule with '-j SYNPROXY': a flood of SYNs then reaches the server",
            loose("0")
        ),
        explained(loose("1"), "if it was 1 before"),
    )
}

fn proofs(trace: &Trace, x: &Spoilt<'_>) -> Vec<Proof> {
    let (there, back) = (trace.forward(x.front), trace.reply(x.front));
    let mut proofs = Vec::new();
    let answer = match x.fault {
        Fault::Closed | Fault::Stalled => "the SYN-ACK, with a window of 0",
        _ => "the director's own SYN-ACK",
    };
    proofs.extend(trace.proof(x.front, back.syn, answer));
    proofs.extend(trace.proof(x.front, there.ack, "the client is connected"));
    match (x.fault, x.back) {
        (Fault::Refused, Some(leg)) => {
            let note = "only now a SYN goes to the real server";
            proofs.extend(trace.proof(leg, trace.forward(leg).syn, note));
            proofs.extend(trace.proof(leg, trace.reply(leg).rst, "which refuses it"));
        }
        (Fault::Silent, Some(leg)) => {
            let note = "only now a SYN goes to the real server";
            proofs.extend(trace.proof(leg, trace.forward(leg).syn, note));
            proofs.extend(trace.proof(leg, trace.forward(leg).last, "and again; nothing answers"));
        }
        (Fault::Direct, Some(leg)) => {
            let note = "another SYN-ACK, of the real server, with another number";
            proofs.extend(trace.proof(leg, trace.reply(leg).syn, note));
        }
        (Fault::Stalled, _) => {
            let note = "what it sends is not acknowledged, and comes again";
            proofs.extend(trace.proof(x.front, there.data, note));
            proofs.extend(trace.proof(x.front, back.last, "an ACK that takes nothing of it"));
        }
        (Fault::Cookie, _) if back.rst.is_set() => {
            proofs.extend(trace.proof(x.front, back.rst, "the director resets it"));
        }
        _ => proofs.extend(trace.proof(x.front, there.last, "it still tries, and gets nowhere")),
    }
    proofs
}
