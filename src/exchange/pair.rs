//! Which backend request carries which client's request.

use super::Exchange;
use super::fronts::Fronts;
use super::read::Said;
use super::reply::{self, Open};
use super::sides::Around;
use super::suspect::Suspects;
use crate::correlate::Connections;
use crate::flow::{Mark, Observations, Stream};
use crate::hashed::{HashMap, HashSet};
use crate::wire::Ip;
use std::sync::OnceLock;

/// Why a backend connection is taken for a client connection's, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Evidence {
    /// As many bytes each way, after a greeting that others share.
    Bytes,
    /// The only request of its kind that was open at the time.
    Nesting,
    /// A log names the client and the server, and one connection fits in time.
    Log,
    /// The first bytes of the client, which no other connection begins with.
    FirstBytes,
    /// The same response to one of several like requests.
    Response,
    /// The backend request names the client's address.
    ForwardedFor,
    /// The same request identifier.
    RequestId,
    /// The same random in the ClientHello of TLS.
    ClientHello,
    /// The PROXY header names the client's endpoint.
    ProxyHeader,
    /// The proxy's own table names both connections.
    Table,
}

impl Evidence {
    /// As a reader wants it said.
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            Self::Bytes => "same greeting and as many bytes each way, nested in time, one choice",
            Self::Nesting => "same request, nested in time, one choice",
            Self::Log => "the proxy's log names client and server, nested in time, one choice",
            Self::FirstBytes => "same first bytes, on no other connection, nested in time",
            Self::Response => "same request, nested in time, and the same response head",
            Self::ForwardedFor => "same request, and its header names the client",
            Self::RequestId => "same request identifier",
            Self::ClientHello => "same TLS ClientHello random",
            Self::Table => "both connections in the proxy's own table",
            Self::ProxyHeader => "PROXY header names the client's endpoint",
        }
    }
}

/// Pairs of connections, by index.
#[derive(Debug, Clone, Default)]
pub struct Pairs {
    /// Client connection to the backend connections that carried its requests.
    pub backends: HashMap<u32, Vec<u32>>,
    /// Backend connection to the client connections whose requests it carried.
    pub clients: HashMap<u32, Vec<u32>>,
    /// By client connection: its weakest evidence.
    pub evidence: HashMap<u32, Evidence>,
    /// Client connection to the backend exchanges that carried its requests, by
    /// index into `exchanges`.
    pub carried: HashMap<u32, Vec<usize>>,
    /// Backend exchange to the client's exchange that it carried, both by index into `exchanges`.
    pub asked: HashMap<usize, usize>,
    /// Client connection to the connections that the proxy tried in vain for it, or for
    /// one of several that waited at once and never got an answer.
    pub attempts: HashMap<u32, Vec<u32>>,
    /// The same, from the attempt.
    pub attempted: HashMap<u32, u32>,
    /// Connections that a transparent proxy tried in vain in a client's name, also those
    /// of which it is not told whose request waited.
    pub tried: HashSet<u32>,
    /// Connections of a proxy that carried one of several like requests that waited at the time; of which of these
    /// clients is not told.
    pub alike: HashSet<u32>,
    /// All exchanges that were read.
    pub exchanges: Vec<Exchange>,
    /// Their places, sorted by connection, for who asks when all are read.
    by_connection: OnceLock<Vec<u32>>,
    /// Captures, by index, whose frames were wanted and could not be read again, with why.
    pub unread: Vec<(usize, String)>,
}

impl Pairs {
    /// The exchanges of a connection, in the order in which they were read.
    pub fn of(&self, connection: u32) -> impl Iterator<Item = &Exchange> {
        let sorted = self.by_connection.get_or_init(|| {
            let mut places: Vec<u32> = (0..self.exchanges.len() as u32).collect();
            places.sort_by_key(|at| self.exchanges[*at as usize].connection);
            places
        });
        let exchange = |at: &u32| &self.exchanges[*at as usize];
        let from = sorted.partition_point(|at| exchange(at).connection < connection);
        sorted[from..].iter().map(exchange).take_while(move |e| e.connection == connection)
    }

    pub(super) fn add(&mut self, front: u32, back: u32, evidence: Evidence) {
        let backends = self.backends.entry(front).or_default();
        if !backends.contains(&back) {
            backends.push(back);
        }
        let clients = self.clients.entry(back).or_default();
        if !clients.contains(&front) {
            clients.push(front);
        }
        let weakest = self.evidence.entry(front).or_insert(evidence);
        *weakest = (*weakest).min(evidence);
    }

    fn carry(&mut self, front: u32, at: usize, back: &Exchange, evidence: Evidence) {
        self.add(front, back.connection, evidence);
        self.carried.entry(front).or_default().push(at);
    }
}

