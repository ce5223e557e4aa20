//! A listener's queue of finished handshakes is full: its kernel drops further
//! SYNs without a word (Linux `tcp_conn_request`, `sk_acceptq_is_full`).
//!
//! All of it shows at the real server's own capture: SYNs that arrive again and
//! again and get nothing, while connections of the same sources that it accepted
//! before wait for their first answer, their requests acknowledged by the kernel
//! and not read by the program. Loss on the way is none of it: what counts has
//! arrived.

use crate::diagnose::cause::{by_server_host, needs_mode, severity};
use crate::diagnose::decide::silence::WhyDropped;
use crate::diagnose::facts::silence::queues::{Dropping, dropping};
use crate::diagnose::facts::way::arrivals::{Arrived, arrived, may_be_silent};
use crate::diagnose::words::{self, agree, share};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Names, Proof};
use crate::topology::{HostId, Mode, Role, ServiceId};
use crate::trace::ConnectionId;

pub(in crate::diagnose) const EXPLAINS: &[&str] =
    &["syn-unanswered", "handshake-incomplete", "retransmission"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let mut findings = Vec::new();
    let mut looked = false;
    for (i, service) in facts.topology.services.iter().enumerate() {
        if service.is_backend || !Mode::LAYER_4.contains(&service.mode) {
            continue;
        }
        let of_service =
            facts.requests_to(ServiceId(i as u32)).filter(|(_, c)| c.protocol.is_tcp());
        let mut full: Vec<Dropping> = Vec::new();
        for (host, ids) in by_server_host(facts, of_service.map(|(id, _)| id)) {
            looked = looked || ids.iter().any(|id| arrived(facts, *id, host).is_some());
            // Nearly every server is spared the closer look.
            let suspect = ids.iter().any(|id| may_be_silent(facts.connection(*id)));
            if suspect && !service.is_director(host) {
                let all: Vec<Arrived> =
                    ids.iter().filter_map(|id| arrived(facts, *id, host)).collect();
                let dropping = dropping(facts, host, &all);
                full.extend(dropping.filter(|d| d.why() == WhyDropped::Queue));
            }
        }
        // Most concerned first, whatever the order of the captures.
        full.sort_by_key(|f| {
            let subject = Names(facts).subject(Role::RealServer, f.host);
            (std::cmp::Reverse(f.silent.len()), subject.address, subject.mac)
        });
        if !full.is_empty() {
            findings.push(finding(facts, ServiceId(i as u32), &full));
        }
    }
    findings.extend(super::accept_queue_asks_again::findings(facts));
    Detection::from(findings, || {
        if let Some(other) = needs_mode(facts, &Mode::LAYER_4) {
            return other;
        }
        Detection::clean_if(
            looked,
            "no real server's own capture shows the SYNs that reach it; capture on them",
        )
    })
}

fn finding(facts: &Facts, service: ServiceId, full: &[Dropping]) -> Finding {
    let say = Names(facts);
    let s = facts.topology.service(service);
    let ids: Vec<ConnectionId> = full.iter().flat_map(|f| f.silent.iter().copied()).collect();
    let port = facts.server(ids[0]).map_or(s.port, |r| r.port);
    let subjects: Vec<_> = full.iter().map(|f| say.subject(Role::RealServer, f.host)).collect();
    let who = words::names(&subjects);
    let depth = full.iter().map(|f| f.depth).min().unwrap_or(0);
    let verb = agree(full.len(), "accepts", "accept");
    let title = format!("{who} {verb} connections more slowly than they come");
    let explanation = format!(
        "SYNs for {} arrive at {who} and get nothing, while others of the same sources were answered. When they arrive, {depth} or more accepted connections wait for a first answer: the kernel acknowledged their requests, and the program has not answered. A listener whose accept queue is full drops new SYNs without a word. {} lost.",
        s.name(),
        share(facts, service, &ids, "are")
    );
    let mut finding = Finding::cause("accept-queue-overflow", title, explanation)
        .rated(severity(facts, &ids), Confidence::Likely);
    finding.candidate("rs-silent", "then a firewall limits new connections: TcpExtListenOverflows stands still and a rule's counter grows");
    let hosts: Vec<HostId> = full.iter().map(|f| f.host).collect();
    super::queue_mended(facts, &mut finding, service, &hosts, port);
    for f in full {
        finding.proofs.extend([
            Proof::at(f.waiting, "a request that no answer follows until then"),
            Proof::at(f.shown.0, "a SYN that arrives meanwhile"),
            Proof::at(f.shown.1, "and again; nothing answers"),
        ]);
    }
    finding.concerning(subjects, ids)
}
