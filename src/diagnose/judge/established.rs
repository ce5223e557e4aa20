//! Connections that stood and then broke.

use super::evidence::{
    ASKED, asked_again, came_in, connected, cut_young, foreign_ttl, may_have_waited, missing,
    never_idle, reset_elsewhere, same_silence, small,
};
use super::place::Place;
use super::renewed::{Renewed, renewed};
use super::{Against, Opinions};
use crate::breaks::{
    By, Fate, Group, InVain, Journey, Manner, Milestone, Packet, Passage, Unanswered, greeting,
};
use crate::correlate::is_thrown_away;
use crate::diagnose::Facts;
use crate::diagnose::facts::way::passing::through;
use crate::diagnose::symptom::{reset_moment, rst_no_socket};
use crate::diagnose::thresholds::{
    JUDGE_LIMIT_NS, JUDGE_LIMIT_PART, JUDGE_QUICK_PART, JUDGE_SMALL as SMALL,
};
use crate::diagnose::words::seconds;
use crate::flow::Reset;
use crate::trace::{At, ConnectionId};

/// Causes that let no connection stand.
pub(super) const BEFORE: &[&str] =
    &["rs-silent", "rs-missing-vip", "rp-filter-drop", "nat-return-bypasses-director"];

/// The last step of the handshake, or the first word of a server that speaks first, is
/// missing.
pub(super) fn silent(facts: &Facts, group: &Group, opinions: &mut Opinions) {
    if group.packet == Packet::Ack
        && group.manner == Manner::Swallowed
        && let Some(against) = Place::of(facts, group).sent_on()
    {
        opinions.possible("forward-rule-drop", "then a rule for forwarded packets counts the ACKs, one that drops what is INVALID among them: 'iptables -L FORWARD -nvx', 'nft list ruleset'");
        opinions.possible("conntrack-invalid-rst", "then 'conntrack -S' on this host counts invalid with each: what its table takes for invalid is neither translated nor sent on");
        opinions.refuted(LISTENER, &against);
        return;
    }
    let greets = greets_others(facts, group);
    listener(opinions, greets);
    if group.packet == Packet::Greeting {
        opinions.unless(
            greets,
            "proxy-protocol-mismatch",
            "then the server waits for a PROXY header: its listener asks for one",
        );
    } else if !came_in(group) {
        opinions.possible("packet-loss", "then the server's own capture lacks the ACK");
        opinions.possible(
            "stateful-device-half-path",
            "then a firewall between, which sees one direction only, drops the ACK",
        );
    }
}

/// Resets that answer what a client sends again, of a host that sends nothing else.
const RESETS: u32 = 4;

/// Causes of a listener that takes no connection.
const LISTENER: &[&str] = &["accept-queue-overflow", "defer-accept-waits"];

/// A server closed in order, with a word or without: its program, or a proxy before it, has the connection.
pub(super) fn turned_away(facts: &Facts, group: &Group, opinions: &mut Opinions) {
    let mute = |id: &ConnectionId| !facts.connection(*id).progress.response;
    if group.connections.iter().take(ASKED).all(mute) {
        opinions.possible("no-server-up", "then who takes these connections is a proxy, and its log or its page of states says that no server of the service is up");
    }
    let why = "who closes in order has taken the connection from the kernel";
    opinions.refuted(LISTENER, &Against { why, at: group.last.map(|last| last.at) });
}

/// The server spoke late: its kernel held the connection back where it had asked again for an ACK that the client
/// had sent.
pub(super) fn greeted_late(facts: &Facts, group: &Group, opinions: &mut Opinions) {
    let asked_again = |id: &ConnectionId| {
        facts.legs(*id).iter().any(|leg| {
            let (there, back) = (facts.forward(leg), facts.reply(leg));
            back.accepted() && back.syns > 1 && there.syns <= 1 && there.ack.is_set()
        })
    };
    if group.connections.iter().take(ASKED).all(asked_again) {
        listener(opinions, greets_others(facts, group));
    }
}

/// The same server greeted others of this service, who had not said a word: its listener waits for none.
fn greets_others(facts: &Facts, group: &Group) -> Option<Against> {
    let server = |id: ConnectionId| facts.server(id).map(|s| (s.host, s.address));
    let own = server(*group.connections.first()?)?;
    let well = |id: &ConnectionId| facts.breaks.fate(*id) == Fate::Well;
    let others = facts.requests_to(group.service).map(|(id, _)| id).filter(well);
    let greeted = |id: ConnectionId| {
        greeting(facts, id)?;
        let leg = facts.legs(id).iter().find(|leg| facts.reply(leg).data.is_set())?;
        Some(facts.at(leg, facts.reply(leg).data))
    };
    let at = others.filter(|id| server(*id) == Some(own)).find_map(greeted)?;
    let why = "this server greets others of the same service, who had not said a word";
    Some(Against { why, at: Some(at) })
}

