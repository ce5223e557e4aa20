//! Services that turn everybody away for who he is or his password, or most, or all that come to one of their servers. One
//! wrong password is its user's; where hardly anybody is let in, who answers may have lost its list of users, or a
//! balancer may stand in its clients' place, or show them another server. Which it is the captures do not tell.

use crate::breaks::{Fault, turned_away};
use crate::correlate::Leg;
use crate::diagnose::Facts;
use crate::diagnose::thresholds::NO_COINCIDENCE;
use crate::diagnose::words::count;
use crate::flow::Mark;
use crate::topology::ServiceId;
use crate::trace::ConnectionId;
use crate::wire::Ip;
use crate::wire::fault::{Service, words};
use std::collections::{BTreeMap, BTreeSet};

/// Most of a service's clients are turned away: three in four. Judgement: of strangers who try passwords there may be as
/// many as of users.
const MOST: (usize, usize) = (3, 4);

/// How one connection was answered: by whom, to whom, and where that shows if it turned him away.
struct Answer<'a> {
    client: Ip,
    server: Option<Ip>,
    away: Option<(&'a Leg, Mark, Fault)>,
}

pub(super) fn turned_away_all(facts: &Facts) -> Option<String> {
    if !facts.vantages.iter().any(|v| v.side_tables.has_spoken()) {
        return None;
    }
    let mut all: BTreeMap<ServiceId, Vec<Answer<'_>>> = BTreeMap::new();
    for (id, _) in facts.requests().filter(|(_, c)| c.progress.response) {
        all.entry(facts.service_of(id)).or_default().push(answer(facts, id));
    }
    all.into_iter().find_map(|(service, answers)| {
        let name = facts.topology.service(service).name();
        let away = answers.iter().filter(|answer| answer.away.is_some()).count();
        let first = answers.iter().find_map(|answer| answer.away)?;
        if away == answers.len() {
            // A client of SIP that asks from one port was turned away again and again, a device that asks RADIUS asks
            // for many.
            let asks_on = matches!(first.2.0, Service::Sip | Service::Radius)
                && facts.reply(first.0).packets as usize >= NO_COINCIDENCE;
            let all = format!("all {} to {name} are", count(away, "connection"));
            return (asks_on || away >= NO_COINCIDENCE).then(|| said(facts, first, &all));
        }
        if away >= NO_COINCIDENCE && is_most(away, answers.len()) && !by_who_asks(&answers) {
            let of = count(answers.len(), "connection");
            return Some(said(facts, first, &format!("{away} of {of} to {name} are")));
        }
        let (server, first, n) = one_server(&answers)?;
        let all = format!(
            "all {} that {server} answers for {name}, and none of the others', are",
            count(n, "connection")
        );
        Some(said(facts, first, &all))
    })
}

fn answer<'a>(facts: &'a Facts<'_>, id: ConnectionId) -> Answer<'a> {
    Answer {
        client: facts.connection(id).front.client.0,
        server: facts.server(id).and_then(|server| server.address),
        away: turned_away(facts, id).map(|(leg, spoken, fault)| (leg, spoken.mark, fault)),
    }
}

fn is_most(part: usize, all: usize) -> bool {
    part * MOST.1 >= all * MOST.0
}

/// Whether each client is either let in or turned away every time: then it goes by who asks.
fn by_who_asks(answers: &[Answer<'_>]) -> bool {
    let clients = |away: bool| -> BTreeSet<Ip> {
        answers.iter().filter(|a| a.away.is_some() == away).map(|a| a.client).collect()
    };
    clients(true).is_disjoint(&clients(false))
}

/// The one server that turns all away, where the others let in clients that it does not.
fn one_server<'a>(answers: &[Answer<'a>]) -> Option<(Ip, (&'a Leg, Mark, Fault), usize)> {
    let turns_away: BTreeSet<Ip> =
        answers.iter().filter(|a| a.away.is_some()).map(|a| a.server).collect::<Option<_>>()?;
    let server = *turns_away.first().filter(|_| turns_away.len() == 1)?;
    let (its, others): (Vec<_>, Vec<_>) = answers.iter().partition(|a| a.server == Some(server));
    let whole = its.len() >= NO_COINCIDENCE && its.iter().all(|a| a.away.is_some());
    (whole && others.len() >= NO_COINCIDENCE && !by_who_asks(answers))
        .then(|| Some((server, its.first()?.away?, its.len())))?
}

fn said(facts: &Facts, (leg, mark, Fault(who, code)): (&Leg, Mark, Fault), what: &str) -> String {
    format!(
        "{what} turned away: {} ({} #{}); whether who asks has a wrong name or password, or who answers does not know it, is in that server's log",
        words(who, code),
        facts.vantage(leg).label,
        mark.frame()
    )
}
