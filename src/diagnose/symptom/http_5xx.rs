//! A response of status 500 to 599, and who made it: where a proxy's own connection shows
//! the real server send it, the proxy only passed it on.

use super::super::{Facts, Fix, Proof, Sighting, Subject, ToConfirm, Wording};
use super::{concerned, connections, connections_to};
use crate::breaks::{Manner, Packet, server_error};
use crate::correlate::Outcome;
use crate::diagnose::words::{agree, list, server_subject};
use crate::exchange::Exchange;
use crate::trace::{At, ConnectionId, Trace};

pub(in crate::diagnose) fn sightings(facts: &Facts) -> Vec<Sighting> {
    let read = facts.pairs.exchanges.iter().filter(|e| is_error(e));
    let mut ids: Vec<ConnectionId> = read.map(|e| ConnectionId(e.connection)).collect();
    if has_words(facts) {
        ids.extend(facts.requests().map(|(id, _)| id).filter(|id| said(facts, *id).is_some()));
    }
    ids.extend(facts.logged_errors());
    ids.retain(|id| facts.ordinary(*id).is_none());
    ids.sort_unstable();
    ids.dedup();
    ids.into_iter().map(|id| Sighting::of(id, true)).collect()
}

fn is_error(exchange: &Exchange) -> bool {
    exchange.status.is_some_and(|status| (500..600).contains(&status))
}

fn has_words(facts: &Facts) -> bool {
    facts.vantages.iter().any(|v| v.side_tables.has_spoken())
}

/// The status that a side said, where no proxy made anybody read the exchange.
fn said(trace: &Trace, id: ConnectionId) -> Option<u16> {
    let heard = server_error(trace, id).map(|(.., status)| status);
    heard.or_else(|| trace.logged_error(id).map(|said| said.value))
}

fn status(trace: &Trace, id: ConnectionId) -> Option<u16> {
    exchange(trace, id).and_then(|e| e.status).or_else(|| said(trace, id))
}

/// The failed exchange of a connection.
pub(in crate::diagnose) fn exchange(trace: &Trace, id: ConnectionId) -> Option<&Exchange> {
    trace.pairs.of(id.0).find(|e| is_error(e))
}

/// The real server's own such answer to the proxy, of a client's connection.
fn behind(trace: &Trace, id: ConnectionId) -> Option<&Exchange> {
    let status = exchange(trace, id)?.status;
    let mut carried = carried(trace, id);
    carried.find(|e| e.status == status)
}

/// What the proxy asked real servers for a client's connection.
fn carried(trace: &Trace, id: ConnectionId) -> impl Iterator<Item = &Exchange> {
    let carried = trace.pairs.carried.get(&id.0).map_or(&[][..], Vec::as_slice);
    carried.iter().filter_map(|at| trace.pairs.exchanges.get(*at))
}

/// Real servers that made the answers themselves, if they made all of them.
pub(in crate::diagnose) fn makers(trace: &Trace, ids: &[ConnectionId]) -> Option<Vec<Subject>> {
    let mut makers: Vec<Subject> = Vec::new();
    for id in ids {
        behind(trace, *id)?;
        let maker = server_subject(trace, *id)?;
        if !makers.contains(&maker) {
            makers.push(maker);
        }
    }
    makers.sort_by_key(|s| (s.address, s.mac, s.port));
    (!makers.is_empty()).then_some(makers)
}

