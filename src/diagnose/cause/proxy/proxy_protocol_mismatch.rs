//! A PROXY header is sent to a server that does not expect one, or is not sent to one
//! that does.
//!
//! The first shows in the bytes: the header, and an error or the end in answer to it.
//! The second shows as a server that closes without a word on every request; it is said
//! for certain only where the same server answers connections that bring the header.

use crate::correlate::Leg;
use crate::diagnose::cause::no_proxy;
use crate::diagnose::thresholds::{NO_COINCIDENCE, PROMPT_NS};
use crate::diagnose::words::{agree, list, names};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Fix, Proof, Severity, Subject};
use crate::flow::{FirstReply, Preface};
use crate::topology::{Mode, Role, ServiceId};
use crate::trace::{At, ConnectionId, Trace};
use crate::wire::Ip;
use std::collections::{BTreeMap, HashSet};

pub(in crate::diagnose) const EXPLAINS: &[&str] =
    &["http-5xx", "connection-reset", "rst-no-socket"];

/// RFC 9110, section 15.5.1.
const BAD_REQUEST: u16 = 400;

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let mut groups: BTreeMap<(ServiceId, Wrong), (Vec<Server>, Said)> = BTreeMap::new();
    for (at, said) in endpoints(facts) {
        let Some(wrong) = judge(facts, at, &said) else { continue };
        let Some(service) = said.service(facts, wrong) else { continue };
        let (servers, all) = groups.entry((service, wrong)).or_default();
        servers.push(at);
        all.join(said);
    }
    let findings = groups
        .iter()
        .filter(|((_, wrong), (_, said))| {
            *wrong != Wrong::Silent || said.dropped.len() >= NO_COINCIDENCE
        })
        .map(|((_, wrong), (servers, said))| finding(facts, servers, said, *wrong))
        .collect();
    Detection::from(findings, || {
        let told = facts.vantages.iter().any(|v| v.side_tables.has_prefaces());
        if told { Detection::Clean } else { no_proxy(facts) }
    })
}

/// Address and port of a server.
type Server = (Ip, u16);

/// What does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Wrong {
    /// A header where none is expected.
    Unexpected,
    /// None where connections with one are answered.
    Missing,
    /// None, and the server closes without a word.
    Silent,
}

/// How the connections to one server port went.
#[derive(Debug, Default)]
struct Said {
    /// With a header: the server broke off, or said it could not read this.
    rejected: Vec<(ConnectionId, Leg)>,
    /// With a header: it was answered.
    accepted: Vec<ConnectionId>,
    /// Without one: answered.
    answered: Vec<ConnectionId>,
    /// Without one: closed at once, without a word.
    dropped: Vec<(ConnectionId, Leg)>,
    /// Without one: anything else that came as far as a request.
    other: usize,
}

impl Said {
    fn join(&mut self, other: Self) {
        self.rejected.extend(other.rejected);
        self.accepted.extend(other.accepted);
        self.answered.extend(other.answered);
        self.dropped.extend(other.dropped);
        self.other += other.other;
    }

    /// The connections that went wrong.
    fn shown(&self, wrong: Wrong) -> &[(ConnectionId, Leg)] {
        if wrong == Wrong::Unexpected { &self.rejected } else { &self.dropped }
    }

    /// The service that clients asked for.
    fn service(&self, trace: &Trace, wrong: Wrong) -> Option<ServiceId> {
        let (id, _) = self.shown(wrong).first()?;
        let front = trace.pairs.clients.get(&id.0).and_then(|fronts| fronts.first());
        trace.topology.service_of.get(front.copied().unwrap_or(id.0) as usize).copied()
    }
}

/// Connections with a request, and the servers that got it. With a proxy in between, what
/// the client sends says nothing of the server.
fn asked<'a>(
    facts: &'a Facts,
) -> impl Iterator<Item = (ConnectionId, &'a crate::correlate::Connection, Server)> {
    facts
        .iter()
        .filter(|(id, c)| {
            c.protocol.is_tcp() && c.progress.request && !facts.pairs.backends.contains_key(&id.0)
        })
        .map(|(id, c)| (id, c, c.back.unwrap_or(c.front).server))
}

