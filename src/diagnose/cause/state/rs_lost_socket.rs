//! A real server resets segments of connections that it had accepted: its
//! process or its kernel was started anew, or somebody closed its sockets.
//!
//! Told from a director without an entry by the host that sends the reset, and
//! by the director's own capture, which then shows that it sent the segment on.

use crate::diagnose::cause::{clean_in, severity};
use crate::diagnose::decide::reset::WhyReset;
use crate::diagnose::facts::state::resets::{Forgotten, by_host};
use crate::diagnose::facts::way::passages::passage;
use crate::diagnose::words::{self, share};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Names, Proof};
use crate::topology::{HostId, Mode, Role, ServiceId};
use crate::trace::{ConnectionId, Trace};

pub(in crate::diagnose) const EXPLAINS: &[&str] = &["rst-no-socket", "connection-reset"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let own = facts.resets().iter().filter(|one| one.why() == WhyReset::LostSocket);
    let findings = by_host(facts, own)
        .into_iter()
        .map(|((service, host), set)| finding(facts, service, host, &set));
    Detection::from(findings.collect(), || clean_in(facts, &Mode::LAYER_4))
}

fn finding(facts: &Facts, service: ServiceId, host: HostId, set: &[Forgotten]) -> Finding {
    let names = Names(facts);
    let s = facts.topology.service(service);
    let ids: Vec<ConnectionId> = set.iter().map(|f| f.id).collect();
    let server = names.place(host);
    let shown = set.iter().find(|f| f.own).or_else(|| set.first());
    let passed = set.iter().any(|f| f.signs.sent_on == Some(true));
    let title = format!("{server} forgot connections that it had accepted, as after a restart");
    let seen = if shown.is_some_and(|f| f.own) {
        "The segments arrive there, and its kernel answers"
    } else {
        "The segments are sent on to it, and its MAC and TTL are on the answer,"
    };
    let explanation = format!(
        "{server} had accepted these connections to {}; their next segments draw a bare RST from it. {seen} that it has no socket for them: the process or the host was started anew without closing them, or something closed its sockets. {} cut off.",
        s.name(),
        share(facts, service, &ids, "are")
    );
    let mut finding = Finding::cause("rs-lost-socket", title, explanation);
    finding.severity = severity(facts, &ids);
    // It may never have had what these captures show it reset.
    let known = set.iter().any(|f| f.signs.known == Some(true));
    if !known {
        finding.candidate("ecmp-rehash-wrong-server", "then another real server sent the SYN-ACK: capture on all of them from the connections' beginning on");
    }
    finding.confidence = if !known {
        Confidence::Likely
    } else if shown.is_some_and(|f| f.own) || passed {
        Confidence::Certain
    } else {
        finding.candidate(
            "director-no-entry-rst",
            "then the director's own capture shows the segment come in and not go out",
        );
        Confidence::Likely
    };
    let port = facts.server(ids[0]).map_or(s.port, |r| r.port);
    finding.confirm(server.clone(), format!("ps -o lstart=,cmd= -p \"$(ss -Hltnp 'sport = :{port}' | grep -o 'pid=[0-9]*' | head -1 | cut -d= -f2)\"; uptime -s; nstat -az TcpOutRsts"), "a start after the connections began: this is it");
    let until = format!("before the next restart of {server}, till its ActiveConn is 0");
    finding.fixes = words::rest(facts, service, &[host], port, &until);
    if let Some(shown) = shown {
        finding.proofs = proofs(facts, shown);
    }
    finding.subjects = vec![names.subject(Role::RealServer, host)];
    finding.subjects[0].port = Some(port);
    finding.connections = ids;
    finding
}

fn proofs(trace: &Trace, shown: &Forgotten) -> Vec<Proof> {
    let id = shown.id;
    let directors = trace.service(id).directors.iter();
    let mut passages = directors.filter_map(|d| passage(trace, id, d.host));
    let mut proofs = Vec::new();
    if let Some(passage) = passages.find(|p| !p.is_withheld(trace, id)) {
        proofs.extend(passage.proof_out(trace, id, "the director sends the segment on"));
    }
    proofs.extend(shown.proofs(
        trace,
        "a segment of an established connection, as the real server gets it",
        "the real server's bare RST: it has no socket for it",
    ));
    proofs
}
