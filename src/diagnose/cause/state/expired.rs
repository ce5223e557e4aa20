//! Connections that were forgotten on the way for being idle, where only the ends show it:
//! the second form of `lb-idle-timeout`.

use crate::diagnose::cause::severity;
use crate::diagnose::cause::state::idle_timeouts::{CLOUD, LOWER, keep_alive, raise, usual};
use crate::diagnose::facts::each_once;
use crate::diagnose::facts::state::expired::{After, Expired, ExpiredSet};
use crate::diagnose::facts::way::moved_connections::foreign_reset;
use crate::diagnose::words::{list_of, service_subject, share, to_capture};
use crate::diagnose::{Candidate, Confidence, Facts, Finding, Fix, ToConfirm};
use crate::topology::Service;
use crate::trace::ConnectionId;
use crate::wire::Ip;

/// Addresses in a filter at most.
const MOST: usize = 4;
/// What enters a container's network.
const INSIDE: &str = "nsenter -t PID -n ";

/// The TTL of the resets and that of what came before them, if each has another: of the first.
fn foreign(facts: &Facts, set: &ExpiredSet) -> Option<(u8, u8)> {
    let of = |e: &Expired| {
        let mut legs = facts.legs(e.id).iter().filter(|leg| leg.vantage == e.vantage);
        legs.find_map(|leg| foreign_reset(facts, leg))
    };
    let all: Option<Vec<(u8, u8)>> = set.expired.iter().map(of).collect();
    all?.first().copied()
}

/// What only the ends show.
pub(in crate::diagnose) fn by_the_ends(facts: &Facts, set: &ExpiredSet) -> Finding {
    let s = facts.topology.service(set.service);
    let ids: Vec<ConnectionId> = set.expired.iter().map(|e| e.id).collect();
    // Whole seconds, rounded down: what is said to be too long was.
    let silence = format!("{} s", set.least_ns() / 1_000_000_000);
    let after = set.expired.iter().map(|e| e.after).min();
    let foreign = foreign(facts, set);
    let then = match after {
        Some(After::Between) => {
            "are reset by something between the ends: neither of them sent the reset that comes in its name".to_owned()
        }
        Some(After::Reset) => match foreign {
            Some((ttl, before)) => format!("are reset at their next segment, by another device than the one that answered them before (TTL {ttl}, before {before})"),
            None => "are reset at their next segment".to_owned(),
        },
        Some(After::Nothing) => "get no answer to their next segment any more".to_owned(),
        Some(After::Asked) | None => format!(
            "send nothing any more: their client's host asks by ARP for {}, which none of their packets had, as it does when a balancer on that host no longer translates it. A container has a table of its own, in its network namespace",
            wanted(set)
        ),
    };
    let alive = match set.outlived_ns {
        0 => String::new(),
        ns => format!(" Those that were silent for up to {} s live on.", ns / 1_000_000_000),
    };
    let known = usual(set.least_ns())
        .map_or_else(String::new, |s| format!(" A timeout of {s} s is usual in balancers."));
    let title =
        format!("connections to {} that are idle for {silence} are forgotten on the way", s.name());
    let who = if after == Some(After::Asked) {
        "The balancer on the client's own host"
    } else {
        "A balancer, firewall or NAT between the ends"
    };
    let open = match after {
        // Both are told.
        Some(After::Between) => "",
        _ => "; an end that is not told keeps its side open",
    };
    let explanation = format!(
        "Connections to {} that were silent for {silence} or longer {then}.{alive}{known} {who} forgets idle connections. {} of it{open}.",
        s.name(),
        share(facts, set.service, &ids, "die")
    );
    let mut finding = Finding::cause("lb-idle-timeout", title, explanation).rated(
        severity(facts, &ids),
        if set.is_guess() { Confidence::Possible } else { Confidence::Likely },
    );
    finding.candidates.extend(match after {
        // The captures of both ends leave none.
        Some(After::Between) => None,
        // Nor does a reset from elsewhere.
        Some(After::Reset) if foreign.is_some() => None,
        Some(After::Reset) => Some(Candidate {
            id: "rs-lost-socket".into(),
            tell_apart: "then the real server's own capture shows the reset leave".to_owned(),
        }),
        Some(After::Nothing) => Some(Candidate {
            id: "packet-loss".into(),
            tell_apart: "then connections that are not idle lose packets as well".to_owned(),
        }),
        Some(After::Asked) | None => Some(Candidate {
            id: "vip-unowned".into(),
            tell_apart: "then connections that are not idle fail as well".to_owned(),
        }),
    });
    (finding.to_confirm, finding.fixes) = if after == Some(After::Asked) {
        on_the_client(facts, set, &silence)
    } else {
        between(facts, s, set, &silence)
    };
    let shown = set.expired.iter().min_by_key(|e| (e.after, e.id));
    finding.proofs = shown.map(Expired::proofs).unwrap_or_default();
    finding.addresses = each_once(set.expired.iter().filter_map(|e| e.wanted));
    finding.concerning(vec![service_subject(s)], ids)
}