/// What was said, and by whom.
struct Talk<'a> {
    connections: &'a Connections,
    said: &'a Said,
    /// By exchange: the last frame of its stream.
    ends: Vec<u32>,
    /// By exchange: the frame in which a side of its stream first ended it.
    closes: Vec<u32>,
}

impl Talk<'_> {
    /// Whether a request that a proxy passed on before may be passed on again by this one: not while it is with a
    /// server, nor once that has answered it well.
    fn may_come_again(&self, before: usize, back: &Exchange) -> bool {
        let earlier = &self.said.exchanges[before];
        let (now, refused) = (back.request.frame(), |status| status >= 400);
        earlier.vantage != back.vantage
            || match earlier.response.get() {
                Some(answer) if answer.frame() < now => earlier.status.is_none_or(refused),
                // Its answer comes later, or never: the proxy had given it up.
                _ => self.closes[before] < now,
            }
    }
}

/// The frame in which a side first ended a stream.
fn closes(stream: &Stream) -> u32 {
    let ends = stream.flows.iter().flat_map(|flow| [flow.fin, flow.rst]);
    ends.filter_map(Mark::get).map(|mark| mark.frame()).min().unwrap_or(u32::MAX)
}

/// Requests of one kind that are compared with each other.
const MAX_ALIKE: usize = 4096;

/// Client requests among which the responses may choose.
const MAX_CHOICES: usize = 64;

pub(super) fn pair(
    vantages: &[Observations],
    connections: &Connections,
    suspects: &Suspects,
    said: &Said,
    pairs: &mut Pairs,
) {
    let streams =
        || said.exchanges.iter().map(|e| &vantages[e.vantage.index()].streams[e.stream as usize]);
    let talk = Talk {
        connections,
        said,
        ends: streams().map(|stream| stream.last().frame()).collect(),
        closes: streams().map(closes).collect(),
    };
    let sides = |connection: u32| suspects.sides.get(&connection);
    let known = |c| Some((sides(c)?.to, sides(c)?.from));
    let several = pass(&talk, pairs, &|c| known(c).unwrap_or_default(), false);
    // What is paired already is one side of a proxy whose addresses make it one host.
    let mut paired: HashSet<u32> =
        pairs.clients.keys().chain(pairs.carried.keys()).copied().collect();
    // So is what may be: of several like requests any could be taken for what another one carries.
    paired.extend(several);
    let open = |c: u32| sides(c).filter(|_| !paired.contains(&c));
    let around = |c| match open(c).map(|sides| sides.around) {
        Some(Around::Calls(name)) => (Some(name), None),
        Some(Around::Called(name)) => (None, Some(name)),
        _ => (None, None),
    };
    pass(&talk, pairs, &around, true);
}

/// `sides`: which proxy a connection leads to, and which it comes from. `around`: nothing
/// but what is said ties those two sides. Gives the connections of requests of which several may belong together.
fn pass(
    talk: &Talk<'_>,
    pairs: &mut Pairs,
    sides: &dyn Fn(u32) -> (Option<Ip>, Option<Ip>),
    around: bool,
) -> HashSet<u32> {
    let said = talk.said;
    let exchanges = &said.exchanges;
    let from = |connection: u32| sides(connection).1;
    let fronts = Fronts::of(talk.connections, said, &|connection| sides(connection).0);
    let mut open: HashMap<(Ip, u64), Vec<Open>> = HashMap::default();
    // In the order in which they passed: what is with a server already waits for none.
    let mut in_order: Vec<usize> = (0..exchanges.len()).collect();
    in_order.sort_by_key(|at| (exchanges[*at].vantage, exchanges[*at].request.frame()));
    let mut passed_on: HashMap<usize, usize> = HashMap::default();
    for at in in_order {
        let back = &exchanges[at];
        let Some(proxy) = from(back.connection) else { continue };
        let alike = fronts.alike(proxy, back.line);
        if alike.len() > MAX_ALIKE {
            continue;
        }
        // A host that talks to itself calls and is called on one connection.
        let other = |front: &&usize| exchanges[**front].connection != back.connection;
        let waits = |front: &&usize| {
            passed_on.get(*front).is_none_or(|before| talk.may_come_again(*before, back))
        };
        let alike: Vec<usize> = alike.iter().filter(other).filter(waits).copied().collect();
        if let Some(front) = fronts.named(proxy, back.connection, back.proxied) {
            pairs.carry(front, at, back, Evidence::ProxyHeader);
            continue;
        }
        if around && pairs.clients.contains_key(&back.connection) {
            continue;
        }
        match choose(talk, &alike, at).sure(around) {
            Choice::One(front, evidence) => {
                pairs.carry(exchanges[front].connection, at, back, evidence);
                pairs.asked.insert(at, front);
                passed_on.insert(front, at);
            }
            Choice::Of(choices) if !around && choices.len() > MAX_CHOICES => {
                pairs.alike.insert(back.connection);
            }
            Choice::Of(choices) if choices.len() <= MAX_CHOICES => {
                let reply = |e: &Exchange| e.response.is_set().then_some(e.reply);
                let fronts = choices.into_iter().map(|f| (f, reply(&exchanges[f]))).collect();
                let one = Open { back: at, reply: reply(back), fronts };
                open.entry((proxy, back.line)).or_default().push(one);
            }
            Choice::Of(_) => {}
        }
    }
    let several = if around { HashSet::default() } else { several(talk, pairs, &open) };
    let mut settled: Vec<_> = open.values().flat_map(|open| reply::settle(open)).collect();
    settled.sort_unstable();
    for (at, front) in settled {
        pairs.asked.insert(at, front);
        let front = exchanges[front].connection;
        pairs.carry(front, at, &exchanges[at], Evidence::Response);
    }
    for opening in &said.openings {
        let Some(proxy) = from(opening.connection) else { continue };
        if let Some(front) = fronts.named(proxy, opening.connection, opening.proxied) {
            pairs.add(front, opening.connection, Evidence::ProxyHeader);
        }
    }
    several
}

