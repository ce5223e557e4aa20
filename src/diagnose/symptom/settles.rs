//! Commands that tell why a packet ended where it was last seen, on the host whose own capture
//! shows it: counters, sockets and routes say what no frame does.

use crate::breaks::{Break, By, Manner, Packet, Passage};
use crate::correlate::{Leg, Tuple};
use crate::diagnose::facts::way::passing::through;
use crate::diagnose::words::{Names, tables};
use crate::diagnose::{Facts, ToConfirm};
use crate::topology::HostId;
use crate::wire::Ip;

/// What to run where a break shows. None where the place is no host that can be named.
pub(super) fn at_place(facts: &Facts, broken: &Break) -> Option<ToConfirm> {
    let last = broken.last?;
    // Who states something of itself can be asked more.
    let stated = next_stated(facts, broken);
    let host = last.host.filter(|host| facts.is_captured(*host)).or(stated);
    let connection = facts.connection(broken.connection);
    let (client, vip) = (connection.front.client.0, connection.front.server.0);
    let port = connection.back.map_or(connection.front.server.1, |back| back.server.1);
    let server = facts.server(broken.connection).and_then(|s| s.host);
    // The client and the server that the packet has there.
    let at = |leg: &&Leg| leg.vantage == last.at.vantage && leg.tuple == last.tuple;
    let leg = facts.legs(broken.connection).iter().find(at);
    let here = leg.map_or((client, vip), |leg| {
        let tuple = Tuple::of(leg.of(&facts.vantages), leg.client);
        (tuple.client.0, tuple.server.0)
    });
    // Who sends the connection's packets on has no socket of it.
    let relays = || host.is_some_and(|host| through(facts, broken.connection, host).is_some());
    let left = matches!(last.passage, Passage::Out | Passage::Passing) && stated.is_none();
    // What came to the client says nothing of the client: the answer lies where it was sent.
    if !broken.packet.is_forward() && !left && host.is_some() && host == facts.host_by_ip(client) {
        return None;
    }
    // Who has an address of its own there asks without an interface: what comes from
    // outside in its own name is no route.
    let own = host == server || !relays();
    let (host, (command, why)) = match (broken.packet, broken.manner) {
        (_, Manner::Cut(By::Client | By::Server)) | (_, Manner::Error | Manner::Closed) => {
            // Nothing listens on that port at a client.
            if host != server && host.is_some() && host == facts.host_by_ip(client) {
                return None;
            }
            (host, process(port))
        }
        (_, Manner::Cut(_)) => return None,
        (Packet::Syn | Packet::HealthCheck, Manner::Refused) => (host, listener(vip, port)),
        (Packet::Syn | Packet::HealthCheck, Manner::OwnSource) => (host, martians(client)),
        (Packet::HealthCheck, _) if left && host.is_some() && connection.progress.answered => {
            (host, way_back(here, own))
        }
        (Packet::Syn | Packet::HealthCheck, _) if !left => (host, counters(vip)),
        (Packet::SynAck, Manner::Unmatched) => (server.or(host), way_back((client, vip), true)),
        (Packet::SynAck, _) if left && host.is_some() => (host, way_back(here, own)),
        (Packet::SynAck, _) => (host, counters(vip)),
        (Packet::Ack | Packet::Greeting | Packet::Request, _) if !left && relays() => {
            (host, counters(vip))
        }
        (Packet::Request, _) if !left && connection.progress.response => (host, socket(vip, port)),
        (Packet::Ack | Packet::Greeting | Packet::Request, _) if !left => (host, queue(port)),
        (Packet::Datagram, _) if !left => (host, datagrams(vip, port)),
        (Packet::Response, _) if left && host == server => (host, process(port)),
        (Packet::Response, _) if !left && relays() => (host, counters(vip)),
        (_, _) => (host, way(if broken.packet.is_forward() { here.1 } else { here.0 })),
    };
    Some(ToConfirm { host: Names(facts).place(host?), command, why: why.to_owned() })
}

/// Who should have had it, where it was not captured and stated something of itself.
pub(super) fn next_stated(facts: &Facts, broken: &Break) -> Option<HostId> {
    let to = broken.last?.to.filter(|host| !facts.is_captured(*host))?;
    facts.states.iter().any(|m| m.hosts.contains(&to)).then_some(to)
}

