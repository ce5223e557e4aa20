//! A SYN meets an old connection on the same five-tuple: the server answers with an ACK
//! of the old one, the sender resets that and must send its SYN again.
//!
//! The pattern of frames is the proof: SYN, an ACK without SYN, the bare reset that
//! answers it, the same SYN again. A late segment of the old connection that has bytes
//! or a FIN is none. A sender that resets nothing sends its SYN until the old connection
//! is gone: the ACK comes before it has acknowledged anything, and no SYN-ACK with it.

use crate::correlate::Tuple;
use crate::diagnose::cause::{each_service, severity, syns_or_blind};
use crate::diagnose::facts::state::challenged_syns::{
    challenged, delay_ns, is_reset, old_closed, victims,
};
use crate::diagnose::facts::{each_once, telling};
use crate::diagnose::fix::Join;
use crate::diagnose::words::commands::sysctl;
use crate::diagnose::words::{self, agree, arrow, count, counted, list, list_of};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Fix, Proof, Subject};
use crate::topology::{Mode, Role, ServiceId};
use crate::trace::{ConnectionId, Trace};
use crate::wire::Ip;

pub(in crate::diagnose) const EXPLAINS: &[&str] =
    &["rst-no-socket", "syn-unanswered", "connection-reset"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let hit =
        facts.requests().filter(|(id, c)| c.protocol.is_tcp() && challenged(facts, *id).is_some());
    let findings =
        each_service(facts, hit.map(|(id, _)| id), |service, ids| finding(facts, service, ids));
    Detection::from(findings, || syns_or_blind(facts))
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
    let who = words::names(&subjects);
    let callers = |one, many| agree::<&str>(subjects.len(), one, many);
    let servers = words::servers(facts, &ids);
    let server = if servers.is_empty() {
        format!("the server of {}", s.name())
    } else {
        words::names(&servers)
    };
    let delay = ids.iter().filter_map(|id| delay_ns(facts, *id)).max();
    let lost = delay.map_or_else(String::new, |ns| {
        format!(" That delays the handshake by up to {} ms.", ns / 1_000_000)
    });
    let reset = ids.iter().all(|id| challenged(facts, *id).is_some_and(|l| is_reset(facts, l)));
    let then = if reset {
        format!("{who} {} that, and only the repeated SYN is accepted", callers("resets", "reset"))
    } else {
        format!(
            "{who} {} not reset that, and only a SYN much later is accepted, if any is",
            callers("does", "do")
        )
    };
    let victims = victims(facts, &ids);
    let cut = match victims.len() {
        0 => String::new(),
        n => format!(
            " The reset ends the old one: {} on these ports {} cut off.",
            count(n, "older connection"),
            agree(n, "is", "are")
        ),
    };
    let title = if victims.is_empty() {
        format!("new connections of {who} are delayed by old ones on the same port at {server}")
    } else {
        format!(
            "{who} {} ports again at {server}: old connections are cut off, new ones delayed",
            callers("uses", "use")
        )
    };
    // Somebody between the client and the balancer chose the port.
    let behind: Vec<Ip> =
        each_once(ids.iter().zip(&tuples).filter(|_| !rewritten).filter_map(|(id, tuple)| {
            let client = facts.connection(*id).front.client.0;
            (client != tuple.client.0).then_some(client)
        }));
    let translator = if behind.is_empty() {
        String::new()
    } else {
        format!(
            " {who} is the address of a translator, behind which {} {}: it may use one port for several destinations, which are one to the server when balancers in front of it keep the source.",
            list_of(&behind),
            agree(behind.len(), "is", "are")
        )
    };
    let state = if old_closed(facts, &ids) {
        agree(
            servers.len().max(1),
            "has closed and not forgotten yet (TIME_WAIT)",
            "have closed and not forgotten yet (TIME_WAIT)",
        )
    } else {
        agree(servers.len().max(1), "still has", "still have")
    };
    let uses = callers("uses", "use");
    let explanation = format!(
        "{who} {uses} a port again of a connection that {server} {state}. The SYN is answered by an ACK of the old connection instead of a SYN-ACK, {then}.{lost}{cut}{translator} {} delayed this way.",
        counted(ids.len(), "connection", "are"),
    );
    let mut finding = Finding::cause("tuple-reuse-challenge-ack", title, explanation);
    finding.severity = severity(facts, &[&ids[..], &victims[..]].concat());
    finding.confidence = if reset { Confidence::Certain } else { Confidence::Likely };
    let arrived = ids.iter().all(|id| {
        let host = challenged(facts, *id).and_then(|leg| facts.host_of(leg));
        host.is_some() && host == facts.server(*id).and_then(|s| s.host)
    });
    // Its own capture shows the first SYN come in.
    if !reset && !arrived {
        finding.candidate("packet-loss", "then the ACK is a late one of the connection before, and the server's own capture does not show the first SYN come in");
    }
    let ports: Vec<String> = tuples.iter().map(|t| t.client.1.to_string()).collect();
    finding.confirm(
        server.clone(),
        format!(
            "ss -tan 'dst {}'; nstat -az TcpExtTCPSYNChallenge TcpExtTCPChallengeACK",
            tuples.first().map_or_else(|| "CIP".to_owned(), |t| t.client.0.to_string())
        ),
        format!("old sockets towards the ports that are used again ({})", list(&ports)),
    );
    let kept = victims.is_empty() && !old_closed(facts, &ids);
    let stamped = ids
        .iter()
        .all(|id| challenged(facts, *id).is_some_and(|leg| facts.forward(leg).shape.stamped()));
    let narrow = tuples.iter().all(|tuple| DRAWN.contains(&tuple.client.1));
    finding.fixes = if behind.is_empty() {
        fixes(&Shown { who: &who, server: &server, rewritten, kept, narrow, stamped })
    } else {
        of_translator(&who)
    };
    finding.proofs = telling(facts, &ids).map(|id| proofs(facts, id)).unwrap_or_default();
    finding.subjects = subjects;
    finding.subjects.extend(servers);
    finding.connections = ids;
    finding.connections.extend(victims);
    finding.connections.sort_unstable();
    finding
}