/// Causes of a listener that takes no connection; `greets` speaks against one that waits for its client.
fn listener(opinions: &mut Opinions, greets: Option<Against>) {
    opinions.possible(
        "accept-queue-overflow",
        "then 'ss -ltn' on the server shows a full queue (Recv-Q above Send-Q) and TcpExtListenOverflows grows",
    );
    opinions.unless(
        greets,
        "defer-accept-waits",
        "then TcpExtTCPDeferAcceptDrop grows on the server, and a client that sends a byte at once is served",
    );
}

/// Every server's side answered the SYN in no time, measured against the wait: the way is short.
fn taken_at_once(facts: &Facts, group: &Group) -> Option<Against> {
    let prompt = |id: &ConnectionId| {
        facts.back_legs(*id).find_map(|leg| {
            let (there, back) = (facts.forward(leg), facts.reply(leg));
            let (syn, answer) = (there.syn.get()?, back.syn.get()?);
            (back.accepted() && answer.since(syn) < group.cost_ns / JUDGE_QUICK_PART)
                .then_some(facts.at(leg, back.syn))
        })
    };
    let all: Option<Vec<_>> = group.connections.iter().take(ASKED).map(prompt).collect();
    let why = "the handshake with the server's side took no hundredth of that wait";
    Some(Against { why, at: Some(*all?.first()?) })
}

/// Bytes got through at last, or an answer took its time.
pub(super) fn late(facts: &Facts, group: &Group, opinions: &mut Opinions) {
    let unanswered = Unanswered::of(facts);
    let sought = group.connections.first().and_then(|id| unanswered.meanwhile(facts, *id));
    if let Some((leg, question, resolver, _)) = sought {
        opinions.possible("datagram-unanswered", format!("the server's own question to {resolver} stays unanswered meanwhile: then 'dig @{resolver} . NS' on it ends in a timeout, too"));
        let why =
            "the server asks its name server meanwhile, in vain, and answers when that times out";
        let at = Some(facts.at(leg, question));
        opinions.refuted(&["network-latency"], &Against { why, at });
        return;
    }
    let called = group.connections.first().and_then(|id| InVain::of(facts).meanwhile(facts, *id));
    if let Some(called) = called {
        let whom = called.whom.0.with_port(called.whom.1);
        opinions.possible("syn-unanswered", format!("the server's own call to {whom} stays unanswered meanwhile: then a connection from it to there ends in a timeout, too"));
        let why = "the server calls somebody meanwhile, in vain, and answers when it gives up";
        let at = Some(facts.at(called.leg, called.syn));
        opinions.refuted(&["network-latency"], &Against { why, at });
        return;
    }
    let repeated = group.connections.iter().any(|id| facts.connection(*id).progress.repeats);
    let own = group.connections.first().and_then(|id| facts.server(*id)?.host);
    let last = group.last.filter(|last| own.is_some() && last.host == own);
    if let Some(last) = last.filter(|last| !repeated && last.passage == Passage::Out) {
        opinions.possible("slow-real-server", "the server's own capture shows the wait between request and answer: its program, or whom that asks, takes so long");
        let why = "the server's own capture shows the wait";
        opinions.refuted(&["network-latency"], &Against { why, at: Some(last.at) });
        return;
    }
    if !repeated {
        let taken = taken_at_once(facts, group);
        opinions.possible("slow-real-server", match &taken {
            Some(_) => "the server's side answers SYNs at once, and requests so much later: its program, or whom that asks, takes so long",
            None => "then the server's own capture shows the same wait between request and answer",
        });
        opinions.unless(
            taken,
            "network-latency",
            "then a ping to the server takes as long, and so does its handshake",
        );
        return;
    }
    opinions.unless(
        small(facts, group),
        "pmtud-icmp-misdelivered",
        "then full segments come again until they are sent in smaller ones, and a router says 'fragmentation needed' to somebody else than their sender",
    );
    opinions.possible(
        "packet-loss",
        "then captures on both sides of a link show segments of any size leave and not arrive",
    );
}

