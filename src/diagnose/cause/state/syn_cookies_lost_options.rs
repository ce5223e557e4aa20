//! A real server answers SYNs without window scaling, SACK and timestamps though the
//! client offers them: as SYN cookies do, which have no room for options.
//!
//! Against what the same server, or others of its pool, answer to such SYNs: a stack
//! that never had the options is not told from it, so nothing here is certain.

use crate::correlate::Leg;
use crate::diagnose::cause::clean_in;
use crate::diagnose::facts::state::bare_answers::{Answers, answer, sent_itself};
use crate::diagnose::thresholds::NO_COINCIDENCE;
use crate::diagnose::words::commands::sysctl;
use crate::diagnose::words::{self, share};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Names, Proof, Severity};
use crate::topology::{HostId, Mode, Role, ServiceId};
use crate::trace::{ConnectionId, Trace};
use std::collections::BTreeMap;

pub(in crate::diagnose) const EXPLAINS: &[&str] = &[];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    // Most captures hold no such SYN-ACK, and to ask every connection takes its time.
    if facts.vantages.iter().map(|v| v.tally.bare_syn_acks).sum::<u64>() < NO_COINCIDENCE as u64 {
        return none(facts);
    }
    let mut pools: BTreeMap<ServiceId, BTreeMap<HostId, Answers>> = BTreeMap::new();
    let balanced = facts.requests().filter(|(id, c)| {
        let mode = facts.service(*id).mode;
        c.protocol.is_tcp() && c.progress.syn && matches!(mode, Mode::Nat | Mode::Dr | Mode::Tun)
    });
    for (id, _) in balanced {
        let Some((host, leg, kept)) = answer(facts, id) else { continue };
        let service = facts.service_of(id);
        let answers = pools.entry(service).or_default().entry(host).or_default();
        if kept { answers.kept += 1 } else { answers.stripped.push((id, leg)) }
    }
    let findings =
        pools.into_iter().filter_map(|(service, pool)| finding(facts, service, &pool)).collect();
    Detection::from(findings, || none(facts))
}

fn none(trace: &Trace) -> Detection {
    clean_in(trace, &[Mode::Nat, Mode::Dr, Mode::Tun])
}

fn finding(facts: &Facts, service: ServiceId, pool: &BTreeMap<HostId, Answers>) -> Option<Finding> {
    let kept: usize = pool.values().map(|a| a.kept).sum();
    let mut hit: Vec<(HostId, &Answers)> = pool
        .iter()
        .map(|(host, answers)| (*host, answers))
        .filter(|(_, a)| a.stripped.len() >= NO_COINCIDENCE)
        .collect();
    hit.sort_by_key(|(host, a)| (std::cmp::Reverse(a.stripped.len()), *host));
    let (first, _) = *hit.first().filter(|_| kept >= NO_COINCIDENCE)?;
    let names = Names(facts);
    let who = words::list(&hit.iter().map(|(h, _)| names.host(*h)).collect::<Vec<_>>());
    // The same server sends both kinds: no stack does that by its settings alone.
    let mixed = hit.iter().any(|(_, a)| a.kept > 0);
    let ids: Vec<ConnectionId> =
        hit.iter().flat_map(|(_, a)| a.stripped.iter().map(|(id, _)| *id)).collect();
    let itself = hit
        .iter()
        .all(|(host, a)| a.stripped.iter().all(|(_, leg)| sent_itself(facts, *host, leg)));
    let beside = if mixed { "at other times" } else { "of other real servers" };
    let title = format!("{who} accepts connections without the TCP options that clients offer");
    let explanation = format!(
        "{} SYN-ACKs of {who} have a maximum segment size and nothing else, though the SYNs offer window scaling and SACK; {kept} {beside} have them. So do SYN cookies, which a kernel sends when its queue of half-open connections is full, or always with tcp_syncookies=2. Such a connection carries at most 64 KiB a round trip and recovers from loss slowly. {} concerned.",
        ids.len(),
        share(facts, service, &ids, "are")
    );
    let mut finding = Finding::cause("syn-cookies-lost-options", title, explanation).rated(
        Severity::Warning,
        if mixed && itself { Confidence::Likely } else { Confidence::Possible },
    );
    if !mixed || !itself {
        finding.candidate("synproxy-side-effects", "then something in front of the server answers in its stead: the SYN-ACK does not leave the server's own TCP");
    }
    let server = names.place(first);
    finding.confirm(server.clone(), "nstat -az TcpExtSyncookiesSent TcpExtSyncookiesRecv TcpExtTCPReqQFullDoCookies; sysctl net.ipv4.tcp_syncookies net.ipv4.tcp_window_scaling net.ipv4.tcp_sack net.ipv4.tcp_timestamps", "SyncookiesSent grows, or tcp_syncookies is 2: this is it; options switched off: the kernel never had them");
    finding.fixes = vec![
        sysctl::change(server.clone(), &[("net.ipv4.tcp_syncookies", "1", "2")])
            .because("only when the queue is full"),
        sysctl::change(
            server,
            &[
                ("net.ipv4.tcp_max_syn_backlog", "8192", "1024"),
                ("net.core.somaxconn", "8192", "4096"),
            ],
        )
        .because("and a larger backlog in the program"),
    ];
    let shown = hit.first().and_then(|(_, a)| a.stripped.first());
    finding.proofs = shown.map(|(_, leg)| proofs(facts, leg)).unwrap_or_default();
    finding.subjects = hit.iter().map(|(h, _)| names.subject(Role::RealServer, *h)).collect();
    finding.connections = ids;
    finding.connections.sort_unstable();
    Some(finding)
}

fn proofs(trace: &Trace, leg: &Leg) -> Vec<Proof> {
    let (there, back) = (trace.forward(leg), trace.reply(leg));
    let bare = format!("the SYN-ACK: MSS {} and no other option", back.shape.mss);
    Proof::seen([
        trace.proof(leg, there.syn, "the SYN offers window scaling and SACK"),
        trace.proof(leg, back.syn, bare),
    ])
}
