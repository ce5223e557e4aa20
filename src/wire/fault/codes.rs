//! Codes of services' errors, with what they mean.

use super::Service;

/// PostgreSQL: N to a client that asks for TLS (Frontend/Backend Protocol, "SSL Session Encryption").
pub const SPEAKS_NO_TLS: u16 = 1;
/// NTP: the server's own clock is not set.
pub const CLOCK_NOT_SET: u16 = 4;

/// Of SQLSTATEs that have letters, and of Redis' words, which have no numbers: the number under which
/// each is kept, and what it means.
pub(super) const POSTGRES: [(&str, u16, &str); 14] = [
    ("N", SPEAKS_NO_TLS, "it speaks no TLS, as its client asks for"),
    ("53300", 53300, "too many connections"),
    ("53200", 53200, "out of memory"),
    ("53100", 53100, "disk full"),
    ("53400", 53400, "a configured limit is exceeded"),
    ("57P01", 57001, "the administrator ends the connection"),
    ("57P02", 57002, "shut down after a crash"),
    ("57P03", 57003, "it is starting up or shutting down"),
    ("08P01", 8001, "protocol violation, as poolers say of a limit"),
    ("08006", 8006, "connection failure"),
    ("25006", 25006, "read-only, so it is a standby"),
    ("28P01", 28001, "the password is wrong"),
    ("3D000", 3000, "it has no such database"),
    ("28000", 28000, "this user is not let in from there: pg_hba.conf, or no such role"),
];
pub(super) const REDIS: [(&str, u16, &str); 11] = [
    ("LOADING", 1, "it is still loading its data"),
    ("READONLY", 2, "a replica takes no writes"),
    ("MASTERDOWN", 3, "a replica without its master"),
    ("CLUSTERDOWN", 4, "the cluster is down"),
    ("MISCONF", 5, "it cannot write its data to disk"),
    ("OOM", 6, "out of memory"),
    ("BUSY", 7, "a script runs for too long"),
    ("ERR max number of clients reached", 8, "too many clients"),
    ("NOAUTH", 9, "it wants a password first"),
    ("WRONGPASS", 10, "the name or the password is wrong"),
    ("NOPERM", 11, "this user may not do that"),
];
/// Errors of MySQL that say that the server cannot, or does not let its asker in, with what their text has to say where a
/// number stands for other things as well (MySQL and MariaDB server error references; 9001 of ProxySQL).
pub(super) const MYSQL: [(u16, &str, &str); 16] = [
    (1040, "", "too many connections"),
    (1044, "", "this user is not let into the database"),
    (1045, "", "the name or the password is wrong, or it is not let in from there"),
    (1047, "WSREP", "this node of the cluster takes no queries: WSREP is not ready"),
    (1049, "", "it has no such database"),
    (1053, "", "it shuts down"),
    (1203, "", "too many connections of this user"),
    (1226, "", "this user has used up what it may"),
    (1251, "", "the client's way to log in is not known there"),
    (1290, "read-only", "read-only, so it is a replica"),
    (1698, "", "this user is not let in from there"),
    (1820, "", "the password has expired"),
    (1836, "", "read-only, so it is a replica"),
    (1862, "", "the password has expired"),
    (3118, "", "the account is locked"),
    (9001, "", "ProxySQL reaches none of its servers in time"),
];
/// The same of MongoDB (its error codes, `error_codes.yml`).
pub(super) const MONGODB: [(u16, &str); 8] = [
    (13, "not authorized"),
    (18, "authentication failed"),
    (91, "it shuts down"),
    (189, "it is the primary no more"),
    (10107, "not the primary"),
    (11600, "it shuts down"),
    (11602, "its state in the replica set changes"),
    (13435, "not the primary, and it may not be read"),
];
/// Why a call of ONC RPC is denied for its credentials (RFC 5531, section 9, `auth_stat`), where none that are new help.
pub(super) const RPC: [(u16, &str); 2] = [
    (1, "AUTH_BADCRED: the credentials are not taken"),
    (5, "AUTH_TOOWEAK: what it is asked for wants a port below 1024 or stronger credentials"),
];
/// RADIUS: Access-Reject (RFC 2865, section 4.3).
pub const ACCESS_REJECT: u16 = 3;
/// A login that is not taken: NO of IMAP with its code (RFC 9051, section 7.1), -ERR of POP3 (RFC 3206, section 3).
pub(super) const LOGIN_FAILED: u16 = 2;
pub(super) const MQTT: [(u16, &str); 9] = [
    (0x03, "server unavailable"),
    (0x04, "bad user name or password"),
    (0x05, "not authorized"),
    (0x86, "bad user name or password"),
    (0x87, "not authorized"),
    (0x88, "server unavailable"),
    (0x89, "server busy"),
    (0x97, "quota exceeded"),
    (0x9f, "connection rate exceeded"),
];
pub(super) const LDAP: [(u16, &str); 3] =
    [(49, "invalid credentials"), (51, "busy"), (52, "unavailable")];
