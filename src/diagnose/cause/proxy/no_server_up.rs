//! A balancer turns clients away because none of the servers that it asks for their health passes.
//!
//! All of it must show at one host: its checks, every one of which fails, and clients whom it
//! answers with 503 or a reset by itself. That the one is for the other no frame says, so this is
//! likely at most.

use crate::breaks::{Group, Manner};
use crate::diagnose::cause::syns_or_blind;
use crate::diagnose::facts::proxy::failed_pools::{FailedPool, is_refusal};
use crate::diagnose::words::{agree, count, list, share};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Names, Proof, Severity, Subject};
use crate::flow::Mark;
use crate::topology::{Role, ServiceId};
use crate::trace::ConnectionId;
use crate::wire::Ip;
use std::collections::BTreeSet;

/// The checks themselves stand beside it, with what to ask of each server.
pub(in crate::diagnose) const EXPLAINS: &[&str] = &["http-5xx", "syn-refused"];

/// Servers that a finding names and asks at most.
const MOST: usize = 3;

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let pools = facts.failed_pools();
    let each = pools.iter().flat_map(|pool| pool.turned_away.keys().map(move |s| (pool, *s)));
    let findings: Vec<Finding> = each.map(|(pool, s)| finding(facts, pool, s)).collect();
    Detection::from(findings, || syns_or_blind(facts))
}

fn finding(facts: &Facts, pool: &FailedPool, service: ServiceId) -> Finding {
    let names = Names(facts);
    let (who, s) = (names.full(pool.host), facts.topology.service(service));
    let ids = &pool.turned_away[&service];
    let refused = ids.iter().filter(|id| is_refusal(facts, **id)).count();
    let own = ids.iter().any(|id| facts.pairs.carried.contains_key(&id.0));
    let how = match refused {
        0 if own => "answers with 503 from a server of its own on loopback",
        0 => "answers with 503 by itself, without asking anybody",
        n if n == ids.len() => "refuses with a reset by itself",
        _ => "answers with 503 or a reset by itself",
    };
    let servers = named(pool);
    let (verb, n) = (agree(pool.servers.len(), "fails", "fail"), pool.checks.len());
    let title =
        format!("{who} turns clients of {} away: {servers} {verb} its health checks", s.name());
    // One balancer may have several ports; another address is as likely another program's.
    let vips: BTreeSet<Ip> =
        pool.turned_away.keys().map(|s| facts.topology.service(*s).vip).collect();
    let others = if pool.passing.is_some() {
        " Checks of other servers pass; which of them serve these clients no frame says."
    } else if vips.len() > 1 {
        " Clients of another address here are turned away as well; for which of them these servers are no frame says."
    } else {
        ""
    };
    let explanation = format!(
        "{who} asks {servers} for their health, and all {} fail: {}. Clients of {} it {how}, as a balancer does that counts no server as up.{others} {} turned away.",
        count(n, "check"),
        ends(facts, &pool.checks),
        s.name(),
        share(facts, service, ids, "are")
    );
    let alone = others.is_empty();
    let confidence = if alone { Confidence::Likely } else { Confidence::Possible };
    let mut finding = Finding::cause("no-server-up", title, explanation)
        .rated(Severity::Critical, confidence)
        .naming_checks();
    if refused > 0 {
        finding.candidate("connection-refused", "then nothing on this host takes connections on that address and port at all, and the checks are another program's");
    }
    finding.confirm(
        names.place(pool.host),
        "# what it says of its servers: 'show servers state' on the admin socket (haproxy), the state of the pool and its members on an appliance, the log",
        "all of them down, since when, and by which check: that is it",
    );
    for (ip, port) in pool.servers.iter().take(MOST) {
        finding.confirm(ip.to_string(), asked(facts, pool, *ip, *port), "what the check meets there: a listener, a rule that counts each, or an error with its reason");
    }
    finding.proofs = proofs(facts, pool, ids);
    let role = |(ip, port): &(Ip, u16)| Subject {
        role: Role::RealServer,
        address: Some(*ip),
        mac: None,
        port: Some(*port),
    };
    let mut subjects: Vec<Subject> = pool.servers.iter().map(role).collect();
    subjects.push(names.subject(Role::Director, pool.host));
    finding.concerning(subjects, ids.clone())
}

