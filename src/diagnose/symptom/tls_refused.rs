//! A TLS handshake that one side refuses: by an alert in the clear, or by plain text.

use super::{concerned, connections, connections_to};
use crate::breaks::{Fate, Refused, tls_refused};
use crate::diagnose::words::{count, list};
use crate::diagnose::{Facts, Proof, Sighting, ToConfirm, Wording};
use crate::trace::{ConnectionId, Trace};
use crate::wire::tls::alert_name;
use std::collections::BTreeMap;

pub(in crate::diagnose) fn sightings(f: &Facts) -> Vec<Sighting> {
    if !has_words(f) {
        return Vec::new();
    }
    // A stranger who tries what a port speaks is told so, and nobody is harmed.
    let told = |id: &ConnectionId| {
        let tries = [Refused::NotTls, Refused::InPlain, Refused::InText];
        let harmed = || f.breaks.fate(*id) == Fate::Failed;
        tls_refused(f, *id).is_some_and(|(.., how)| !tries.contains(&how) || harmed())
    };
    let ids = f.requests().map(|(id, _)| id).filter(told);
    ids.map(|id| Sighting::of(id, true)).collect()
}

fn has_words(trace: &Trace) -> bool {
    trace.vantages.iter().any(|v| v.side_tables.has_spoken())
}

pub(in crate::diagnose) fn proofs(f: &Facts, sighting: &Sighting) -> Vec<Proof> {
    let Some((leg, spoken, how)) = sighting.connection.and_then(|id| tls_refused(f, id)) else {
        return Vec::new();
    };
    let note = match how {
        Refused::ByServer(alert) => format!("the server's alert: {alert}, {}", alert_name(alert)),
        Refused::ByClient(alert) => format!("the client's alert: {alert}, {}", alert_name(alert)),
        Refused::InPlain => "the server's answer: HTTP in plain text, status 400".to_owned(),
        Refused::InText => "the server's answer, in plain text".to_owned(),
        Refused::NotTls => "the server's answer: this port speaks TLS, status 400".to_owned(),
        Refused::Sealed => "the client's last record, encrypted and as long as an alert".to_owned(),
        Refused::Greeted => "the ClientHello, to a server that greeted in plain text".to_owned(),
    };
    if how == Refused::Greeted {
        let greeting = f.proof(leg, f.reply(leg).data, "the server's greeting, in plain text");
        return greeting.into_iter().chain(f.proof(leg, spoken.mark, note)).collect();
    }
    let hello = f.vantage(leg).side_tables.hello_of(leg.stream);
    let hello = hello.and_then(|hello| f.proof(leg, hello.mark, "the ClientHello"));
    hello.into_iter().chain(f.proof(leg, spoken.mark, note)).collect()
}

pub(in crate::diagnose) fn word(f: &Facts, sightings: &[Sighting]) -> Wording {
    let mut ways: BTreeMap<Refused, usize> = BTreeMap::new();
    for (.., how) in connections(sightings).filter_map(|id| tls_refused(f, id)) {
        *ways.entry(how).or_default() += 1;
    }
    let many = ways.len() > 1;
    let told: Vec<String> = ways
        .iter()
        .map(
            |(how, n)| {
                if many { format!("{} ({})", says(*how), count(*n, "time")) } else { says(*how) }
            },
        )
        .collect();
    let title = match ways.keys().next() {
        Some(Refused::NotTls) if !many => "plain HTTP is sent to a port that speaks TLS".to_owned(),
        Some(how) if !many => format!("TLS handshakes fail: {}", says(*how)),
        _ => "TLS handshakes fail".to_owned(),
    };
    let nameless = connections(sightings).all(|id| names_no_server(f, id));
    let agreed = connections(sightings).all(|id| has_agreed(f, id));
    let ports = || connections(sightings).map(|id| f.connection(id).front.server.1);
    let means = ways.keys().map(|how| match how {
        Refused::ByServer(40) if agreed => AGREED,
        Refused::ByServer(40 | 71 | 112) if nameless => NAMELESS,
        Refused::Greeted if ports().all(|port| TLS_PORTS.contains(&port)) => GREETED_ON_TLS,
        how => means(*how),
    });
    let means: Vec<&str> = means.filter(|m| !m.is_empty()).collect();
    Wording {
        title,
        explanation: format!(
            "{}: {}. {} The network delivered all of it.",
            connections_to(f, sightings),
            list(&told),
            means.join(" ")
        )
        .replace("  ", " "),
        subjects: concerned(f, sightings),
    }
}

/// "the server sends alert 40 (handshake_failure)".
fn says(how: Refused) -> String {
    match how {
        Refused::ByServer(alert) => {
            format!("the server sends alert {alert} ({})", alert_name(alert))
        }
        Refused::ByClient(alert) => {
            format!("the client sends alert {alert} ({})", alert_name(alert))
        }
        Refused::InPlain => "the server answers TLS in plain HTTP".to_owned(),
        Refused::InText => "the server answers TLS in plain text".to_owned(),
        Refused::NotTls => {
            "the client speaks plain HTTP, and the server answers that its port speaks TLS".to_owned()
        }
        Refused::Greeted => {
            "the client speaks TLS at once, to a server that greets in plain text".to_owned()
        }
        Refused::Sealed => {
            "the client ends them with an encrypted record as long as an alert, in place of its Finished"
                .to_owned()
        }
    }
}

/// What usually makes a server refuse who names no server.
const NAMELESS: &str = "Whoever asks names no server (SNI), as health checks of balancers and old programs do, and the server has no certificate or no site for such, or the two have no cipher in common.";

