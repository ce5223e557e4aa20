//! A SYN meets an old connection on the same five-tuple: the server answers with an ACK
//! of the old one, the sender resets that and must send its SYN again.
//!
//! The pattern of frames is the proof: SYN, an ACK without SYN, the bare reset that
//! answers it, the same SYN again. A late segment of the old connection that has bytes
//! or a FIN is none.

use crate::correlate::{Leg, Tuple};
use crate::diagnose::cause::{by_service, severity, syns_or_blind};
use crate::diagnose::words::commands::sysctl;
use crate::diagnose::words::{arrow, explained, list, share};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Fix, Proof, Subject, ToConfirm};
use crate::flow::Reset;
use crate::topology::{Mode, Role, ServiceId};
use crate::trace::{ConnectionId, Trace};

pub(in crate::diagnose) const EXPLAINS: &[&str] =
    &["rst-no-socket", "syn-unanswered", "connection-reset"];

/// A stack answers at once; the network between adds its time, nanoseconds.
const PROMPT_NS: i64 = 2_000_000_000;

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let hit = facts.requests().filter(|(id, c)| {
        let service = facts.service(*id);
        c.protocol.is_tcp()
            && (service.mode != Mode::Unknown || service.is_backend)
            && challenged(facts, *id).is_some()
    });
    let findings = by_service(facts, hit.map(|(id, _)| id))
        .into_iter()
        .map(|(service, ids)| finding(facts, service, ids))
        .collect();
    Detection::from(findings, || syns_or_blind(facts))
}

/// The leg that shows it, the real server's own first.
fn challenged(trace: &Trace, id: ConnectionId) -> Option<&Leg> {
    if !trace.connection(id).progress.no_socket {
        return None;
    }
    trace.legs(id).iter().filter(|leg| is_challenge(trace, leg)).max_by_key(|leg| leg.tuple)
}

fn is_challenge(trace: &Trace, leg: &Leg) -> bool {
    let (there, back) = (trace.forward(leg), trace.reply(leg));
    if there.reset != Reset::NoSocket || !there.opened() || !back.seen() {
        return false;
    }
    let answer = back.first;
    let bare = back.ack == answer && back.data != answer && back.fin != answer;
    // Before any SYN-ACK, and the SYN came again after it.
    let early = !back.syn.is_set() || back.syn.frame() > answer.frame();
    let again = there.syns > 1 || back.syn.is_set();
    bare && early
        && again
        && there.first == there.syn
        && there.syn.frame() < answer.frame()
        && there.rst_answers == answer
        && (0..PROMPT_NS).contains(&answer.since(there.syn))
}

fn finding(facts: &Facts, service: ServiceId, ids: Vec<ConnectionId>) -> Finding {
    let s = facts.topology.service(service);
    let tuples: Vec<Tuple> = ids
        .iter()
        .filter_map(|id| challenged(facts, *id))
        .map(|leg| Tuple::of(leg.of(&facts.vantages), leg.client))
        .collect();
    let rewritten = matches!(s.mode, Mode::FullNat | Mode::Proxy);
    let mut subjects: Vec<Subject> = Vec::new();
    for tuple in &tuples {
        let host = facts.host_by_ip(tuple.client.0);
        let role = if rewritten { Role::Director } else { Role::Client };
        let mac = host.and_then(|h| facts.topology.hosts.get(h).macs.first().copied());
        let subject = Subject { role, address: Some(tuple.client.0), mac, port: None };
        if !subjects.contains(&subject) {
            subjects.push(subject);
        }
    }
    let who = crate::diagnose::words::names(&subjects);
    let servers = crate::diagnose::words::servers(facts, &ids);
    let server =
        if servers.is_empty() { s.name() } else { crate::diagnose::words::names(&servers) };
    let delay = ids.iter().filter_map(|id| delay_ns(facts, *id)).max();
    let lost = delay.map_or_else(String::new, |ns| {
        format!(" The handshake takes up to {} ms longer by that.", ns / 1_000_000)
    });
    let title =
        format!("new connections of {who} are delayed by old ones on the same port at {server}");
    let explanation = format!(
        "{who} uses a port again of a connection that is still open at {server}. The SYN is answered by an ACK of the old connection instead of a SYN-ACK, {who} resets that, and only the repeated SYN is accepted.{lost} {} connections are concerned.",
        share(facts, service, &ids)
    );
    let mut finding = Finding::cause("tuple-reuse-challenge-ack", title, explanation);
    finding.severity = severity(facts, &ids);
    finding.confidence = Confidence::Certain;
    let ports: Vec<String> = tuples.iter().map(|t| t.client.1.to_string()).collect();
    finding.to_confirm.push(ToConfirm {
        host: server.clone(),
        command: format!(
            "ss -tan 'dst {}'; nstat -az TcpExtTCPSYNChallenge TcpExtTCPChallengeACK",
            tuples.first().map_or_else(|| "CIP".to_owned(), |t| t.client.0.to_string())
        ),
        why: format!("old sockets towards the ports that are used again ({})", list(&ports)),
    });
    finding.fixes = fixes(&who, &server, rewritten);
    finding.proofs = crate::diagnose::facts::telling(facts, &ids)
        .map(|id| proofs(facts, id))
        .unwrap_or_default();
    finding.subjects = subjects;
    finding.subjects.extend(servers);
    finding.connections = ids;
    finding
}

/// From the first SYN to the SYN-ACK, where it came.
fn delay_ns(trace: &Trace, id: ConnectionId) -> Option<i64> {
    let leg = challenged(trace, id)?;
    Some(trace.reply(leg).syn.get()?.since(trace.forward(leg).syn))
}

fn fixes(who: &str, server: &str, rewritten: bool) -> Vec<Fix> {
    let mut fixes = vec![Fix {
        host: who.to_owned(),
        command: explained(
            sysctl::set(&[("net.ipv4.ip_local_port_range", "1024 65535")]),
            "more ports, so that each rests longer",
        ),
        disruptive: false,
        undo: explained(
            sysctl::set(&[("net.ipv4.ip_local_port_range", "32768 60999")]),
            "the default; see 'sysctl net.ipv4.ip_local_port_range' first",
        ),
    }];
    if rewritten {
        fixes.insert(
            0,
            Fix {
                host: who.to_owned(),
                command: "# add local addresses: another 'source' (haproxy) or 'proxy_bind' (nginx), another address in laddr_group (FullNAT)".to_owned(),
                disruptive: false,
                undo: "Take them out again once they carry no connection.".to_owned(),
            },
        );
    }
    fixes.push(Fix {
        host: format!("{server}, if a program there never closed the old connections"),
        command: explained(
            sysctl::set(&[("net.ipv4.tcp_keepalive_time", "600")]),
            "ends dead ones sooner, for sockets that ask for keep-alives",
        ),
        disruptive: false,
        undo: sysctl::set(&[("net.ipv4.tcp_keepalive_time", "7200")]),
    });
    fixes
}

fn proofs(trace: &Trace, id: ConnectionId) -> Vec<Proof> {
    let Some(leg) = challenged(trace, id) else { return Vec::new() };
    let (there, back) = (trace.forward(leg), trace.reply(leg));
    let tuple = Tuple::of(leg.of(&trace.vantages), leg.client);
    [
        trace.proof(leg, there.syn, format!("SYN {}", arrow(&tuple))),
        trace.proof(leg, back.first, "an ACK without SYN: of an older connection"),
        trace.proof(leg, there.rst, "the bare reset that it draws"),
        trace.proof(leg, back.syn, "the SYN-ACK, once the SYN came again"),
    ]
    .into_iter()
    .flatten()
    .collect()
}