/// Where the client does not choose the port, nothing that is set there helps.
fn of_translator(who: &str) -> Vec<Fix> {
    vec![
        Fix::disruptive(
            "the balancer, in its own settings",
            "# let one port of a translator reach a server by one way only: client IP preservation off (servers then see the balancer's address), or cross-zone balancing off where a name leads to one node a zone",
            "Set it back.",
        ),
        Fix::safe(
            format!("the translator {who}"),
            "# more addresses of its own: each of its ports then rests longer",
            "Take them away again once they carry no connection.",
        )
        .or(),
    ]
}

/// Ports that Linux gives by itself (`net.ipv4.ip_local_port_range`): who draws others was
/// given another range, or is no Linux host.
const DRAWN: std::ops::RangeInclusive<u16> = 32_768..=60_999;

/// What the shown connections have in common that decides how they are mended.
struct Shown<'a> {
    who: &'a str,
    server: &'a str,
    /// The balancer chose the port.
    rewritten: bool,
    /// A program on the server never closed the old connections.
    kept: bool,
    /// All ports are of the range that Linux draws from, so that a wider one adds some.
    narrow: bool,
    /// The SYNs carry timestamps.
    stamped: bool,
}

fn fixes(shown: &Shown<'_>) -> Vec<Fix> {
    let Shown { who, server, rewritten, kept, narrow, stamped } = *shown;
    let mut fixes = Vec::new();
    if rewritten {
        fixes.push(Fix::safe(
            who.to_owned(),
            "# add local addresses: another 'source' (haproxy) or 'proxy_bind' (nginx), another address in laddr_group (FullNAT)",
            "Take them out again once they carry no connection.",
        ));
    }
    if narrow {
        let wider = [("net.ipv4.ip_local_port_range", "15000 65535", "32768 60999")];
        fixes.push(
            sysctl::change(who.to_owned(), &wider).because("more ports, so that each rests longer; ports that programs listen on there belong in net.ipv4.ip_local_reserved_ports before, and a program that binds its own is not helped"),
        );
    } else if !rewritten {
        fixes.push(Fix::safe(
            format!("{who}, in its own settings"),
            "# a longer rest of each port before it is used again (60 s, the server's TIME_WAIT), more ports, or more source addresses",
            "Set it back.",
        ));
    }
    if !stamped && !kept {
        // RFC 6191: a SYN with a later timestamp is taken in TIME_WAIT, whatever its number.
        fixes.push(
            sysctl::change(
                format!("both {who} and {server}, as far as they run Linux"),
                &[("net.ipv4.tcp_timestamps", "1", "0")],
            )
            .because("a SYN with a later timestamp is taken at once, whatever its number"),
        );
    }
    if kept {
        fixes.push(
            sysctl::change(
                format!("{server}, if a program there never closed the old connections"),
                &[("net.ipv4.tcp_keepalive_time", "600", "7200")],
            )
            .because("ends dead ones sooner, for sockets that ask for keep-alives"),
        );
    }
    for fix in fixes.iter_mut().skip(1) {
        fix.join = Join::Or;
    }
    fixes
}

fn proofs(trace: &Trace, id: ConnectionId) -> Vec<Proof> {
    let Some(leg) = challenged(trace, id) else { return Vec::new() };
    let (there, back) = (trace.forward(leg), trace.reply(leg));
    let tuple = Tuple::of(leg.of(&trace.vantages), leg.client);
    Proof::seen([
        trace.proof(leg, there.syn, format!("SYN {}", arrow(&tuple))),
        trace.proof(leg, back.first, "an ACK without SYN: of an older connection"),
        trace.proof(leg, there.rst, "the bare reset that it draws"),
        trace.proof(leg, back.syn, "the SYN-ACK, once the SYN came again"),
    ])
}