fn endpoints(facts: &Facts) -> BTreeMap<Server, Said> {
    let mut all: BTreeMap<Server, Said> = BTreeMap::new();
    let spoilt = facts.spoilt_ids();
    // Servers that show something, which few do: what became of others' requests is no matter.
    let headed = facts.vantages.iter().any(|v| v.side_tables.has_prefaces());
    let shows = |id: ConnectionId, answered: bool| {
        facts.back_legs(id).any(|leg| {
            !answered && broke_off(facts, leg) || headed && preface(facts, leg).is_some()
        })
    };
    let suspects: HashSet<Server> = asked(facts)
        .filter(|(id, c, _)| shows(*id, c.progress.response))
        .map(|(.., server)| server)
        .collect();
    for (id, c, server) in asked(facts).filter(|(.., server)| suspects.contains(server)) {
        let said = all.entry(server).or_default();
        let with = facts.back_legs(id).find_map(|leg| Some((leg, preface(facts, leg)?)));
        match with {
            Some((leg, preface)) => match preface.reply {
                FirstReply::Status(BAD_REQUEST) | FirstReply::Alert => {
                    said.rejected.push((id, *leg));
                }
                FirstReply::None if c.progress.response => {}
                FirstReply::None if broke_off(facts, leg) => said.rejected.push((id, *leg)),
                FirstReply::None => {}
                _ => said.accepted.push(id),
            },
            None if c.progress.response => said.answered.push(id),
            None if spoilt.contains(&id) => said.other += 1,
            None => match facts.back_legs(id).find(|leg| broke_off(facts, leg)) {
                Some(leg) => said.dropped.push((id, *leg)),
                None => said.other += 1,
            },
        }
    }
    all
}

fn preface<'a>(trace: &'a Trace, leg: &Leg) -> Option<&'a Preface> {
    let tables = &trace.vantage(leg).side_tables;
    tables.preface(leg.stream).filter(|p| p.side == leg.client)
}

/// Whether the server took bytes and ended the connection at once, without one of its
/// own, before the client did.
fn broke_off(trace: &Trace, leg: &Leg) -> bool {
    let (there, back) = (trace.forward(leg), trace.reply(leg));
    let Some(end) = end_of(trace, leg) else { return false };
    let before = |mark: crate::flow::Mark| mark.is_set() && mark.frame() < end.frame();
    there.data.is_set()
        && back.accepted()
        && back.payload == 0
        && !before(there.fin)
        && !before(there.rst)
        && (0..PROMPT_NS).contains(&end.since(there.data))
}

/// The server's FIN or RST.
fn end_of(trace: &Trace, leg: &Leg) -> Option<crate::flow::Mark> {
    let back = trace.reply(leg);
    [back.fin, back.rst].into_iter().filter_map(|m| m.get()).min_by_key(|m| m.frame())
}

fn judge(trace: &Trace, at: Server, said: &Said) -> Option<Wrong> {
    if !said.rejected.is_empty() && said.accepted.is_empty() {
        return Some(Wrong::Unexpected);
    }
    let all_dropped = said.answered.is_empty() && said.other == 0 && said.rejected.is_empty();
    let balanced = said.dropped.iter().any(|(id, _)| trace.service(*id).mode != Mode::Unknown)
        || is_backend(trace, at);
    if said.dropped.is_empty() || !all_dropped || !balanced {
        return None;
    }
    Some(if said.accepted.is_empty() { Wrong::Silent } else { Wrong::Missing })
}

fn finding(trace: &Trace, servers: &[Server], said: &Said, wrong: Wrong) -> Finding {
    let names: Vec<String> = servers.iter().map(|(ip, port)| ip.with_port(*port)).collect();
    let who = list(&names);
    match wrong {
        Wrong::Unexpected => unexpected(trace, servers, &who, said),
        Wrong::Missing | Wrong::Silent => missing(trace, servers, &who, said, wrong),
    }
}

/// Whether a proxy is known to send its requests there.
fn is_backend(trace: &Trace, at: Server) -> bool {
    trace.topology.services.iter().any(|s| {
        s.mode == Mode::Proxy
            && s.real_servers.iter().any(|r| (r.address, r.port) == (Some(at.0), at.1))
    })
}

/// A header where none is expected.
fn unexpected(trace: &Trace, servers: &[Server], who: &str, said: &Said) -> Finding {
    let n = said.rejected.len();
    let version =
        said.rejected.iter().find_map(|(_, leg)| preface(trace, leg)).map_or(1, |p| p.version);
    let verb = agree(servers.len(), "is", "are");
    let title = format!("{who} {verb} sent a PROXY header that nobody there expects");
    let explanation = format!(
        "Each connection to {who} begins with a PROXY header of version {version}, and the server takes it for a broken request: {}. {n} of {n} such connections end so. Either the balancer must not send the header, or the server must be told to read it.",
        answers(trace, said)
    );
    let mut finding = based_on(trace, servers, title, explanation, &said.rejected);
    let sure = n >= NO_COINCIDENCE || !said.answered.is_empty();
    finding.confidence = if sure { Confidence::Certain } else { Confidence::Likely };
    finding.fixes = vec![
        server_fix(who, "read the header", "Take the word out again."),
        balancer_fix(
            "send no header: leave out 'send-proxy' (haproxy server line), 'proxy_protocol on' (nginx stream)",
        ),
    ];
    finding
}