/// Bytes of an answer never came, and later ones did.
pub(super) fn torn(facts: &Facts, group: &Group, opinions: &mut Opinions) {
    let bytes = missing(facts, group).unwrap_or(0);
    if bytes >= SMALL {
        opinions.possible("tun-mtu-blackhole", "then full segments do not fit on the way and shorter ones do: 'ping -M do -s 1472' between client and server fails and a smaller one passes; the server needs a smaller MSS (iptables -t mangle ... -j TCPMSS --clamp-mss-to-pmtu on the router before the tunnel)");
        opinions.possible("pmtud-icmp-misdelivered", "then a router says 'fragmentation needed', and the server's own capture does not show it arrive");
    } else {
        let why = "what is missing is small";
        opinions.refuted(SIZE, &Against { why, at: None });
    }
    opinions.possible("packet-loss", "then the server's own capture shows the missing segments leave, and short ones are lost as well");
    if let Some(stood) = connected(facts, group) {
        opinions.refuted(BEFORE, &stood);
    }
}

/// Causes that let short segments through.
pub(super) const SIZE: &[&str] = &["tun-mtu-blackhole", "pmtud-icmp-misdelivered"];

/// Whether a host that sends a group's packets on made the reset: it left there and never came.
fn made_by_relay(facts: &Facts, group: &Group) -> bool {
    group.connections.iter().take(ASKED).any(|id| {
        [false, true].into_iter().any(|forward| {
            let all = Journey::of(facts, *id, forward, Milestone::Rst).0;
            let came = |host| all.iter().any(|s| s.host == Some(host) && s.passage == Passage::In);
            let mut left = all.iter().filter(|s| s.passage == Passage::Out).filter_map(|s| s.host);
            left.any(|host| !came(host) && through(facts, *id, host).is_some())
        })
    })
}

/// Closed without an answer: by a limit, where several were closed after one time.
pub(super) fn closed(facts: &Facts, group: &Group, opinions: &mut Opinions) {
    let waited = |id: &ConnectionId| {
        facts.legs(*id).iter().find_map(|leg| {
            let (asked, closed) = (facts.forward(leg).data.get()?, facts.reply(leg).fin.get()?);
            Some(closed.since(asked))
        })
    };
    let waits: Vec<i64> = group.connections.iter().filter_map(waited).collect();
    let (Some(least), Some(most)) = (waits.iter().min(), waits.iter().max()) else { return };
    if waits.len() < 2 || *least < JUDGE_LIMIT_NS || most - least > most / JUDGE_LIMIT_PART {
        return;
    }
    opinions.possible("l7-backend-timeout", format!("each of these was closed {:.1} s after its request, as by a limit for answers on the way rather than by what was asked: 'timeout server' (haproxy), proxy_read_timeout (nginx), the idle timeout of a cloud's balancer; then the server's own capture shows it still at work", *most as f64 / 1e9));
}