fn named(pool: &FailedPool) -> String {
    let mut texts: Vec<String> =
        pool.servers.iter().take(MOST).map(|(ip, port)| ip.with_port(*port)).collect();
    if pool.servers.len() > MOST {
        texts.push(format!("{} more", pool.servers.len() - MOST));
    }
    list(&texts)
}

fn group_of<'a>(facts: &'a Facts<'_>, id: ConnectionId) -> Option<&'a Group> {
    facts.breaks.group_of(id).map(|group| facts.breaks.group(group))
}

/// What became of the checks.
fn ends(facts: &Facts, checks: &[ConnectionId]) -> String {
    let end = |id: &ConnectionId| {
        if let Some((.., status)) = facts.first_error(*id) {
            return format!("answered with status {status}");
        }
        match group_of(facts, *id).map(|group| group.manner) {
            Some(Manner::Refused) => "refused".to_owned(),
            Some(Manner::Rejected) => "rejected by ICMP".to_owned(),
            Some(Manner::Cut(_)) => "accepted and reset".to_owned(),
            _ => "without an answer".to_owned(),
        }
    };
    let ends: BTreeSet<String> = checks.iter().map(end).collect();
    list(&ends.into_iter().collect::<Vec<_>>())
}

/// What to ask on a server that fails.
fn asked(facts: &Facts, pool: &FailedPool, ip: Ip, port: u16) -> String {
    let to = |id: &&ConnectionId| facts.connection(**id).front.server == (ip, port);
    let told = pool.checks.iter().find(to).is_some_and(|id| facts.first_error(*id).is_some());
    if told {
        format!("ss -ltnp 'sport = :{port}'   # names the program; its log says why")
    } else {
        format!(
            "ss -ltn 'sport = :{port}'; tcpdump -ni any 'tcp port {port}'; nft list ruleset; iptables-save -c | grep -iE 'drop|reject'"
        )
    }
}

fn proofs(facts: &Facts, pool: &FailedPool, ids: &[ConnectionId]) -> Vec<Proof> {
    let mut proofs = Vec::new();
    let mut shown = Vec::new();
    for id in &pool.checks {
        let server = facts.connection(*id).front.server;
        if shown.len() >= MOST - 1 || shown.contains(&server) {
            continue;
        }
        shown.push(server);
        let Some(leg) = facts.legs(*id).first() else { continue };
        let (there, back) = (facts.forward(leg), facts.reply(leg));
        proofs.extend(facts.proof(leg, there.syn, "the balancer asks for its health"));
        let error = facts.first_error(*id);
        proofs.extend(match error {
            Some((leg, mark, status)) => {
                facts.proof(leg, mark, format!("the answer, status {status}"))
            }
            None => facts.proof(leg, back.rst, "refused or reset"),
        });
    }
    let passing = pool.passing.and_then(|id| facts.legs(id).first());
    if let Some(leg) = passing {
        let back = facts.reply(leg);
        let answer = back.data.get().or(back.syn.get()).unwrap_or(Mark::NONE);
        proofs.extend(facts.proof(leg, answer, "another server passes its check"));
    }
    let client = ids.first().and_then(|id| Some((*id, facts.legs(*id).first()?)));
    if let Some((id, leg)) = client {
        let (there, back) = (facts.forward(leg), facts.reply(leg));
        let refused = is_refusal(facts, id);
        let (asks, answer) = if refused { (there.syn, back.rst) } else { (there.data, back.data) };
        proofs.extend(facts.proof(leg, asks, "a client comes"));
        proofs.extend(facts.proof(leg, answer, "and is turned away by this host itself"));
    }
    proofs
}