/// "HTTP 400", "a TLS alert", "it closes without a word".
fn answers(trace: &Trace, said: &Said) -> String {
    let mut words: Vec<String> = said
        .rejected
        .iter()
        .filter_map(|(_, leg)| preface(trace, leg))
        .map(|p| match p.reply {
            FirstReply::Status(status) => format!("it answers HTTP {status}"),
            FirstReply::Alert => "it answers with a TLS alert".to_owned(),
            _ => "it closes without a word".to_owned(),
        })
        .collect();
    words.sort_unstable();
    words.dedup();
    list(&words)
}

/// No header where one is expected.
fn missing(trace: &Trace, servers: &[Server], who: &str, said: &Said, wrong: Wrong) -> Finding {
    let expected = wrong == Wrong::Missing;
    let several = servers.len() > 1;
    let n = said.dropped.len();
    let title = if expected {
        let verb = if several { "expect" } else { "expects" };
        format!("{who} {verb} a PROXY header and gets none")
    } else {
        let verb = if several { "close" } else { "closes" };
        format!("{who} {verb} every connection at the first request, as without a PROXY header")
    };
    let other = if expected {
        format!(" {} connections that begin with a PROXY header are answered.", said.accepted.len())
    } else {
        String::new()
    };
    let explanation = format!(
        "Connections to {who} are accepted, the first bytes are taken, and the server ends the connection at once without one of its own: {n} of {n}.{other} A server that is told to expect the PROXY protocol does that with whatever begins otherwise."
    );
    let mut finding = based_on(trace, servers, title, explanation, &said.dropped);
    finding.confidence = if expected { Confidence::Certain } else { Confidence::Possible };
    if !expected {
        finding.candidate("rs-lost-socket", "then the server's program ends or crashes at each request: its log and its process start time tell");
        finding.confirm(names(&finding.subjects), "grep -rnE 'proxy_protocol|accept-proxy|RemoteIPProxyProtocol|proxy-protocol' /etc; # and its error log: 'broken header' (nginx), 'PROXY SIG ERROR' (haproxy)", "a listener that requires the header: this is it");
    }
    finding.fixes = vec![
        balancer_fix(
            "send the header: 'send-proxy' or 'send-proxy-v2' on the server line, with 'check-send-proxy' (haproxy), 'proxy_protocol on' (nginx stream)",
        ),
        server_fix(who, "expect none", "Put the word in again."),
    ];
    finding
}

fn based_on(
    trace: &Trace,
    servers: &[Server],
    title: String,
    explanation: String,
    shown: &[(ConnectionId, Leg)],
) -> Finding {
    let mut finding = Finding::cause("proxy-protocol-mismatch", title, explanation);
    finding.severity = Severity::Critical;
    for (ip, port) in servers {
        let host = trace.host_by_ip(*ip);
        let mac = host.and_then(|h| trace.topology.hosts.get(h).macs.first().copied());
        let server = Subject { role: Role::RealServer, address: Some(*ip), mac, port: Some(*port) };
        finding.subjects.push(server);
    }
    finding.proofs = shown.first().map(|(_, leg)| proofs(trace, leg)).unwrap_or_default();
    for (id, _) in shown {
        match trace.pairs.clients.get(&id.0) {
            Some(fronts) => {
                finding.connections.extend(fronts.iter().map(|front| ConnectionId(*front)));
                finding.strays.push(*id);
            }
            None => finding.connections.push(*id),
        }
    }
    finding.connections.sort_unstable();
    finding.connections.dedup();
    // A health check may be dropped too, and is nobody's request.
    finding.connections.retain(|id| trace.ordinary(*id).is_none());
    finding
}

fn proofs(trace: &Trace, leg: &Leg) -> Vec<Proof> {
    let there = trace.forward(leg);
    let mut proofs = Vec::new();
    match preface(trace, leg) {
        Some(p) => {
            let note = format!("the connection begins with a PROXY header, version {}", p.version);
            proofs.push(Proof { at: At { vantage: usize::from(leg.vantage), mark: p.mark }, note });
            let note = match p.reply {
                FirstReply::Status(status) => format!("the server answers HTTP {status}"),
                _ => "the server's first word: a TLS alert".to_owned(),
            };
            proofs.extend(trace.proof(leg, p.replied, note));
        }
        None => {
            let note = "the first bytes, which are no PROXY header";
            proofs.extend(trace.proof(leg, there.data, note));
        }
    }
    if let Some(end) = end_of(trace, leg) {
        proofs.extend(trace.proof(leg, end, "the server ends the connection"));
    }
    proofs
}

fn server_fix(who: &str, what: &str, undo: &str) -> Fix {
    Fix::disruptive(
        format!("the server {who}"),
        format!(
            "# {what}: 'accept-proxy' on bind (haproxy), 'proxy_protocol' on listen (nginx), 'RemoteIPProxyProtocol' (Apache)"
        ),
        undo.to_owned(),
    )
}

fn balancer_fix(what: &str) -> Fix {
    Fix::disruptive("the balancer".to_owned(), format!("# {what}"), "Set it back and reload.")
}
