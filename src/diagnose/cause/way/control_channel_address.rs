//! A control channel names an endpoint that the other side cannot reach: FTP for its data, SIP for its answers and
//! its media, and services that send a client on: Oracle, Redis, Kafka, MongoDB, LDAP, SQL Server.
//!
//! All name it in their payload, which a balancer that translates addresses leaves as it is
//! unless it knows the protocol.

use crate::breaks::Fate;
use crate::diagnose::facts::way::named_endpoints::{Channel, Named, all};
use crate::diagnose::words::{agree, count, list, name, server_subject, service_subject};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Proof, Severity, Subject};
use crate::topology::ServiceId;
use crate::trace::{At, ConnectionId};
use std::collections::{BTreeMap, BTreeSet};

pub(in crate::diagnose) const EXPLAINS: &[&str] = &[
    "syn-unanswered",
    "syn-refused",
    "icmp-unreachable",
    "handshake-incomplete",
    "datagram-unanswered",
    "arp-unanswered",
];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let mut groups: BTreeMap<(ServiceId, Channel, bool), Vec<Named>> = BTreeMap::new();
    for named in all(facts) {
        let key = (facts.service_of(named.control), named.channel, named.elsewhere);
        groups.entry(key).or_default().push(named);
    }
    let findings = groups.into_iter().map(|((service, ..), set)| finding(facts, service, &set));
    Detection::from(findings.collect(), || Detection::Clean)
}

fn finding(facts: &Facts, service: ServiceId, set: &[Named]) -> Finding {
    let s = facts.topology.service(service);
    let first = &set[0];
    let subject = server_subject(facts, first.control).unwrap_or_else(|| service_subject(s));
    let (title, explanation) = words(facts, service, set, &subject);
    let mut finding = Finding::cause("control-channel-address", title, explanation);
    let dialled = set.iter().any(|n| !n.there.is_empty());
    // What goes there without a word back need not have been wanted back.
    let failed = match first.channel {
        Channel::Media | Channel::Contact | Channel::SentToName(_) => {
            let mut there = set.iter().flat_map(|n| &n.there);
            there.any(|id| facts.breaks.fate(*id) == Fate::Failed)
        }
        _ => dialled,
    };
    finding.severity = if failed { Severity::Critical } else { Severity::Warning };
    finding.confidence = match first.channel {
        Channel::Sip => Confidence::Certain,
        Channel::SentOn(_) | Channel::SentToName(_) | Channel::Media | Channel::Contact => {
            Confidence::Likely
        }
        _ if dialled && first.elsewhere => Confidence::Certain,
        _ => Confidence::Likely,
    };
    advise(&mut finding, facts, service, first, &subject);
    finding.proofs = proofs(facts, first);
    finding.subjects = vec![subject];
    let mut controls: Vec<ConnectionId> = set.iter().map(|n| n.control).collect();
    let mut there: Vec<ConnectionId> = set.iter().flat_map(|n| n.there.iter().copied()).collect();
    let tcp = first.channel != Channel::Sip;
    // Who asks for a name is answered; what fails is the client of the service that named it.
    let asked = matches!(first.channel, Channel::SentToName(_));
    for ids in [&mut controls, &mut there] {
        ids.sort_unstable();
        ids.dedup();
    }
    // An FTP session goes on, and its transfers fail; a SIP request is what fails.
    (finding.connections, finding.strays) =
        if tcp && !asked && !there.is_empty() { (there, controls) } else { (controls, there) };
    finding
}

/// Endpoints by name, each once.
fn endpoints(set: &[Named]) -> String {
    let mut ends: Vec<String> =
        set.iter().filter_map(|n| n.ip.map(|ip| ip.with_port(n.port))).collect();
    ends.dedup();
    list(&ends)
}

fn words(facts: &Facts, service: ServiceId, set: &[Named], subject: &Subject) -> (String, String) {
    let s = facts.topology.service(service);
    let first = &set[0];
    let who = name(subject);
    let ip = first.ip.map_or_else(|| "an address".to_owned(), |ip| ip.to_string());
    // Who names the same endpoint again names one that was dialled before.
    let tried: BTreeSet<ConnectionId> = set.iter().flat_map(|n| n.there.iter().copied()).collect();
    let tried = tried.len();
    let fail = format!(
        "{} to {} {}",
        count(tried, "connection"),
        endpoints(set),
        agree(tried, "fails", "fail")
    );
    let session = count(set.len(), "transfer");
    match first.channel {
        Channel::Passive if first.elsewhere && tried > 0 => (
            format!("{} names {ip} for FTP data, which its clients do not reach", s.name()),
            format!(
                "The control connection goes to {}, and the server's answer to PASV names {}. The client dials what it is told: {fail}. A balancer that translates addresses leaves the payload as it is, unless it has a helper for FTP or the server is told which address to name.",
                s.name(),
                endpoints(set)
            ),
        ),
        Channel::Passive if first.elsewhere => (
            format!("{} names {ip} for FTP data, an address behind the balancer", s.name()),
            format!(
                "The control connection goes to {}, and the server's answer to PASV leaves for the client naming {}. A client that dials it goes past the balancer, to an address that it may have no way to: no data connection of {session} is in these captures.",
                s.name(),
                endpoints(set)
            ),
        ),
        Channel::Passive => (
            format!("FTP data connections to {} fail at the ports that the server names", s.vip),
            format!(
                "The control connection to {} works, and the server's answer to PASV names {}, where {fail}. The ports for data are not part of the balanced service, lead to another real server, or are filtered.",
                s.name(),
                endpoints(set)
            ),
        ),
        Channel::Active => (
            format!(
                "a client of {} names {ip} for FTP data, which the server does not reach",
                s.name()
            ),
            format!(
                "With PORT the client names {}, and the server dials what it is told: {fail}. A device that translates the client's address leaves the payload as it is, or a filter keeps connections towards the client out.",
                endpoints(set)
            ),
        ),
        Channel::SentOn(of) if tried == 0 => {
            super::sent_on::words_of_itself(&s.name(), of, &endpoints(set))
        }
        Channel::SentOn(of) => super::sent_on::words(&s.name(), of, &endpoints(set), &fail),
        Channel::SentToName(of) => super::sent_on::words_of_names(&s.name(), of, set.len(), tried),
        Channel::Media => super::named_media::words(facts, &s.name(), set),
        Channel::Contact => {
            super::named_contact::words(facts, &s.name(), set, &endpoints(set), tried)
        }
        Channel::Sip => (
            format!(
                "SIP answers go to port {}, which the Via names, and not where the request came from",
                first.port
            ),
            format!(
                "Requests to {who} come from {} and name another port or address in their Via, without rport. {who} answers to that, as RFC 3261 says; the client, or the NAT device before it, has nothing there and asks the same again: {}.",
                facts
                    .connection(first.control)
                    .front
                    .client
                    .0
                    .with_port(facts.connection(first.control).front.client.1),
                count(set.len(), "request")
            ),
        ),
    }
}

