//! Services and their real servers, before and after.

use super::{Counts, ServerChange, ServiceChange, Sized, TimeChange, Words, counts};
use crate::breaks::chance::{LEVEL, probability};
use crate::report::{RealServer, Report, Service};
use std::collections::{BTreeMap, BTreeSet};

/// A share must move by this much to matter, however many connections prove it.
const LEAST_SHARE: f64 = 0.05;
/// Medians of fewer connections say nothing.
const LEAST_TIMED: u64 = 5;
/// A median differs where it is so many times the other...
const LEAST_FACTOR: i64 = 2;
/// ...and by at least this much, nanoseconds: less is no wait for anybody.
const LEAST_NS: i64 = 1_000_000;

/// Which service of one report is which of the other.
#[derive(Debug, Default)]
pub(super) struct Matched<'a> {
    /// Good and bad.
    pub pairs: Vec<(&'a Service, &'a Service)>,
    pub appeared: Vec<Sized>,
    pub gone: Vec<Sized>,
    /// No address is the same, so services were matched by port.
    pub by_port: bool,
}

fn name(service: &Service) -> String {
    let end = match service.vip.contains(':') {
        true => format!("[{}]:{}", service.vip, service.port),
        false => format!("{}:{}", service.vip, service.port),
    };
    format!("{end}/{}", service.protocol)
}

pub(super) fn matched<'a>(
    good: &'a Report,
    bad: &'a Report,
    notes: &mut Vec<String>,
) -> Matched<'a> {
    let by_address =
        |a: &Service, b: &Service| (&a.vip, a.port, &a.protocol) == (&b.vip, b.port, &b.protocol);
    let by_port = |a: &Service, b: &Service| (a.port, &a.protocol) == (b.port, &b.protocol);
    let any = good.services.iter().any(|a| bad.services.iter().any(|b| by_address(a, b)));
    let mut matched = Matched {
        by_port: !any && !good.services.is_empty() && !bad.services.is_empty(),
        ..Matched::default()
    };
    let same: &dyn Fn(&Service, &Service) -> bool =
        if matched.by_port { &by_port } else { &by_address };
    let mut taken = BTreeSet::new();
    for before in &good.services {
        let mut fit = bad.services.iter().enumerate().filter(|(_, after)| same(before, after));
        let first = fit.next();
        // A port that several services have tells none of them.
        let twins = good.services.iter().filter(|other| same(before, other)).count();
        match first {
            Some((at, after)) if fit.next().is_none() && twins == 1 => {
                taken.insert(at);
                matched.pairs.push((before, after));
            }
            _ => matched.gone.push(sized(before)),
        }
    }
    let rest = bad.services.iter().enumerate().filter(|(at, _)| !taken.contains(at));
    matched.appeared = rest.map(|(_, service)| sized(service)).collect();
    if matched.by_port && !matched.pairs.is_empty() {
        notes.push("no service has the same address in both: they were matched by port".to_owned());
    }
    matched
}

fn sized(service: &Service) -> Sized {
    Sized { name: name(service), connections: service.totals.connections }
}

/// What differs of a service; nothing where nothing does.
pub(super) fn change(
    (good, bad): &(&Service, &Service),
    notes: &mut Vec<String>,
) -> Option<ServiceChange> {
    let (name, was) = (name(bad), name(good));
    let known = |mode: &str| mode != "unknown";
    let mode =
        (good.mode != bad.mode).then(|| Words { good: good.mode.clone(), bad: bad.mode.clone() });
    let (all, now) = (good.totals.connections, bad.totals.connections);
    let mut change = ServiceChange {
        was: (was != name).then_some(was),
        failed: counts("failed", (good.totals.failed, all), (bad.totals.failed, now)),
        outcomes: outcomes(good, bad),
        real_servers: servers(good, bad, &name, notes),
        mode,
        name,
    };
    // A mode that one of the two could not tell is no other mode.
    if let Some(mode) = change.mode.take_if(|mode| !(known(&mode.good) && known(&mode.bad))) {
        notes.push(format!(
            "{}: forwarding mode {} before, {} now: one of the two does not show it",
            change.name, mode.good, mode.bad
        ));
    }
    let any = change.mode.is_some()
        || change.failed.is_some()
        || !change.outcomes.is_empty()
        || !change.real_servers.is_empty();
    any.then_some(change)
}

