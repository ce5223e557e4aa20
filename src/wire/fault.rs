//! Answers by which a service says that it does not do what it was asked, in protocols other than
//! HTTP and TLS: of each no more than tells such an answer from any other.
//!
//! What a caller brings about, a name that is not there, is none of these. A wrong password is
//! read too ([`is_of_asker`]): where everybody gets that answer it is worth a word.

mod binary;
mod codes;
mod framed;
mod lines;
mod radius;
mod web;

pub use binary::of_sctp;
pub use codes::{
    ACCESS_REJECT, CLOCK_NOT_SET, HOLD_TIMER_EXPIRED, SPEAKS_NO_TLS, UNIMPLEMENTED, is_of_asker,
    words,
};
pub use framed::{Framed, may_be, of_message};
pub use lines::{is_not_understood, serves};
pub use radius::{is_access, of_radius};
pub use web::of_close_frame;

use super::dns;
use binary::{
    amqp, bind, close, connack, disconnection, goaway, grpc, notification, postgres, rpc,
};
use codes::{NTP, SERVER_ERROR};
use lines::{login, redis, reply, smtp, ssh};
use web::reset_stream;

/// Whose words they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Service {
    /// PostgreSQL, and poolers that speak its protocol.
    Postgres,
    /// Redis and its kin.
    Redis,
    /// MQTT brokers.
    Mqtt,
    /// LDAP servers.
    Ldap,
    /// Name servers, by SERVFAIL.
    Dns,
    /// Name servers, by REFUSED.
    DnsRefused,
    /// HTTP/2, by GOAWAY.
    Http2,
    /// IMAP, by its greeting.
    Imap,
    /// POP3, by its greeting.
    Pop3,
    /// SIP over UDP.
    Sip,
    /// gRPC, by the status in its trailers.
    Grpc,
    /// BGP, by a NOTIFICATION of either side.
    Bgp,
    /// NTP, by a kiss code.
    Ntp,
    /// SCTP, by an ABORT in place of an answer.
    Sctp,
    /// AMQP, by the protocol header of a server that speaks another version.
    Amqp,
    /// SSH, by a line in the place of the server's version.
    Ssh,
    /// HTTP/2, by RST_STREAM.
    Http2Stream,
    /// WebSocket, by the code of a Close frame.
    WebSocket,
    /// SMTP, by a reply that blames the mail system.
    Smtp,
    /// Memcached.
    Memcached,
    /// HTTP, by 401.
    Http,
    /// MySQL and its kin, and proxies that speak its protocol.
    MySql,
    /// MongoDB.
    MongoDb,
    /// RADIUS, by Access-Reject.
    Radius,
    /// ONC RPC, as of NFS, by a call that is denied.
    Rpc,
    /// SMTP and FTP, by a reply that does not let its asker in.
    Reply,
}

impl Service {
    /// Whether it is asked for names, of which the code is a digest.
    #[must_use]
    pub fn is_of_names(self) -> bool {
        matches!(self, Self::Dns | Self::DnsRefused)
    }
}

/// The port of NTP (RFC 5905, section 7.2).
pub const NTP_PORT: u16 = 123;

/// A greeting that turns everybody down: BYE of IMAP (RFC 9051, section 7.1.5), -ERR of POP3 (RFC 1939,
/// section 3); neither has a number.
const TURNED_DOWN: u16 = 1;
/// SERVFAIL, NXDOMAIN and REFUSED (RFC 1035, section 4.1.1).
const SERVFAIL: u8 = 2;
const NXDOMAIN: u8 = 3;
const REFUSED: u8 = 5;

/// What PostgreSQL says to a client that asks for TLS, and has no number: one byte.
const NO_TLS: &[u8] = b"N";
/// What an answer of NTP says by the indicator of a leap: the server's own clock is not set (RFC 5905, figure 9).
const UNSYNCHRONISED: u8 = 3;
/// The stratum of a server whose clock is not set (RFC 5905, figure 11); 0 is not specified.
const NO_STRATUM: u8 = 16;

