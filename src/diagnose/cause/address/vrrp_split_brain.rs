//! Two masters of one virtual router at once: neither hears the other, or does
//! not heed it.
//!
//! A hand-over, there and back, is none: there one of them is silent while the
//! other advertises. Two routers on different links may share an identifier.

use crate::diagnose::cause::severity;
use crate::diagnose::facts::address::disputes::claims;
use crate::diagnose::facts::address::two_masters::{Masters, contests, is_long, unheard, vips};
use crate::diagnose::facts::address::vrrp::{self, arrives, is_own, patience_ns};
use crate::diagnose::facts::refusal::refusals::Says;
use crate::diagnose::words::commands::netfilter::Rule;
use crate::diagnose::words::commands::step;
use crate::diagnose::words::{count, list};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Fix, Proof};
use crate::flow::{IcmpError, VantageId, VrrpSpeaker};
use crate::trace::Trace;
use crate::wire::{Ip, Protocol};

pub(in crate::diagnose) const EXPLAINS: &[&str] = &["vip-arp-conflict", "director-no-entry-rst"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let mut findings: Vec<(Masters, Finding)> = Vec::new();
    for pair in contests(facts).into_iter().chain(unheard(facts)) {
        // Every vantage on the link shows the same two.
        if !findings.iter().any(|(known, _)| known.is(&pair)) {
            let found = finding(facts, &pair);
            findings.push((pair, found));
        }
    }
    let findings = findings.into_iter().map(|(_, finding)| finding).collect();
    Detection::from(findings, || super::vrrp_or_blind(facts))
}

fn finding(trace: &Trace, pair: &Masters) -> Finding {
    let (a, b) = (&pair.a.1, &pair.b.1);
    let vips = vips(trace, pair);
    let ids = super::to_vips(trace, &vips);
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
    let how = if pair.brief {
        "in turn: each advertised again after the other had, where the lower of two stands back for the higher as soon as it hears it; more of them would make it sure".to_owned()
    } else {
        format!(
            "at the same time for {} s, longer than the {} s after which a backup may take over: neither stands back for the other",
            pair.ns / 1_000_000_000,
            // Rounded up: the limit was passed.
            patience_ns(a) / 1_000_000_000 + 1,
        )
    };
    let damage: String = [b, a].into_iter().filter(|s| s.damaged.is_set()).map(|s| {
        format!(" The advertisements of {} have a wrong checksum, as where a rule that translates changes their source after it was computed (RFC 5798, section 5.2.8), and who gets them discards them.", s.src)
    }).collect();
    let far: String = [b, a].into_iter().filter(|s| s.ttl != 255).map(|s| {
        format!(" Those of {} come with TTL {}, through a router: who holds to RFC 5798 (section 7.1) discards what has not 255, keepalived takes it from unicast peers unless min_ttl says otherwise.", s.src, s.ttl)
    }).collect();
    let refused = rejected(trace, a, b);
    let turned_back = refused.map_or_else(String::new, |(_, e)| {
        format!(
            " {} rejects what {} advertises: it answers by ICMP that a rule forbids it.",
            e.src, e.dst
        )
    });
    let explanation = format!(
        "{} (priority {}) and {} (priority {}) advertised virtual router {} {how}.{deaf}{unfit}{damage}{far}{turned_back}{claim}",
        b.src, b.priority.1, a.src, a.priority.1, a.vrid,
    );
    let mut finding = Finding::cause("vrrp-split-brain", title, explanation);
    finding.severity = severity(trace, &ids);
    // On two links, each with its own, they would be no contest.
    let apart = unheard && ![pair.a, pair.b].iter().all(|(v, s)| is_own(trace, *v, s));
    let doubt = (vips.is_empty() || apart) && refused.is_none();
    finding.confidence = match (doubt, pair.brief) {
        (_, true) => Confidence::Possible,
        (true, false) => Confidence::Likely,
        (false, false) => Confidence::Certain,
    };
    if doubt {
        finding.candidate("vrid-collision", "then they are two clusters with one virtual_router_id: on different links, which is harmless, or with different addresses");
    }
    for (speaker, other) in [(a, b), (b, a)] {
        let rules = "iptables -L INPUT -nv; nft list ruleset";
        let (command, why) = match arrives(trace, speaker, other) {
            Some((v, mark)) => (
                format!("{rules}; journalctl -u keepalived --since -1h | tail -20"),
                format!(
                    "they arrive ({} #{}): a rule that grows with them drops them, or the log says that their password, version or interval is another",
                    trace.vantages[v.index()].label,
                    mark.frame()
                ),
            ),
            None => (
                format!("tcpdump -ni any -c 5 'ip proto 112 and src {}'; {rules}", other.src),
                "nothing arrives: the network drops it; it arrives: a filter or another password, version or interval".to_owned(),
            ),
        };
        finding.confirm(speaker.src.to_string(), command, why);
    }
    let damaged: Vec<&VrrpSpeaker> = [a, b].into_iter().filter(|s| s.damaged.is_set()).collect();
    finding.fixes = match (differences.is_empty(), &damaged[..]) {
        (_, damaged @ [_, ..]) => untranslated(a, damaged),
        (true, []) => fixes(a, b, refused.map(|(_, e)| e), arrives(trace, a, b).is_some()),
        (false, []) => alike(a, b),
    };
    finding.proofs = proofs(trace, pair, &vips);
    finding.proofs.extend(refused.map(|(vantage, e)| {
        Proof::on(vantage, e.mark, format!("{} rejects the advertisements of {}", e.src, e.dst))
    }));
    finding.subjects = [a, b].iter().map(|s| vrrp::subject(trace, s)).collect();
    finding.addresses = vips;
    finding.connections = ids;
    finding
}