pub(super) type Said = (String, &'static str);

/// What the kernel counts of what it drops.
pub(super) fn counters(vip: Ip) -> Said {
    let save = tables(vip);
    // IPv6 has no such filter.
    let filter = if vip.is_v4() { "TcpExtIPReversePathFilter " } else { "" };
    (
        format!(
            "nstat -az TcpExtListenDrops TcpExtListenOverflows {filter}TcpExtPAWSPassive TcpInCsumErrors; {save}-save -c | grep -E 'DROP|REJECT'; nft list ruleset | grep -E 'drop|reject'; conntrack -S"
        ),
        "run it before and after one more attempt: the counter that grows names who drops it",
    )
}

/// Who listens, and who refuses in a listener's place.
pub(super) fn listener(vip: Ip, port: u16) -> Said {
    let save = tables(vip);
    (
        format!(
            "ss -ltnp 'sport = :{port}'; {save}-save -c | grep -i reject; nft list ruleset | grep -i reject"
        ),
        "nobody listens on the port, or only on another address; or a rule that rejects counts it",
    )
}

/// Whether a source is the receiver's own address: no counter tells of such packets.
fn martians(source: Ip) -> Said {
    let (six, log) = if source.is_v4() {
        (
            "",
            "; sysctl -w net.ipv4.conf.all.log_martians=1; sleep 60; dmesg | grep -i martian; sysctl -w net.ipv4.conf.all.log_martians=0",
        )
    } else {
        ("-6 ", "")
    };
    (
        format!("ip {six}-br addr show to {source}; ip {six}route get {source}{log}"),
        "'local' in the second list: the source is an address of this host itself, and its kernel drops what comes from outside in its own name (it logs 'martian source' and counts nothing); the first list names the interface that must not have it",
    )
}

/// Who has the connections.
pub(super) fn process(port: u16) -> Said {
    (
        format!("ss -ltnp 'sport = :{port}'; journalctl -k --since -1h | tail -20"),
        "names the process that answers there: its own log, or the kernel's, says why it ends them so",
    )
}

/// Whether somebody takes the connections off the listener's hands.
pub(super) fn queue(port: u16) -> Said {
    (
        format!(
            "ss -ltnp 'sport = :{port}'; ss -tn state established 'sport = :{port}'; nstat -az TcpExtListenOverflows TcpExtListenDrops TcpExtTCPDeferAcceptDrop TcpInCsumErrors"
        ),
        "Recv-Q of the first list above its Send-Q: the accept queue is full; Recv-Q of the second above 0: the program does not read; the second lacks the client: the server has no such connection; TcpInCsumErrors grows: bad checksums",
    )
}

/// Why a connection that was answered before takes no more.
fn socket(vip: Ip, port: u16) -> Said {
    let save = tables(vip);
    (
        format!(
            "ss -tni state established 'sport = :{port}'; nstat -az TcpExtPAWSEstab TcpInCsumErrors TcpExtTCPRcvQDrop; {save}-save -c | grep -i invalid; nft list ruleset | grep -i invalid"
        ),
        "no line of the client: its socket there is gone; a rule that counts what is INVALID: the firewall has forgotten the connection (it was loaded anew); Recv-Q above 0: the program does not read; TcpExtPAWSEstab grows with each repeat: the timestamps went back, as where a device that rewrites them was changed; TcpInCsumErrors: bad checksums",
    )
}

fn datagrams(vip: Ip, port: u16) -> Said {
    let save = tables(vip);
    (
        format!(
            "ss -lunp 'sport = :{port}'; nstat -az UdpNoPorts UdpInErrors UdpRcvbufErrors UdpInCsumErrors; {save}-save -c | grep -iE 'drop|reject'; nft list ruleset | grep -iE 'drop|reject'"
        ),
        "a rule or a counter that grows with each datagram: that is it; nobody on the port: it is not asked itself, or the program is gone; else the program takes them and says nothing",
    )
}

/// By which way a server answers, or a host passes its answers on.
fn way_back((client, server): (Ip, Ip), own: bool) -> Said {
    let iif = if own { "" } else { " iif IFACE" };
    (
        format!("ip route get {client} from {server}{iif}; ip rule; ip neigh"),
        "the interface and next hop of the answers: the way by which the SYN came, or else one on which nobody drops what he did not see begin, or in a foreign name",
    )
}

/// By which way something leaves.
fn way(to: Ip) -> Said {
    (
        format!("ip route get {to}; ip neigh; tc -s qdisc; ip -s link"),
        "by which interface and next hop it leaves, whether that neighbour is known, and drops that grow with each",
    )
}
