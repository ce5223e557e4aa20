//! A filter bound to a trace.
//!
//! All names are resolved once, so that asking one connection costs a few comparisons: a
//! trace may hold millions. It reads facts of the trace and the lists of the diagnosis
//! and judges nothing itself.

use super::value::{End, duration, one_of, size};
use super::{Expr, Fault, Field, Op, Term, broken};
use crate::breaks::{Breaks, Fate};
use crate::capture::Timestamp;
use crate::correlate::Outcome;
use crate::diagnose::{Diagnosis, manuals};
use crate::flow::VantageId;
use crate::topology::{HostId, Mode, Ordinary, RealServer};
use crate::trace::{ConnectionId, Trace};
use crate::window::Moment;
use crate::wire::{Mac, Protocol};
use std::collections::BTreeSet;
use std::ops::Range;

/// A filter that can be asked.
#[derive(Debug, Clone)]
pub struct Filter {
    test: Test,
}

#[derive(Debug, Clone)]
enum Test {
    All(Vec<Test>),
    Any(Vec<Test>),
    Not(Box<Test>),
    Client(End),
    Service(End),
    /// By service, by real server: whether it is one of them.
    Server(Vec<Vec<bool>>),
    /// No real server is known.
    NoServer,
    /// By route: whether it passes one of the hosts.
    Route(Vec<bool>),
    Port(Span),
    Outcome(Outcome),
    /// By connection: whether it is so.
    Is(Vec<bool>),
    Mode(Mode),
    Proto(Protocol),
    /// Ids, sorted.
    Listed(Vec<u32>),
    Seen(Vec<bool>),
    Kind(Option<Ordinary>),
    Id(Span),
    Duration(Span),
    Bytes(Span),
    Start(Span),
}

/// From and to, both included.
type Span = (i64, i64);

/// What a connection may be instead of a request.
pub(super) const KINDS: [Ordinary; 5] = [
    Ordinary::HealthCheck,
    Ordinary::ProxyLeg,
    Ordinary::Scan,
    Ordinary::Flood,
    Ordinary::StrayAnswer,
];

impl Filter {
    /// Resolves the names of an expression.
    ///
    /// # Errors
    /// The first value that names nothing.
    pub fn bind(expr: &Expr, trace: &Trace, diagnosis: &Diagnosis) -> Result<Self, Fault> {
        Ok(Self { test: Binder { trace, diagnosis }.expr(expr)? })
    }

    /// Whether it asks for a connection that lists leave out for being a proxy's own part
    /// of another: by that kind, or by its number.
    #[must_use]
    pub fn asks_for_legs(&self) -> bool {
        self.test.asks_for_legs()
    }

    /// Whether a connection fits.
    #[must_use]
    pub fn fits(&self, trace: &Trace, id: ConnectionId) -> bool {
        self.test.fits(trace, id)
    }
}

impl Test {
    fn asks_for_legs(&self) -> bool {
        match self {
            Self::All(tests) | Self::Any(tests) => tests.iter().any(Self::asks_for_legs),
            Self::Kind(Some(Ordinary::ProxyLeg)) | Self::Id(_) => true,
            _ => false,
        }
    }

