//! Endpoints that a control channel names (FTP for its data, SIP for its answers and its media, services that
//! send a client on), and what came of those that nobody reaches.

mod contact;
mod media;
mod names;

use crate::correlate::{Connection, Leg};
use crate::diagnose::Facts;
use crate::flow::{Spoken, Words};
use crate::trace::{At, ConnectionId, Trace};
use crate::wire::redirect::Redirector;
use crate::wire::{Ip, Protocol};
use std::collections::HashMap;
use std::net::IpAddr;

/// What named it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::diagnose) enum Channel {
    /// An FTP server, in its answer to PASV.
    Passive,
    /// An FTP client, with PORT.
    Active,
    /// A SIP request, in its Via.
    Sip,
    /// A service that sends its client on.
    SentOn(Redirector),
    /// The same, to a name that its client does not find.
    SentToName(Redirector),
    /// A session description of SIP, in an INVITE or the answer to it.
    Media,
    /// A client of SIP that registers, in its Contact.
    Contact,
}

/// An endpoint that was named in vain.
#[derive(Debug, Clone)]
pub(in crate::diagnose) struct Named {
    /// The connection, or the exchange of datagrams, on which it was named.
    pub control: ConnectionId,
    /// Where that shows.
    pub leg: Leg,
    /// The frame.
    pub at: At,
    /// What named it.
    pub channel: Channel,
    /// The address; for SIP it may be a name.
    pub ip: Option<Ip>,
    /// The port.
    pub port: u16,
    /// Whether it is another address than the control channel itself goes to, or comes from.
    pub elsewhere: bool,
    /// Connections to it, all of which failed. SIP: the answers and the media that went there. A name: the
    /// questions for it.
    pub there: Vec<ConnectionId>,
}

/// All of a trace, in order.
pub(in crate::diagnose) fn all(trace: &Facts) -> Vec<Named> {
    if !trace.vantages.iter().any(|v| v.side_tables.has_spoken()) {
        return Vec::new();
    }
    let (ends, missing) = (Ends::of(trace), names::Missing::of(trace));
    let mut found = Vec::new();
    for (id, c) in trace.iter() {
        for (leg, spoken) in words(trace, id) {
            let named = match spoken.words {
                Words::Endpoint(ip, port) => data(trace, &ends, (id, c), (leg, spoken), (ip, port)),
                Words::SentOn(who, ip, port) => {
                    sent_on(trace, &ends, id, (leg, spoken), (who, ip, port))
                }
                Words::AnswerTo(ip, port) => {
                    answers(trace, &ends, (id, c), (leg, spoken), (ip, port))
                }
                Words::SentToName(who, name) => {
                    names::sent_to(trace, &missing, (id, c), (leg, spoken), (who, name))
                }
                Words::Contact(ip, port) => {
                    let fate = |id| trace.breaks.fate(id);
                    contact::contact(trace, fate, &ends, (id, c), (leg, spoken), (ip, port))
                }
                Words::Media(ip, port) => {
                    media::media(trace, &ends, (id, c), (leg, spoken), (ip, port))
                }
                _ => None,
            };
            found.extend(named);
        }
    }
    found
}

/// What was said, each once: at the leg nearest to whoever listens.
fn words(trace: &Trace, id: ConnectionId) -> impl Iterator<Item = (&Leg, &Spoken)> {
    let last = trace.connection(id).tuples.saturating_sub(1);
    let mut known: Vec<Words> = Vec::new();
    let all = trace
        .legs(id)
        .iter()
        .flat_map(move |leg| trace.spoken(leg).iter().map(move |spoken| (leg, spoken)));
    all.filter(move |(leg, spoken)| {
        let heard_at = if spoken.side == leg.client { last } else { 0 };
        let fresh = leg.tuple == heard_at && !known.contains(&spoken.words);
        if fresh {
            known.push(spoken.words);
        }
        fresh
    })
}

/// The address of the side that names one, as whoever listens knows it.
fn own_address(c: &Connection, leg: &Leg, spoken: &Spoken) -> Ip {
    let by_client = spoken.side == leg.client;
    if by_client { c.back.unwrap_or(c.front).client.0 } else { c.front.server.0 }
}

/// Connections by who was called, exchanges of datagrams by either end.
struct Ends(HashMap<(Protocol, (Ip, u16)), Vec<ConnectionId>>);

impl Ends {
    fn of(trace: &Trace) -> Self {
        let mut ends: HashMap<_, Vec<ConnectionId>> = HashMap::new();
        let mut add = |c: &Connection, end, id| ends.entry((c.protocol, end)).or_default().push(id);
        for (id, c) in trace.iter() {
            if c.protocol.is_tcp() || c.protocol == Protocol::UDP {
                add(c, c.front.server, id);
            }
            if c.protocol == Protocol::UDP {
                add(c, c.front.client, id);
            }
        }
        Self(ends)
    }

    /// Those of an endpoint.
    fn of_end(
        &self,
        protocol: Protocol,
        end: (Ip, u16),
    ) -> impl Iterator<Item = ConnectionId> + '_ {
        self.0.get(&(protocol, end)).into_iter().flatten().copied()
    }

    /// Those of an endpoint that began after a moment.
    fn dialled<'a>(
        &'a self,
        trace: &'a Trace,
        (protocol, to): (Protocol, (Ip, u16)),
        after: At,
    ) -> impl Iterator<Item = ConnectionId> + 'a {
        let all = self.of_end(protocol, to);
        all.filter(move |id| trace.start(*id).is_some_and(|at| trace.time(at) >= trace.time(after)))
    }
}

