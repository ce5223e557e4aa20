//! A service that answers in its own protocol that it does not do what it was asked.

use super::{connections, worded};
use crate::breaks::{Fate, Fault, service_fault};
use crate::diagnose::words::{count, list};
use crate::diagnose::{Facts, Proof, Sighting, ToConfirm, Wording};
use crate::trace::{ConnectionId, Trace};
use crate::wire::fault::{CLOCK_NOT_SET, HOLD_TIMER_EXPIRED, SPEAKS_NO_TLS, Service, words};
use std::collections::BTreeSet;

/// Servers that are asked at most.
const MOST: usize = 3;

pub(in crate::diagnose) fn sightings(f: &Facts) -> Vec<Sighting> {
    if !f.vantages.iter().any(|v| v.side_tables.has_spoken()) {
        return Vec::new();
    }
    let told = |id: &ConnectionId| {
        f.breaks.fate(*id) == Fate::Failed && is_error(f, *id) && service_fault(f, *id).is_some()
    };
    let failed: Vec<Sighting> =
        f.requests().map(|(id, _)| id).filter(told).map(|id| Sighting::of(id, true)).collect();
    if failed.is_empty() { unresolved(f) } else { failed }
}

/// Names that a server does not resolve while it resolves others, or too few to tell: worth a word, and
/// nobody's failure that these captures would show.
fn unresolved(f: &Facts) -> Vec<Sighting> {
    let told = |id: &ConnectionId| {
        f.breaks.fate(*id) == Fate::Well
            && service_fault(f, *id).is_some_and(|(.., Fault(service, _))| service == Service::Dns)
    };
    f.requests().map(|(id, _)| id).filter(told).map(|id| Sighting::of(id, false)).collect()
}

/// Whether the error is what became of a connection, and not something that came before or after it.
fn is_error(f: &Facts, id: ConnectionId) -> bool {
    f.breaks.broken(id).is_some_and(|broken| broken.manner == crate::breaks::Manner::Error)
        && crate::breaks::tls_refused(f, id).is_none()
        && crate::breaks::http2_refused(f, id).is_none()
}

pub(in crate::diagnose) fn proofs(f: &Facts, sighting: &Sighting) -> Vec<Proof> {
    let Some((leg, spoken, fault)) = sighting.connection.and_then(|id| service_fault(f, id)) else {
        return Vec::new();
    };
    let (there, back) = (f.forward(leg), f.reply(leg));
    let first = there.data.is_set() && back.data == spoken.mark;
    let asked = first.then(|| f.proof(leg, there.data, "what the client asks")).flatten();
    let answer = f.proof(leg, spoken.mark, format!("the answer: {}", name(fault)));
    asked.into_iter().chain(answer).collect()
}

fn name(Fault(service, code): Fault) -> String {
    words(service, code)
}

/// Each fault once.
fn faults(f: &Trace, sightings: &[Sighting]) -> Vec<Fault> {
    let mut all: Vec<Fault> = connections(sightings)
        .filter_map(|id| service_fault(f, id))
        .map(|(.., fault)| fault)
        .collect();
    all.sort_unstable();
    all.dedup();
    all
}

pub(in crate::diagnose) fn word(f: &Facts, sightings: &[Sighting]) -> Wording {
    let faults = faults(f, sightings);
    let mut each: Vec<String> = faults.iter().map(|fault| name(*fault)).collect();
    each.dedup();
    let names = list(&each);
    let of = |wanted: Service| faults.iter().filter(|Fault(service, _)| *service == wanted).count();
    let (asked, refused) = (of(Service::Dns), of(Service::DnsRefused));
    if asked > 0 && sightings.iter().all(|s| !s.costly) {
        return of_names(f, sightings, asked);
    }
    let mut why = String::new();
    if asked > 0 {
        let which = if resolves(f, sightings) {
            "It says so after a wait each time, and resolves others, which it knows itself or has asked for elsewhere"
        } else {
            "Each of its answers is of that kind"
        };
        why += &format!(
            " {which}, of {}: so answers a name server whose own questions are not answered.",
            count(asked, "name")
        );
    }
    if refused > 0 {
        why += &format!(
            " It refuses {}, and answers nothing else: so does a name server that takes no questions from that address, or that has none but zones of its own. Where a balancer puts its own address in its clients' place, the server sees that one.",
            count(refused, "name")
        );
    }
    if faults.contains(&Fault(Service::Ntp, CLOCK_NOT_SET)) {
        why += " No client sets its clock by such an answer: the server has found no source of the time itself, or has lost it.";
    }
    if faults.contains(&Fault(Service::Postgres, SPEAKS_NO_TLS)) {
        why += " The client asks for TLS and leaves when it is told so: it is set to take nothing else (sslmode=require or above). Whoever answers, the server or a pooler or proxy in its place, has TLS switched off.";
    }
    if faults.iter().all(|fault| *fault == Fault(Service::Bgp, HOLD_TIMER_EXPIRED)) {
        return unheard(f, sightings);
    }
    worded(
        f,
        sightings,
        format!("the service answers with an error of its own: {names}"),
        format!("{names} in place of what was asked for.{why} The network delivered all of it."),
    )
}

/// Sessions of BGP end, one after the other, since a peer heard nothing of the other.
fn unheard(f: &Facts, sightings: &[Sighting]) -> Wording {
    worded(
        f,
        sightings,
        "BGP sessions end again and again: hold timer expired",
        "one side says NOTIFICATION 4/0, it heard nothing of the other for the hold time that they had agreed on, and the session begins anew. Routes that it brings go with it each time. Keepalives of the other side are not sent in time, or are lost on the way: its processor, a limit for what it lets through to that, or the link.",
    )
}