pub(in crate::diagnose) fn proofs(facts: &Facts, sighting: &Sighting) -> Vec<Proof> {
    let Some(id) = sighting.connection else { return Vec::new() };
    let Some(exchange) = exchange(facts, id) else { return proofs_said(facts, id) };
    let at = |e: &Exchange, mark| At { vantage: e.vantage, mark };
    let status = exchange.status.unwrap_or_default();
    let mut proofs =
        vec![Proof { at: at(exchange, exchange.request), note: "the request".to_owned() }];
    if let Some(back) = behind(facts, id) {
        let who = server_name(facts, id);
        let note = format!("the proxy passes it on to {who}");
        proofs.push(Proof { at: at(back, back.request), note });
        // The frame at the server itself says more than the same one at the proxy.
        let first = |leg: &&crate::correlate::Leg| {
            leg.vantage == back.vantage && facts.reply(leg).data == back.response
        };
        let behind = ConnectionId(back.connection);
        let is_first = facts.legs(behind).iter().find(first).is_some();
        let own = facts.legs(behind).iter().find(|leg| {
            let host = facts.host_of(leg);
            is_first && host.is_some() && host == facts.server(id).and_then(|s| s.host)
        });
        let own = own.and_then(|leg| {
            facts.proof(leg, facts.reply(leg).data, format!("{who} answers {status}"))
        });
        proofs.push(own.unwrap_or_else(|| Proof {
            at: at(back, back.response),
            note: format!("{who} answers {status}"),
        }));
        let note = format!("the proxy passes the {status} on to the client");
        proofs.push(Proof { at: at(exchange, exchange.response), note });
    } else {
        let note = format!("the answer, status {status}");
        proofs.push(Proof { at: at(exchange, exchange.response), note });
    }
    proofs
}

/// The answer, with the request before it where it is the first.
fn proofs_said(trace: &Trace, id: ConnectionId) -> Vec<Proof> {
    let Some((leg, spoken, status)) = server_error(trace, id) else {
        return proofs_logged(trace, id);
    };
    let (there, back) = (trace.forward(leg), trace.reply(leg));
    let mut proofs = Vec::new();
    if back.data == spoken.mark {
        proofs.extend(trace.proof(leg, there.data, "the request"));
    }
    proofs.extend(trace.proof(leg, spoken.mark, format!("the answer, status {status}")));
    proofs
}

/// The answer that nobody can read here, and that the proxy logged.
fn proofs_logged(trace: &Trace, id: ConnectionId) -> Vec<Proof> {
    let (Some(said), Some(leg)) = (trace.logged_error(id), trace.legs(id).first()) else {
        return Vec::new();
    };
    let (there, back) = (trace.forward(leg), trace.reply(leg));
    let note = format!(
        "the answer ends, which the proxy logged with status {} ({})",
        said.value,
        said.place()
    );
    [trace.proof(leg, there.data, "the client speaks"), trace.proof(leg, back.last, note)]
        .into_iter()
        .flatten()
        .collect()
}

fn server_name(trace: &Trace, id: ConnectionId) -> String {
    let address = trace.server(id).and_then(|s| s.address);
    address.map_or_else(|| "the real server".to_owned(), |ip| ip.to_string())
}

/// The statuses of a set of connections, "500" or "502 and 503".
fn statuses(trace: &Trace, sightings: &[Sighting]) -> String {
    let seen = connections(sightings).filter_map(|id| status(trace, id));
    let mut seen: Vec<u16> = seen.collect();
    seen.sort_unstable();
    seen.dedup();
    list(&seen.iter().map(u16::to_string).collect::<Vec<_>>())
}

pub(in crate::diagnose) fn word(facts: &Facts, sightings: &[Sighting]) -> Wording {
    let ids: Vec<ConnectionId> = connections(sightings).collect();
    let (what, status) = (connections_to(facts, sightings), statuses(facts, sightings));
    if let Some(makers) = makers(facts, &ids) {
        let who = list(&makers.iter().map(super::super::words::name).collect::<Vec<_>>());
        let (verb, itself) = agree(makers.len(), ("answers", "itself"), ("answer", "themselves"));
        return Wording {
            title: format!("{who} {itself} {verb} requests with a server error ({status})"),
            explanation: format!(
                "{what} got a response of status {status}. It was {who} that sent it: the proxy's own connections show it come from there, and the proxy only passed it on. The fault is in the application behind, not in the balancer."
            ),
            subjects: makers,
        };
    }
    let by_server = ids.iter().filter(|id| behind(facts, **id).is_some()).count();
    // The proxy asked, and no server said so: it is the proxy's own word.
    let own =
        |id: &&ConnectionId| behind(facts, **id).is_none() && carried(facts, **id).next().is_some();
    let by_proxy = ids.iter().filter(own).count();
    let mut explanation = format!("{what} got a response of status {status}.");
    if by_server > 0 {
        explanation += &format!(" {by_server} of them come from the real server itself.");
    }
    if let Some(lost) = lost_behind(facts, &ids) {
        explanation += lost;
    } else if by_proxy > 0 {
        explanation += &format!(
            " {by_proxy} of them are the proxy's own: what the real server answered it was no such status."
        );
    } else if by_server == 0 && called_nobody(facts, &ids) {
        explanation += " For none of these does the proxy call a server, as it does for others: it answers them itself. So it does by a rule of its own, and where it has no local port or no connection left for its servers; its error log says which.";
    }
    explanation += &meanings(facts, &ids);
    Wording {
        title: format!("requests are answered with a server error ({status})"),
        explanation,
        subjects: concerned(facts, sightings),
    }
}

