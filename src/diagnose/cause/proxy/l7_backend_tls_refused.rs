//! A proxy's TLS handshake with a real server fails, and the client gets an error or waits for another
//! server.

use super::{attempted, one_a_service};
use crate::breaks::{Refused, tls_refused};
use crate::diagnose::facts::proxy::attempts::Attempt;
use crate::diagnose::words::{agree, list, name, names, servers_called, share};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Proof};
use crate::topology::ServiceId;
use crate::trace::{ConnectionId, Trace};
use crate::wire::tls::alert_name;
use std::collections::BTreeSet;

pub(in crate::diagnose) const EXPLAINS: &[&str] = &["http-5xx", "request-unanswered"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let clients = Attempt::TlsRefused.clients(facts);
    one_a_service(facts, clients, |service, ids| finding(facts, service, ids))
}

fn finding(facts: &Facts, service: ServiceId, ids: Vec<ConnectionId>) -> Finding {
    let backs = || ids.iter().flat_map(|id| Attempt::TlsRefused.of(facts, *id));
    let servers = servers_called(facts, backs());
    let (who, many) = (names(&servers), servers.len());
    let ways: BTreeSet<Refused> =
        backs().filter_map(|back| Some(tls_refused(facts, back)?.2)).collect();
    let says: Vec<String> = ways.iter().map(|how| told(*how, many)).collect();
    let mends: BTreeSet<&str> = ways.iter().map(|how| mend(*how)).collect();
    let (got, severity) = attempted::outcome(facts, &ids);
    let title = format!("the proxy's TLS handshakes with {who} fail: {}", list(&says));
    let explanation = format!(
        "The proxy opens TLS to {who} for a client's request, and {}. {} {} {} concerned.",
        list(&says),
        mends.into_iter().collect::<Vec<_>>().join(" "),
        got,
        share(facts, service, &ids, "are")
    );
    let mut finding = Finding::cause("l7-backend-tls-refused", title, explanation);
    finding.severity = severity;
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
        Refused::InText => format!("{} in plain text", it("answers", "answer")),
        Refused::NotTls => format!("{} that the port speaks TLS", it("says", "say")),
        Refused::ByServer(alert) => {
            format!("{} alert {alert} ({})", it("sends", "send"), alert_name(alert))
        }
        Refused::ByClient(alert) => {
            format!("the proxy sends alert {alert} ({})", alert_name(alert))
        }
        Refused::Greeted => format!("{} in plain text", it("greets", "greet")),
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
        Refused::InText => {
            "The port does not speak TLS: the proxy has to be told so, or to call another port."
        }
        Refused::NotTls => "The proxy has to speak TLS to that port, or to call the plain one.",
        Refused::Greeted => {
            "On that port TLS begins when it is asked for in plain text (STARTTLS): the proxy has to call the port that speaks TLS at once, or to pass on what clients say."
        }
        Refused::ByServer(_) => {
            "The server takes none of what the proxy offers: a version, a cipher, the name that it asks for (SNI), or its certificate."
        }
        Refused::ByClient(_) | Refused::Sealed => {
            "The proxy does not accept the server's certificate: of an authority that it does not know, for another name, expired, or without an intermediate one."
        }
    }
}

fn proofs(trace: &Trace, id: ConnectionId) -> Vec<Proof> {
    let mut tried = Vec::new();
    for back in Attempt::TlsRefused.of(trace, id).take(1) {
        let Some((leg, spoken, how)) = tls_refused(trace, back) else { continue };
        let hello = trace.vantage(leg).side_tables.hello_of(leg.stream);
        tried.extend(hello.and_then(|h| trace.proof(leg, h.mark, "the proxy's ClientHello")));
        let note = match how {
            Refused::InPlain | Refused::NotTls => "the answer, in plain HTTP".to_owned(),
            Refused::InText => "the answer, in plain text".to_owned(),
            Refused::ByServer(alert) => format!("the server's alert: {}", alert_name(alert)),
            Refused::ByClient(alert) => format!("the proxy's alert: {}", alert_name(alert)),
            Refused::Greeted => "the ClientHello, to a greeting in plain text".to_owned(),
            Refused::Sealed => "the proxy's last record, as long as an alert".to_owned(),
        };
        tried.extend(trace.proof(leg, spoken.mark, note));
    }
    attempted::proofs(trace, id, tried)
}
