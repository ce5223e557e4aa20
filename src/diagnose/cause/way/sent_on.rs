//! The form of `control-channel-address` in which a service sends its clients on to another endpoint.

use crate::diagnose::Finding;
use crate::diagnose::facts::named_endpoints::Named;
use crate::wire::redirect::Redirector;

/// What a service says that sends a client on.
fn says(who: Redirector) -> &'static str {
    match who {
        Redirector::Oracle => "a REDIRECT of Oracle's listener",
        Redirector::Redis => "MOVED or ASK of a Redis cluster",
    }
}

/// What it is to name, and where that is set.
fn named_instead(who: Redirector) -> &'static str {
    match who {
        Redirector::Oracle => {
            "# name an address that clients reach: LOCAL_LISTENER and REMOTE_LISTENER of each instance ('ALTER SYSTEM SET', then 'ALTER SYSTEM REGISTER')"
        }
        Redirector::Redis => {
            "# name an address that clients reach: cluster-announce-ip, cluster-announce-port and cluster-announce-bus-port of each node (redis.conf, or CONFIG SET)"
        }
    }
}

/// Title and explanation; `fail` says what became of those who dialled the named `ends`.
pub(super) fn words(service: &str, who: Redirector, ends: &str, fail: &str) -> (String, String) {
    (
        format!("{service} sends its clients on to {ends}, which they do not reach"),
        format!(
            "The connection to {service} works, and its answer, {}, names {ends}. The client dials what it is told: {fail}. A balancer that translates addresses leaves the payload as it is: the server has to name what its clients reach.",
            says(who)
        ),
    )
}

pub(super) fn advise(finding: &mut Finding, first: &Named, of: Redirector, who: String) {
    let Some(ip) = first.ip else { return };
    let end = ip.with_port(first.port);
    finding.confirm(
        "a client",
        format!("nc -vz -w 3 {ip} {}; ip route get {ip}", first.port),
        format!("where {end} is reached from nowhere that clients are, the server has to name another address; else a filter or a route on the way is missing"),
    );
    finding.fix_disruptive(
        who,
        named_instead(of),
        "Set what stood there before, and register or load it again.",
    );
}