/// An endpoint for FTP data that nobody reaches.
fn data(
    trace: &Trace,
    ends: &Ends,
    (id, c): (ConnectionId, &Connection),
    (leg, spoken): (&Leg, &Spoken),
    (ip, port): (Ip, u16),
) -> Option<Named> {
    let passive = spoken.side != leg.client;
    let at = trace.at(leg, spoken.mark);
    let own = own_address(c, leg, spoken);
    let elsewhere = ip != own;
    let dialled = |to| ends.dialled(trace, (Protocol::TCP, to), at);
    let works = |to| dialled(to).any(|id| trace.connection(id).progress.established);
    // A client may dial the address that it knows, whatever was named.
    if works((ip, port)) || works((own, port)) {
        return None;
    }
    let failed = |id: &ConnectionId| trace.connection(*id).outcome.failed();
    let there: Vec<ConnectionId> = dialled((ip, port)).filter(failed).collect();
    if there.is_empty() && !(passive && elsewhere && is_behind(trace, (id, c), ip)) {
        return None;
    }
    let channel = if passive { Channel::Passive } else { Channel::Active };
    Some(Named { control: id, leg: *leg, at, channel, ip: Some(ip), port, elsewhere, there })
}

/// An endpoint to which a service sends its client on, who does not reach it.
fn sent_on(
    trace: &Trace,
    ends: &Ends,
    id: ConnectionId,
    (leg, spoken): (&Leg, &Spoken),
    (who, ip, port): (Redirector, Ip, u16),
) -> Option<Named> {
    if spoken.side == leg.client {
        return None;
    }
    let at = trace.at(leg, spoken.mark);
    let dialled: Vec<ConnectionId> = ends.dialled(trace, (Protocol::TCP, (ip, port)), at).collect();
    let failed = |id: &ConnectionId| trace.connection(*id).outcome.failed();
    let own = trace.connection(id).front.server.0;
    // A client of Kafka has no other address than those; one of MongoDB may be told to keep to the first.
    let itself = is_loopback(ip) && !is_loopback(own) && who == Redirector::Kafka;
    if dialled.is_empty() && !itself || !dialled.iter().all(failed) {
        return None;
    }
    let elsewhere = ip != own;
    let channel = Channel::SentOn(who);
    Some(Named {
        control: id,
        leg: *leg,
        at,
        channel,
        ip: Some(ip),
        port,
        elsewhere,
        there: dialled,
    })
}

fn is_loopback(ip: Ip) -> bool {
    ip.addr().is_loopback()
}

/// Whether an address lies behind whoever translates, and no capture would show the client
/// try it: the real server's own, or a private one where the client asked for a public one.
fn is_behind(trace: &Trace, (id, c): (ConnectionId, &Connection), ip: Ip) -> bool {
    let own = c.back.is_some_and(|back| back.server.0 == ip);
    let hidden = is_private(ip) && !is_private(c.front.server.0);
    let at_client = trace.legs(id).iter().any(|leg| trace.is_client_side(id, leg));
    (own || hidden) && !at_client
}

/// Addresses that are not routed on the internet (RFC 1918, RFC 6598, RFC 4193).
pub(in crate::diagnose) fn is_private(ip: Ip) -> bool {
    match ip.addr() {
        IpAddr::V4(ip) => {
            let [a, b, ..] = ip.octets();
            ip.is_private() || ip.is_loopback() || (a == 100 && b & 0xc0 == 64)
        }
        IpAddr::V6(ip) => ip.is_unique_local() || ip.is_loopback(),
    }
}

/// Answers to a SIP request that went to its Via's port, where who asked does not listen: it
/// asks the same again.
fn answers(
    trace: &Trace,
    ends: &Ends,
    (id, c): (ConnectionId, &Connection),
    (leg, spoken): (&Leg, &Spoken),
    (ip, port): (Option<Ip>, u16),
) -> Option<Named> {
    let again = trace.legs(id).iter().any(|leg| trace.forward(leg).isns > 1);
    let (client, server) = (c.front.client, c.front.server);
    if spoken.side != leg.client || c.progress.response || !again || client == (client.0, port) {
        return None;
    }
    let to = |end: (Ip, u16)| end.1 == port && (end.0 == client.0 || Some(end.0) == ip);
    let sent = |other: &ConnectionId| {
        let o = trace.connection(*other);
        let (there, back) = (o.front.client == server, o.front.server == server);
        *other != id
            && (there && o.progress.request && to(o.front.server)
                || back && o.progress.response && to(o.front.client))
    };
    let there: Vec<ConnectionId> = ends.of_end(Protocol::UDP, server).filter(sent).collect();
    if there.is_empty() {
        return None;
    }
    let at = trace.at(leg, spoken.mark);
    let elsewhere = ip.is_some_and(|ip| ip != client.0);
    Some(Named { control: id, leg: *leg, at, channel: Channel::Sip, ip, port, elsewhere, there })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_addresses_are_known() {
        let ip = |text: &str| Ip::from(text.parse::<IpAddr>().unwrap());
        for private in ["10.20.0.11", "172.16.30.12", "192.168.1.1", "100.64.0.1", "fd00::1"] {
            assert!(is_private(ip(private)), "{private}");
        }
        for public in ["203.0.113.21", "172.32.0.1", "100.128.0.1", "2001:db8::1"] {
            assert!(!is_private(ip(public)), "{public}");
        }
    }
}
