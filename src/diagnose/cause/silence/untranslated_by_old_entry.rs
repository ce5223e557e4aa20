//! A translating host sends the SYNs of a connection on with the service's address, while it
//! translates those of others: an entry of its connection table is older than the rule.
//!
//! Netfilter looks for a translation when it sees the first packet of a connection, and never
//! again: whose SYN came before the rule keeps an entry without one, and each repeat renews
//! it. Its own capture shows both.

use crate::diagnose::cause::severity;
use crate::diagnose::decide::ended::WhyEnded;
use crate::diagnose::facts::silence::ended_ways::{Ended, all};
use crate::diagnose::words::{count, share};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Fix, Names, Proof};
use crate::topology::{Mode, Role};

pub(in crate::diagnose) const EXPLAINS: &[&str] = &["syn-unanswered"];

/// Modes in which the destination is rewritten.
const MODES: [Mode; 2] = [Mode::Nat, Mode::FullNat];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let old = all(facts).filter(|ended| ended.why() == WhyEnded::OldEntry);
    Detection::from(old.filter_map(|ended| finding(facts, &ended)).collect(), || {
        crate::diagnose::cause::needs_mode(facts, &MODES).unwrap_or(Detection::Clean)
    })
}

fn finding(facts: &Facts, ended: &Ended<'_>) -> Option<Finding> {
    let (group, host, ways) = (ended.group, ended.host, &ended.ways);
    let s = facts.topology.service(group.service);
    let translated = ended.others.iter().find(|way| !way.keeps_server(facts))?;
    let names = Names(facts);
    let (who, ids) = (names.full(host), &group.connections);
    let title = format!("{who} sends SYNs for {} on untranslated", s.name());
    let explanation = format!(
        "The SYNs of {} for {} leave {who} with the service's address still in them, and nobody behind has it. It translates others' SYNs for the same service. A host decides on the translation of a connection with its first packet: one that came before the rule was there has an entry without it, and its repeats keep that entry. {} so; a new port would be translated.",
        count(ids.len(), "connection"),
        s.name(),
        share(facts, group.service, ids, "fail"),
    );
    let mut finding = Finding::cause("untranslated-by-old-entry", title, explanation);
    finding.severity = severity(facts, ids);
    finding.confidence = Confidence::Likely;
    let (client, port) = facts.connection(ids[0]).front.client;
    let place = names.place(host);
    let tables = crate::diagnose::words::tables(s.vip);
    finding.confirm(
        place.clone(),
        format!("conntrack -L -p tcp --orig-src {client} --orig-dst {} --orig-port-src {port}", s.vip),
        format!("an entry whose second half names the service's address as source, too: this is it; none, or one that is translated: a rule that leaves these packets out ('{tables}-save -t nat', 'nft list ruleset')"),
    );
    finding.fixes.push(Fix::safe(
        place,
        format!(
            "conntrack -D -p tcp --orig-src {client} --orig-dst {} --orig-port-src {port}",
            s.vip
        ),
        "Nothing to take back: the next packet makes a new entry.",
    ));
    let mut proofs = vec![
        Proof { at: ways[0].came.at, note: "the SYN comes in".to_owned() },
        Proof { at: ways[0].left.at, note: format!("and leaves for {}, as before", s.name()) },
        Proof { at: translated.came.at, note: "another SYN for the service".to_owned() },
    ];
    let to = translated.tuple(facts).map_or_else(String::new, |tuple| {
        let (ip, port) = tuple.server;
        format!(" to {}", ip.with_port(port))
    });
    proofs.push(Proof { at: translated.left.at, note: format!("which is translated{to}") });
    finding.proofs = proofs;
    finding.subjects = vec![names.subject(Role::Director, host)];
    finding.connections.clone_from(ids);
    Some(finding)
}