/// Whether the services that say so answer other questions otherwise.
fn resolves(f: &Facts, sightings: &[Sighting]) -> bool {
    let services: BTreeSet<_> = connections(sightings).map(|id| f.service_of(id)).collect();
    f.requests().any(|(id, c)| {
        c.progress.response
            && services.contains(&f.service_of(id))
            && service_fault(f, id).is_none()
    })
}

/// Of some names a name server says that it could not find out.
fn of_names(f: &Facts, sightings: &[Sighting], asked: usize) -> Wording {
    let rest = if resolves(f, sightings) {
        "Other questions are answered otherwise, so the server resolves names."
    } else {
        "Nothing else was asked there, so whether it resolves others does not show."
    };
    let names = count(asked, "name");
    worded(
        f,
        sightings,
        format!("{names} cannot be resolved: DNS SERVFAIL"),
        format!(
            "the server says SERVFAIL of {names}: it could not find out. {rest} The servers of these zones, or the way to them, are at fault; the question and its answer went through."
        ),
    )
}

/// What tells on the server itself why it says so.
fn command(fault: Fault, ip: &str) -> (String, &'static str) {
    match fault {
        Fault(Service::Postgres, SPEAKS_NO_TLS) => (
            "psql -c 'SHOW ssl'; grep -n tls /etc/pgbouncer/pgbouncer.ini".to_owned(),
            "off, or no client_tls_sslmode: it speaks no TLS",
        ),
        Fault(Service::Postgres, _) => (
            "psql -c 'SELECT state, count(*) FROM pg_stat_activity GROUP BY 1' -c 'SHOW max_connections' -c 'SELECT pg_is_in_recovery()'".to_owned(),
            "who holds its connections, how many it takes, and whether it is a standby; a pooler's limits stand in its own settings",
        ),
        Fault(Service::Redis, _) => (
            "redis-cli INFO replication; redis-cli INFO persistence; redis-cli INFO clients".to_owned(),
            "its role, whether it loads or cannot write, and how many clients it has; where it is a replica, the balancer's check has to ask for 'role:master'",
        ),
        Fault(Service::Dns, _) => (
            format!("dig +tries=1 @{ip} . NS; dig +trace +tries=1 . NS; timeout 30 tcpdump -ni any 'port 53 and not host {ip}'"),
            "whether its own questions to others leave, and are answered",
        ),
        Fault(Service::DnsRefused, _) => (
            "named-checkconf -p | grep -nE 'allow-(query|recursion)|recursion'; unbound-control get_option access-control; grep -nE 'acl|forward' /etc/coredns/Corefile".to_owned(),
            "whom it lets ask, and whether it answers for more than zones of its own",
        ),
        Fault(Service::Ntp, CLOCK_NOT_SET) => (
            "chronyc tracking; chronyc sources; ntpq -pn".to_owned(),
            "whether it reaches a source of the time (a * before it), or has none: 'local stratum' lets it serve its own",
        ),
        Fault(Service::Bgp, HOLD_TIMER_EXPIRED) => (
            "vtysh -c 'show bgp neighbors' -c 'show bgp summary'   # FRR; 'birdc show protocols all' (BIRD); timeout 60 tcpdump -ni any 'tcp port 179'".to_owned(),
            "on each side the last message that it read, and whether keepalives of the other come each third of the hold time",
        ),
        Fault(Service::Bgp, _) => (
            "vtysh -c 'show bgp neighbors'   # FRR; 'birdc show protocols all' (BIRD)".to_owned(),
            "the AS numbers, passwords, families and limits that each side expects of the other",
        ),
        Fault(Service::Ssh, _) => (
            "sshd -T | grep -iE 'maxstartups|persource|logingracetime'; ss -tn 'sport = :22'".to_owned(),
            "how many may be at their login at once, in all and of one address: behind a balancer that puts its own address in their place all clients are one, and its checks that say nothing stay for LoginGraceTime",
        ),
        Fault(Service::Ntp, 1) => (
            "grep -nE 'ratelimit|limited|discard' /etc/chrony/chrony.conf /etc/chrony.conf /etc/ntp.conf".to_owned(),
            "a limit counts by address: all clients behind one that a balancer puts in their place share it. The balancer keeps the clients' addresses, or the limit spares its own",
        ),
        Fault(Service::Http2, 11) => (
            "# keepalive of the client: its interval, and whether it pings without a call; of the server: the least interval that it permits".to_owned(),
            "a server that is pinged more often than it permits says ENHANCE_YOUR_CALM (gRPC: five minutes, unless it is told otherwise)",
        ),
        Fault(..) => (
            "# its log at the time of the first proof".to_owned(),
            "the service says there why",
        ),
    }
}

/// The servers that said so, else the service's address.
pub(in crate::diagnose) fn next(f: &Facts, sightings: &[Sighting]) -> Vec<ToConfirm> {
    let mut asked: Vec<ToConfirm> = Vec::new();
    for id in connections(sightings) {
        let Some((.., fault)) = service_fault(f, id) else { continue };
        let front = f.connection(id).front.server;
        let server = f.server(id);
        let ip = server.and_then(|s| s.address).unwrap_or(front.0);
        let (command, why) = command(fault, &ip.to_string());
        let host = if f.is_shared(ip) || server.and_then(|s| s.address).is_none() {
            format!("the server that answers for {}", front.0)
        } else {
            ip.to_string()
        };
        let check = ToConfirm { host, command, why: why.to_owned() };
        if asked.len() < MOST && !asked.contains(&check) {
            asked.push(check);
        }
    }
    asked
}

/// Who answers so says itself what is at fault.
pub(in crate::diagnose) fn names_culprit(_: &Trace, _: &[ConnectionId]) -> bool {
    true
}

pub(in crate::diagnose) fn blind(f: &Facts) -> Option<String> {
    super::no_tcp(f)
}
