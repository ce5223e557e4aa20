//! A device on the way changes an option of SYNs, so that one side is wrong about the other: segments
//! get larger than the way has room for, or windows are read with another scale.

use crate::breaks::Sighting;
use crate::diagnose::cause::severity;
use crate::diagnose::facts::size::rewritten_options::{Changed, Rewritten, shows};
use crate::diagnose::words::{count, list};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Names, Proof};
use crate::topology::{HostId, Role, ServiceId};
use crate::trace::ConnectionId;
use std::collections::BTreeMap;

pub(in crate::diagnose) const EXPLAINS: &[&str] =
    &["retransmission", "request-unanswered", "slow-answer"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let mut sets: BTreeMap<(ServiceId, bool, bool), Vec<Rewritten>> = BTreeMap::new();
    for one in facts.rewritten_options() {
        let scale = matches!(one.changed, Changed::Scale(..));
        sets.entry((facts.service_of(one.id), one.of_syn, scale)).or_default().push(*one);
    }
    let findings = sets.values().filter_map(|set| finding(facts, set)).collect();
    Detection::from(findings, || {
        Detection::clean_if(
            shows(facts),
            "SYNs were captured at one place alone; capture on the client and on the server at once",
        )
    })
}

/// A place as a reader finds it: the host, else the capture.
fn place(facts: &Facts, s: &Sighting) -> String {
    let capture = || format!("capture {}", facts.vantages[s.at.vantage.index()].label);
    s.host.map_or_else(capture, |host| Names(facts).host(host))
}

fn finding(facts: &Facts, set: &[Rewritten]) -> Option<Finding> {
    let first = set.first()?;
    let ids: Vec<ConnectionId> = set.iter().map(|one| one.id).collect();
    let (from, to) = (place(facts, &first.before), place(facts, &first.after));
    let packet = if first.of_syn { "SYN" } else { "SYN-ACK" };
    let (was, is, title, harm, command, why) = match first.changed {
        Changed::Mss(a, b) => (
            format!("a largest segment (MSS) of {a}"),
            b.to_string(),
            format!("the MSS of {packet}s is raised on the way, from {a} to {b}"),
            format!(
                " Who gets it sends segments of up to {b} bytes, and the way has room for {a}: they are lost."
            ),
            "iptables-save -t mangle -c | grep TCPMSS; nft list ruleset | grep maxseg".to_owned(),
            "a rule that sets the MSS to a fixed value ('--set-mss', 'tcp adjust-mss', 'tcp-mss-receiver') where it should only lower it ('--clamp-mss-to-pmtu')",
        ),
        Changed::Scale(a, b) => {
            let is = b.map_or_else(|| "none".to_owned(), |b| b.to_string());
            (
                format!("a window scale of {a}"),
                is.clone(),
                format!("the window scale of {packet}s is changed on the way, from {a} to {is}"),
                misread(a, b.unwrap_or(0)),
                "iptables-save -t mangle -c; nft list ruleset | grep -i 'tcp option'".to_owned(),
                "a firewall or accelerator that normalises TCP options changes or drops the window scale; it has to leave it as it is",
            )
        }
    };
    let what = count(ids.len(), "connection");
    let services = list(&[facts.service(first.id).name()]);
    let explanation = format!(
        "In {what} to {services} the {packet} leaves {from} with {was} and arrives at {to} with {is}: what lies between changes it.{harm}"
    );
    let mut finding = Finding::cause("options-rewritten", title, explanation)
        .rated(severity(facts, &ids), Confidence::Certain);
    finding.confirm("every router and firewall between the two".to_owned(), command, why);
    finding.proofs = vec![
        Proof::at(first.before.at, format!("the {packet} leaves with {was}")),
        Proof::at(first.after.at, format!("it arrives with {is}")),
    ];
    finding.subjects = [&first.before, &first.after]
        .into_iter()
        .filter_map(|s| s.host)
        .map(|host| Names(facts).subject(role(facts, first.id, host), host))
        .collect();
    finding.connections = ids;
    Some(finding)
}

/// What a host is to the connections.
fn role(facts: &Facts, id: ConnectionId, host: HostId) -> Role {
    if facts.host_by_ip(facts.connection(id).front.client.0) == Some(host) {
        Role::Client
    } else if facts.server(id).and_then(|s| s.host) == Some(host) {
        Role::RealServer
    } else {
        Role::Router
    }
}

/// What comes of a window that is read with another scale than it was meant with.
fn misread(meant: u8, read: u8) -> String {
    let times = 1u32 << u32::from(meant.abs_diff(read).min(14));
    if read < meant {
        format!(
            " Its windows are {times} times as large as they are taken for, so the other side may send that much less in a round trip."
        )
    } else {
        format!(
            " Its windows are taken for {times} times what they are: more is sent than it has room for, and lost."
        )
    }
}