/// What makes a server refuse after its own flight, in which it agreed on version and cipher and showed its certificate.
const AGREED: &str = "The server had answered the ClientHello, so version and cipher were agreed on: what it refuses is what the client sent then, as a server does that asks for a client certificate and gets none, or one that it does not take.";

/// Ports on which mail is spoken in TLS from the first byte (RFC 8314, section 7.3): submissions, imaps, pop3s.
const TLS_PORTS: [u16; 3] = [465, 993, 995];

/// What it means where such a port greets in the clear.
const GREETED_ON_TLS: &str = "TLS begins there with the first byte (RFC 8314), and clients expect it: the listener, or a balancer that should end TLS before it, has it switched off.";

/// Whether a server refused a handshake after it had taken part in it: the alert is not its first word.
fn has_agreed(f: &Facts, id: ConnectionId) -> bool {
    tls_refused(f, id).is_some_and(|(leg, spoken, _)| {
        let first = f.reply(leg).data;
        spoken.side != leg.client && first.is_set() && first.frame() < spoken.mark.frame()
    })
}

/// Whether a ClientHello that is known whole names no server.
fn names_no_server(f: &Facts, id: crate::trace::ConnectionId) -> bool {
    f.legs(id).iter().any(|leg| {
        let tables = &f.vantage(leg).side_tables;
        let hello = tables.first_request(leg.stream).filter(|r| r.tls.is_some_and(|v| v != 0));
        hello.is_some_and(|hello| tables.server_name(hello).is_none())
    })
}

/// What usually makes a side say so.
fn means(how: Refused) -> &'static str {
    match how {
        Refused::InPlain => {
            "The port speaks HTTP without TLS: client, listener or balancer use the wrong protocol or port."
        }
        Refused::InText => {
            "The port does not speak TLS: client, listener or balancer use the wrong protocol or port."
        }
        Refused::NotTls => {
            "Who asks, a client or a balancer that ends TLS itself and passes on what is in it, has to speak TLS to that port, or to call the plain one."
        }
        Refused::Greeted => {
            "On that port TLS begins when the client asks for it in plain text (STARTTLS); the port that speaks TLS at once is another one (465 for mail that is sent, 993, 995). Client, listener or balancer have the wrong port or the wrong setting."
        }
        Refused::Sealed => {
            "What the alert says is encrypted in TLS 1.3; so ends a client that does not accept the server's certificate: of an authority that it does not know, for another name, expired, or without an intermediate one. The client's own log says which."
        }
        Refused::ByServer(40 | 71) => {
            "Usually the two have no cipher or curve in common, or the server has no certificate for the name that the client asks for (SNI)."
        }
        Refused::ByServer(70) => "The server speaks no version of TLS that the client offers.",
        Refused::ByServer(112) => {
            "The server knows no site of the name that the client asks for (SNI)."
        }
        Refused::ByServer(42 | 48 | 116) => {
            "The server asks for a client certificate and takes none of what it gets."
        }
        Refused::ByServer(120) => {
            "The server speaks none of the protocols that the client offers (ALPN)."
        }
        Refused::ByClient(45) => {
            "The client does not accept the server's certificate: it has expired or is not valid yet, by the client's clock, or an intermediate one is."
        }
        Refused::ByClient(48) => {
            "The client does not accept the server's certificate: no authority that it knows stands at the end of its chain, as where it is self-signed, or the server sends no intermediate certificate."
        }
        Refused::ByClient(44) => {
            "The client does not accept the server's certificate: it has been revoked."
        }
        Refused::ByClient(42 | 43 | 46) => {
            "The client does not accept the server's certificate: an intermediate certificate is missing, it has expired, or is of an authority that the client does not know."
        }
        _ => "",
    }
}

/// The same handshake by hand.
pub(in crate::diagnose) fn next(f: &Facts, sightings: &[Sighting]) -> Vec<ToConfirm> {
    let Some(id) = connections(sightings).next() else { return Vec::new() };
    let (host, at) = super::who_said::by_hand(f, id);
    let how = tls_refused(f, id).map(|(.., how)| how);
    let (command, why) = if how == Some(Refused::Greeted) {
        (
            format!(
                "openssl s_client -connect {at} -starttls smtp </dev/null   # or imap, pop3, ftp"
            ),
            "a certificate shows that the port speaks TLS when it is asked to",
        )
    } else if how == Some(Refused::NotTls) {
        (
            format!("curl -skv -o /dev/null https://{at}/"),
            "an answer shows that the port speaks TLS",
        )
    } else if how == Some(Refused::InText) {
        (
            format!("curl -sv telnet://{at} </dev/null"),
            "what it says shows which protocol it speaks",
        )
    } else if how == Some(Refused::InPlain) {
        (
            format!("curl -sv -o /dev/null http://{at}/"),
            "an answer shows that the port speaks plain HTTP",
        )
    } else {
        (
            format!("openssl s_client -connect {at} -servername NAME -showcerts </dev/null"),
            "with the name that clients use: shows the certificates and what is agreed on; another -servername, -tls1_2 or -CAfile that helps names what is missing",
        )
    };
    vec![ToConfirm { host, command, why: why.to_owned() }]
}

/// One side says itself what it refuses.
pub(in crate::diagnose) fn names_culprit(_: &Trace, _: &[crate::trace::ConnectionId]) -> bool {
    true
}

pub(in crate::diagnose) fn blind(f: &Facts) -> Option<String> {
    super::no_tcp(f)
}
