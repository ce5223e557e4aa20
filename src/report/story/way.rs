//! The way of a connection's packets, in a sentence each way.
//!
//! The packets that opened it tell the way that was meant; where none was seen,
//! all do. Routers of which nothing but forwarding is known are passed over.

use crate::correlate::{Outcome, Tuple};
use crate::diagnose::Names;
use crate::topology::{HostId, Mode, Service, Step};
use crate::trace::{ConnectionId, Trace};
use crate::wire::Protocol;

/// Stops that a sentence names; a loop has more.
const MAX_STOPS: usize = 5;

/// What the sentences are made from.
pub(super) struct Teller<'a> {
    pub(super) trace: &'a Trace,
    pub(super) names: Names<'a>,
    pub(super) id: ConnectionId,
}

/// A host on the way.
pub(super) struct Stop {
    pub(super) host: HostId,
    /// Its capture shows the packet come.
    pub(super) arrived: bool,
    /// Hosts that have no place in the sentence lie between it and the one before.
    gap: bool,
    /// It came from the host itself.
    lo: bool,
    /// What the stop before did to the packet, and the words before this one's name.
    change: Option<Change>,
}

/// `rewrote 203.0.113.8:80 to 10.0.0.12:80 and sent it`, `to`.
type Change = (String, String);

/// All hosts of one way that have a place in a sentence.
pub(super) struct Stops {
    pub(super) stops: Vec<Stop>,
    /// Which five-tuple the packet had last.
    tuple: u8,
    /// The last one sent it on, rewritten or not, and no stop shows to whom.
    sent_on: Option<Option<Change>>,
}

