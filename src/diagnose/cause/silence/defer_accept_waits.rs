//! A listener with TCP_DEFER_ACCEPT where the server speaks first: its kernel does not give
//! the connection to the program before the client's first bytes, and the client waits for
//! the greeting (tcp(7); Linux `tcp_minisocks.c`, `tcp_check_req`).
//!
//! At the capture of the listener's host: the ACK comes in, and the SYN-ACK goes out again.
//! A client that speaks first is never held, so nothing is said where one was.

use crate::breaks::Fate;
use crate::diagnose::decide::silence::WhyHeld;
use crate::diagnose::facts::silence::held_handshakes::{Holding, holding};
use crate::diagnose::words::{agree, count, name, names, seconds, share};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Names, Proof, Severity};
use crate::topology::{Mode, Role};

pub(in crate::diagnose) const EXPLAINS: &[&str] = &["no-greeting"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let (mut holding, looked) = holding(facts);
    holding.retain(|h| h.why() == WhyHeld::Deferred);
    let sets = holding.chunk_by(|a, b| a.service == b.service);
    Detection::from(sets.map(|set| finding(facts, set)).collect(), || match looked {
        0 => Detection::unchecked(
            "no capture of a host that answers SYNs shows whether it heeds the ACK; capture on the real servers",
        ),
        _ => Detection::Clean,
    })
}

fn finding(facts: &Facts, set: &[Holding]) -> Finding {
    let service = facts.topology.service(set[0].service);
    let subject = |h: &Holding| {
        let role = match service.mode {
            _ if service.is_director(h.host) => Role::Director,
            Mode::Unknown => Role::Server,
            _ => Role::RealServer,
        };
        Names(facts).subject(role, h.host)
    };
    let mut listeners: Vec<_> = set.iter().map(|h| (subject(h), h)).collect();
    // Whatever the order of the captures.
    listeners.sort_by_key(|(s, h)| (s.address, s.mac, h.port));
    let subjects: Vec<_> = listeners.iter().map(|(s, _)| s.clone()).collect();
    let mut ids: Vec<_> = set.iter().flat_map(|h| h.held.iter().copied()).collect();
    ids.sort_unstable();
    let (who, first) = (names(&subjects), listeners[0].1);
    let verb = agree(set.len(), "waits", "wait");
    let title = format!("{who} {verb} for clients to speak, which wait for the greeting");
    let end = first.greeted_ns.map_or_else(
        || "the first got no greeting at all".to_owned(),
        |ns| format!("the greeting of the first came {} after its ACK", seconds(ns)),
    );
    let explanation = format!(
        "{} to {} {} for the client, whose ACK arrives at {who}; the SYN-ACK goes out again as if it had not, and {end}. No client that spoke first was held. So does a listener with TCP_DEFER_ACCEPT (haproxy defer-accept, nginx deferred): it gives a connection to its program when the first bytes of the client come, and here the server is to speak first.",
        share(facts, first.service, &ids, ""),
        service.name(),
        agree(ids.len(), "stands", "stand"),
    );
    let mut finding = Finding::cause("defer-accept-waits", title, explanation);
    // A connection without its greeting is open, and failed.
    if ids.iter().any(|id| facts.breaks.fate(*id) == Fate::Failed) {
        finding.severity = Severity::Critical;
    }
    finding.confidence = Confidence::Likely;
    finding.candidate(
        "accept-queue-overflow",
        "then TcpExtListenOverflows grows with each, and TcpExtTCPDeferAcceptDrop stands still",
    );
    for (subject, listener) in &listeners {
        let (who, port) = (name(subject), listener.port);
        finding.confirm(
            who.clone(),
            "nstat -az TcpExtTCPDeferAcceptDrop TcpExtListenOverflows; grep -rnE 'defer-accept|deferred|AcceptFilter' /etc/haproxy /etc/nginx /etc/apache2 /etc/httpd",
            "TCPDeferAcceptDrop that grows with every connection: this is it",
        );
        finding.fix(
            format!("{who}, if haproxy listens there; for nginx take 'deferred' from 'listen', for Apache set 'AcceptFilter' to none, for another program its option of the kind"),
            format!("sed -i.before -E '/bind .*:{port}\\b/s/ defer-accept\\b//' /etc/haproxy/haproxy.cfg\nsystemctl reload haproxy"),
            "mv /etc/haproxy/haproxy.cfg.before /etc/haproxy/haproxy.cfg\nsystemctl reload haproxy",
        );
    }
    let [syn_ack, ack, end] = first.shown;
    let times = count(usize::from(first.syn_acks), "time");
    let last = if first.greeted_ns.is_some() { "the greeting" } else { "the last, no greeting" };
    finding.proofs = vec![
        Proof::at(syn_ack, format!("the SYN-ACK leaves; it is sent {times} in all")),
        Proof::at(ack, "the client's ACK arrives, before it is sent again"),
        Proof::at(end, last.to_owned()),
    ];
    finding.concerning(subjects, ids)
}