/// The connections of requests that time leaves to several clients, on either side of the proxy.
fn several(
    talk: &Talk<'_>,
    pairs: &mut Pairs,
    open: &HashMap<(Ip, u64), Vec<Open>>,
) -> HashSet<u32> {
    let exchanges = &talk.said.exchanges;
    let mut several = HashSet::default();
    for one in open.values().flatten().filter(|one| !one.fronts.is_empty()) {
        let back = exchanges[one.back].connection;
        pairs.alike.insert(back);
        several.insert(back);
        several.extend(one.fronts.iter().map(|(front, _)| exchanges[*front].connection));
    }
    several
}

/// The requests of a kind that a backend request can be.
enum Choice {
    /// One, by index into the exchanges.
    One(usize, Evidence),
    /// Several or none, by index into the exchanges.
    Of(Vec<usize>),
}

impl Choice {
    /// Where nothing ties the proxy's two sides, that a request is the only one leaves it
    /// to the response.
    fn sure(self, around: bool) -> Self {
        match self {
            Self::One(front, Evidence::Nesting) if around => Self::Of(vec![front]),
            other => other,
        }
    }
}

fn choose(talk: &Talk<'_>, alike: &[usize], at: usize) -> Choice {
    let (connections, exchanges) = (talk.connections, &talk.said.exchanges);
    let back = &exchanges[at];
    // What comes when the proxy has closed, it passes on to nobody.
    let late = back.response.get().is_some_and(|answer| talk.closes[at] < answer.frame());
    // A proxy may write an identifier of its own and leave the other.
    for of in [|e: &Exchange| e.id, |e: &Exchange| e.trace] {
        if of(back).is_some() {
            let mut same = alike.iter().filter(|f| of(&exchanges[**f]) == of(back));
            if let (Some(front), None) = (same.next(), same.next()) {
                return Choice::One(*front, Evidence::RequestId);
            }
        }
    }
    let client = |f: usize| connections.list[exchanges[f].connection as usize].front.client.0;
    let named: Vec<usize> = match back.forwarded_for {
        Some(ip) => alike.iter().copied().filter(|f| client(*f) == ip).collect(),
        None => alike.to_vec(),
    };
    let evidence =
        if back.forwarded_for.is_some() { Evidence::ForwardedFor } else { Evidence::Nesting };
    if let ([front], true) = (&named[..], back.forwarded_for.is_some()) {
        return Choice::One(*front, evidence);
    }
    let open: Vec<usize> =
        named.into_iter().filter(|f| nests(&exchanges[*f], talk.ends[*f], back, late)).collect();
    match open[..] {
        [front] => Choice::One(front, evidence),
        _ => Choice::Of(open),
    }
}

/// Whether a backend request lies within a client's, at one vantage: clocks of
/// different captures are not asked. `end`: the last frame of the client's connection, after
/// which nobody waits for an answer. `late`: the answer came when the proxy had given it up.
fn nests(front: &Exchange, end: u32, back: &Exchange, late: bool) -> bool {
    if front.vantage != back.vantage
        || front.request.frame() > back.request.frame()
        || end < back.request.frame()
    {
        return false;
    }
    let answered_before = front.response.is_set() && front.response.frame() < back.request.frame();
    let answered_after = match (front.response.get(), back.response.get()) {
        (Some(front), Some(back)) => late || front.frame() >= back.frame(),
        _ => true,
    };
    !answered_before && answered_after
}
