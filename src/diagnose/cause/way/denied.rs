//! The second form of `nat-return-bypasses-director` and `nat-same-subnet-client`: seen at the
//! real server alone, where neither the balancer nor what it translates shows.

use crate::breaks::Fate;
use crate::diagnose::cause::{by_service, severity};
use crate::diagnose::decide::way::WhyAround;
use crate::diagnose::facts::way::denied_answers::{Denied, all};
use crate::diagnose::words::commands::ip::Answers;
use crate::diagnose::words::commands::step::{self, Step};
use crate::diagnose::words::{name, server_subject, service_subject, share};
use crate::diagnose::{Confidence, Facts, Finding, Proof};
use crate::flow::IcmpErrorKind;
use crate::trace::ConnectionId;
use std::collections::{BTreeMap, BTreeSet};

/// Findings of one reason, under the id of the cause that asks.
pub(super) fn findings(facts: &Facts, id: &'static str, why: WhyAround) -> Vec<Finding> {
    let own: BTreeMap<ConnectionId, Denied> =
        all(facts).into_iter().filter(|d| d.why() == why).map(|d| (d.id, d)).collect();
    by_service(facts, own.keys().copied())
        .into_values()
        .map(|ids| finding(facts, id, &ids, &own[&ids[0]]))
        .collect()
}

fn finding(facts: &Facts, id: &'static str, ids: &[ConnectionId], first: &Denied) -> Finding {
    let service = facts.service_of(first.id);
    let subject = server_subject(facts, first.id)
        .unwrap_or_else(|| service_subject(facts.topology.service(service)));
    let c = facts.connection(first.id);
    let (who, own) = (name(&subject), c.front.server.0);
    let to = if first.direct {
        format!("straight to the client's own MAC, {}", first.left)
    } else {
        format!("for {}", first.left)
    };
    let title = if first.direct {
        format!(
            "{who} answers its neighbour {} directly, not by way of {}",
            c.front.client.0, first.came
        )
    } else {
        format!(
            "{who} answers by way of {}, not of {}, which sends it the SYNs",
            first.left, first.came
        )
    };
    let explanation = format!(
        "SYNs to {own} come from {}, and the SYN-ACKs leave {to}. The client gets them, resets them as of no connection of its own, and sends the same SYN again: it called another address. A balancer sends it on to {own}, by translating that or by calling in the client's name, and nobody brings the answers back to it. {} so.",
        first.came,
        share(facts, service, ids, "fail")
    );
    let mut finding = Finding::cause(id, title, explanation);
    finding.severity = severity(facts, ids);
    finding.confidence = Confidence::Likely;
    let (other, tell) = if first.direct {
        ("nat-return-bypasses-director", "then clients of other networks fail as well")
    } else {
        (
            "nat-same-subnet-client",
            "then only clients on the server's own link fail, and the answer leaves for their own MAC",
        )
    };
    finding.candidate(other, tell);
    finding.candidate(
        "tproxy-return-bypass",
        format!("then {} is a proxy that calls with the client's address: its own capture shows other numbers (sequence, window) than the client's", first.came),
    );
    let client = c.front.client.0;
    finding.confirm(
        who.clone(),
        format!("ip route get {client} from {own}; ip neigh"),
        format!(
            "names the gateway of its answers: in NAT that must be the balancer, {}",
            first.came
        ),
    );
    // Who is answered by the same way and does well would not be any more.
    if let Some(served) = served_directly(facts, first) {
        finding.candidate("vip-arp-conflict", format!("then {client} is on two machines, as the local address of two balancers: {} and {} send from it, and what the second calls itself is served; 'ip -br addr show to {client}' on both tells", first.came, first.left));
        finding.proofs = proofs(facts, first, &to);
        finding.proofs.push(served);
        finding.subjects = vec![subject];
        finding.connections = ids.to_vec();
        return finding;
    }
    if let Some((who_told, proof)) = told_by_redirect(facts, first, ids) {
        finding.explanation.push_str(&format!(" {who_told} told it to, by an ICMP redirect: a kernel sends one for what it would take in and out by one interface, and who heeds it answers past the balancer from then on."));
        finding.fixes.extend(super::told_shorter::send_none(&who_told, &who));
        finding.proofs = proofs(facts, first, &to);
        finding.proofs.push(proof);
        finding.subjects = vec![subject];
        finding.connections = ids.to_vec();
        return finding;
    }
    let dip = format!("DIP: the balancer's address on this link, {} in 'ip neigh'", first.came);
    finding.fixes.push(if first.direct {
        let route = Step::new(
            format!("ip route replace {client} via DIP"),
            format!("ip route del {client}"),
        );
        step::disruptive(who, [route.because(&format!("{dip}; it must send no redirects"))])
    } else {
        let answers = Answers {
            from: own.to_string(),
            protocol: c.protocol,
            port: c.front.server.1,
            v4: client.is_v4(),
        };
        step::safe(who, answers.leave_by("DIP", &dip))
    });
    finding.proofs = proofs(facts, first, &to);
    finding.subjects = vec![subject];
    finding.connections = ids.to_vec();
    finding
}

/// Who told the server by an ICMP redirect that one of these clients is better reached by another next hop, with the
/// frame.
fn told_by_redirect(
    facts: &Facts,
    first: &Denied,
    ids: &[ConnectionId],
) -> Option<(String, Proof)> {
    let clients: BTreeSet<_> = ids.iter().map(|id| facts.connection(*id).front.client.0).collect();
    let server = facts.connection(first.id).front.server.0;
    let vantage = facts.vantage(&first.leg);
    let mut told = vantage.errors.iter().filter(|e| e.kind == IcmpErrorKind::Redirect);
    let error = told.find(|e| e.dst == server && clients.contains(&e.quote.dst))?;
    let note = format!("redirect: {server} is told of another way to {}", error.quote.dst);
    Some((error.src.to_string(), Proof::on(first.leg.vantage, error.mark, note)))
}

/// The handshake that its client denies.
fn proofs(facts: &Facts, first: &Denied, to: &str) -> Vec<Proof> {
    let (there, back) = (facts.forward(&first.leg), facts.reply(&first.leg));
    Proof::seen([
        facts.proof(&first.leg, there.syn, format!("the SYN, from {}", first.came)),
        facts.proof(&first.leg, back.syn, format!("the SYN-ACK, {to}")),
        facts.proof(&first.leg, there.rst, "the client's stack has no such connection"),
        facts.proof(&first.leg, there.last, "the last of the client, which goes on asking"),
    ])
}

/// A connection of the same two that came from the MAC to which the answers of the others leave, and did well.
fn served_directly(facts: &Facts, first: &Denied) -> Option<Proof> {
    let service = facts.service_of(first.id);
    let client = facts.connection(first.id).front.client.0;
    let own = facts
        .requests_from(client)
        .filter(|(id, _)| facts.service_of(*id) == service && facts.breaks.fate(*id) == Fate::Well);
    own.flat_map(|(id, _)| facts.legs(id)).filter(|leg| leg.vantage == first.leg.vantage).find_map(
        |leg| {
            let there = facts.forward(leg);
            let from = facts.vantage(leg).first_hop(there)?.link.src?;
            let note = format!("{from} calls from {client} as well, and is served");
            facts.proof(leg, there.first, note).filter(|_| from == first.left)
        },
    )
}
