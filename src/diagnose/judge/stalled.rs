//! Bytes that are sent again and again, and requests that no answer comes to.

use super::established::{BEFORE, SIZE};
use super::evidence::{
    ASKED, arrived, asked_again, came_in, connected, never_idle, shut, small, smallest_again,
};
use super::place::Place;
use super::renewed::{Moved, taken_over};
use super::{Against, Opinions};
use crate::breaks::apart::Trait;
use crate::breaks::{Apart, Group, Packet, hung, probed};
use crate::diagnose::Facts;
use crate::diagnose::thresholds::SIZE_ETHERNET_MTU;
use crate::diagnose::words::commands::ping;
use crate::trace::{At, ConnectionId};

/// Whether each request arrived as a whole at a host whose own capture shows it acknowledge that and send no byte of an
/// answer: nothing was lost on the way.
fn has_all(facts: &Facts, group: &Group) -> Option<Against> {
    let taken = |id: &ConnectionId| {
        facts.legs(*id).iter().filter(|leg| leg.tuple == 0).find_map(|leg| {
            let (there, back) = (facts.forward(leg), facts.reply(leg));
            let own = &facts.vantage(leg).own;
            let here = facts.path(leg, back).all(|(_, hop)| own.sent(hop) == Some(true));
            let fin = u32::from(there.fin.is_set());
            let whole = back.ack.is_set()
                && back.max_ack.wrapping_sub(there.end_seq.wrapping_sub(fin)) <= fin;
            // Where addresses are translated, the answer may have come by the other side.
            let unanswered = back.payload == 0 && !facts.connection(*id).progress.response;
            (here && whole && unanswered && there.data.is_set()).then(|| facts.at(leg, back.last))
        })
    };
    let all: Option<Vec<At>> = group.connections.iter().take(ASKED).map(taken).collect();
    let why = "who was asked acknowledged the whole request, and sent no answer that could be lost";
    Some(Against { why, at: all?.first().copied() })
}

/// What tells a host that took an address over and has no entries of the one before.
const NO_ENTRY: &str = "this host passes on others of this service and none of these: it has no entry for them, as after it took the address over, and a rule drops what is INVALID before it is reset; then 'conntrack -L -p tcp' and 'ipvsadm -Lnc' there lack their clients' ports, and 'iptables-save -c | grep -i invalid' or 'nft list ruleset' has a rule that counts them";

/// A client that had been silent asked in vain whether its server is there.
fn given_up(facts: &Facts, group: &Group, opinions: &mut Opinions) -> bool {
    let mut silences = group.connections.iter().take(ASKED).map(|id| probed(facts, *id));
    let Some(Some((leg, silence, _))) = silences.next() else { return false };
    if !silences.all(|silence| silence.is_some()) {
        return false;
    }
    let lived = facts.vantage(leg).side_tables.idle(leg.stream).map_or(0, |idle| idle.outlived_ns);
    let as_long = (lived >= silence.ns()).then_some(Against {
        why: "it had been silent for as long before, and lived",
        at: Some(facts.at(leg, silence.after)),
    });
    opinions.unless(
        as_long,
        "lb-idle-timeout",
        "then these connections were silent for longer than any that lives",
    );
    opinions.possible("backend-removed-silent-drop", "then whoever balances has no such server any more, or took over from another without its connections: its own capture shows these come in and not leave, and 'ipvsadm -Lnc' there lacks them");
    opinions.possible("rs-unreachable", "then the other end is down or cut off: nothing else comes from it either, and who is on its link asks for it by ARP in vain");
    let why = "they have no byte that could be too large";
    opinions.refuted(SIZE, &Against { why, at: None });
    true
}

