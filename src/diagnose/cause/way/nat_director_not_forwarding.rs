//! A NAT director gets the real server's answer and does not send it on.
//!
//! The way in needs no forwarding, since IPVS sends from the local input path
//! (`ip_vs_in` at `LOCAL_IN`); the answer must pass `FORWARD` (`ip_vs_out`). So
//! requests arrive and answers end here. Only the director's own capture of both
//! sides shows that, and no clock is compared. An answer that a director's other,
//! uncaptured interface may have sent is not called certain.

use crate::diagnose::cause::{each_service, needs_mode, severity};
use crate::diagnose::decide::way::WhyHeld;
use crate::diagnose::facts::telling;
use crate::diagnose::facts::way::held_answers::{Held, answers_in, held, proofs};
use crate::diagnose::facts::way::passing::clients;
use crate::diagnose::words::commands::netfilter::Rule;
use crate::diagnose::words::commands::{cluster, step, sysctl};
use crate::diagnose::words::{list_of, names, servers, share};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Fix, Names};
use crate::topology::{Mode, Role, ServiceId};
use crate::trace::{ConnectionId, Trace};
use crate::wire::Ip;

pub(in crate::diagnose) const EXPLAINS: &[&str] =
    &["syn-unanswered", "retransmission", "icmp-unreachable"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    // An answer that comes in by another interface is `rp-filter-drop`'s.
    let here = |id| held(facts, id).is_some_and(|h| h.why() == WhyHeld::NotForwarded);
    let hit = facts.requests().filter(|(id, _)| here(*id)).map(|(id, _)| id);
    let findings = each_service(facts, hit, |service, ids| finding(facts, service, ids));
    Detection::from(findings, || {
        if let Some(other) = needs_mode(facts, &[Mode::Nat]) {
            return other;
        }
        let nat =
            || facts.requests().filter(|(_, c)| c.protocol.is_tcp() && facts.is_translated(c));
        let passed = nat().any(|(_, c)| c.progress.established);
        Detection::clean_if(
            passed || nat().any(|(id, _)| answers_in(facts, id).next().is_some()),
            "no answer was captured where it enters the director; capture there with 'tcpdump -i any', which shows both sides",
        )
    })
}

fn finding(facts: &Facts, service: ServiceId, ids: Vec<ConnectionId>) -> Finding {
    let s = facts.topology.service(service);
    let subjects = servers(facts, &ids);
    let server = names(&subjects);
    let told = telling(facts, &ids).unwrap_or(ids[0]);
    let held: Vec<Held<'_>> = ids.iter().filter_map(|id| held(facts, *id)).collect();
    let director = held[0].director;
    let name = Names(facts).full(director);
    let passes = facts.requests_to(service).any(|(_, c)| c.progress.established);
    let v4 = s.vip.is_v4();
    // An address of one link is no destination for what comes from another (RFC 4291, 2.5.6).
    let of_link: Vec<Ip> =
        clients(facts, ids.iter().copied()).into_iter().filter(|ip| ip.is_link_local()).collect();
    let why = match (of_link.is_empty(), passes, v4) {
        (false, ..) => format!(
            "The clients' addresses ({}) are link-local: they hold on one link, and a router does not send on to them what comes from another.",
            list_of(&of_link)
        ),
        (true, true, true) => "Other answers pass, so it is a rule of its firewall, the reverse path filter of one interface, or packets that it takes for invalid.".to_owned(),
        (true, true, false) => "Other answers pass, so it is a rule of its firewall, or packets that it takes for invalid.".to_owned(),
        (true, false, true) => "Forwarding is off (net.ipv4.ip_forward), a rule of its firewall drops it (FORWARD), or the reverse path filter of the real servers' interface does.".to_owned(),
        (true, false, false) => "Forwarding is off (net.ipv6.conf.all.forwarding), or a rule of its firewall drops it (FORWARD).".to_owned(),
    };
    let way_in = if cluster::is_clusters(facts, s) || !of_link.is_empty() {
        ""
    } else {
        " The way in works all the same where IPVS translates: it sends requests from the local input path, and only answers are forwarded."
    };
    let title = format!("the director {name} does not send the answers of {server} on");
    let explanation = format!(
        "The director sends the SYNs for {} to {server} and gets their SYN-ACKs back, again and again, but nothing leaves it for the client. {why}{way_in} {} no answer.",
        s.name(),
        share(facts, service, &ids, "get")
    );
    let mut finding = Finding::cause("nat-director-not-forwarding", title, explanation);
    finding.severity = severity(facts, &ids);
    if !held.iter().any(|h| h.all) {
        finding.confidence = Confidence::Likely;
        finding.candidate("packet-loss", "then the director sends the answers by an interface that was not captured, and they are lost beyond it");
    }
    if let Some(client) = of_link.first() {
        finding.confirm(name.clone(), format!("ip route get {client}; nstat -az Ip6InNoRoutes Ip6OutNoRoutes; ip6tables -L FORWARD -nv"), "a way by another interface than the question came in by, or none, and a counter that grows with every answer: this is it");
        finding.fixes = vec![answered_here(facts, told, &name)];
    } else {
        let (command, what) = check(v4);
        finding.confirm(name.clone(), command, what);
        let of = |ip: Ip| subjects.iter().any(|s| s.address == Some(ip));
        finding.fixes = fixes(facts, told, of, &name, passes);
    }
    finding.proofs = proofs(facts, told);
    finding.concerning(vec![Names(facts).subject(Role::Director, director)], ids).also(subjects)
}

