//! A proxy's TLS handshake with a real server fails, and the client gets an error or waits for another
//! server.

use crate::breaks::{Fate, Refused, tls_refused};
use crate::diagnose::cause::{each_service, no_exchange};
use crate::diagnose::facts::attempts::turned_down;
use crate::diagnose::facts::each_once;
use crate::diagnose::symptom::http_5xx;
use crate::diagnose::words::{agree, list, name, names, servers_called, share};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Proof, Severity};
use crate::topology::ServiceId;
use crate::trace::{At, ConnectionId, Trace};
use crate::wire::tls::alert_name;
use std::collections::BTreeSet;

pub(in crate::diagnose) const EXPLAINS: &[&str] = &["http-5xx", "request-unanswered"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let fronts = facts.pairs.attempts.keys().map(|front| ConnectionId(*front));
    let fronts = fronts.filter(|id| turned_down(facts, *id).next().is_some());
    let findings = each_service(facts, each_once(fronts).into_iter(), |service, ids| {
        finding(facts, service, ids)
    });
    Detection::from(findings, || no_exchange(facts))
}

fn finding(facts: &Facts, service: ServiceId, ids: Vec<ConnectionId>) -> Finding {
    let backs = || ids.iter().flat_map(|id| turned_down(facts, *id));
    let servers = servers_called(facts, backs());
    let (who, many) = (names(&servers), servers.len());
    let ways: BTreeSet<Refused> =
        backs().filter_map(|back| Some(tls_refused(facts, back)?.2)).collect();
    let says: Vec<String> = ways.iter().map(|how| told(*how, many)).collect();
    let mends: BTreeSet<&str> = ways.iter().map(|how| mend(*how)).collect();
    let unanswered = ids.iter().any(|id| !facts.connection(*id).progress.response);
    let title = format!("the proxy's TLS handshakes with {who} fail: {}", list(&says));
    let explanation = format!(
        "The proxy opens TLS to {who} for a client's request, and {}. {} {} {} concerned.",
        list(&says),
        mends.into_iter().collect::<Vec<_>>().join(" "),
        if unanswered {
            "The client's connection ends without an answer."
        } else {
            "The client gets an error from the proxy, or waits until another server is tried."
        },
        share(facts, service, &ids, "are")
    );
    let mut finding = Finding::cause("l7-backend-tls-refused", title, explanation);
    // A server error is a failed request on a connection that looks complete.
    let errors = ids.iter().any(|id| http_5xx::exchange(facts, *id).is_some());
    let harmed = ids.iter().any(|id| facts.breaks.fate(*id) == Fate::Failed);
    finding.severity =
        if errors || unanswered || harmed { Severity::Critical } else { Severity::Warning };
    // The refusal is seen, and only one request waited for it.
    finding.confidence = Confidence::Certain;
    finding.proofs = ids.first().map(|id| proofs(facts, *id)).unwrap_or_default();
    for subject in &servers {
        let (Some(ip), Some(port)) = (subject.address, subject.port) else { continue };
        let at = ip.with_port(port);
        finding.confirm(
            "the proxy",
            format!("openssl s_client -connect {at} -servername NAME -showcerts </dev/null; curl -sv -o /dev/null http://{at}/"),
            format!("with the name and the CA that the proxy is told: shows what {} speaks there, and with which certificates", name(subject)),
        );
    }
    finding.concerning(servers, ids).also(crate::diagnose::words::directors(facts, service))
}

/// What the two say to each other.
fn told(how: Refused, servers: usize) -> String {
    let it = |verb: &str, verbs: &str| {
        format!("{} {}", agree(servers, "it", "they"), agree(servers, verb, verbs))
    };
    match how {
        Refused::InPlain => format!("{} in plain HTTP", it("answers", "answer")),
        Refused::NotTls => format!("{} that the port speaks TLS", it("says", "say")),
        Refused::ByServer(alert) => {
            format!("{} alert {alert} ({})", it("sends", "send"), alert_name(alert))
        }
        Refused::ByClient(alert) => {
            format!("the proxy sends alert {alert} ({})", alert_name(alert))
        }
        Refused::Sealed => {
            "the proxy ends them with an encrypted record as long as an alert".to_owned()
        }
    }
}

/// What has to be put right.
fn mend(how: Refused) -> &'static str {
    match how {
        Refused::InPlain => {
            "The port speaks HTTP without TLS: the proxy has to be told so ('http://' in proxy_pass, no 'ssl' on haproxy's server line, no TLS in the target group), or another port."
        }
        Refused::NotTls => "The proxy has to speak TLS to that port, or to call the plain one.",
        Refused::ByServer(_) => {
            "The server takes none of what the proxy offers: a version, a cipher, the name that it asks for (SNI), or its certificate."
        }
        Refused::ByClient(_) | Refused::Sealed => {
            "The proxy does not accept the server's certificate: of an authority that it does not know, for another name, expired, or without an intermediate one."
        }
    }
}

fn proofs(trace: &Trace, id: ConnectionId) -> Vec<Proof> {
    let mut proofs = Vec::new();
    let exchange = trace.pairs.of(id.0).next();
    let at = |mark| exchange.map(|e| At { vantage: e.vantage, mark });
    if let Some(at) = exchange.and_then(|e| at(e.request)) {
        proofs.push(Proof::at(at, "the client's request reaches the proxy"));
    }
    for back in turned_down(trace, id).take(1) {
        let Some((leg, spoken, how)) = tls_refused(trace, back) else { continue };
        let hello = trace.vantage(leg).side_tables.hello_of(leg.stream);
        proofs.extend(hello.and_then(|h| trace.proof(leg, h.mark, "the proxy's ClientHello")));
        let note = match how {
            Refused::InPlain | Refused::NotTls => "the answer, in plain HTTP".to_owned(),
            Refused::ByServer(alert) => format!("the server's alert: {}", alert_name(alert)),
            Refused::ByClient(alert) => format!("the proxy's alert: {}", alert_name(alert)),
            Refused::Sealed => "the proxy's last record, as long as an alert".to_owned(),
        };
        proofs.extend(trace.proof(leg, spoken.mark, note));
    }
    if let Some(exchange) = exchange
        && let (Some(status), Some(at)) = (exchange.status, exchange.response.get().and_then(at))
    {
        proofs.push(Proof::at(at, format!("the client gets status {status}")));
    }
    proofs
}
