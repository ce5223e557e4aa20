//! Health checks that failed and say nothing ill of a server: those that came before it listened,
//! and those whose answer the balancer takes, as it goes on sending clients there.
//!
//! What the server is worth they do not show, so they are in no account of what failed.

use super::{Break, Fate, Manner};
use crate::flow::Mark;
use crate::hashed::{HashMap, HashSet};
use crate::topology::{Ordinary, ServiceId};
use crate::trace::{At, ConnectionId, Trace};
use crate::wire::Ip;
use std::collections::BTreeMap;

/// Checks that must pass after those that were refused: one may be chance.
const SINCE: usize = 2;
/// Failed checks in a row after which any balancer has taken a server out: the most that may be
/// set for Elastic Load Balancing (`UnhealthyThresholdCount`); others take 2 or 3.
const FALL: usize = 10;

/// Why a failed check says nothing ill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Excused {
    /// They were refused until the server listened, and pass since: the first that does.
    Starting(At),
    /// The question is at fault by its answer, and clients are sent there all the same: one who
    /// was, after so many checks that any balancer had taken the server out.
    StillSent(At),
}

type Pair = (Ip, (Ip, u16));

/// Takes such checks out of those that harm, and says which they are.
pub(super) fn excuse(
    trace: &Trace,
    fates: &mut [Fate],
    harmed: &mut Vec<Break>,
) -> BTreeMap<ConnectionId, Excused> {
    let is_check = |id: ConnectionId| trace.ordinary(id) == Some(Ordinary::HealthCheck);
    let pair = |id: ConnectionId| {
        let front = trace.connection(id).front;
        (front.client.0, front.server)
    };
    let manners: HashMap<ConnectionId, Manner> = harmed
        .iter()
        .filter(|b| is_check(b.connection))
        .map(|b| (b.connection, b.manner))
        .collect();
    let asked: HashSet<Pair> = manners.keys().map(|id| pair(*id)).collect();
    if asked.is_empty() {
        return BTreeMap::new();
    }
    let mut checks: BTreeMap<Pair, Vec<(Mark, ConnectionId)>> = BTreeMap::new();
    for (id, _) in trace.iter().filter(|(id, _)| is_check(*id) && asked.contains(&pair(*id))) {
        if let Some(mark) = trace.legs(id).iter().find_map(|leg| trace.forward(leg).first.get()) {
            checks.entry(pair(id)).or_default().push((mark, id));
        }
    }
    let services: HashSet<ServiceId> =
        checks.values().map(|list| trace.service_of(list[0].1)).collect();
    let clients = Clients::of(trace, fates, &services);
    let mut found = BTreeMap::new();
    for list in checks.values_mut() {
        list.sort_by_key(|(mark, id)| (mark.at().0, *id));
        let clients = clients.get(&trace.service_of(list[0].1)).copied().unwrap_or_default();
        let of = List { trace, fates, manners: &manners, list, clients };
        if let Some(why) = of.starting().or_else(|| of.still_sent()) {
            let ids = list.iter().map(|(_, id)| *id).filter(|id| manners.contains_key(id));
            found.extend(ids.map(|id| (id, why)));
        }
    }
    for id in found.keys() {
        fates[id.0 as usize] = Fate::Untold;
    }
    harmed.retain(|broken| !found.contains_key(&broken.connection));
    found
}

/// What became of a service's clients, told once for all of its servers.
#[derive(Debug, Clone, Copy, Default)]
struct Clients {
    /// One was harmed.
    harmed: bool,
    /// The SYN of the last who did well.
    served: Option<At>,
}

impl Clients {
    fn of(
        trace: &Trace,
        fates: &[Fate],
        services: &HashSet<ServiceId>,
    ) -> HashMap<ServiceId, Self> {
        let mut all: HashMap<ServiceId, Self> = HashMap::default();
        for (id, _) in trace.requests().filter(|(id, _)| services.contains(&trace.service_of(*id)))
        {
            let own = all.entry(trace.service_of(id)).or_default();
            let fate = fates[id.0 as usize];
            own.harmed |= fate.is_harm();
            let leg = trace.legs(id).first().filter(|_| fate == Fate::Well);
            let syn = leg.and_then(|leg| {
                Some(At { vantage: leg.vantage, mark: trace.forward(leg).syn.get()? })
            });
            let later = |at: &At| own.served.is_none_or(|last| at.mark.at() > last.mark.at());
            own.served = syn.filter(later).or(own.served);
        }
        all
    }
}

/// The checks of one server by one asker, in order.
struct List<'a> {
    trace: &'a Trace,
    fates: &'a [Fate],
    manners: &'a HashMap<ConnectionId, Manner>,
    list: &'a [(Mark, ConnectionId)],
    clients: Clients,
}

impl List<'_> {
    fn fate(&self, id: ConnectionId) -> Fate {
        self.fates[id.0 as usize]
    }

    /// The first check that passes, after all that failed, which were refused; and no client was
    /// harmed there.
    fn starting(&self) -> Option<Excused> {
        let well = |(_, id): &(Mark, ConnectionId)| self.fate(*id) == Fate::Well;
        let (before, since) = self.list.split_at(self.list.iter().position(well)?);
        let refused =
            |(_, id): &(Mark, ConnectionId)| self.manners.get(id) == Some(&Manner::Refused);
        let leg = self.trace.legs(since[0].1).first()?;
        let passes = At { vantage: leg.vantage, mark: self.trace.reply(leg).first.get()? };
        let told = !before.is_empty()
            && since.len() >= SINCE
            && before.iter().all(refused)
            && since.iter().all(well)
            && !self.clients.harmed;
        told.then_some(Excused::Starting(passes))
    }

    /// A client who is served after so many checks that were told, one as the other, that the
    /// question is at fault.
    fn still_sent(&self) -> Option<Excused> {
        let blames = |(_, id): &(Mark, ConnectionId)| {
            self.trace.first_error(*id).is_some_and(|(.., status)| status < 500)
        };
        let out = self.list.get(FALL)?.0;
        if !self.list.iter().all(blames) {
            return None;
        }
        let later = self.clients.served.filter(|at| at.mark.at() > out.at());
        later.map(Excused::StillSent)
    }
}
