//! Full segments never get through and small ones do, as one capture at either end shows it: the
//! fourth form of `tun-mtu-blackhole`. Where on the way they do not fit it does not show.

use crate::breaks::Fate;
use crate::diagnose::facts::size::size_losses::{Shown, SizeLoss, size_losses};
use crate::diagnose::words::commands::netfilter::Rule;
use crate::diagnose::words::commands::ping;
use crate::diagnose::words::{count, servers, share};
use crate::diagnose::{Confidence, Facts, Finding, Names, Proof, Severity};
use crate::hashed::HashSet;
use crate::topology::{HostId, ServiceId};
use crate::trace::ConnectionId;

/// Headers of IPv4 and of IPv6, each with TCP's with timestamps.
const HEADERS: [u32; 2] = [52, 72];
/// Payload of a ping that every way carries.
const SMALL_PING: u32 = 1000;

/// Of connections that are not told already.
pub(in crate::diagnose) fn findings(facts: &Facts, known: &HashSet<ConnectionId>) -> Vec<Finding> {
    let sets = size_losses(facts).into_iter();
    let fresh = sets.filter(|(_, set)| set.iter().all(|loss| !known.contains(&loss.id)));
    fresh.map(|((service, client), set)| finding(facts, service, client, &set)).collect()
}

fn finding(facts: &Facts, service: ServiceId, client: bool, set: &[SizeLoss]) -> Finding {
    let s = facts.topology.service(service);
    let ids: Vec<ConnectionId> = set.iter().map(|loss| loss.id).collect();
    let size = set.iter().map(|loss| loss.size).min().unwrap_or(0);
    let healed: Vec<u32> = set
        .iter()
        .filter_map(|loss| match loss.shown {
            Shown::Smaller(bytes, _) => Some(bytes),
            _ => None,
        })
        .collect();
    let at_receiver = set.iter().all(|loss| loss.shown == Shown::Hole);
    let what = if client { "requests to" } else { "answers of" };
    let end = if healed.is_empty() { "hang" } else { "stall" };
    let title =
        format!("large {what} {} {end}: full segments do not get through, small ones do", s.name());
    let lost = if at_receiver {
        format!(
            "Full segments, of {size} bytes by what was agreed on, never arrive, and the receiver goes on asking for them; smaller ones that were sent after them do"
        )
    } else {
        format!(
            "Segments of {size} bytes are sent again and again and are not acknowledged; smaller ones of the same direction are"
        )
    };
    let mended = match healed.iter().max() {
        Some(bytes) => format!(
            " The same bytes in segments of {bytes} arrive at once: the sender tried smaller ones by itself."
        ),
        None => String::new(),
    };
    let well = facts.breaks.accounts.services[service.0 as usize].well;
    let others = match well {
        0 => String::new(),
        // Where the repeats alone prove it, what the others sent was not asked.
        n if !healed.is_empty() => format!("; {} did well", count(n as usize, "connection")),
        n => format!("; {} without a large segment did well", count(n as usize, "connection")),
    };
    let explanation = format!(
        "{lost}{others}.{mended} No ICMP message in these captures says why. A link or a tunnel on the way carries less than the packets of {} bytes that both ends take for possible, and who drops them does not say so, or is not heard. {}.",
        size + HEADERS[usize::from(!s.vip.is_v4())],
        share(facts, service, &ids, end)
    );
    let mut finding = Finding::cause("tun-mtu-blackhole", title, explanation);
    let failed = ids.iter().any(|id| facts.breaks.fate(*id) == Fate::Failed);
    finding.severity = if failed { Severity::Critical } else { Severity::Warning };
    if healed.len() < 2 {
        finding.confidence = Confidence::Likely;
        finding.candidate(
            "packet-loss",
            "then captures on both sides of a link show short segments lost, too",
        );
        finding.candidate("pmtud-icmp-misdelivered", "then a router says 'fragmentation needed', and the sender's own capture does not show it arrive");
    }
    if let Some(id) = ids.first() {
        confirm(facts, &mut finding, *id, size);
    }
    let clamp = Rule::mss(s.vip, "--clamp-mss-to-pmtu");
    finding.fix("the router before the link or tunnel that carries less, once it is known, where iptables sees its packets", clamp.append(), clamp.delete());
    finding.proofs = set.first().map(proofs).unwrap_or_default();
    finding.concerning(servers(facts, &ids), ids)
}

/// A ping of that size and a small one, from the end that was captured towards the other.
fn confirm(facts: &Facts, finding: &mut Finding, id: ConnectionId, size: u32) {
    let vip = facts.service(id).vip;
    let client = facts.connection(id).front.client.0;
    let captured = |host: &HostId| facts.is_captured(*host);
    let server = facts.server(id).and_then(|s| s.host).filter(captured);
    let caller = facts.host_by_ip(client).filter(captured);
    let (host, peer) = match (server, caller) {
        (Some(host), _) => (Names(facts).place(host), client),
        (None, Some(host)) => (Names(facts).place(host), vip),
        (None, None) => (format!("the host of {client}"), vip),
    };
    let (full, six) = (ping::of_segment(size), if vip.is_v4() { "" } else { "-6 " });
    finding.confirm(
        host,
        format!("ping {six}-c 3 -M do -s {full} {peer}; ping {six}-c 3 -M do -s {SMALL_PING} {peer}; tracepath {six}-n {peer}"),
        "the small one is answered and the large one is not: this is it, and tracepath names the last hop that answers; where pings are filtered, a smaller MSS on the route ('ip route change ... advmss 1200') that helps shows the same",
    );
}

fn proofs(loss: &SizeLoss) -> Vec<Proof> {
    let [first, last] = loss.again;
    match loss.shown {
        Shown::Hole => vec![
            Proof::at(first, "the first that arrives lies behind what is missing, and is small"),
            Proof::at(last, "the receiver's last: it still lacks what came before"),
        ],
        Shown::Smaller(bytes, at) => vec![
            Proof::at(first, format!("{} bytes come again", loss.size)),
            Proof::at(last, "and again, as large as before"),
            Proof::at(at, format!("the same bytes in {bytes}; these are acknowledged")),
        ],
        Shown::Alive | Shown::Jumbo | Shown::Silent => vec![
            Proof::at(first, format!("{} bytes come again", loss.size)),
            Proof::at(last, "and again; nothing acknowledges them"),
        ],
    }
}