fn advise(
    finding: &mut Finding,
    facts: &Facts,
    service: ServiceId,
    first: &Named,
    subject: &Subject,
) {
    let s = facts.topology.service(service);
    let (vip, who) = (s.vip, name(subject));
    match first.channel {
        Channel::Passive => super::passive_ftp::advise(finding, facts, s, first, subject),
        Channel::Active => {
            finding.confirm(
                "the client",
                format!("curl -v ftp://{}/", vip.with_port(s.port)),
                "passive mode needs no connection towards the client: where it works, the client's side of active mode is at fault",
            );
            finding.fix("the client", "# use passive mode", "Use active mode again.");
        }
        Channel::SentOn(of) => {
            super::sent_on::advise(finding, first, of, super::sent_on::host(subject, vip));
        }
        Channel::SentToName(of) => {
            super::sent_on::advise_on_names(finding, of, super::sent_on::host(subject, vip));
        }
        Channel::Media => super::named_media::advise(finding, facts, first, who),
        Channel::Contact => super::named_contact::advise(finding, s.port, who),
        Channel::Sip => {
            finding.confirm(
                who.clone(),
                format!("tcpdump -ni any -A -c 4 'udp port {}'", s.port),
                "the topmost Via of a request has no ';rport', and the answer leaves for the port in it",
            );
            finding.fix_disruptive(
                who,
                "# answer where requests come from (RFC 3581): 'force_rport();' before anything else (Kamailio, OpenSIPS), 'force_rport=yes' (Asterisk, chan_pjsip endpoint)",
                "Take it out again and reload.",
            );
        }
    }
}

fn proofs(facts: &Facts, named: &Named) -> Vec<Proof> {
    let end =
        named.ip.map_or_else(|| format!("port {}", named.port), |ip| ip.with_port(named.port));
    let note = match named.channel {
        Channel::Passive => format!("the answer to PASV names {end}"),
        Channel::Active => format!("PORT names {end}"),
        Channel::SentOn(_) => format!("the answer sends the client on to {end}"),
        Channel::Sip => format!("the request's Via names {end}, without rport"),
        Channel::SentToName(_) => "the answer sends the client on to hosts by name".to_owned(),
        Channel::Media => format!("the session description names {end}"),
        Channel::Contact => format!("the Contact of a REGISTER names {end}"),
    };
    let mut proofs = vec![Proof { at: named.at, note }];
    let Some(other) = named.there.first() else { return proofs };
    let Some(leg) = facts.legs(*other).first() else { return proofs };
    let (there, back) = (facts.forward(leg), facts.reply(leg));
    if named.channel == Channel::Sip {
        let out = if there.seen() { there } else { back };
        let at = At { vantage: leg.vantage, mark: out.first };
        proofs.push(Proof { at, note: "the answer leaves for that port".to_owned() });
        let again = facts.forward(&named.leg).last;
        proofs.extend(facts.proof(&named.leg, again, "the client asks the same again"));
    } else if matches!(named.channel, Channel::SentToName(_)) {
        proofs.extend(facts.proof(leg, there.first, "the client asks for one of them"));
        proofs.extend(facts.proof(leg, back.first, "no such name"));
    } else if named.channel == Channel::Contact {
        proofs.extend(facts.proof(leg, there.first, "a call leaves for it"));
        proofs.extend(facts.proof(leg, there.last, "the last of them, without an answer"));
    } else if named.channel == Channel::Media {
        let called = facts.connection(*other).front.server;
        let asked = called == (named.ip.unwrap_or_default(), named.port);
        let out = if asked { there } else { back };
        proofs.extend(facts.proof(leg, out.first, "media leave for it"));
        proofs.extend(facts.proof(leg, out.last, "the last of them, and none came from there"));
    } else {
        proofs.extend(facts.proof(leg, there.syn, "a connection to it"));
        let refused = back.rst.is_set();
        let (mark, says) = if refused {
            (back.rst, "refused")
        } else {
            (there.last, "the last of it, without an answer")
        };
        proofs.extend(facts.proof(leg, mark, says));
    }
    proofs
}
