//! SYNs are delivered to a real server and nothing answers, where the evidence
//! ranks no reason first: firewall, reverse path filter, accept queue, VIP.

use crate::diagnose::cause::{clean_in, severity};
use crate::diagnose::decide::silence::WhySilent;
use crate::diagnose::facts::silence::silent_servers::{self, SilentServers};
use crate::diagnose::words::commands::netfilter::let_in;
use crate::diagnose::words::commands::step;
use crate::diagnose::words::{self, agree, share, to_capture};
use crate::diagnose::{Candidate, Confidence, Detection, Facts, Finding, Names, Settled};
use crate::topology::{Mode, Role};

pub(in crate::diagnose) const EXPLAINS: &[&str] = &["syn-unanswered"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let untold = || facts.silences().iter().filter(|s| s.why() == WhySilent::Untold);
    let findings = silent_servers::by_service(untold().filter(|s| s.signs.delivered))
        .iter()
        .map(|x| finding(facts, x))
        .collect();
    Detection::from(findings, || {
        if untold().any(|s| !s.signs.delivered) {
            return Detection::unchecked(
                "SYNs go to real servers whose own captures are missing, and no answer shows; capture on them",
            );
        }
        clean_in(facts, &Mode::LAYER_4)
    })
}

fn finding(facts: &Facts, of: &SilentServers<'_>) -> Finding {
    let names = Names(facts);
    let SilentServers { service, set, hosts, ids } = of;
    let s = facts.topology.service(*service);
    let who = names.hosts(hosts);
    let port = facts.server(ids[0]).map_or(s.port, |r| r.port);
    let verb = agree(hosts.len(), "does not", "do not");
    let title = format!("{who} {verb} answer the SYNs that arrive there");
    let one_way = set.iter().all(|x| x.signs.one_way);
    let nothing = if one_way {
        "and come again, so the client got no answer; the capture shows nothing that the host sent, and may leave it out"
    } else {
        "and nothing leaves for them: no SYN-ACK, no RST, no ICMP"
    };
    let explanation = format!(
        "SYNs for {} arrive at {who} {nothing}. tcpdump sees packets before the firewall and the kernel's filters do, so arrival is not acceptance. {} lost there.",
        s.name(),
        share(facts, *service, ids, "are")
    );
    let mut finding = Finding::cause("rs-silent", title, explanation);
    finding.titles.push((
        Settled::FilterIsTheReason,
        format!("{who} {verb} take the SYNs that arrive there: the reverse path filter drops them"),
    ));
    finding.severity = severity(facts, ids);
    finding.confidence = if one_way { Confidence::Possible } else { Confidence::Likely };
    finding.candidates = candidates(s.mode);
    // IPv6 has no such filter.
    finding.candidates.retain(|c| s.vip.is_v4() || c.id != "rp-filter-drop");
    finding.candidates.extend(super::no_endpoint(port));
    let tables = words::tables(s.vip);
    // Translated packets are for its own address; others need the VIP.
    let needs_vip = matches!(s.mode, Mode::Dr | Mode::Tun);
    for host in hosts {
        let server = names.place(*host);
        let counters = format!(
            "nstat -az {}TcpExtListenDrops TcpExtListenOverflows\n{tables} -L INPUT -nv; nft list ruleset",
            if s.vip.is_v4() { "TcpExtIPReversePathFilter " } else { "" }
        );
        let grows = "a counter or rule that grows with every SYN is the reason";
        let has = facts.has_address(*host, s.vip).is_some_and(|said| said.value);
        let (command, why) = if needs_vip && !has {
            finding.fixes.push(super::give_vip(
                format!("{server}, if 'ip -br addr show to {}' prints no address", s.vip),
                s.vip,
                s.mode,
            ));
            (
                format!("ip -br addr show to {}\n{counters}", s.vip),
                format!("no address printed: the VIP is missing there; else {grows}"),
            )
        } else {
            (counters, grows.to_owned())
        };
        finding.confirm(server.clone(), command, why);
        let whose = if super::no_endpoint(port).is_some() {
            " other than kube-proxy's own ('no local endpoints')"
        } else {
            ""
        };
        let open = step::safe(
            format!("{server}, if a rule of its firewall{whose} grows with them"),
            [let_in(s.vip, None, port)],
        );
        finding.fixes.push(if needs_vip && !has { open.or() } else { open });
    }
    if !set.iter().any(|x| x.signs.own_answers) {
        let addresses: Vec<_> = hosts.iter().filter_map(|h| names.address(*h)).collect();
        finding.to_confirm.push(to_capture(
            who.clone(),
            "silent",
            &addresses,
            port,
            "with a connection from the director to the server's own address while it runs: does it answer that?",
        ));
    }
    finding.proofs = set.first().map(|x| silent_servers::proofs(facts, x)).unwrap_or_default();
    finding.concerning(names.subjects(Role::RealServer, hosts), ids.clone())
}

fn candidates(mode: Mode) -> Vec<Candidate> {
    let mut all = vec![
        ("rp-filter-drop", "TcpExtIPReversePathFilter grows with every SYN"),
        (
            "accept-queue-overflow",
            "TcpExtListenOverflows grows: its program takes connections too slowly, or none any more",
        ),
    ];
    if matches!(mode, Mode::Dr | Mode::Tun) {
        all.insert(
            0,
            ("rs-missing-vip", "'ip -br addr' does not show the VIP on lo or on the tunnel"),
        );
    }
    Candidate::all(all)
}