/// What asks the director why, and what its answer decides.
fn check(v4: bool) -> (&'static str, &'static str) {
    if v4 {
        (
            "sysctl net.ipv4.ip_forward; sysctl -a 2>/dev/null | grep '\\.rp_filter'; iptables -L FORWARD -nv; nft list ruleset; nstat -az TcpExtIPReversePathFilter",
            "ip_forward 0, a rule that counts, or a filter counter that grows with every answer: that one drops them",
        )
    } else {
        (
            "sysctl net.ipv6.conf.all.forwarding; ip6tables -L FORWARD -nv; nft list ruleset; nstat -az Ip6InNoRoutes Ip6InDiscards",
            "forwarding 0, a rule that counts, or a counter that grows with every answer: that one drops them",
        )
    }
}

/// Where the client's address holds on the director's link alone, the director has to ask
/// in its place: the answer then comes back to it.
fn answered_here(trace: &Trace, id: ConnectionId, director: &str) -> Fix {
    let c = trace.connection(id);
    let (client, (server, port)) = (c.front.client.0, c.back.unwrap_or(c.front).server);
    Fix::disruptive(
        format!("{director}, or on the host that asks"),
        format!(
            "# let it be answered on this host, not beyond it: ask from an address that has a route (a balancer's probe over IPv4, or of a port that the host itself answers, as healthCheckNodePort is), or let the translator put its own address in the place of {client} towards {} (kube-proxy: externalTrafficPolicy Cluster; a masquerading rule)",
            server.with_port(port)
        ),
        "Ask as before.",
    )
}

/// `held`: whether answers of a real server are among those that stay.
fn fixes(
    trace: &Trace,
    id: ConnectionId,
    held: impl Fn(Ip) -> bool,
    director: &str,
    passes: bool,
) -> Vec<Fix> {
    let back = trace.connection(id).back.unwrap_or(trace.connection(id).front);
    let v4 = back.server.0.is_v4();
    let of = |(ip, port): (Ip, u16)| {
        Rule::filter(ip, "FORWARD", format!("-s {ip} -p tcp --sport {port} -j ACCEPT")).inserted()
    };
    let servers = trace.service(id).real_servers.iter();
    let mut served: Vec<(Ip, u16)> =
        servers.filter_map(|r| r.address.map(|ip| (ip, r.port))).filter(|r| held(r.0)).collect();
    if served.is_empty() {
        served.push(back.server);
    }
    let rules = served.into_iter().map(of);
    let mut fixes = Vec::new();
    if !passes && v4 {
        fixes.push(sysctl::change(
            format!("{director}, if ip_forward is 0"),
            &[("net.ipv4.ip_forward", "1", "0")],
        ));
    } else if !passes {
        // A host that forwards takes no router's word any more, unless it is told to: its
        // default route would run out (ip-sysctl.rst, accept_ra).
        let on = sysctl::step(&[
            ("net.ipv6.conf.IFACE.accept_ra", "2", "1"),
            ("net.ipv6.conf.all.forwarding", "1", "0"),
        ])
        .because("IFACE: each that has its router by advertisement ('ip -6 route' says proto ra), whose default route it loses without accept_ra=2");
        fixes.push(step::disruptive(format!("{director}, if forwarding is 0"), [on]));
    }
    let open = step::safe(format!("{director}, if its firewall drops them"), rules);
    fixes.push(if fixes.is_empty() { open } else { open.or() });
    fixes
}