    fn fits(&self, trace: &Trace, id: ConnectionId) -> bool {
        let connection = trace.connection(id);
        let at = id.0 as usize;
        let within = |(from, to): &Span, value: i64| (*from..=*to).contains(&value);
        let time = |at: Option<crate::trace::At>| at.map_or(0, |at| trace.time(at).0);
        match self {
            Self::All(tests) => tests.iter().all(|test| test.fits(trace, id)),
            Self::Any(tests) => tests.iter().any(|test| test.fits(trace, id)),
            Self::Not(test) => !test.fits(trace, id),
            Self::Client(end) => end.is(connection.front.client),
            Self::Service(end) => end.is(connection.front.server),
            Self::Server(table) => {
                let Some(servers) = table.get(trace.topology.service_of[at].0 as usize) else {
                    return false;
                };
                let is = |server: u16| servers.get(usize::from(server)).copied().unwrap_or(false);
                let several = trace.topology.several_servers.get(&id.0);
                trace.topology.server_of[at].is_some_and(is)
                    || several.is_some_and(|all| all.iter().any(|server| is(*server)))
            }
            Self::NoServer => trace.server(id).is_none(),
            Self::Route(table) => {
                table.get(trace.topology.routes.of[at].0 as usize).copied().unwrap_or(false)
            }
            Self::Port(span) => {
                let back = connection.back.map(|back| back.server.1);
                let ports =
                    [Some(connection.front.client.1), Some(connection.front.server.1), back];
                ports.into_iter().flatten().any(|port| within(span, i64::from(port)))
            }
            Self::Outcome(outcome) => connection.outcome == *outcome,
            Self::Is(table) => table.get(at).copied().unwrap_or(false),
            Self::Mode(mode) => trace.service(id).mode == *mode,
            Self::Proto(protocol) => connection.protocol == *protocol,
            Self::Listed(ids) => ids.binary_search(&id.0).is_ok(),
            Self::Seen(vantages) => trace
                .legs(id)
                .iter()
                .any(|leg| vantages.get(leg.vantage.index()).copied().unwrap_or(false)),
            Self::Kind(kind) => trace.ordinary(id) == *kind,
            Self::Id(span) => within(span, i64::from(id.0) + 1),
            Self::Duration(span) => {
                within(span, time(trace.end(id)).saturating_sub(time(trace.start(id))))
            }
            Self::Bytes(span) => {
                let bytes = |forward| trace.sent(id, forward).bytes.unwrap_or(0);
                within(span, i64::try_from(bytes(true) + bytes(false)).unwrap_or(i64::MAX))
            }
            Self::Start(span) => within(span, time(trace.start(id))),
        }
    }
}

struct Binder<'a> {
    trace: &'a Trace,
    diagnosis: &'a Diagnosis,
}

