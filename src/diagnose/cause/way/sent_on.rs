//! The form of `control-channel-address` in which a service sends its clients on to another endpoint.

use crate::diagnose::facts::way::named_endpoints::Named;
use crate::diagnose::words::{agree, count, name};
use crate::diagnose::{Finding, Subject};
use crate::wire::Ip;
use crate::wire::redirect::Redirector;

/// What a service says that sends a client on.
fn says(who: Redirector) -> &'static str {
    match who {
        Redirector::Oracle => "a REDIRECT of Oracle's listener",
        Redirector::Redis => "MOVED or ASK of a Redis cluster",
        Redirector::Sentinel => "the master that a Redis Sentinel knows",
        Redirector::Kafka => "the brokers of a Kafka cluster (Metadata)",
        Redirector::MongoDb => "the members of a MongoDB replica set (hello)",
        Redirector::Ldap => "an LDAP referral",
        Redirector::SqlServer => "the routing of a SQL Server gateway",
    }
}

/// On whom that is set: whoever answers for an address that may be a balancer's.
pub(super) fn host(subject: &Subject, vip: Ip) -> String {
    if subject.address == Some(vip) {
        format!("the servers that answer for {vip}")
    } else {
        name(subject)
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
        Redirector::Sentinel => {
            "# name an address that clients reach: replica-announce-ip and replica-announce-port of each Redis server (redis.conf), by which Sentinel knows them"
        }
        Redirector::Kafka => {
            "# name an address that clients reach, one of its own for each broker: advertised.listeners (server.properties), on a listener of its own for clients from outside"
        }
        Redirector::MongoDb => {
            "# name addresses that clients reach: rs.reconfig() with members[n].host, or members[n].horizons for clients from outside; a client of one member alone takes directConnection=true"
        }
        Redirector::Ldap => {
            "# the address that is named has to be reached from clients, or they do not follow referrals: 'REFERRALS off' (ldap.conf), 'ldap_referrals = False' (sssd.conf); Active Directory: its global catalog, port 3268, sends nobody on"
        }
        Redirector::SqlServer => {
            "# a way to the address that is named, as the gateway's policy 'Redirect' needs it (Azure SQL: ports 11000 to 11999), or its policy 'Proxy': 'az sql server conn-policy update --connection-type Proxy'; an availability group: the READ_ONLY_ROUTING_URL of each replica"
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

/// The same where a client is sent to itself.
pub(super) fn words_of_itself(service: &str, who: Redirector, ends: &str) -> (String, String) {
    (
        format!("{service} sends its clients on to {ends}, which is themselves"),
        format!(
            "The connection to {service} works, and its answer, {}, names {ends}. That is a loopback address: a client that dials it finds itself, and a capture of its network shows nothing of that.",
            says(who)
        ),
    )
}

/// The same where names are named that the clients' name server does not know.
pub(super) fn words_of_names(
    service: &str,
    who: Redirector,
    names: usize,
    asked: usize,
) -> (String, String) {
    let hosts = count(names, "name");
    let questions = count(asked, "question");
    (
        format!("{service} sends its clients on to {hosts} that they do not find"),
        format!(
            "The connection to {service} works, and its answer, {}, names hosts by name. The client asks for what it is told: {questions} for {hosts} {} answered by NXDOMAIN, and it reaches nobody else. Names of a cluster's own DNS mean nothing outside of it: the server has to name what its clients find.",
            says(who),
            agree(asked, "is", "are")
        ),
    )
}

pub(super) fn advise_on_names(finding: &mut Finding, of: Redirector, who: String) {
    finding.confirm(
        "a client",
        "# ask for the names in the first proof: 'getent ahosts NAME'",
        "where they are found, another resolver was asked; else the server has to name others",
    );
    finding.fix_disruptive(
        who,
        named_instead(of),
        "Set what stood there before, and register or load it again.",
    );
}

pub(super) fn advise(finding: &mut Finding, first: &Named, of: Redirector, who: String) {
    let Some(ip) = first.ip else { return };
    let end = ip.with_port(first.port);
    if ip.addr().is_loopback() {
        finding.confirm(
            "a client",
            format!("ss -ltnp 'sport = :{}'", first.port),
            format!("nothing listens on {end} there: the client is refused by its own host; a tunnel or proxy that does is meant, and this is none"),
        );
    } else {
        finding.confirm(
            "a client",
            format!("nc -vz -w 3 {ip} {}; ip route get {ip}", first.port),
            format!("where {end} is reached from nowhere that clients are, the server has to name another address; else a filter or a route on the way is missing"),
        );
    }
    finding.fix_disruptive(
        who,
        named_instead(of),
        "Set what stood there before, and register or load it again.",
    );
}