/// The word of one that a rule of its own forbids what the other sends it, which needs unicast: nobody answers
/// what goes to a group.
fn rejected<'a>(
    trace: &'a Trace,
    a: &VrrpSpeaker,
    b: &VrrpSpeaker,
) -> Option<(VantageId, &'a IcmpError)> {
    let of_the_two = |e: &IcmpError| {
        let ends = (e.quote.src, e.quote.dst);
        e.quote.protocol == Protocol::VRRP
            && (ends == (a.src, b.src) || ends == (b.src, a.src))
            && e.src == e.quote.dst
            && e.dst == e.quote.src
    };
    VantageId::each(&trace.vantages).find_map(|(v, vantage)| {
        let mut errors = vantage.errors.iter();
        let told = errors.find(|e| Says::of(e.kind) == Some(Says::Prohibited) && of_the_two(e))?;
        Some((v, told))
    })
}

fn fixes(
    a: &VrrpSpeaker,
    b: &VrrpSpeaker,
    rejected: Option<&IcmpError>,
    arrives: bool,
) -> Vec<Fix> {
    if let Some(told) = rejected {
        let rule = Rule::filter(told.dst, "INPUT", format!("-p 112 -s {} -j ACCEPT", told.dst));
        let rule =
            rule.inserted().because("where firewalld rules: firewall-cmd --add-protocol=vrrp");
        return vec![step::safe(told.src.to_string(), [rule]), one_alone(a)];
    }
    // The one of lower priority must hear the other; the other need not.
    let rule = Rule::filter(b.src, "INPUT", format!("-p 112 -s {} -j ACCEPT", b.src));
    let what = if arrives {
        "if a rule there counts the other's advertisements"
    } else {
        "if the other's advertisements arrive there and a rule counts them"
    };
    let heed = step::safe(
        format!("{}, {what}", a.src),
        [rule.inserted().because("where firewalld rules: firewall-cmd --add-protocol=vrrp")],
    );
    let settings = Fix {
        host: format!("{} and {}, if advertisements arrive and no rule counts them", a.src, b.src),
        ..same(a)
    };
    vec![heed, settings.or(), one_alone(a)]
}

/// Advertisements leave as they were made.
fn untranslated(a: &VrrpSpeaker, damaged: &[&VrrpSpeaker]) -> Vec<Fix> {
    let each = damaged.iter().map(|s| {
        let rule = Rule::nat(s.src, "POSTROUTING", "-p 112 -j ACCEPT");
        step::safe(
            format!("{}, if 'iptables -t nat -S POSTROUTING; nft list ruleset' has a rule that changes their source", s.src),
            [rule.inserted()],
        )
    });
    each.chain([one_alone(a)]).collect()
}

/// The same settings on both.
fn alike(a: &VrrpSpeaker, b: &VrrpSpeaker) -> Vec<Fix> {
    vec![Fix { host: format!("{} and {}", a.src, b.src), ..same(a) }, one_alone(a)]
}

fn same(a: &VrrpSpeaker) -> Fix {
    Fix::disruptive(
        String::new(),
        format!(
            "# the same in both vrrp_instance of virtual_router_id {}: vrrp_version, advert_int, and in authentication auth_type and auth_pass\nsystemctl reload keepalived",
            a.vrid
        ),
        "Put the old settings back and reload.",
    )
}

fn one_alone(a: &VrrpSpeaker) -> Fix {
    Fix::disruptive(
        format!("{}, until then", a.src),
        "systemctl stop keepalived   # one master is better than two",
        "systemctl start keepalived",
    )
    .meanwhile()
}

fn proofs(trace: &Trace, pair: &Masters, vips: &[Ip]) -> Vec<Proof> {
    let mut proofs = Vec::new();
    for (v, s) in [&pair.b, &pair.a] {
        if s.damaged.is_set() {
            let note = format!("the checksum of {}'s advertisement is wrong", s.src);
            proofs.push(Proof::on(*v, s.damaged, note));
        }
        let heard = pair.brief || is_long(s);
        let (first, last) =
            if heard { (s.contest.first, s.contest.last) } else { (s.first, s.last) };
        for (mark, what) in [(first, "advertises"), (last, "still advertises")] {
            proofs.push(Proof::on(
                *v,
                mark,
                format!("{} {what} virtual router {}, priority {}", s.src, s.vrid, s.priority.1),
            ));
        }
    }
    proofs.extend(vips.iter().flat_map(|vip| claims(trace, *vip)));
    proofs.sort_by_key(|p| (p.at.vantage, p.at.mark.frame()));
    proofs
}