/// Questions that were acknowledged and not answered, on connections that had answered others.
fn left_waiting(facts: &Facts, group: &Group, opinions: &mut Opinions) -> bool {
    let mut all = group.connections.iter().take(ASKED).map(|id| hung(facts, *id));
    let Some(Some((leg, silence, _))) = all.next() else { return false };
    if !all.all(|one| one.is_some()) {
        return false;
    }
    if group.packet == Packet::Response {
        opinions.possible("slow-real-server", "then the server's own capture shows it send no more either, and what it still owes was never sent: its program, or whom that asks, stalls");
        opinions.possible("l7-backend-silent", "then who answers is a proxy, and its own capture shows the answer of a server stop there, too");
        opinions.possible(
            "packet-loss",
            "then the server's own capture shows more of it leave, again and again",
        );
        return true;
    }
    opinions.possible("slow-real-server", "then the server's own capture shows the question come in and no answer leave while the client waits: its program, or whom that asks (a lock in a database), takes longer than the client does");
    opinions.possible("l7-backend-silent", "then who was asked is a proxy, and its own capture shows what it asked of a server, and no answer");
    let why = "the other side acknowledged the whole question, and was silent from then on";
    let at = Some(facts.at(leg, silence.before));
    opinions.refuted(&["packet-loss", "lb-idle-timeout"], &Against { why, at });
    let (vantage, back) = (facts.vantage(leg), facts.reply(leg));
    let here = facts.path(leg, back).any(|(_, hop)| vantage.own.sent(hop) == Some(true));
    // Whose end has the number behind what came has sent no more that could be lost.
    if here || back.fin.is_set() {
        opinions.refuted(SIZE, &Against { why, at });
    } else {
        opinions.possible("tun-mtu-blackhole", format!("then the server's own capture shows the answer leave in segments that are larger than any that came here, again and again, and 'ping -M do -s {}' from there fails where shorter ones pass", ping::of_packet(SIZE_ETHERNET_MTU)));
    }
    true
}

/// Whether what is sent again came in at the capturing server's own host each time, which took none of it.
fn taken_by_nobody(facts: &Facts, group: &Group, opinions: &mut Opinions) -> bool {
    let own = group.connections.first().and_then(|id| facts.server(*id)?.host);
    let here = group.last.filter(|last| own.is_some() && last.host == own && came_in(group));
    let Some(last) = here.filter(|_| group.packet == Packet::Request) else { return false };
    opinions.possible("vxlan-or-nat-bad-checksum", "then 'nstat -az TcpInCsumErrors' on this host grows with each: they come with a checksum that is not theirs, which 'tcpdump -vv' or Wireshark with its check of TCP checksums shows, and the kernel drops them");
    opinions.possible("conntrack-invalid-rst", "then a rule of this host's own firewall counts them, one that drops what is INVALID among them: 'iptables -L INPUT -nvx', 'nft list ruleset', 'conntrack -S'");
    let why = "they came in at the server itself, whole";
    opinions.refuted(&["packet-loss", SIZE[0], SIZE[1]], &Against { why, at: Some(last.at) });
    true
}

/// Whether another host took the service's address over while these connections stood.
fn moved_away(facts: &Facts, group: &Group, opinions: &mut Opinions) {
    let Some(Moved { old, new, .. }) = taken_over(facts, group) else { return };
    opinions.possible("director-no-entry-rst", format!("these stood with {old}, and since {new} has the address they get no answer, not even a reset: it has no entry for them (no ipvs sync daemon, no conntrackd) and drops what it does not know before it is reset; then 'ipvsadm -Lnc' or 'conntrack -L -p tcp' on {new} lack their clients' ports, and a rule for INVALID counts them. A client then waits for its own timer; rejecting these with a TCP reset ('-j REJECT --reject-with tcp-reset' for what comes to the address and is INVALID) ends that at once"));
    opinions.possible(
        "garp-missing-stale-arp",
        format!(
            "then 'ip neigh' on the host that sends these to it still has {old}, and not {new}"
        ),
    );
}

/// Whether answers came in at a host that had sent on what was asked, and sends these on to nobody.
fn answer_kept(facts: &Facts, group: &Group, opinions: &mut Opinions) -> bool {
    let Some(came) = arrived(group).filter(|_| Place::of(facts, group).passes_on().is_some())
    else {
        return false;
    };
    opinions.unless(
        never_idle(facts, group),
        "lb-idle-timeout",
        "the answers come to this host after a silence, and it sends on those that come sooner: then its table forgets connections in less, and 'conntrack -L -p tcp' there lacks these while they wait",
    );
    opinions.possible("conntrack-invalid-rst", "then 'conntrack -S' on this host counts invalid with each: what its table takes for invalid is neither translated back nor sent on");
    opinions.refuted(&["packet-loss", SIZE[0], SIZE[1]], &came);
    true
}

