//! Two masters of one virtual router at once: neither hears the other, or does
//! not heed it.
//!
//! A hand-over, there and back, is none: there one of them is silent while the
//! other advertises. Two routers on different links may share an identifier.

use crate::diagnose::cause::severity;
use crate::diagnose::facts::disputes::{claimants, claims};
use crate::diagnose::facts::vrrp::{self, host, is_own, patience_ns};
use crate::diagnose::thresholds::VRRP_SPLIT_BRAIN_MIN_CONTEST;
use crate::diagnose::words::{count, list};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Fix, Proof};
use crate::flow::VrrpSpeaker;
use crate::trace::{At, ConnectionId, Trace};
use crate::wire::Ip;

pub(in crate::diagnose) const EXPLAINS: &[&str] = &["vip-arp-conflict", "director-no-entry-rst"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let mut findings: Vec<(Pair, Finding)> = Vec::new();
    for pair in contests(facts).into_iter().chain(unheard(facts)) {
        // Every vantage on the link shows the same two.
        if !findings.iter().any(|(known, _)| known.is(&pair)) {
            let found = finding(facts, &pair);
            findings.push((pair, found));
        }
    }
    let findings = findings.into_iter().map(|(_, finding)| finding).collect();
    Detection::from(findings, || {
        if facts.vantages.iter().all(|v| v.vrrp.is_empty()) {
            return Detection::Unchecked(
                "no VRRP was captured; where the VIP moves by VRRP, capture 'vrrp or arp' on its link"
                    .to_owned(),
            );
        }
        Detection::Clean
    })
}

/// Two speakers that are both master, each where it is seen.
struct Pair {
    a: (usize, VrrpSpeaker),
    b: (usize, VrrpSpeaker),
    /// How long both were, nanoseconds.
    ns: i64,
}

impl Pair {
    fn new(x: (usize, VrrpSpeaker), y: (usize, VrrpSpeaker), ns: i64) -> Self {
        // The one that should have stood back first.
        let rank = |s: &VrrpSpeaker| (s.priority.1, s.src);
        if rank(&x.1) <= rank(&y.1) { Self { a: x, b: y, ns } } else { Self { a: y, b: x, ns } }
    }

    fn is(&self, other: &Self) -> bool {
        (self.a.1.vrid, self.a.1.src, self.b.1.src)
            == (other.a.1.vrid, other.a.1.src, other.b.1.src)
    }
}

/// Pairs that one vantage hears both of.
fn contests(trace: &Trace) -> Vec<Pair> {
    let mut pairs = Vec::new();
    for (v, vantage) in trace.vantages.iter().enumerate() {
        let long = |s: &&VrrpSpeaker| {
            s.contest.count >= VRRP_SPLIT_BRAIN_MIN_CONTEST
                && s.contest.last.since(s.contest.first) > patience_ns(s)
        };
        let speakers: Vec<&VrrpSpeaker> = vantage.vrrp.iter().filter(long).collect();
        for (i, x) in speakers.iter().enumerate() {
            for y in &speakers[i + 1..] {
                let overlap = x.contest.last.at().0.min(y.contest.last.at().0)
                    - x.contest.first.at().0.max(y.contest.first.at().0);
                if (x.vrid, x.segment) == (y.vrid, y.segment)
                    && x.src != y.src
                    && overlap > 0
                    && !vrrp::are_strangers(x, y)
                {
                    pairs.push(Pair::new((v, **x), (v, **y), overlap));
                }
            }
        }
    }
    pairs
}

/// Pairs of which no capture hears both, best those of the two hosts, while both
/// claim one service address.
fn unheard(trace: &Trace) -> Vec<Pair> {
    let mut own: Vec<(usize, VrrpSpeaker)> = Vec::new();
    for (v, vantage) in trace.vantages.iter().enumerate() {
        if let [only] = vantage.vrrp[..]
            && (vantage.own.macs.is_empty() || is_own(trace, v, &only))
            && is_steady(&only)
        {
            own.push((v, only));
        }
    }
    let mut pairs = Vec::new();
    for (i, x) in own.iter().enumerate() {
        for y in own[i + 1..].iter().filter(|y| {
            y.1.vrid == x.1.vrid && y.1.src != x.1.src && !vrrp::are_strangers(&x.1, &y.1)
        }) {
            let time = |of: &(usize, VrrpSpeaker), mark| trace.time(At { vantage: of.0, mark }).0;
            let overlap = time(x, x.1.last).min(time(y, y.1.last))
                - time(x, x.1.first).max(time(y, y.1.first));
            let pair = Pair::new(*x, *y, overlap);
            if overlap > 2 * patience_ns(&x.1) && !vips(trace, &pair).is_empty() {
                pairs.push(pair);
            }
        }
    }
    pairs
}

/// Whether it advertised without a pause.
fn is_steady(s: &VrrpSpeaker) -> bool {
    let meant = s.last.since(s.first) / s.interval_ns().max(1) + 1;
    s.priority.0 > 0 && i64::from(s.count) * 10 >= meant * 8
}

/// Service addresses that both claim.
fn vips(trace: &Trace, pair: &Pair) -> Vec<Ip> {
    let (Some(a), Some(b)) = (host(trace, &pair.a.1), host(trace, &pair.b.1)) else {
        return Vec::new();
    };
    let services = trace.topology.services.iter().filter(|s| !s.is_backend);
    let mut vips: Vec<Ip> = services
        .map(|s| s.vip)
        .filter(|vip| {
            let claimants = claimants(trace, *vip);
            claimants.contains(&a) && claimants.contains(&b)
        })
        .collect();
    vips.sort_unstable();
    vips.dedup();
    vips
}