/// Whether no connection of the proxy belongs to these requests, while those of others on the same service were read.
fn called_nobody(facts: &Facts, ids: &[ConnectionId]) -> bool {
    let pairs = &facts.pairs;
    let alone = |id: &ConnectionId| {
        exchange(facts, *id).is_some()
            && carried(facts, *id).next().is_none()
            && !pairs.backends.contains_key(&id.0)
            && !pairs.attempts.contains_key(&id.0)
            && facts.breaks.broken(*id).is_none_or(|broken| broken.behind.is_none())
    };
    let passed_on = |id: &ConnectionId| {
        let mut others = facts.requests_to(facts.service_of(*id));
        others.any(|(other, _)| carried(facts, other).next().is_some())
    };
    ids.iter().all(alone) && ids.first().is_some_and(passed_on)
}

/// What became of the proxy's own request to the real server, or of the answer, where all were lost alike.
fn lost_behind(facts: &Facts, ids: &[ConnectionId]) -> Option<&'static str> {
    let of = |id: &ConnectionId| facts.breaks.broken(*id)?.behind.map(|b| (b.packet, b.manner));
    let first = of(ids.first()?)?;
    let on_the_way = matches!(first.1, Manner::LostBetween | Manner::UnseenBeyond);
    // Bytes of both kinds were sent again and never acknowledged.
    let stalled = |id: &ConnectionId| {
        let opened = facts.pairs.backends.get(&id.0).into_iter().flatten();
        let mut opened = opened.map(|leg| facts.connection(ConnectionId(*leg)).outcome);
        opened.any(|outcome| outcome == Outcome::Stalled)
    };
    if !on_the_way || !ids.iter().all(|id| of(id) == Some(first) && stalled(id)) {
        return None;
    }
    match first.0 {
        Packet::Request => Some(
            " The status is the proxy's own: its request to the real server was sent again and again and not acknowledged, on a connection that stood.",
        ),
        Packet::Response => Some(
            " The status is the proxy's own: the real server answered, and its answer did not come to the proxy.",
        ),
        _ => None,
    }
}

/// What to look at between a proxy and a real server that lose each other's bytes.
fn between(facts: &Facts, ids: &[ConnectionId]) -> Option<ToConfirm> {
    let mut opened = ids.iter().filter_map(|id| facts.pairs.backends.get(&id.0)?.last());
    let leg = facts.connection(ConnectionId(*opened.next()?));
    let (proxy, (server, port)) = (leg.front.client.0, leg.front.server);
    Some(ToConfirm {
        host: format!("each router and firewall between {proxy} and {server}, one after the other"),
        command: format!("tcpdump -ni any 'host {proxy} and host {server} and tcp port {port}'"),
        why: "the first where bytes come in and do not leave: a session that was idle for longer than it remembers, a link with a smaller MTU (then only large segments are lost), or a rule".to_owned(),
    })
}