/// Connections that were answered until one moment, while those that began after it are answered.
fn forgotten_at_once(group: &Group, opinions: &mut Opinions) {
    let stood = |a: &Apart| a.what == Trait::StoodBefore && a.value == "yes";
    if group.apart.iter().any(stood) {
        opinions.possible("director-no-entry-rst", "all of them lost their answers at one moment, and those that began after it are answered: what keeps their state on the way (a balancer, a firewall or NAT) failed over without its table, restarted, or had it flushed, and drops what it does not know; then 'conntrack -L -p tcp' or 'ipvsadm -Lnc' on it lack their clients' ports, and its log has that moment");
    }
}

/// Bytes are sent again, and no answer comes.
pub(super) fn stalled(facts: &Facts, group: &Group, opinions: &mut Opinions) {
    if given_up(facts, group, opinions) || left_waiting(facts, group, opinions) {
        return;
    }
    if asked_again(facts, group) {
        opinions.possible(
            "accept-queue-overflow",
            "the server repeats its SYN-ACK although the client went on: then 'ss -ltn' on it shows a full queue (Recv-Q above Send-Q) and TcpExtListenOverflows grows",
        );
    }
    if let Some(against) = has_all(facts, group) {
        opinions.possible("slow-real-server", "who was asked has the whole request, acknowledged, and its own capture shows no byte of an answer leave while the client waits: its program, or whom that asks, takes longer than the client does");
        opinions.refuted(
            &["tun-mtu-blackhole", "pmtud-icmp-misdelivered", "packet-loss", "lb-idle-timeout"],
            &against,
        );
        return;
    }
    if taken_by_nobody(facts, group, opinions) {
        return;
    }
    if group.packet == Packet::Request
        && let Some(came) = arrived(group)
    {
        if Place::of(facts, group).passes_on().is_some() {
            opinions.possible("director-no-entry-rst", NO_ENTRY);
            opinions.possible("backend-removed-silent-drop", "then their real server was taken out of the table while they stood: 'ipvsadm -Ln' on this host lacks it");
        }
        opinions.unless(
            never_idle(facts, group),
            "lb-idle-timeout",
            "then these connections were silent for longer than any that lives, and this host, or a filter on it, forgets them sooner",
        );
        opinions.refuted(&["tun-mtu-blackhole", "pmtud-icmp-misdelivered", "packet-loss"], &came);
        return;
    }
    if group.packet == Packet::Request {
        moved_away(facts, group, opinions);
        forgotten_at_once(group, opinions);
    }
    if group.packet == Packet::Response && answer_kept(facts, group, opinions) {
        return;
    }
    if let Some(at) = shut(facts, group) {
        opinions.possible("zero-window", "the last that the receiver said is that it takes no more (a window of 0), and what is sent again was sent after that: then 'ss -tnmp' on it shows a large Recv-Q, and the process that does not read");
        let why = "its receiver had said that it takes no more";
        opinions.refuted(SIZE, &Against { why, at: Some(at) });
    }
    let ping =
        smallest_again(facts, group).map_or(ping::of_packet(SIZE_ETHERNET_MTU), ping::of_segment);
    opinions.unless(
        small(facts, group),
        "tun-mtu-blackhole",
        format!("then only segments above one size are missing, and 'ping -M do -s {ping}' along the way fails where shorter ones pass"),
    );
    if group.packet == Packet::Response {
        opinions.unless(
            small(facts, group),
            "pmtud-icmp-misdelivered",
            "then full segments of the answer come again as they were, and a router says 'fragmentation needed' to somebody else than their sender",
        );
    }
    opinions.unless(
        never_idle(facts, group),
        "lb-idle-timeout",
        "then these connections were silent for longer than any that lives",
    );
    opinions.possible(
        "packet-loss",
        "then a capture at the next host shows other segments missing, too",
    );
    if let Some(stood) = connected(facts, group) {
        opinions.refuted(BEFORE, &stood);
    }
}