impl Binder<'_> {
    fn expr(&self, expr: &Expr) -> Result<Test, Fault> {
        let all = |parts: &[Expr]| -> Result<Vec<Test>, Fault> {
            parts.iter().map(|part| self.expr(part)).collect()
        };
        Ok(match expr {
            Expr::All(parts) => Test::All(all(parts)?),
            Expr::Any(parts) => Test::Any(all(parts)?),
            Expr::Not(part) => Test::Not(Box::new(self.expr(part)?)),
            Expr::Term(term) => self.term(term)?,
        })
    }

    fn term(&self, term: &Term) -> Result<Test, Fault> {
        let mut tests = Vec::new();
        for (value, at) in &term.values {
            tests.push(match term.field {
                Some(field) => self.value(field, term.op, value, at)?,
                None => self.alone(value, at)?,
            });
        }
        let test = if tests.len() == 1 { tests.swap_remove(0) } else { Test::Any(tests) };
        Ok(if term.op == Op::IsNot { Test::Not(Box::new(test)) } else { test })
    }

    /// A word without a field.
    fn alone(&self, value: &str, at: &Range<usize>) -> Result<Test, Fault> {
        [Field::Outcome, Field::Fate, Field::Host, Field::Finding]
            .into_iter()
            .find_map(|field| self.value(field, Op::Is, value, at).ok())
            .ok_or_else(|| {
                let why = format!("{value} is no field, outcome, address, capture or finding");
                // It may become one.
                Fault { at: at.clone(), message: why, unfinished: false }
            })
    }

    fn value(&self, field: Field, op: Op, value: &str, at: &Range<usize>) -> Result<Test, Fault> {
        let fault = |why: String| Fault::new(at.clone(), why);
        let lower = value.to_ascii_lowercase();
        let span = |value: Option<i64>, width: i64| {
            let why = || fault(format!("{value:?} is not right: {}", field.about().help));
            value.map(|v| span(op, v, width)).ok_or_else(why)
        };
        let number = || value.parse::<u32>().ok().map(i64::from);
        Ok(match field {
            Field::Client => Test::Client(self.end(value, at)?),
            Field::Service => Test::Service(self.end(value, at)?),
            Field::Server if lower == "none" => Test::NoServer,
            Field::Server => Test::Server(self.servers(value, at)?),
            Field::Host => self.host(value, at)?,
            Field::Port => Test::Port(span(value.parse::<u16>().ok().map(i64::from), 1)?),
            Field::Outcome if lower == "failed" => self.fate(Fate::Failed),
            Field::Outcome => Outcome::ALL
                .into_iter()
                .find(|outcome| outcome.name() == lower)
                .map(Test::Outcome)
                .ok_or_else(|| fault(one_of(value, "outcome", Outcome::ALL.map(Outcome::name))))?,
            Field::Fate => self.fate(broken::fate(&lower).map_err(fault)?),
            Field::Break | Field::Apart if lower == "none" => {
                Test::Not(Box::new(self.value(field, op, "any", at)?))
            }
            Field::Break => Test::Listed(broken::broken(self.breaks(), &lower).map_err(fault)?),
            Field::Apart => Test::Listed(broken::apart(self.breaks(), &lower).map_err(fault)?),
            Field::Mode => Mode::ALL
                .into_iter()
                .find(|mode| mode.name() == lower)
                .map(Test::Mode)
                .ok_or_else(|| fault(one_of(value, "mode", Mode::ALL.map(Mode::name))))?,
            Field::Proto => match lower.as_str() {
                "tcp" => Test::Proto(Protocol::TCP),
                "udp" => Test::Proto(Protocol::UDP),
                _ => Test::Proto(lower.parse().map(Protocol).map_err(|_| {
                    fault(format!("{value} is no protocol: tcp, udp, or its number"))
                })?),
            },
            Field::Finding => Test::Listed(self.findings(&lower, at)?),
            Field::Seen => {
                let named = self.vantages(value);
                if named.is_empty() {
                    return Err(fault(format!("no capture is called {value}")));
                }
                Test::Seen(
                    VantageId::all(&self.trace.vantages).map(|v| named.contains(&v)).collect(),
                )
            }
            Field::Kind if lower == "request" => Test::Kind(None),
            Field::Kind => KINDS
                .into_iter()
                .find(|kind| kind.name() == lower)
                .map(|kind| Test::Kind(Some(kind)))
                .ok_or_else(|| {
                    let [a, b, c, d, e] = KINDS.map(Ordinary::name);
                    fault(one_of(value, "kind", ["request", a, b, c, d, e]))
                })?,
            Field::Id => Test::Id(span(number(), 1)?),
            Field::Duration => Test::Duration(span(duration(value), 1)?),
            Field::Bytes => Test::Bytes(span(size(value), 1)?),
            Field::Start => {
                let moment: Moment = value.parse().map_err(fault)?;
                let starts = self.trace.vantages.iter().map(|v| self.trace.start_of(v));
                let ends = self.trace.vantages.iter().map(|v| self.trace.end_of(v));
                let (first, last) = (starts.min(), ends.max());
                let zero = Timestamp::default();
                let when = moment.resolve(first.unwrap_or(zero), last.unwrap_or(zero));
                // After a second that is written without digits is after its beginning.
                let width = if op == Op::More { 1 } else { moment.precision_ns };
                Test::Start(self::span(op, when.0, width))
            }
        })
    }

    fn breaks(&self) -> &Breaks {
        &self.diagnosis.breaks
    }

    fn fate(&self, fate: Fate) -> Test {
        let ids = 0..self.trace.connections.list.len() as u32;
        Test::Is(ids.map(|id| self.breaks().fate(ConnectionId(id)) == fate).collect())
    }

    fn end(&self, value: &str, at: &Range<usize>) -> Result<End, Fault> {
        End::parse(value).ok_or_else(|| {
            Fault::new(
                at.clone(),
                format!(
                    "{value} is no address: 10.0.0.1, 10.0.0.1:80, 10.0.0.0/8, [2001:db8::1]:80"
                ),
            )
        })
    }

    /// Vantages of a label, or of the capture of that label.
    fn vantages(&self, label: &str) -> BTreeSet<VantageId> {
        let named = |(v, vantage): (VantageId, &crate::flow::Observations)| {
            let capture = self.trace.captures.get(vantage.capture);
            let is = vantage.label == label || capture.is_some_and(|c| c.label == label);
            is.then_some(v)
        };
        VantageId::each(&self.trace.vantages).filter_map(named).collect()
    }

    /// Hosts on which captures of a label were taken, or that have a MAC.
    fn hosts(&self, value: &str) -> BTreeSet<HostId> {
        let by_mac = value.parse().ok().and_then(|mac| self.trace.host_by_mac(Some(mac)));
        let taken = self.vantages(value);
        taken.iter().filter_map(|v| self.trace.host_of_vantage(*v)).chain(by_mac).collect()
    }

    fn servers(&self, value: &str, at: &Range<usize>) -> Result<Vec<Vec<bool>>, Fault> {
        let (end, mac, hosts) = (End::parse(value), value.parse::<Mac>().ok(), self.hosts(value));
        if end.is_none() && mac.is_none() && hosts.is_empty() {
            let why = format!("{value} is no address, no MAC, and no capture's name");
            return Err(Fault::new(at.clone(), why));
        }
        let is = |server: &RealServer| {
            let host = server.host.map(|host| self.trace.topology.hosts.get(host));
            let address = end.is_some_and(|end| match server.address {
                Some(ip) => end.is((ip, server.port)),
                None => {
                    end.port().is_none_or(|port| port == server.port)
                        && host.is_some_and(|host| host.ips.iter().any(|ip| end.holds(*ip)))
                }
            });
            address
                || mac.is_some() && server.mac == mac
                || server.host.is_some_and(|host| hosts.contains(&host))
        };
        let services = self.trace.topology.services.iter();
        Ok(services.map(|service| service.real_servers.iter().map(is).collect()).collect())
    }

    fn host(&self, value: &str, at: &Range<usize>) -> Result<Test, Fault> {
        let servers = Test::Server(self.servers(value, at)?);
        let mut hosts = self.hosts(value);
        let mut tests = vec![servers];
        if let Some(end) = End::parse(value) {
            tests.extend([Test::Client(end), Test::Service(end)]);
            if end.port().is_none() {
                let all = self.trace.topology.hosts.iter();
                hosts.extend(
                    all.filter(|(_, h)| h.ips.iter().any(|ip| end.holds(*ip))).map(|(id, _)| id),
                );
            }
        }
        let passes = |route: &crate::topology::Route| {
            let steps = route.forward.iter().chain(&route.back);
            steps.flat_map(|s| [s.from, s.to]).flatten().any(|host| hosts.contains(&host))
        };
        tests.push(Test::Route(self.trace.topology.routes.list.iter().map(passes).collect()));
        Ok(Test::Any(tests))
    }

    fn findings(&self, value: &str, at: &Range<usize>) -> Result<Vec<u32>, Fault> {
        let found = &self.diagnosis.findings;
        let all = || 0..found.len();
        let asked = value.replace('_', "-");
        let which: Vec<usize> = match value {
            "any" => all().collect(),
            "none" => {
                let any = self.findings("any", at)?;
                let free = |id: &u32| any.binary_search(id).is_err();
                return Ok((0..self.trace.connections.list.len() as u32).filter(free).collect());
            }
            _ => match value.parse::<usize>() {
                Ok(n) if (1..=found.len()).contains(&n) => vec![n - 1],
                Ok(n) => {
                    let why = format!("there is no finding {n}: there are {}", found.len());
                    return Err(Fault::new(at.clone(), why));
                }
                Err(_) if manuals().any(|(id, _)| id == asked) => {
                    all().filter(|i| found[*i].id == *asked).collect()
                }
                Err(_) => {
                    return Err(Fault::new(at.clone(), format!("no finding has the id {value}")));
                }
            },
        };
        let mut ids: Vec<u32> =
            which.iter().flat_map(|i| &found[*i].connections).map(|id| id.0).collect();
        ids.sort_unstable();
        ids.dedup();
        Ok(ids)
    }
}

/// The values that a comparison lets through; `width` is what the digits leave open.
fn span(op: Op, value: i64, width: i64) -> Span {
    let last = value.saturating_add(width - 1);
    match op {
        Op::Is | Op::IsNot => (value, last),
        Op::Less => (i64::MIN, value.saturating_sub(1)),
        Op::AtMost => (i64::MIN, last),
        Op::More => (last.saturating_add(1), i64::MAX),
        Op::AtLeast => (value, i64::MAX),
    }
}
