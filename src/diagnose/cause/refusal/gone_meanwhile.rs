//! `rs-unreachable` of connections that stood: their real server answers ARP or neighbour
//! discovery no more, and its entries live on.

use crate::diagnose::cause::severity;
use crate::diagnose::decide::size::{WhyWithheld, why_withheld};
use crate::diagnose::facts::state::withheld::{Withheld, withheld};
use crate::diagnose::words::commands::ipvsadm::{Server, Virtual};
use crate::diagnose::words::commands::step::{self, Step};
use crate::diagnose::words::commands::sysctl;
use crate::diagnose::words::{count, share, spare};
use crate::diagnose::{Confidence, Facts, Finding, Names, Proof, Subject};
use crate::topology::{HostId, Role, ServiceId};
use crate::trace::ConnectionId;
use crate::wire::Ip;
use std::collections::BTreeMap;

/// One finding for each service, director and real server.
pub(in crate::diagnose) fn findings(facts: &Facts) -> Vec<Finding> {
    let mut sets: BTreeMap<(ServiceId, HostId, Ip), Vec<Withheld<'_>>> = BTreeMap::new();
    for (id, _) in facts.requests().filter(|(_, c)| c.progress.repeats) {
        let Some(held) = withheld(facts, id) else { continue };
        let missing = held.passage.missing(facts, id);
        let overlay = held.passage.enters_overlay(facts, id);
        let why = why_withheld(facts.service(id).mode, overlay, missing, held.sought.is_some());
        if let Some((_, ask)) = held.sought.filter(|_| why == WhyWithheld::Unreachable) {
            sets.entry((facts.service_of(id), held.director, ask.target)).or_default().push(held);
        }
    }
    sets.into_iter().map(|(of, set)| finding(facts, of, &set)).collect()
}

fn finding(
    facts: &Facts,
    (service, director, server): (ServiceId, HostId, Ip),
    set: &[Withheld<'_>],
) -> Finding {
    let s = facts.topology.service(service);
    let ids: Vec<ConnectionId> = set.iter().map(|held| held.id).collect();
    let host = Names(facts).full(director);
    let title = format!(
        "{server} is unreachable: nobody answers there any more, and its open connections of {} hang",
        s.name()
    );
    let explanation = format!(
        "Packets of {} come in at {host} again and again and do not go out: it asks for {server}, which served them before, and nobody answers. The host is down, or on another network now, and its entries live on: {}, until their clients give up. New ones go there as well while the table lists it.",
        count(ids.len(), "open connection"),
        share(facts, service, &ids, "hang"),
    );
    let mut finding = Finding::cause("rs-unreachable", title, explanation)
        .rated(severity(facts, &ids), Confidence::Likely);
    finding.candidate("backend-removed-silent-drop", format!("then '{}' lists {server} no more, and it is a health check of the director that asks for it", Virtual::of(s).list()));
    let place = Names(facts).place(director);
    let table = Virtual::of(s);
    finding.confirm(
        format!("the director {place}"),
        format!("ip neigh show {server}; ping -c 3 {server}; {}", table.list()),
        "FAILED or INCOMPLETE, and listed: this is it",
    );
    let gone = Server::at(server, s.real_servers.first().map_or(s.port, |r| r.port));
    let until = format!("until {server} is up again");
    // Where no other server does well, none is taken out.
    if !spare(facts, service, vec![gone.clone()], &until).is_empty() {
        let entry = table.server(gone);
        let told = sysctl::step(&[("net.ipv4.vs.expire_nodest_conn", "1", "0")])
            .because("its clients are reset, and call again, instead of waiting");
        let steps = [Step::look(table.list()), told, Step::new(entry.delete(), entry.put_back())];
        finding.fixes =
            vec![step::disruptive(format!("the director {place}, {until}"), steps).meanwhile()];
    }
    finding.proofs = set.first().map(|held| held.proofs(facts)).unwrap_or_default();
    if let Some((vantage, ask)) = set.first().and_then(|held| held.sought) {
        let first = format!("who-has {server} tell {}: the first of {}", ask.asker, ask.count);
        finding.proofs.push(Proof::on(vantage, ask.first, first));
        finding.proofs.push(Proof::on(vantage, ask.last, "the last, still no answer"));
    }
    finding.addresses = vec![server];
    let server = Subject { role: Role::RealServer, address: Some(server), mac: None, port: None };
    finding.concerning(vec![server], ids).also([Names(facts).subject(Role::Director, director)])
}