/// Reset by somebody.
pub(super) fn cut(facts: &Facts, group: &Group, by: By, opinions: &mut Opinions) {
    let between = [
        ("lb-idle-timeout", "then these connections were silent for longer than any that lives"),
        (
            "ecmp-rehash-wrong-server",
            "then another server's capture shows segments of connections that it never opened",
        ),
        (
            "director-no-entry-rst",
            "then the balancer itself sends the reset: its entry for the connection is gone",
        ),
    ];
    let own = Against {
        why: "an end of the connection sent the reset itself",
        at: group.last.map(|last| last.at),
    };
    let idle = never_idle(facts, group);
    let young = cut_young(facts, group);
    let thrown_away = |id: &ConnectionId| {
        let mut legs = facts.legs(*id).iter();
        legs.any(|leg| is_thrown_away(&facts.vantages, leg))
    };
    let closed = group.connections.iter().all(thrown_away).then_some(Against {
        why: "the server had answered and closed before",
        at: group.last.map(|last| last.at),
    });
    if by != By::Client && by != By::ClientsName && asked_again(facts, group) {
        // It repeated its SYN-ACK, then gave up; what the client says meets no socket.
        listener(opinions, None);
    }
    if group.connections.iter().all(|id| rst_no_socket::ends_handshake(facts, *id)) {
        opinions.possible("accept-queue-overflow", "a kernel whose accept queue is full answers the ACK that ends the handshake so with net.ipv4.tcp_abort_on_overflow=1; then TcpExtListenOverflows grows with each");
    }
    let timed = same_silence(facts, group).filter(|_| !matches!(by, By::Client | By::Server));
    if let Some((ns, at)) = timed {
        let wait = seconds(ns);
        opinions.possible("lb-idle-timeout", format!("each was reset after the same silence of {wait}, by whom nobody had asked anything: then the balancer, or a NAT or firewall between, has an idle timeout of that length"));
        let why = "the resets follow the same silence, not one moment, and answer nothing";
        opinions.refuted(
            &["ecmp-rehash-wrong-server", "director-no-entry-rst"],
            &Against { why, at: Some(at) },
        );
    }
    if let Some(Renewed { before, now, silent_ns, at }) = renewed(facts, group) {
        opinions.possible("lb-idle-timeout", format!("the server accepted one of these from port {before}, and what it resets came from port {now}, {} later: whoever translates between had let the connection go and put it on another port; then its idle timeout is shorter than that", seconds(silent_ns)));
        let why = "the server that accepted the connection resets it itself, as it comes from another port";
        opinions.refuted(
            &["ecmp-rehash-wrong-server", "director-no-entry-rst", "rs-lost-socket"],
            &Against { why, at: Some(at) },
        );
    }
    if let Some((ttl, before)) =
        foreign_ttl(facts, group).filter(|_| by == By::ServersName && timed.is_none())
    {
        opinions.possible("ecmp-rehash-wrong-server", format!("another host than the one that served them sent the resets: their TTL is {ttl}, that of the answers before {before}; then routes, servers or nodes changed at that time, or a firewall resets in the server's name"));
    }
    if let Some(capture) = reset_elsewhere(facts, group).filter(|_| timed.is_none()) {
        opinions.possible("ecmp-rehash-wrong-server", format!("{capture} shows the reset leave and never that the connection was accepted there: then what chooses the server sent the segments to another one than before"));
    }
    if group.connections.iter().take(ASKED).all(|id| answers_nothing(facts, *id)) {
        let why = "the resets answer nothing: all that was said before was acknowledged";
        let at = group.last.map(|last| last.at);
        opinions
            .refuted(&["ecmp-rehash-wrong-server", "director-no-entry-rst"], &Against { why, at });
    }
    if by == By::ClientsName {
        let why = "the resets are in the clients' names: who gets segments of others resets their clients";
        let at = group.last.map(|last| last.at);
        opinions.refuted(&["ecmp-rehash-wrong-server"], &Against { why, at });
    }
    if by == By::Server
        && let Some((ns, at)) = never_opened_here(facts, group)
    {
        opinions.possible("ecmp-rehash-wrong-server", format!("this host opened none of these while its capture ran, which began {} before the first of them came, and accepts others: then another server has them, and what chooses the server, a router or a director that took over without their table, sends them here since", seconds(ns)));
        opinions.possible("rs-lost-socket", "then this host had accepted them before its capture began, and its program or kernel was started anew since: 'uptime -s' and the process's start time tell");
        let why = "a server that never had the connections resets them itself";
        opinions.refuted(&["director-no-entry-rst"], &Against { why, at: Some(at) });
    }
    for (id, tell) in between {
        if opinions.has(id) || opinions.refuted.iter().any(|known| known.id == id) {
            continue;
        }
        let by_an_end = matches!(by, By::Client | By::Server) && !made_by_relay(facts, group);
        let own = by_an_end.then_some(own);
        let idle = idle.filter(|_| id == "lb-idle-timeout" && !may_have_waited(facts, group));
        let against = own.or(closed).or(young).or(idle);
        opinions.unless(against, id, tell);
    }
}

/// How long the capture of a host had run before the first of the segments that it resets came, of connections of which
/// it shows nothing else, while it accepts others of the service; and that segment.
fn never_opened_here(facts: &Facts, group: &Group) -> Option<(i64, At)> {
    let host = group.last?.host?;
    let first = |id: &ConnectionId| {
        let [leg] = facts.legs(*id) else { return None };
        let (there, back) = (facts.forward(leg), facts.reply(leg));
        let alone = !there.opened() && back.reset == Reset::NoSocket && back.packets <= RESETS;
        let came = alone.then_some(there.first)?.get()?;
        Some((came.at().0 - facts.vantage(leg).start.0, facts.at(leg, came)))
    };
    let all: Option<Vec<(i64, At)>> = group.connections.iter().take(ASKED).map(first).collect();
    let accepts = |id: ConnectionId| {
        let mut legs = facts.legs(id).iter();
        legs.any(|leg| facts.reply(leg).accepted() && facts.host_of(leg) == Some(host))
    };
    let (ns, at) = all?.into_iter().min_by_key(|(ns, _)| *ns)?;
    let others = facts.requests_to(group.service).any(|(id, _)| accepts(id));
    (others && ns >= JUDGE_LIMIT_NS).then_some((ns, at))
}

/// Whether a reset in the server's name comes out of a silence, with all that was said acknowledged: nobody is told that
/// he has no such connection.
fn answers_nothing(facts: &Facts, id: ConnectionId) -> bool {
    reset_moment::cut(facts, id).is_some()
}