fn outcomes(good: &Service, bad: &Service) -> Vec<Counts> {
    let names: BTreeSet<&String> =
        good.totals.outcomes.keys().chain(bad.totals.outcomes.keys()).collect();
    let count = |of: &Service, name: &String| of.totals.outcomes.get(name).copied().unwrap_or(0);
    names
        .into_iter()
        // Where a capture ends decides what is still open.
        .filter(|name| !matches!(name.as_str(), "open" | "unknown" | "completed"))
        .filter_map(|name| {
            let before = (count(good, name), good.totals.connections);
            counts(name, before, (count(bad, name), bad.totals.connections))
        })
        .collect()
}

/// Real servers by address, else by MAC.
fn by_name(service: &Service) -> BTreeMap<&str, Vec<&RealServer>> {
    let mut all: BTreeMap<&str, Vec<&RealServer>> = BTreeMap::new();
    for server in &service.real_servers {
        let name = server.address.as_deref().or(server.mac.as_deref()).unwrap_or("unknown");
        all.entry(name).or_default().push(server);
    }
    all
}

fn servers(
    good: &Service,
    bad: &Service,
    service: &str,
    notes: &mut Vec<String>,
) -> Vec<ServerChange> {
    let (before, after) = (by_name(good), by_name(bad));
    if before.is_empty() || after.is_empty() {
        if before.len() != after.len() {
            let seen = |all: &BTreeMap<_, _>| if all.is_empty() { "none" } else { "some" };
            notes.push(format!(
                "{service}: which real servers serve it is not compared: {} seen before, {} now",
                seen(&before),
                seen(&after)
            ));
        }
        return Vec::new();
    }
    if !before.keys().any(|name| after.contains_key(name)) {
        notes.push(format!(
            "{service}: no real server has the same address in both ({} before, {} now): they are not compared",
            before.len(),
            after.len()
        ));
        return Vec::new();
    }
    let names: BTreeSet<&str> = before.keys().chain(after.keys()).copied().collect();
    let none = Vec::new();
    names
        .into_iter()
        .filter_map(|name| {
            let of = |all: &BTreeMap<&str, Vec<&RealServer>>, service: &Service| {
                let servers = all.get(name).unwrap_or(&none).iter();
                let sent: u64 = servers.map(|server| server.connections).sum();
                // Shares are of the connections whose server is known.
                (sent, service.real_servers.iter().map(|server| server.connections).sum::<u64>())
            };
            let (was, is) = (of(&before, good), of(&after, bad));
            let change = match (was.0, is.0) {
                (0, _) => "appeared",
                (_, 0) => "gone",
                _ => "stayed",
            };
            let stayed = change == "stayed";
            let share = counts("connections", was, is)
                .filter(|_| (portion(was) - portion(is)).abs() >= LEAST_SHARE);
            let one = |all: &BTreeMap<&str, Vec<&RealServer>>| {
                all.get(name).and_then(|servers| servers.first().copied()).cloned()
            };
            let (first, second) = (one(&before), one(&after));
            let pair = first.as_ref().zip(second.as_ref()).filter(|_| stayed);
            let failed = pair.and_then(|(a, b)| {
                let failed = |of: &RealServer| (of.totals.failed, of.totals.connections);
                counts("failed", failed(a), failed(b))
            });
            let change = ServerChange {
                name: name.to_owned(),
                change: change.to_owned(),
                sure: stayed || probability(was.0, was.1, is.0, is.1) < LEVEL,
                share,
                failed,
                times: pair.map(|(a, b)| times(a, b)).unwrap_or_default(),
            };
            let differs = !stayed
                || change.share.is_some()
                || change.failed.is_some()
                || !change.times.is_empty();
            differs.then_some(change)
        })
        .collect()
}

fn portion((part, of): (u64, u64)) -> f64 {
    if of == 0 { 0.0 } else { part as f64 / of as f64 }
}

fn times(good: &RealServer, bad: &RealServer) -> Vec<TimeChange> {
    let (Some(before), Some(after)) = (&good.timing, &bad.timing) else { return Vec::new() };
    if good.connections.min(bad.connections) < LEAST_TIMED {
        return Vec::new();
    }
    let of = [
        ("connect", before.connect_ns, after.connect_ns),
        ("first byte", before.first_byte_ns, after.first_byte_ns),
        ("server", before.server_ns, after.server_ns),
    ];
    of.into_iter()
        .filter_map(|(what, good_ns, bad_ns)| {
            let (good_ns, bad_ns) = (good_ns?, bad_ns?);
            let (less, more) = (good_ns.min(bad_ns), good_ns.max(bad_ns));
            let far =
                more >= less.saturating_mul(LEAST_FACTOR) && more.saturating_sub(less) >= LEAST_NS;
            far.then(|| TimeChange {
                what: what.to_owned(),
                good_ns,
                bad_ns,
                good_of: good.connections,
                bad_of: bad.connections,
            })
        })
        .collect()
}
