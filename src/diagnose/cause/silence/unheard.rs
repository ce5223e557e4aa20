//! Real servers that ask for their router in the VIP's name and get no answer, so that
//! no SYN-ACK leaves: the second form of `dr-vip-foreign-subnet-return`.
//!
//! A Linux host asks with the source of the packet that waits (`arp_announce=0`), here
//! the VIP, and a router with strict reverse path checks does not heed a sender that it
//! would reach by another interface. The asker's own capture must show that no answer
//! came, and that the VIP is at home with nobody on that link.

use crate::diagnose::cause::severity;
use crate::diagnose::facts::address::asks::for_router;
use crate::diagnose::facts::silence::silent_servers::{self, Silent, SilentServers};
use crate::diagnose::words::commands::sysctl;
use crate::diagnose::words::{agree, count, list_of, share};
use crate::diagnose::{Confidence, Facts, Finding, Names, Proof};
use crate::flow::{Ask, VantageId};
use crate::topology::Role;
use crate::trace::Trace;
use crate::wire::Ip;
use std::collections::BTreeSet;

fn asked<'a>(trace: &'a Trace, silent: &Silent) -> Option<(VantageId, &'a Ask)> {
    for_router(trace, silent.service, silent.host, &silent.ids)
}

pub(in crate::diagnose) fn finding(facts: &Facts, of: &SilentServers<'_>) -> Finding {
    let names = Names(facts);
    let SilentServers { service, set, hosts, ids } = of;
    let s = facts.topology.service(*service);
    let vip = s.vip;
    let who = names.hosts(hosts);
    let targets: BTreeSet<Ip> =
        set.iter().filter_map(|x| asked(facts, x)).map(|(_, ask)| ask.target).collect();
    let router = list_of(&targets);
    let asks: u32 = set.iter().filter_map(|x| asked(facts, x)).map(|(_, ask)| ask.count).sum();
    let verb = agree(set.len(), "asks", "ask");
    let title = format!("{who} {verb} for the router {router} as the VIP {vip}, and get no answer");
    let explanation = format!(
        "The SYNs for {} arrive at {who}, and instead of a SYN-ACK {} for {router} leave, with {vip} as their sender; none is answered. No host of that link claims {vip} but the real servers: it is of another subnet, and a router that would reach it by another interface takes the question for forged. {} no answer.",
        s.name(),
        count(asks as usize, "ARP question"),
        share(facts, *service, ids, "get")
    );
    let mut finding = Finding::cause("dr-vip-foreign-subnet-return", title, explanation)
        .rated(severity(facts, ids), Confidence::Likely);
    finding.candidate("arp-unanswered", format!(
            "{router} is not there at all: then a question in the real server's own name gets no answer either"
        ));
    for one in set {
        let server = names.place(one.host);
        if let Some((_, ask)) = asked(facts, one) {
            finding.confirm(server.clone(), format!(
                    "arping -c 2 -I IFACE -s {vip} {0}; arping -c 2 -I IFACE {0}; sysctl net.ipv4.conf.all.arp_announce",
                    ask.target
                ), "no answer to the first, one to the second, arp_announce 0 or 1: this is it");
        }
        finding.fixes.push(
            sysctl::change(server, &[("net.ipv4.conf.all.arp_announce", "2", "0")])
                .because("it asks in its own name; the answers' source is as before, so see that the router lets them pass"),
        );
    }
    finding.proofs = silent_servers::proofs(facts, set[0]);
    if let Some((v, ask)) = asked(facts, set[0]) {
        let proof = |mark, note| Proof::on(v, mark, note);
        let first = format!("instead of an answer it asks for {} as {vip}", ask.target);
        finding.proofs.push(proof(ask.first, first));
        finding.proofs.push(proof(ask.last, "and again; nobody answers".to_owned()));
    }
    finding.subjects = names.subjects(Role::RealServer, hosts);
    finding.addresses = std::iter::once(vip).chain(targets).collect();
    finding.connections = ids.clone();
    finding
}