/// Errors that a server ends a stream of HTTP/2 with and means itself (RFC 9113, section 7): it failed, or has done
/// nothing with the request.
pub(super) const STREAM: [u16; 2] = [2, 7];
/// Codes of a Close frame by which a server of WebSocket says that it cannot (RFC 6455, section 7.4.1; IANA,
/// WebSocket Close Code Number Registry).
pub(super) const WEB_SOCKET: [(u16, &str); 3] =
    [(1011, "internal error"), (1013, "try again later"), (1014, "bad gateway")];
/// Codes with which a broker of AMQP 0-9-1 closes a connection (its section 1.2, constants).
pub(super) const AMQP: [(u16, &str); 8] = [
    (320, "connection forced"),
    (402, "invalid path"),
    (403, "access refused"),
    (501, "frame error"),
    (504, "channel error"),
    (506, "resource error"),
    (530, "not allowed"),
    (541, "internal error"),
];
/// Memcached: `SERVER_ERROR` has no number.
pub(super) const SERVER_ERROR: u16 = 1;
/// RFC 9113, section 7.
pub(super) const HTTP2: [(u16, &str); 13] = [
    (1, "PROTOCOL_ERROR"),
    (2, "INTERNAL_ERROR"),
    (3, "FLOW_CONTROL_ERROR"),
    (4, "SETTINGS_TIMEOUT"),
    (5, "STREAM_CLOSED"),
    (6, "FRAME_SIZE_ERROR"),
    (7, "REFUSED_STREAM"),
    (8, "CANCEL"),
    (9, "COMPRESSION_ERROR"),
    (10, "CONNECT_ERROR"),
    (11, "ENHANCE_YOUR_CALM"),
    (12, "INADEQUATE_SECURITY"),
    (13, "HTTP_1_1_REQUIRED"),
];
/// gRPC: the server has no such method, or no such service.
pub const UNIMPLEMENTED: u16 = 12;
/// Statuses of gRPC of which the server is the reason (its documentation, "Status codes and their use in
/// gRPC"): those that stand for an HTTP status of 500 to 599 (google/rpc/code.proto), and that it has used up something.
const GRPC: [(u16, &str); 7] = [
    (2, "UNKNOWN"),
    (4, "DEADLINE_EXCEEDED"),
    (8, "RESOURCE_EXHAUSTED"),
    (UNIMPLEMENTED, "UNIMPLEMENTED"),
    (13, "INTERNAL"),
    (14, "UNAVAILABLE"),
    (15, "DATA_LOSS"),
];
/// BGP: nothing was heard of the other side for the hold time (RFC 4271, section 6.5).
pub const HOLD_TIMER_EXPIRED: u16 = 0x0400;
/// Codes of BGP's NOTIFICATION (RFC 4271, section 4.5; RFC 4486), with their subcode in the low byte where that
/// says more; zero there stands for any other.
pub(super) const BGP: [(u16, &str); 17] = [
    (0x0100, "message header error"),
    (0x0101, "connection not synchronized"),
    (0x0200, "OPEN message error"),
    (0x0201, "unsupported version number"),
    (0x0202, "bad peer AS"),
    (0x0203, "bad BGP identifier"),
    (0x0205, "authentication failure"),
    (0x0206, "unacceptable hold time"),
    (0x0207, "unsupported capability"),
    (0x0300, "UPDATE message error"),
    (HOLD_TIMER_EXPIRED, "hold timer expired"),
    (0x0500, "finite state machine error"),
    (0x0601, "cease, maximum number of prefixes reached"),
    (0x0603, "cease, peer de-configured"),
    (0x0605, "cease, connection rejected"),
    (0x0608, "cease, out of resources"),
    (0x060a, "cease, BFD down"),
];
/// Kiss codes by which a server turns a client away (RFC 5905, section 7.4).
pub(super) const NTP: [(&str, u16, &str); 3] = [
    ("RATE", 1, "the client, or all behind its address, ask too often"),
    ("DENY", 2, "the client is not let in"),
    ("RSTR", 3, "the client is not let in"),
];
/// Lines with which OpenSSH turns a caller away before it has said its version.
pub(super) const SSH: [(&str, u16, &str); 2] = [
    ("Exceeded MaxStartups", 1, "too many that have not logged in yet"),
    ("Not allowed at this time", 2, "this address is kept out for a while"),
];
/// Statuses of SIP that want to know who asks, or do not let him in (RFC 3261, sections 21.4.2, 21.4.4 and 21.4.8).
pub(super) const CHALLENGES: [u16; 3] = [401, 403, 407];