/// Whether others ask for the same name between these, and are answered well.
fn is_served_meanwhile(facts: &Facts, ids: &[ConnectionId]) -> bool {
    let asked = |id: ConnectionId| facts.start(id).map(|at| facts.time(at));
    let times = || ids.iter().filter_map(|id| asked(*id));
    let (Some(first), Some(last)) = (times().min(), times().max()) else { return false };
    let Some(name) = ids.first().and_then(|id| name_of(facts, *id)) else { return false };
    let like = |id: ConnectionId| name_of(facts, id) == Some(name);
    let well = |id: ConnectionId| {
        let between = asked(id).is_some_and(|at| at > first && at < last);
        between && facts.connection(id).progress.response && facts.first_error(id).is_none()
    };
    let mut others = facts.requests_to(facts.service_of(ids[0])).map(|(id, _)| id);
    ids.iter().all(|id| like(*id)) && others.any(|id| like(id) && well(id))
}

/// The server that the client's first request names.
fn name_of(trace: &Trace, id: ConnectionId) -> Option<&str> {
    trace.legs(id).iter().find_map(|leg| {
        let said = &trace.vantage(leg).side_tables;
        said.server_name(said.first_request(leg.stream)?)
    })
}

/// What a proxy says by each status, where nothing shows who made it.
fn meanings(trace: &Facts, ids: &[ConnectionId]) -> String {
    let unread = |id: &&ConnectionId| exchange(trace, **id).is_none();
    let mut seen: Vec<u16> = ids.iter().filter(unread).filter_map(|id| said(trace, *id)).collect();
    seen.sort_unstable();
    seen.dedup();
    let means = |status: &u16| match status {
        502 => {
            " If a proxy made the 502, its server refused it, broke off, or answered what is no HTTP."
        }
        503 if is_served_meanwhile(trace, ids) => {
            " If a proxy made the 503, a queue or a limit of its own is full (requests at a time or in a second): others are answered meanwhile, so it has a server."
        }
        503 => " If a proxy made the 503, it has no server in its pool, or its queue is full.",
        504 => " If a proxy made the 504, its server did not answer in time.",
        _ => "",
    };
    seen.iter().map(means).collect()
}

/// What to look at on the servers that made the answers themselves.
pub(in crate::diagnose) fn next(trace: &Facts, sightings: &[Sighting]) -> Vec<ToConfirm> {
    let ids: Vec<ConnectionId> = connections(sightings).collect();
    if lost_behind(trace, &ids).is_some() {
        return between(trace, &ids).into_iter().collect();
    }
    let makers = makers(trace, &ids).unwrap_or_default();
    let ask = |maker: &Subject| {
        let address = maker.address?;
        let url = address.with_port(maker.port?);
        let port = maker.port?;
        Some([
            ToConfirm {
                host: address.to_string(),
                command: format!("ss -ltnp 'sport = :{port}'"),
                why: "names the process that answers there; its log holds the reason".to_owned(),
            },
            ToConfirm {
                host: "any host that reaches it, past the proxy".to_owned(),
                command: format!("curl -sv -o /dev/null http://{url}/"),
                why: "with a failing path in place of /: the same status shows that the proxy has no part in it"
                    .to_owned(),
            },
        ])
    };
    makers.iter().filter_map(ask).flatten().collect()
}

/// Until the application is mended, servers that answer well can take its requests.
pub(in crate::diagnose) fn fixes(trace: &Facts, sightings: &[Sighting]) -> Vec<Fix> {
    let ids: Vec<ConnectionId> = connections(sightings).collect();
    let Some(makers) = makers(trace, &ids) else { return Vec::new() };
    let Some(service) = ids.first().map(|id| trace.service(*id)) else { return Vec::new() };
    let is_maker = |ip| makers.iter().any(|m| m.address == Some(ip));
    if !service.real_servers.iter().filter_map(|s| s.address).any(|ip| !is_maker(ip)) {
        return Vec::new();
    }
    makers.iter().map(super::super::words::out_of_proxy).collect()
}

pub(in crate::diagnose) fn blind(facts: &Facts) -> Option<String> {
    (facts.pairs.exchanges.is_empty() && !has_words(facts)).then(|| {
        "no HTTP in the clear through a proxy was captured; capture on the proxy with '-s 0'"
            .to_owned()
    })
}

/// Who answers with an error is named; the reason is in that host's log.
pub(in crate::diagnose) fn names_culprit(facts: &Trace, ids: &[ConnectionId]) -> bool {
    makers(facts, ids).is_some()
}
