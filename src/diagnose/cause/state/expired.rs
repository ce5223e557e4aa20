//! Connections that were forgotten on the way for being idle, where only the ends show it:
//! the second form of `lb-idle-timeout`.

use crate::diagnose::cause::severity;
use crate::diagnose::cause::state::idle_timeouts::{CLOUD, LOWER, RAISE, keep_alive, usual};
use crate::diagnose::facts::expired::{After, Expired, ExpiredSet};
use crate::diagnose::words::{service_subject, share, to_capture};
use crate::diagnose::{Candidate, Confidence, Facts, Finding, Fix, ToConfirm};
use crate::trace::ConnectionId;

/// What only the ends show.
pub(in crate::diagnose) fn by_the_ends(facts: &Facts, set: &ExpiredSet) -> Finding {
    let s = facts.topology.service(set.service);
    let ids: Vec<ConnectionId> = set.expired.iter().map(|e| e.id).collect();
    // Whole seconds, rounded down: what is said to be too long was.
    let silence = format!("{} s", set.least_ns() / 1_000_000_000);
    let after = set.expired.iter().map(|e| e.after).min();
    let then = match after {
        Some(After::Between) => {
            "are reset by something between the ends: neither of them sent the reset that comes in its name"
        }
        Some(After::Reset) => "are reset at their next segment",
        Some(After::Nothing) => "get no answer to their next segment any more",
        Some(After::Asked) | None => {
            "send nothing any more: their client's host asks for an address by ARP that none of their packets had, as it does when a balancer on that host no longer translates it"
        }
    };
    let alive = match set.outlived_ns {
        0 => String::new(),
        ns => format!(" Those that were silent for up to {} s live on.", ns / 1_000_000_000),
    };
    let known = usual(set.least_ns())
        .map_or_else(String::new, |s| format!(" A timeout of {s} s is usual in balancers."));
    let title =
        format!("connections to {} that are idle for {silence} are forgotten on the way", s.name());
    let explanation = format!(
        "Connections to {} that were silent for {silence} or longer {then}.{alive}{known} A balancer, firewall or NAT between the ends forgets idle connections. {} of it; an end that is not told keeps its side open.",
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
    finding.to_confirm = vec![
        ToConfirm {
            host: "the balancer, firewall or NAT between the ends".to_owned(),
            command:
                "ipvsadm -L --timeout; sysctl net.netfilter.nf_conntrack_tcp_timeout_established"
                    .to_owned(),
            why: format!("a TCP idle timeout of {silence} or less: this is it"),
        },
        to_capture(
            "the balancer".to_owned(),
            "balancer",
            &[s.vip],
            s.port,
            "shows whether the next segment leaves it for the other end",
        ),
    ];
    finding.fixes = vec![
        keep_alive("either end", set.least_ns()),
        Fix::safe("the balancer, if it is IPVS", RAISE, LOWER).or(),
        Fix::safe(
            "the balancer or NAT, if it is a cloud's, in its own settings",
            CLOUD,
            "Set the old value again.",
        )
        .or(),
    ];
    let shown = set.expired.iter().min_by_key(|e| (e.after, e.id));
    finding.proofs = shown.map(Expired::proofs).unwrap_or_default();
    finding.concerning(vec![service_subject(s)], ids)
}
