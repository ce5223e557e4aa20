//! A device rewrites sequence numbers and leaves those in the SACK option as they are: the side whose numbers it
//! rewrites is told of bytes that it never sent, drops that, and learns of no gap.
//!
//! That the blocks name nothing that was sent is in the frames. That a device between is why, and not the stack that
//! wrote them, is likely: no stack in use does it.

use crate::diagnose::facts::size::strange_sacks::{Untranslated, all, failed};
use crate::diagnose::words::commands::sysctl;
use crate::diagnose::words::{count, server_subject, service_subject, thousands};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Names, Proof, Severity, Subject};
use crate::topology::{Role, ServiceId};
use crate::trace::ConnectionId;
use std::collections::BTreeMap;

pub(in crate::diagnose) const EXPLAINS: &[&str] =
    &["retransmission", "request-unanswered", "slow-answer", "connection-reset"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let mut sets: BTreeMap<(ServiceId, bool), Vec<Untranslated<'_>>> = BTreeMap::new();
    for one in all(facts) {
        sets.entry((facts.service_of(one.id), one.by_client)).or_default().push(one);
    }
    let findings = sets.into_iter().map(|((service, _), set)| finding(facts, service, &set));
    Detection::from(findings.collect(), || {
        Detection::clean_if(!facts.hides_segments(), "a text prints no options of TCP (tcpdump -q)")
    })
}

/// Who is told of what it never sent: the client, else whoever answers it.
fn told(facts: &Facts, one: &Untranslated<'_>) -> Subject {
    if one.by_client {
        let service = || service_subject(facts.service(one.id));
        return server_subject(facts, one.id).unwrap_or_else(service);
    }
    let ip = facts.connection(one.id).front.client.0;
    let known = facts.host_by_ip(ip).map(|host| Names(facts).subject(Role::Client, host));
    Subject { role: Role::Client, address: Some(ip), ..known.unwrap_or_default() }
}

fn finding(facts: &Facts, service: ServiceId, set: &[Untranslated<'_>]) -> Finding {
    let first = &set[0];
    let s = facts.topology.service(service);
    let ids: Vec<ConnectionId> = set.iter().map(|one| one.id).collect();
    let (writer, reader) =
        if first.by_client { ("client", "server") } else { ("server", "client") };
    let (left, sent) = (thousands(first.sacks.left.into()), thousands(first.sacks.sent.into()));
    let failed = failed(facts, &ids);
    let end = match failed {
        0 => String::new(),
        n if n == ids.len() => " None of them came through.".to_owned(),
        n => format!(" {} failed.", count(n, "connection")),
    };
    let explanation = format!(
        "In {} to {} the {writer} acknowledges bytes beyond a gap (SACK) that the {reader} never sent: byte {left} and more of its stream, where {sent} had been sent. The {reader} drops such blocks and learns of no gap from them, so what is lost is sent again only when a timer ends, later each time. A device between draws sequence numbers anew (a firewall's randomisation, a SYN proxy) and translates those of each header, and not those in the option.{end}",
        count(ids.len(), "connection"),
        s.name(),
    );
    let title = format!(
        "a device on the way rewrites sequence numbers of the {reader} and not those in SACK"
    );
    let severity = if failed > 0 { Severity::Critical } else { Severity::Warning };
    let mut finding = Finding::cause("sack-not-translated", title, explanation)
        .rated(severity, Confidence::Likely);
    let subject = told(facts, first);
    let place = match subject.role {
        Role::Service => format!("the host that answers for {}", s.vip),
        _ => Names(facts).place_of(&subject),
    };
    finding.confirm(
        place.clone(),
        "nstat -az TcpExtTCPSACKDiscard",
        "it grows with each such block: this is it",
    );
    finding.confirm(
        "every firewall and balancer between the two",
        "iptables-save | grep SYNPROXY   # Cisco ASA: show running-config | include random-sequence-number",
        "one that draws sequence numbers anew is to translate SACK too, or to keep the numbers as they are (ASA: 'set connection random-sequence-number disable')",
    );
    // An address of a service may be a cloud's, or a balancer's that has many.
    if subject.role != Role::Service {
        finding.fixes.push(sysctl::change(place, &[("net.ipv4.tcp_sack", "0", "1")]).because(
            "until the device is mended; it is for all new connections of this host: without SACK a lost segment shows by acknowledgments that come again, and several lost at once take longer",
        ));
    }
    let note = format!("SACK of byte {left} and more, of {sent} that were sent");
    finding.proofs = Proof::seen([facts.proof(first.leg, first.sacks.first, note)]);
    finding.concerning(vec![subject], ids)
}