/// Reads a segment that a side begins so, whatever came before.
#[must_use]
pub fn of_segment(payload: &[u8]) -> Option<(Service, u16)> {
    match *payload.first()? {
        b'-' => redis(payload).map(|code| (Service::Redis, code)).or_else(|| login(payload)),
        b'E' | b'R' => postgres(payload).map(|code| (Service::Postgres, code)),
        0 => goaway(payload)
            .map(|code| (Service::Http2, code))
            .or_else(|| grpc(payload).map(|code| (Service::Grpc, code)))
            .or_else(|| reset_stream(payload).map(|code| (Service::Http2Stream, code))),
        1 => close(payload).map(|code| (Service::Amqp, code)),
        b'4' => smtp(payload).map(|code| (Service::Smtp, code)),
        b'5' => reply(payload).map(|code| (Service::Reply, code)),
        0x80 => rpc(payload).map(|code| (Service::Rpc, code)),
        0xff => notification(payload).map(|code| (Service::Bgp, code)),
        byte if byte.is_ascii_alphanumeric() => login(payload),
        _ => None,
    }
}

/// Reads the first words on a connection, if it is the server that says them.
#[must_use]
pub fn of_greeting(payload: &[u8]) -> Option<(Service, u16)> {
    if !payload.ends_with(b"\r\n") {
        return None;
    }
    let begins =
        |word: &[u8]| payload.get(..word.len()).is_some_and(|s| s.eq_ignore_ascii_case(word));
    let imap = begins(b"* BYE ").then_some((Service::Imap, TURNED_DOWN));
    imap.or_else(|| begins(b"-ERR ").then_some((Service::Pop3, TURNED_DOWN)))
}

/// Reads a response of SIP over UDP: 500 to 504, which the server itself is the reason of (RFC 3261, section
/// 21.5).
#[must_use]
pub fn of_sip(payload: &[u8]) -> Option<(Service, u16)> {
    let [b'5', b'0', c @ b'0'..=b'4', b' ', ..] = payload.strip_prefix(b"SIP/2.0 ")? else {
        return None;
    };
    Some((Service::Sip, 500 + u16::from(c - b'0')))
}

/// Reads the first words of a side.
#[must_use]
pub fn of_first(payload: &[u8]) -> Option<(Service, u16)> {
    match *payload.first()? {
        0x20 => connack(payload).map(|code| (Service::Mqtt, code)),
        0x30 => bind(payload).or_else(|| disconnection(payload)).map(|code| (Service::Ldap, code)),
        b'S' => payload.starts_with(b"SERVER_ERROR ").then_some((Service::Memcached, SERVER_ERROR)),
        b'A' => amqp(payload).map(|code| (Service::Amqp, code)),
        b'N' if payload == NO_TLS => Some((Service::Postgres, SPEAKS_NO_TLS)),
        b'E' | b'N' => ssh(payload).map(|code| (Service::Ssh, code)),
        _ => None,
    }
}

/// Reads an answer from the port of DNS. What an authoritative server says to a resolver, which asks
/// without recursion, is of one zone: only who was asked to find the answer (RD) fails, and of SERVFAIL only who
/// does find answers (RA); who refuses offers none. The code is a digest of the name, so an answer whose name is
/// not there tells nothing.
#[must_use]
pub fn of_dns(payload: &[u8]) -> Option<(Service, u16)> {
    let told = dns::question(payload)?.response && dns::is_named(payload);
    let (recursive, offered) = (payload[2] & 0x01 != 0, payload[3] & 0x80 != 0);
    let service = match payload[3] & 0x0f {
        SERVFAIL if offered => Service::Dns,
        REFUSED => Service::DnsRefused,
        _ => return None,
    };
    (told && recursive).then(|| (service, dns::digest(payload)))
}

/// The digest of a name of which an answer from the port of DNS says that it does not exist (NXDOMAIN).
#[must_use]
pub fn not_there(payload: &[u8]) -> Option<u16> {
    let told = dns::question(payload)?.response && payload[3] & 0x0f == NXDOMAIN;
    (told && dns::is_named(payload)).then(|| dns::digest(payload))
}

/// Reads an answer from the port of NTP: without a stratum, in whose place of a reference stands a kiss code, or of a
/// server whose own clock is not set.
#[must_use]
pub fn of_ntp(payload: &[u8]) -> Option<(Service, u16)> {
    let (leap, stratum, code) = served(payload)?;
    let known = NTP.iter().find(|(name, ..)| stratum == 0 && name.as_bytes() == code);
    let not_set = leap == UNSYNCHRONISED && (stratum == 0 || stratum >= NO_STRATUM);
    known
        .map(|(_, code, _)| (Service::Ntp, *code))
        .or_else(|| not_set.then_some((Service::Ntp, CLOCK_NOT_SET)))
}