/// Whether an error lies in who asks as he is known to the service: a name and a password, or what he may do. One
/// such is nobody's fault; where all that ask get it, who answers may have lost its list, or a balancer stands
/// in its clients' place.
#[must_use]
pub fn is_of_asker(service: Service, code: u16) -> bool {
    match service {
        Service::Postgres => matches!(code, 28001 | 3000),
        Service::MySql => {
            matches!(code, 1044 | 1045 | 1049 | 1251 | 1698 | 1820 | 1862 | 3118)
        }
        Service::MongoDb => matches!(code, 13 | 18),
        Service::Imap | Service::Pop3 => code == LOGIN_FAILED,
        Service::Radius | Service::Reply => true,
        Service::Redis => matches!(code, 9..=11),
        Service::Mqtt => matches!(code, 0x04 | 0x05 | 0x86 | 0x87),
        Service::Ldap => code == 49,
        Service::Amqp => matches!(code, 403 | 530),
        Service::Sip => CHALLENGES.contains(&code),
        Service::Http => true,
        _ => false,
    }
}

/// The code as its protocol writes it, with what it means: "PostgreSQL 53300 (too many connections)".
#[must_use]
pub fn words(service: Service, code: u16) -> String {
    let named = |list: &[(&str, u16, &str)], who: &str| {
        let known = list.iter().find(|(_, known, _)| *known == code);
        known.map_or_else(
            || format!("{who} {code}"),
            |(name, _, means)| format!("{who} {name} ({means})"),
        )
    };
    let numbered = |list: &[(u16, &str)], who: &str| {
        let known = list.iter().find(|(known, _)| *known == code);
        known
            .map_or_else(|| format!("{who} {code}"), |(_, means)| format!("{who} {code} ({means})"))
    };
    match service {
        Service::Postgres => named(&POSTGRES, "PostgreSQL"),
        Service::Redis => named(&REDIS, "Redis"),
        Service::Mqtt => numbered(&MQTT, "MQTT CONNACK"),
        Service::Ldap => numbered(&LDAP, "LDAP result"),
        Service::Http2 => numbered(&HTTP2, "HTTP/2 GOAWAY"),
        Service::Http2Stream => numbered(&HTTP2, "HTTP/2 RST_STREAM"),
        Service::WebSocket => numbered(&WEB_SOCKET, "WebSocket Close"),
        Service::Smtp => format!("SMTP {code}, 4.3 (the mail system itself cannot)"),
        Service::Memcached => "memcached SERVER_ERROR".to_owned(),
        Service::Http => format!("HTTP {code} (who asks is not let in)"),
        Service::Amqp if code > 91 => numbered(&AMQP, "AMQP Connection.Close"),
        Service::Dns => "DNS SERVFAIL".to_owned(),
        Service::DnsRefused => "DNS REFUSED".to_owned(),
        Service::MySql => {
            let known = MYSQL.iter().find(|(known, ..)| *known == code);
            let means = known.map_or("an error", |(.., means)| means);
            format!("MySQL {code} ({means})")
        }
        Service::MongoDb => numbered(&MONGODB, "MongoDB"),
        Service::Rpc => numbered(&RPC, "RPC denied,"),
        Service::Radius => "RADIUS Access-Reject".to_owned(),
        Service::Reply => format!("reply {code} of SMTP or FTP (who asks is not let in)"),
        Service::Imap if code == LOGIN_FAILED => "IMAP NO [AUTHENTICATIONFAILED]".to_owned(),
        Service::Pop3 if code == LOGIN_FAILED => "POP3 -ERR [AUTH]".to_owned(),
        Service::Imap => "IMAP BYE as the greeting".to_owned(),
        Service::Pop3 => "POP3 -ERR as the greeting".to_owned(),
        Service::Sip if CHALLENGES.contains(&code) => {
            format!("SIP {code} again and again, to credentials as well")
        }
        Service::Sip => format!("SIP {code}"),
        Service::Grpc => numbered(&GRPC, "gRPC status"),
        Service::Bgp => {
            let known = BGP.iter().find(|(known, _)| *known == code);
            let means = known.map_or("an error", |(_, means)| means);
            format!("BGP NOTIFICATION {}/{} ({means})", code >> 8, code & 0xff)
        }
        Service::Ntp if code == CLOCK_NOT_SET => {
            "NTP leap indicator 3 (its own clock is not set)".to_owned()
        }
        Service::Ntp => named(&NTP, "NTP kiss code"),
        Service::Ssh => named(&SSH, "SSH:"),
        Service::Sctp => match code {
            0 => "SCTP ABORT".to_owned(),
            cause => format!("SCTP ABORT, cause {cause}"),
        },
        Service::Amqp => format!(
            "AMQP header of version 0-{} alone",
            match code {
                91 => "9-1",
                90 => "9",
                _ => "8",
            }
        ),
    }
}