fn finding(trace: &Trace, pair: &Pair) -> Finding {
    let (a, b) = (&pair.a.1, &pair.b.1);
    let vips = vips(trace, pair);
    let ids: Vec<ConnectionId> = trace
        .requests()
        .filter(|(id, _)| vips.contains(&trace.service(*id).vip))
        .map(|(id, _)| id)
        .collect();
    let title = format!("{} and {} are both master of virtual router {}", b.src, a.src, a.vrid);
    let claim = if vips.is_empty() {
        String::new()
    } else {
        let texts: Vec<String> = vips.iter().map(Ip::to_string).collect();
        format!(
            " Both announce {}: its neighbours follow whoever announced it last, and {} depend on it.",
            list(&texts),
            count(ids.len(), "connection")
        )
    };
    let unheard = pair.a.0 != pair.b.0;
    let deaf = if unheard { " No capture that hears one of them hears the other." } else { "" };
    let differences = vrrp::differences(a, b);
    let unfit = if differences.is_empty() {
        String::new()
    } else {
        format!(
            " Their advertisements do not fit each other ({}), and who gets one that does not fit its own settings discards it.",
            list(&differences)
        )
    };
    let explanation = format!(
        "{} (priority {}) and {} (priority {}) advertised virtual router {} at the same time for {} s, longer than the {} s after which a backup may take over: neither stands back for the other.{deaf}{unfit}{claim}",
        b.src,
        b.priority.1,
        a.src,
        a.priority.1,
        a.vrid,
        pair.ns / 1_000_000_000,
        // Rounded up: the limit was passed.
        patience_ns(a) / 1_000_000_000 + 1,
    );
    let mut finding = Finding::cause("vrrp-split-brain", title, explanation);
    finding.severity = severity(trace, &ids);
    // On two links, each with its own, they would be no contest.
    let apart = unheard && ![pair.a, pair.b].iter().all(|(v, s)| is_own(trace, *v, s));
    let doubt = vips.is_empty() || apart;
    finding.confidence = if doubt { Confidence::Likely } else { Confidence::Certain };
    if doubt {
        finding.candidate("vrid-collision", "then they are two clusters with one virtual_router_id: on different links, which is harmless, or with different addresses");
    }
    for (speaker, other) in [(a, b), (b, a)] {
        finding.confirm(speaker.src.to_string(), format!(
                "tcpdump -ni any -c 5 'ip proto 112 and src {}'; iptables -L INPUT -nv; nft list ruleset",
                other.src
            ), "nothing arrives: the network drops it; it arrives: a filter or another password, version or interval");
    }
    finding.fixes = if differences.is_empty() { fixes(a, b) } else { alike(a, b) };
    finding.proofs = proofs(trace, pair, &vips);
    finding.subjects = [a, b].iter().map(|s| vrrp::subject(trace, s)).collect();
    finding.addresses = vips;
    finding.connections = ids;
    finding
}

fn fixes(a: &VrrpSpeaker, b: &VrrpSpeaker) -> Vec<Fix> {
    // The one of lower priority must hear the other; the other need not.
    let tool = crate::diagnose::words::tables(b.src);
    let rule = format!("INPUT -p 112 -s {} -j ACCEPT", b.src);
    let heed =
        Fix::safe(a.src.to_string(), format!("{tool} -I {rule}"), format!("{tool} -D {rule}"));
    vec![heed, one_alone(a)]
}

/// The same settings on both.
fn alike(a: &VrrpSpeaker, b: &VrrpSpeaker) -> Vec<Fix> {
    let same = Fix::disruptive(
        format!("{} and {}", a.src, b.src),
        format!(
            "# the same in both vrrp_instance of virtual_router_id {}: vrrp_version, advert_int, and in authentication auth_type and auth_pass\nsystemctl reload keepalived",
            a.vrid
        ),
        "Put the old settings back and reload.",
    );
    vec![same, one_alone(a)]
}

fn one_alone(a: &VrrpSpeaker) -> Fix {
    Fix::disruptive(
        format!("{}, until then", a.src),
        "systemctl stop keepalived   # one master is better than two",
        "systemctl start keepalived",
    )
    .meanwhile()
}

fn proofs(trace: &Trace, pair: &Pair, vips: &[Ip]) -> Vec<Proof> {
    let mut proofs = Vec::new();
    for (v, s) in [&pair.b, &pair.a] {
        let heard = s.contest.count >= VRRP_SPLIT_BRAIN_MIN_CONTEST;
        let (first, last) =
            if heard { (s.contest.first, s.contest.last) } else { (s.first, s.last) };
        for (mark, what) in [(first, "advertises"), (last, "still advertises")] {
            proofs.push(Proof {
                at: At { vantage: *v, mark },
                note: format!(
                    "{} {what} virtual router {}, priority {}",
                    s.src, s.vrid, s.priority.1
                ),
            });
        }
    }
    proofs.extend(vips.iter().flat_map(|vip| claims(trace, *vip)));
    proofs.sort_by_key(|p| (p.at.vantage, p.at.mark.frame()));
    proofs
}