/// Whether a message is the answer of a time server that says nothing ill of itself.
#[must_use]
pub fn is_set(payload: &[u8]) -> bool {
    served(payload).is_some() && of_ntp(payload).is_none()
}

/// Of a server's answer (mode 4) the indicator of a leap, the stratum, and the identifier of its reference.
fn served(payload: &[u8]) -> Option<(u8, u8, &[u8])> {
    const SERVER: u8 = 4;
    let [first, stratum, ..] = *payload else { return None };
    let code = payload.get(12..16).filter(|_| payload.len() >= 48 && first & 0x07 == SERVER)?;
    Some((first >> 6, stratum, code))
}

/// The digest of the name of which an answer from the port of DNS tells something, or that it is not there
/// (NOERROR, NXDOMAIN).
#[must_use]
pub fn resolved(payload: &[u8]) -> Option<u16> {
    let told = dns::question(payload)?.response && matches!(payload[3] & 0x0f, 0 | NXDOMAIN);
    (told && dns::is_named(payload)).then(|| dns::digest(payload))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(state: &str) -> Vec<u8> {
        let fields = format!("SFATAL\0VFATAL\0C{state}\0Mno\0\0");
        let len = (fields.len() as u32 + 4).to_be_bytes();
        [&b"E"[..], &len, fields.as_bytes()].concat()
    }

    #[test]
    fn what_a_server_cannot_do_is_read() {
        for (state, code) in [("53300", 53300), ("57P03", 57003), ("25006", 25006)] {
            assert_eq!(of_segment(&error(state)), Some((Service::Postgres, code)));
        }
        let loading = b"-LOADING Redis is loading the dataset in memory\r\n";
        assert_eq!(of_segment(loading), Some((Service::Redis, 1)));
        assert_eq!(of_first(&[0x20, 2, 0, 3]), Some((Service::Mqtt, 3)));
        assert_eq!(of_first(&[0x20, 3, 0, 0x89, 0]), Some((Service::Mqtt, 0x89)));
        let busy = [0x30, 12, 2, 1, 1, 0x61, 7, 10, 1, 51, 4, 0, 4, 0];
        assert_eq!(of_first(&busy), Some((Service::Ldap, 51)));
        let calm = [&[0, 0, 22, 7, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 11][..], b"too_many_pings"];
        assert_eq!(of_segment(&calm.concat()), Some((Service::Http2, 11)));
        let servfail = b"\0\x07\x81\x82\0\x01\0\0\0\0\0\0\x01a\0\0\x01\0\x01";
        let of = |payload| of_dns(payload).map(|(service, _)| service);
        assert_eq!(of(servfail), Some(Service::Dns));
        let (same, other) = (
            b"\0\x09\x81\x82\0\x01\0\0\0\0\0\0\x01A\0\0\x1c\0\x01",
            b"\0\x07\x81\x82\0\x01\0\0\0\0\0\0\x01b\0\0\x01\0\x01",
        );
        assert_eq!(of_dns(servfail), of_dns(same), "names have no case");
        assert_ne!(of_dns(servfail), of_dns(other));
    }

    #[test]
    fn what_a_caller_brings_about_and_what_is_no_error_is_not() {
        for (service, code) in [
            of_segment(&error("28P01")),
            of_segment(b"-NOAUTH Authentication required.\r\n"),
            of_first(&[0x20, 2, 0, 5]),
            of_first(&[0x30, 12, 2, 1, 1, 0x61, 7, 10, 1, 49, 4, 0, 4, 0]),
        ]
        .map(Option::unwrap)
        {
            assert!(is_of_asker(service, code), "{}", words(service, code));
        }
        for other in [
            &b"-ERR unknown command\r\n"[..],
            b"-MOVED 3999 192.0.2.1:6381\r\n",
            b"-LOADINGS\r\n",
            b"EHLO a.example\r\n",
            &[0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0],
            &[0, 0, 8, 6, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 11],
            b"",
        ] {
            assert_eq!(of_segment(other), None, "{other:?}");
        }
        assert_eq!(of_first(&[0x20, 2, 0, 0]), None);
        assert_eq!(of_first(&[0x30, 12, 2, 1, 1, 0x61, 7, 10, 1, 0, 4, 0, 4, 0]), None);
        assert_eq!(of_dns(b"\0\x07\x81\x83\0\x01\0\0\0\0\0\0\x01a\0\0\x01\0\x01"), None);
        let refused = b"\0\x07\x81\x05\0\x01\0\0\0\0\0\0\x01a\0\0\x01\0\x01";
        assert!(matches!(of_dns(refused), Some((Service::DnsRefused, _))));
        assert_eq!(of_dns(&refused[..12]), None, "of which name is not told");
        let of_a_zone = b"\0\x07\x80\x02\0\x01\0\0\0\0\0\0\x01a\0\0\x01\0\x01";
        assert_eq!(of_dns(of_a_zone), None);
    }

    #[test]
    fn who_says_a_line_in_the_place_of_a_version_is_read() {
        assert_eq!(of_first(b"Exceeded MaxStartups\r\n"), Some((Service::Ssh, 1)));
        assert_eq!(of_first(b"Not allowed at this time\r\n"), Some((Service::Ssh, 2)));
        for other in [&b"Exceeded MaxStartups"[..], b"EHLO a\r\n", b"Notice\r\n", b"SSH-2.0-x\r\n"]
        {
            assert_eq!(of_first(other), None, "{other:?}");
        }
    }

    #[test]
    fn who_ends_a_session_says_why() {
        let close = [1, 0, 0, 0, 0, 0, 20, 0, 10, 0, 50, 1, 64, 0];
        assert_eq!(of_segment(&close), Some((Service::Amqp, 320)));
        assert!(!is_of_asker(Service::Amqp, 320) && is_of_asker(Service::Amqp, 403));
        let notice = [0x30, 36, 2, 1, 0, 0x78, 31, 10, 1, 52, 4, 0];
        assert_eq!(of_first(&notice), Some((Service::Ldap, 52)));
        assert_eq!(of_segment(b"452 4.3.1 no room\r\n"), Some((Service::Smtp, 452)));
        assert_eq!(of_segment(b"451 4.7.1 Greylisted\r\n"), None);
        let told = Some((Service::Memcached, SERVER_ERROR));
        assert_eq!(of_first(b"SERVER_ERROR out of memory storing object\r\n"), told);
    }

    #[test]
    fn who_turns_everybody_down_by_the_greeting_is_read() {
        assert_eq!(of_greeting(b"* BYE [UNAVAILABLE] later\r\n"), Some((Service::Imap, 1)));
        assert_eq!(of_greeting(b"-ERR [SYS/TEMP] too many\r\n"), Some((Service::Pop3, 1)));
        for other in [&b"* OK ready\r\n"[..], b"+OK ready\r\n", b"-ERR\r\n", b"* BYE cut"] {
            assert_eq!(of_greeting(other), None, "{other:?}");
        }
    }

    #[test]
    fn who_turns_down_by_a_header_or_an_abort_is_read() {
        assert_eq!(of_first(b"AMQP\0\0\x09\x01"), Some((Service::Amqp, 91)));
        assert_eq!(of_first(b"AMQP\0\x01\0\0"), None, "in 1.0 each server begins so");
        assert_eq!(of_sctp(&[6, 0, 0, 8, 0, 12, 0, 4]), Some((Service::Sctp, 12)));
        assert_eq!(of_sctp(&[6, 1, 0, 4]), Some((Service::Sctp, 0)));
        assert_eq!(of_sctp(&[2, 0, 0, 20]), None);
    }

    #[test]
    fn what_a_sip_server_cannot_do_is_read() {
        assert_eq!(of_sip(b"SIP/2.0 503 Service Unavailable\r\n"), Some((Service::Sip, 503)));
        for other in [&b"SIP/2.0 200 OK\r\n"[..], b"SIP/2.0 505 no\r\n", b"SIP/2.0 486 Busy\r\n"] {
            assert_eq!(of_sip(other), None, "{other:?}");
        }
    }

    #[test]
    fn a_status_of_grpc_is_read_where_it_is_written_out() {
        let frame = |flags: u8, block: &[u8]| {
            [&[0, 0, block.len() as u8, 1, flags, 0, 0, 0, 1][..], block].concat()
        };
        let plain = b"\x88\x40\x0bgrpc-status\x0214";
        assert_eq!(of_segment(&frame(5, plain)), Some((Service::Grpc, 14)));
        let coded = [0x40, 0x88, 0x9a, 0xca, 0xc8, 0xb2, 0x12, 0x34, 0xda, 0x8f, 0x82, 0x0b, 0x3f];
        assert_eq!(of_segment(&frame(5, &coded)), Some((Service::Grpc, 13)));
        for (value, code) in [(&b"\x012"[..], 2), (b"\x0212", UNIMPLEMENTED), (&[0x81, 0x6b], 4)] {
            let block = [&b"\x88\x40\x0bgrpc-status"[..], value].concat();
            assert_eq!(of_segment(&frame(5, &block)), Some((Service::Grpc, code)));
        }
        assert_eq!(of_segment(&frame(4, plain)), None, "the stream goes on");
        assert_eq!(of_segment(&frame(5, b"\x88\x40\x0bgrpc-status\x010")), None);
        assert_eq!(of_segment(&frame(5, b"\x88\x40\x0bgrpc-status\x015")), None, "not found");
        assert_eq!(words(Service::Grpc, 14), "gRPC status 14 (UNAVAILABLE)");
    }

    #[test]
    fn what_ends_a_session_of_bgp_is_read_wherever_it_stands() {
        let message = |kind: u8, body: &[u8]| {
            [&[0xff; 16][..], &[0, 19 + body.len() as u8, kind], body].concat()
        };
        let (open, keepalive) = (message(1, &[4; 10]), message(4, &[]));
        let told = [open.clone(), message(3, &[2, 2, 0xff, 0x32])].concat();
        assert_eq!(of_segment(&told), Some((Service::Bgp, 0x0202)));
        assert_eq!(words(Service::Bgp, 0x0202), "BGP NOTIFICATION 2/2 (bad peer AS)");
        assert_eq!(of_segment(&message(3, &[3, 9])), Some((Service::Bgp, 0x0300)));
        assert_eq!(of_segment(&message(3, &[4, 0])), Some((Service::Bgp, HOLD_TIMER_EXPIRED)));
        for other in
            [message(3, &[6, 2]), message(3, &[6, 7]), [open, keepalive].concat(), vec![0xff; 40]]
        {
            assert_eq!(of_segment(&other), None, "{other:?}");
        }
    }

    #[test]
    fn a_kiss_code_is_read() {
        let answer = |first: u8, stratum: u8, code: &[u8; 4]| {
            [&[first, stratum, 10, 0xe9, 0, 0, 0, 0, 0, 0, 0, 0][..], code, &[0; 32]].concat()
        };
        assert_eq!(of_ntp(&answer(0xe4, 0, b"RATE")), Some((Service::Ntp, 1)));
        assert_eq!(of_ntp(&answer(0x24, 2, b"GPS\0")), None);
        assert_eq!(of_ntp(&answer(0x23, 0, b"RATE")), None, "a client");
        assert_eq!(of_ntp(&answer(0xe4, 0, b"INIT")), Some((Service::Ntp, CLOCK_NOT_SET)));
        assert_eq!(of_ntp(&answer(0xe4, 16, b"\0\0\0\0")), Some((Service::Ntp, CLOCK_NOT_SET)));
        assert_eq!(of_ntp(&answer(0xe4, 3, &[192, 0, 2, 1])), None, "a leap that is not known yet");
        assert_eq!(of_ntp(&[0xe4, 0]), None);
    }

    #[test]
    fn codes_are_written_as_their_protocols_do() {
        assert_eq!(
            words(Service::Postgres, 57003),
            "PostgreSQL 57P03 (it is starting up or shutting down)"
        );
        assert_eq!(words(Service::Mqtt, 3), "MQTT CONNACK 3 (server unavailable)");
        assert_eq!(words(Service::Dns, 2), "DNS SERVFAIL");
        assert_eq!(of_first(b"N"), Some((Service::Postgres, SPEAKS_NO_TLS)));
    }
}