/// What the client's host asked for.
fn wanted(set: &ExpiredSet) -> String {
    let asked: Vec<Ip> = each_once(set.expired.iter().filter_map(|e| e.wanted));
    list_of(&asked)
}

/// Of a table between the ends, wherever it is.
fn between(
    facts: &Facts,
    s: &Service,
    set: &ExpiredSet,
    silence: &str,
) -> (Vec<ToConfirm>, Vec<Fix>) {
    // The far side of who translates has not the service's address.
    let behind = set.expired.iter().filter_map(|e| facts.connection(e.id).back);
    let behind = behind.flat_map(|back| [back.server.0, back.client.0]);
    let mut addresses = each_once(std::iter::once(s.vip).chain(behind));
    addresses.truncate(MOST);
    let limits = match set.outlived_ns / 1_000_000_000 {
        0 => format!("of {silence} or less"),
        lived => format!("above {lived} s and up to {silence}"),
    };
    // A table of IPVS or conntrack forgets without a word until the next segment comes.
    let unprompted = set.is_unprompted();
    let (command, program) = if unprompted {
        (
            "# its idle timeout, in its own settings (haproxy: timeout client, server and tunnel; nginx: proxy_timeout; Envoy: idle_timeout)",
            "an",
        )
    } else {
        ("ipvsadm -L --timeout; sysctl net.netfilter.nf_conntrack_tcp_timeout_established", "a TCP")
    };
    let checks = vec![
        ToConfirm {
            host: "the balancer, firewall or NAT between the ends, if one is a machine of yours"
                .to_owned(),
            command: command.to_owned(),
            why: format!("{program} idle timeout {limits}: this is it"),
        },
        to_capture(
            "the balancer".to_owned(),
            "balancer",
            &addresses,
            s.port,
            "shows whether the next segment leaves it for the other end",
        ),
    ];
    let mut fixes = vec![keep_alive("either end", set.least_ns())];
    if !unprompted {
        let raised = raise(set.most_ns());
        fixes.push(Fix::safe("the balancer, if it is IPVS", raised, LOWER).or());
    }
    let own = if unprompted {
        "the balancer, in its own settings"
    } else {
        "the balancer or NAT, if it is a cloud's, in its own settings"
    };
    fixes.push(Fix::safe(own, CLOUD, "Set the old value again.").or());
    (checks, fixes)
}

/// Of a table in the client's own network namespace.
fn on_the_client(facts: &Facts, set: &ExpiredSet, silence: &str) -> (Vec<ToConfirm>, Vec<Fix>) {
    let clients: Vec<Ip> =
        each_once(set.expired.iter().map(|e| facts.connection(e.id).front.client.0));
    let host = format!("the host of {}, PID: a process that has that address", list_of(&clients));
    let inside = |lines: &str| {
        let lines = lines.lines().map(|line| format!("{INSIDE}{line}"));
        lines.collect::<Vec<_>>().join("\n")
    };
    let checks = vec![ToConfirm {
        host: host.clone(),
        command: format!("{INSIDE}ip -br addr; {INSIDE}ipvsadm -L --timeout; {INSIDE}ipvsadm -Ln"),
        why: format!(
            "it has {}, a TCP timeout of {silence} or less, and a service that leads to these servers: this is it",
            list_of(&clients)
        ),
    }];
    let alive = keep_alive(&host, set.least_ns());
    let alive = Fix { command: inside(&alive.command), undo: inside(&alive.undo), ..alive };
    let raise = Fix::safe(host, inside(&raise(set.most_ns())), inside(LOWER)).or();
    (checks, vec![alive, raise])
}