impl Teller<'_> {
    pub(super) fn service(&self) -> &Service {
        self.trace.service(self.id)
    }

    pub(super) fn client(&self) -> Option<HostId> {
        self.trace.host_by_ip(self.trace.connection(self.id).front.client.0)
    }

    pub(super) fn server(&self) -> Option<HostId> {
        self.trace.server(self.id).and_then(|server| server.host)
    }

    /// The five-tuples, the client's own first.
    fn tuples(&self) -> Vec<Tuple> {
        let mut tuples = vec![self.trace.connection(self.id).front];
        for leg in self.trace.legs(self.id) {
            let at = usize::from(leg.tuple);
            if tuples.len() <= at {
                tuples.resize(at + 1, tuples[0]);
            }
            tuples[at] = Tuple::of(leg.of(&self.trace.vantages), leg.client);
        }
        tuples
    }

    fn shown(&self, host: HostId) -> bool {
        let service = self.service();
        self.client() == Some(host)
            || self.server() == Some(host)
            || service.is_director(host)
            || service.real_servers.iter().any(|r| r.host == Some(host))
            || self.trace.is_captured(host)
    }

    /// `the director 10.0.0.2`; a host that is client and real server is what it
    /// is at this end.
    pub(super) fn who(&self, host: HostId, client_end: bool) -> String {
        let name = self.names.host(host);
        let is = |other: Option<HostId>| other == Some(host);
        let (client, server) = (is(self.client()), is(self.server()));
        if client && (client_end || !server) {
            format!("the client {}", self.trace.connection(self.id).front.client.0)
        } else if server {
            format!("the real server {}", self.server_name().unwrap_or(name))
        } else if self.service().is_director(host) {
            format!("the director {name}")
        } else if self.service().real_servers.iter().any(|r| r.host == Some(host)) {
            format!("{name}, a real server too")
        } else {
            format!("the router {name}")
        }
    }

    pub(super) fn server_name(&self) -> Option<String> {
        let server = self.trace.server(self.id)?;
        let address = server.address.map(|ip| ip.to_string());
        address.or_else(|| server.mac.map(|mac| mac.to_string()))
    }

    fn steps(&self, forward: bool) -> Vec<Step> {
        let route = self.trace.route(self.id);
        let all = if forward { &route.forward } else { &route.back };
        let opening: Vec<Step> = all.iter().copied().filter(|step| step.opening).collect();
        if opening.is_empty() { all.clone() } else { opening }
    }

    /// The hosts on the way.
    pub(super) fn way(&self, forward: bool) -> Stops {
        let mut stops: Vec<Stop> = Vec::new();
        let (mut gap, mut before, mut pending) = (false, None, None);
        for step in self.steps(forward) {
            let rewritten = before.filter(|before| *before != step.tuple);
            let change = rewritten.and_then(|before| self.rewrite(before, step.tuple, forward));
            let change = change.or(pending.take());
            before = Some(step.tuple);
            let received = step.from.is_some() && stops.last().map(|stop| stop.host) == step.from;
            if let Some(from) = step.from.filter(|from| self.shown(*from))
                && stops.last().is_none_or(|stop| stop.host != from)
            {
                stops.push(Stop { host: from, arrived: true, gap, lo: false, change: None });
                gap = false;
            } else if step.from.is_none_or(|from| !self.shown(from)) {
                gap = true;
            }
            let Some(to) = step.to.filter(|to| self.shown(*to)) else {
                (gap, pending) = (true, change);
                continue;
            };
            let change = change.or_else(|| self.passed_on(step.from, to, received));
            stops.push(Stop { host: to, arrived: step.arrived, gap, lo: step.loopback, change });
            gap = false;
        }
        let sent_on = gap.then_some(pending);
        Stops { stops, tuple: before.unwrap_or(0), sent_on }
    }

    /// How a director passes on what it does not rewrite.
    fn passed_on(&self, from: Option<HostId>, to: HostId, received: bool) -> Option<Change> {
        let service = self.service();
        if !received || !from.is_some_and(|from| service.is_director(from)) {
            return None;
        }
        match service.mode {
            Mode::Dr => {
                let mac = self.trace.topology.hosts.get(to).macs.first()?;
                Some(("sent it on unchanged".to_owned(), format!("to the MAC {mac} of")))
            }
            Mode::Tun => Some(("sent it on in a tunnel".to_owned(), "to".to_owned())),
            _ => None,
        }
    }

    /// Which addresses were rewritten.
    fn rewrite(&self, before: u8, after: u8, forward: bool) -> Option<Change> {
        let tuples = self.tuples();
        let (old, new) = (tuples.get(usize::from(before))?, tuples.get(usize::from(after))?);
        let text = |end: (crate::wire::Ip, u16)| end.0.with_port(end.1);
        let client = (old.client != new.client)
            .then(|| format!("{} to {}", text(old.client), text(new.client)));
        let server = (old.server != new.server)
            .then(|| format!("{} to {}", text(old.server), text(new.server)));
        let (first, second) = if forward { (client, server) } else { (server, client) };
        let both: Vec<String> = first.into_iter().chain(second).collect();
        (!both.is_empty())
            .then(|| (format!("rewrote {} and sent it", both.join(" and ")), "to".to_owned()))
    }

    /// Where the client's packets went.
    pub(super) fn there(&self) -> String {
        let connection = self.trace.connection(self.id);
        let what = match (connection.protocol, connection.progress.syn) {
            (Protocol::TCP, true) => "Its SYN",
            (Protocol::TCP, false) => "The client's first packet that was captured",
            _ => "Its datagram",
        };
        let way = self.way(true);
        let stops = &way.stops;
        if stops.is_empty() {
            return format!("{what} was seen, but no frame tells between which hosts.");
        }
        let mut said = self.sentence(what, &way, true);
        let later: Vec<String> = self
            .trace
            .route(self.id)
            .forward
            .iter()
            .filter_map(|step| step.to)
            .filter(|to| self.service().is_director(*to))
            .filter(|to| stops.iter().all(|stop| stop.host != *to))
            .map(|to| self.who(to, false))
            .collect();
        if let Some(other) = later.first() {
            said.push_str(&format!(" Later packets also reached {other}."));
        }
        let server = self.trace.server(self.id).filter(|_| self.service().mode == Mode::Proxy);
        if let Some((server, name)) = server.zip(self.server_name()) {
            said.push_str(&format!(
                " That is a proxy: the request went on to {name}, port {}, in a connection of its own.",
                server.port
            ));
        }
        said
    }

    /// Where the answers went.
    pub(super) fn back(&self) -> String {
        let connection = self.trace.connection(self.id);
        let way = self.way(false);
        let stops = &way.stops;
        let accepted = || self.trace.legs(self.id).iter().any(|l| self.trace.reply(l).accepted());
        let what = match connection.protocol {
            Protocol::TCP if connection.outcome == Outcome::Refused => "The refusal, a RST,",
            Protocol::TCP if accepted() => "The SYN-ACK",
            _ => "The answer",
        };
        if stops.is_empty() {
            return if connection.progress.answered {
                format!("{what} was seen, but no frame tells between which hosts.")
            } else if connection.progress.established {
                "No capture shows an answer, but the client went on, so it got one.".to_owned()
            } else {
                "No answer was seen in any capture.".to_owned()
            };
        }
        if let [stop, to] = stops.as_slice()
            && stop.host == to.host
            && to.lo
        {
            let who = self.who(stop.host, false);
            return format!("{what} went from {who} to itself, over lo; it never left the host.");
        }
        let mut said = self.sentence(what, &way, false);
        let service = self.service();
        let translating = matches!(service.mode, Mode::Nat | Mode::FullNat);
        let around = stops.iter().all(|stop| !service.is_director(stop.host));
        if let Some(director) = service.directors.first().filter(|_| translating && around) {
            said.push_str(&format!(" It did not pass {}", self.who(director.host, false)));
            let own = connection.front.server;
            let tuples = self.tuples();
            match tuples.get(usize::from(way.tuple)).filter(|t| t.server != own) {
                Some(t) => said.push_str(&format!(
                    ", so it still came from {} where {} is expected.",
                    t.server.0.with_port(t.server.1),
                    own.0.with_port(own.1)
                )),
                None => said.push('.'),
            }
        }
        said
    }

    fn sentence(&self, what: &str, way: &Stops, forward: bool) -> String {
        let stops = &way.stops;
        let at_client = |n: usize| (n == 0) == forward || (!forward && n + 1 == stops.len());
        let mut said = what.to_owned();
        for (n, stop) in stops.iter().enumerate() {
            let who = self.who(stop.host, at_client(n) && (n == 0 || !forward));
            let via = if stop.gap { ", through other hosts," } else { "" };
            if n == MAX_STOPS {
                said.push_str(", and so on");
                break;
            }
            if n == 0 {
                let verb = if stop.gap { "reached" } else { "left" };
                said.push_str(&format!(" {verb} {who}"));
                continue;
            }
            let unseen = !stop.arrived;
            if n == 1 && stop.change.is_none() {
                let verb = if unseen { "was sent to" } else { "reached" };
                said.push_str(&format!(" and {verb}{via} {who}"));
            } else {
                let plain = ("sent it on".to_owned(), "to".to_owned());
                let (action, to) = stop.change.as_ref().unwrap_or(&plain);
                said.push_str(&format!(", which {action}{via} {to} {who}"));
                if !unseen && n + 1 == stops.len() {
                    said.push_str(", where it arrived");
                }
            }
            if unseen && self.trace.is_captured(stop.host) {
                said.push_str(", whose capture does not show it");
            }
        }
        let alone = stops.len() == 1 && stops.iter().all(|stop| !stop.gap);
        match &way.sent_on {
            _ if stops.len() > MAX_STOPS => {}
            _ if alone => said.push_str("; no capture shows to whom it came"),
            // Where its own end is reached, nothing was sent on.
            Some(change) => {
                let plain = "sent it on";
                let action = change.as_ref().map_or(plain, |(action, _)| action.as_str());
                let on = if action == plain { "" } else { " on" };
                said.push_str(&format!(", which {action}{on}; no capture shows to whom it came"));
            }
            None => {}
        }
        said.push('.');
        said
    }
}
