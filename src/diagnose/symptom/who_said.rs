//! Checks on the host whose word decides, where frames name it: who refused, who says by ICMP
//! that it could not deliver or that a packet was too big, who answered late or with an error.
//! What these captures do not hold is on that host alone, and not in one more capture.

use super::settles::{listener, process, queue};
use crate::breaks::{Break, Manner, Packet, Passage, asks_again};
use crate::diagnose::facts::state::unheeded_answers::used_up;
use crate::diagnose::facts::way::tunnel_ends::{about_tunnel, unreached};
use crate::diagnose::words::{Names, tables};
use crate::diagnose::{Facts, Sighting, ToConfirm};
use crate::flow::{IcmpError, IcmpErrorKind};
use crate::topology::HostId;
use crate::trace::ConnectionId;
use crate::wire::{Ip, Protocol};

/// Servers that are asked at most.
const MOST: usize = 3;

/// What to ask of whoever the frames of a break name. Nothing where they name nobody.
pub(super) fn checks(facts: &Facts, sightings: &[Sighting], broken: &Break) -> Vec<ToConfirm> {
    let asks = matches!(broken.packet, Packet::Syn | Packet::HealthCheck);
    match broken.manner {
        Manner::Rejected => rejected(facts, broken.connection).into_iter().collect(),
        Manner::Refused if asks => each(facts, sightings, broken, refused),
        Manner::Error | Manner::Closed if broken.packet == Packet::HealthCheck => {
            each(facts, sightings, broken, checked)
        }
        Manner::Late if broken.packet == Packet::Greeting => {
            vec![looks_up(facts, broken.connection)]
        }
        Manner::Late if broken.packet == Packet::Response && is_its_own(facts, broken) => {
            each(facts, sightings, broken, slow)
        }
        manner if broken.packet == Packet::Request && manner.is_silence() => {
            unheard(facts, broken).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

/// A server that repeats its SYN-ACK though the client went on: its queue tells more than one
/// more capture, which cannot show what a kernel takes and drops.
fn unheard(facts: &Facts, broken: &Break) -> Option<ToConfirm> {
    let id = broken.connection;
    facts.legs(id).iter().find(|leg| asks_again(facts, leg))?;
    let (vip, port) = asked(facts, id);
    let (command, why) = queue(port);
    Some(ToConfirm {
        host: server_place(facts, id).unwrap_or_else(|| format!("the server of {vip}")),
        command,
        why: why.to_owned(),
    })
}

type Asked = fn(&Facts, ConnectionId) -> Option<ToConfirm>;

/// One check for each server of the sightings that broke alike.
fn each(facts: &Facts, sightings: &[Sighting], of: &Break, ask: Asked) -> Vec<ToConfirm> {
    let alike = |id: &ConnectionId| {
        let broken = facts.breaks.broken(*id);
        broken.is_some_and(|b| (b.packet, b.manner) == (of.packet, of.manner))
    };
    let ids = sightings.iter().filter_map(|s| s.connection).filter(alike);
    let mut found: Vec<ToConfirm> = Vec::new();
    for check in ids.filter_map(|id| ask(facts, id)) {
        let known = |one: &ToConfirm| (&one.host, &one.command) == (&check.host, &check.command);
        if found.len() < MOST && !found.iter().any(known) {
            found.push(check);
        }
    }
    found
}

/// Whether the server's own capture shows the packet leave: the wait is there.
fn is_its_own(facts: &Facts, broken: &Break) -> bool {
    let server = facts.server(broken.connection).and_then(|s| s.host);
    let repeats = facts.connection(broken.connection).progress.repeats;
    broken.last.is_some_and(|last| {
        server.is_some() && last.host == server && last.passage == Passage::Out && !repeats
    })
}

/// A host that a command can be typed on: no fabric of a cloud.
fn place(facts: &Facts, host: HostId) -> Option<String> {
    let fabric = facts.topology.hosts.get(host).fabric;
    (!fabric).then(|| Names(facts).place(host))
}

/// Where a connection's server is, if it is known.
fn server_place(facts: &Facts, id: ConnectionId) -> Option<String> {
    let server = facts.server(id)?;
    let alone = |ip: &Ip| !facts.is_shared(*ip);
    let address = || server.address.filter(alone).map(|ip| ip.to_string());
    server.host.and_then(|host| place(facts, host)).or_else(address)
}

/// The address and port that a connection's server is asked by.
fn asked(facts: &Facts, id: ConnectionId) -> (Ip, u16) {
    let connection = facts.connection(id);
    connection.back.map_or(connection.front.server, |back| back.server)
}

/// Where to ask a connection's server by hand, and what: of several that share the service's address the very one
/// that was asked, else another may answer.
pub(super) fn by_hand(facts: &Facts, id: ConnectionId) -> (String, String) {
    let (ip, port) = asked(facts, id);
    let host = if (ip, port) == facts.connection(id).front.server {
        "the client".to_owned()
    } else {
        format!("any host that reaches {ip}")
    };
    (host, ip.with_port(port))
}

fn refused(facts: &Facts, id: ConnectionId) -> Option<ToConfirm> {
    let broken = facts.breaks.broken(id)?;
    let server = facts.server(id).and_then(|s| s.host);
    // What a server's own capture does not show come in was refused before it.
    let here = broken.last.is_some_and(|last| last.host == server);
    if server.is_some_and(|host| facts.is_captured(host)) && !here {
        return None;
    }
    let (vip, port) = asked(facts, id);
    let (command, why) = listener(vip, port);
    Some(ToConfirm { host: server_place(facts, id)?, command, why: why.to_owned() })
}

/// A check that was answered is asked again by hand, so that its answer can be read.
fn checked(facts: &Facts, id: ConnectionId) -> Option<ToConfirm> {
    let (address, port) = asked(facts, id);
    let url = address.with_port(port);
    let (leg, _, status) = facts.first_error(id)?;
    let label = &facts.vantage(leg).label;
    // HTTP/1.1 asks for one (RFC 9112, section 3.2).
    let host = if status == 400 {
        "; if the frame has no Host header, 400 answers that, and the check has to send one"
    } else {
        ""
    };
    Some(ToConfirm {
        host: format!("any host that reaches {address}"),
        command: format!("curl -si http://{url}/PATH; curl -si -H 'Host: NAME' http://{url}/PATH"),
        why: format!(
            "PATH, and NAME if it has one, as {label} #{} asks: the body of the answer, or the log of the program that gives it, says why it is {status}{host}",
            facts.forward(leg).data.get()?.frame()
        ),
    })
}

fn slow(facts: &Facts, id: ConnectionId) -> Option<ToConfirm> {
    let (command, _) = process(asked(facts, id).1);
    Some(ToConfirm {
        host: server_place(facts, id)?,
        command: format!("{command}; vmstat 1 5"),
        why: "the wait is on this host: the log of the process that answers there says what it waited for, the last list whether processor, memory or disk is short".to_owned(),
    })
}

/// Servers that speak first look the client up before.
fn looks_up(facts: &Facts, id: ConnectionId) -> ToConfirm {
    let connection = facts.connection(id);
    let server = asked(facts, id).0;
    let client = connection.back.map_or(connection.front.client, |back| back.client).0;
    ToConfirm {
        host: server_place(facts, id).unwrap_or_else(|| format!("the server of {server}")),
        command: format!(
            "time dig -x {client}; grep nameserver /etc/resolv.conf; timeout 60 tcpdump -ni any 'port 53 or port 113'"
        ),
        why: "a lookup that takes as long as the greeting, or questions of port 53 or 113 that nobody answers while a client waits: that is what it waits for; if neither, its own log says what it does first".to_owned(),
    }
}

/// Who says that a packet was not delivered.
fn rejected(facts: &Facts, id: ConnectionId) -> Option<ToConfirm> {
    let mut errors = facts.errors_of(id);
    let (vantage, error) = errors.find(|(_, e)| {
        use IcmpErrorKind::{TimeExceeded, TooBig, Unreachable};
        matches!(e.kind, Unreachable { .. } | TooBig { .. } | TimeExceeded)
    })?;
    match error.kind {
        IcmpErrorKind::TooBig { mtu } => {
            let told = facts.host_of_vantage(vantage)?;
            let own = facts.server(id).and_then(|s| s.host) == Some(told);
            own.then(|| unheeded(facts, told, error, mtu))
        }
        IcmpErrorKind::Unreachable { .. }
            if let Some(end) = unreached(facts, vantage, error) =>
        {
            let six = if end.is_v4() { "" } else { "-6 " };
            Some(ToConfirm {
                host: error.src.to_string(),
                command: format!("ip {six}route get {end}; ip {six}neigh show {end}"),
                why: "no route, or FAILED: the host at the tunnel's end is down, or on another network; what the balancer sends to it has to be the address that it has now".to_owned(),
            })
        }
        IcmpErrorKind::Unreachable { .. } if about_tunnel(facts, vantage, error) => Some(ToConfirm {
            host: error.src.to_string(),
            command: "ip -d link show type ipip; ip -d link show type gre; ip fou show; ss -lun; lsmod | grep -E 'ipip|ip_gre|fou'".to_owned(),
            why: "it says so of the tunnel's packet: no interface or port there takes that tunnel; what the balancer sends has to be one of these, by kind and port".to_owned(),
        }),
        IcmpErrorKind::Unreachable { kind, code } => undelivered(facts, id, error, (kind, code)),
        IcmpErrorKind::TimeExceeded => {
            used_up(facts, facts.breaks.broken(id)?)?;
            let port = facts.connection(id).front.server.1;
            Some(ToConfirm {
                host: server_place(facts, id).or_else(|| {
                    let here = facts.breaks.broken(id)?.last?.host?;
                    place(facts, here)
                })?,
                command: format!(
                    "sysctl net.ipv4.ip_default_ttl; {}-save -t mangle -c | grep -i ttl; ss -ltnp 'sport = :{port}'",
                    tables(error.dst)
                ),
                why: "who sets so low a TTL: the kernel for all, a rule, or the program itself (IP_TTL, as programs of multicast do)".to_owned(),
            })
        }
        _ => None,
    }
}

/// A host that a router told of a smaller link, and that goes on sending what does not fit.
fn unheeded(facts: &Facts, host: HostId, error: &IcmpError, mtu: u32) -> ToConfirm {
    let (save, client) = (tables(error.dst), error.quote.dst);
    let six = if client.is_v4() { "" } else { "-6 " };
    ToConfirm {
        host: Names(facts).place(host),
        command: format!(
            "ip {six}route get {client}; {save}-save -c | grep -iE 'icmp|drop|reject'; nft list ruleset | grep -iE 'icmp|drop|reject'"
        ),
        why: format!(
            "no 'mtu {mtu}' in the first line though the message came in here: a rule of this host drops it, which one its counter tells; with it, what sends does not go by the route (a program of its own stack, a locked mtu)"
        ),
    }
}

fn undelivered(
    facts: &Facts,
    id: ConnectionId,
    error: &IcmpError,
    code: (u8, u8),
) -> Option<ToConfirm> {
    let connection = facts.connection(id);
    let (vip, port) = connection.front.server;
    let save = tables(vip);
    let sender = facts.host_by_ip(error.src);
    let host = match sender.and_then(|host| place(facts, host)) {
        _ if error.src == vip || facts.is_shared(error.src) => {
            format!("the host of {vip}, or the server that answers for {vip} behind it")
        }
        Some(place) => place,
        None => error.src.to_string(),
    };
    let rules = format!(
        "{save}-save -c | grep -iE 'reject|{vip}'; nft list ruleset | grep -iE 'reject|{vip}'"
    );
    let (command, why) = match code {
        (3, 3) | (1, 4) if connection.protocol == Protocol::UDP => (
            format!("ss -lunp 'sport = :{port}'; ipvsadm -Ln; {rules}"),
            "nobody on the port: its kernel says so itself; or the service is listed there without a server, or a rule counts each",
        ),
        // A kernel answers a SYN for a port on which nobody listens with a reset.
        (3, 3) | (1, 4) => (
            format!(
                "{rules}; ipvsadm -Ln; kubectl get svc,endpointslices -A -o wide | grep -wF {vip}"
            ),
            "a rule that rejects counts each ('has no endpoints': the cluster's service has none that is ready), or the service is listed in IPVS without a server",
        ),
        (3, 9 | 10 | 13) | (1, 1) => (
            format!("{rules}; firewall-cmd --list-all"),
            "the rule that rejects, by its counter; firewalld's have none, and its list lacks the port",
        ),
        (3, 0 | 1) | (1, 0 | 3) => {
            let six = if vip.is_v4() { "" } else { "-6 " };
            (
                format!(
                    "ip {six}route get {vip}; ip {six}neigh show nud failed nud incomplete; ipvsadm -Ln"
                ),
                "no route, or a next hop or server that stays FAILED: it cannot be reached from there",
            )
        }
        _ => return None,
    };
    Some(ToConfirm { host, command, why: why.to_owned() })
}
