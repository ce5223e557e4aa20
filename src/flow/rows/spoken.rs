//! What a side of a stream said in so many words, as rows: each form of words has a name, a number, and an address
//! where it names one.

use super::{Of, SIDE, mark, stream_of};
use crate::flow::spoken::{Spoken, Words};
use crate::flow::{Mark, Side};
use crate::row::{Columns, Row, words};
use crate::wire::Ip;
use crate::wire::fault::Service;
use crate::wire::redirect::Redirector;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Status,
    Alert,
    Endpoint,
    AnswerTo,
    Unwelcome,
    Http2,
    Postgres,
    Redis,
    Mqtt,
    Ldap,
    Dns,
    DnsRefused,
    GoAway,
    Imap,
    Pop3,
    Sip,
    Grpc,
    NoAnswerDue,
    CutShort,
    LeftMidway,
    Unended,
    EndUnseen,
    Resolved,
    OracleRedirect,
    RedisRedirect,
    SentinelMaster,
    KafkaBroker,
    MongoDbMember,
    LdapReferral,
    SqlServerRouting,
    KafkaBrokerName,
    MongoDbMemberName,
    LdapReferralName,
    OracleRedirectName,
    RedisRedirectName,
    SentinelMasterName,
    SqlServerRoutingName,
    NoSuchName,
    Media,
    Bgp,
    Ntp,
    PlainToTls,
    SealedAlert,
    Amqp,
    Sctp,
    Ssh,
    HelloToGreeting,
    CloseFrame,
    RstStream,
    CloseCode,
    Smtp,
    Memcached,
    Unauthorized,
    Contact,
    MySql,
    MongoDbError,
    Radius,
    Rpc,
    Reply,
    NotUnderstood,
    KeepAlive,
    AnswerDue,
    AnsweredAgain,
}

/// Forms of those who send a client on, to an address and to a name.
const REDIRECTS: [(Redirector, Form, Form); 7] = [
    (Redirector::Oracle, Form::OracleRedirect, Form::OracleRedirectName),
    (Redirector::Redis, Form::RedisRedirect, Form::RedisRedirectName),
    (Redirector::Sentinel, Form::SentinelMaster, Form::SentinelMasterName),
    (Redirector::Kafka, Form::KafkaBroker, Form::KafkaBrokerName),
    (Redirector::MongoDb, Form::MongoDbMember, Form::MongoDbMemberName),
    (Redirector::Ldap, Form::LdapReferral, Form::LdapReferralName),
    (Redirector::SqlServer, Form::SqlServerRouting, Form::SqlServerRoutingName),
];

fn redirect_of(who: Redirector) -> (Form, Form) {
    let known = REDIRECTS.iter().find(|(known, ..)| *known == who);
    known.map_or((Form::OracleRedirect, Form::OracleRedirectName), |(_, ip, name)| (*ip, *name))
}

/// Forms of the services whose errors are kept.
const FAULTS: [(Service, Form); 26] = [
    (Service::Postgres, Form::Postgres),
    (Service::Redis, Form::Redis),
    (Service::Mqtt, Form::Mqtt),
    (Service::Ldap, Form::Ldap),
    (Service::Dns, Form::Dns),
    (Service::DnsRefused, Form::DnsRefused),
    (Service::Http2, Form::GoAway),
    (Service::Imap, Form::Imap),
    (Service::Pop3, Form::Pop3),
    (Service::Sip, Form::Sip),
    (Service::Grpc, Form::Grpc),
    (Service::Bgp, Form::Bgp),
    (Service::Ntp, Form::Ntp),
    (Service::Amqp, Form::Amqp),
    (Service::Sctp, Form::Sctp),
    (Service::Ssh, Form::Ssh),
    (Service::Http2Stream, Form::RstStream),
    (Service::WebSocket, Form::CloseCode),
    (Service::Smtp, Form::Smtp),
    (Service::Memcached, Form::Memcached),
    (Service::Http, Form::Unauthorized),
    (Service::MySql, Form::MySql),
    (Service::MongoDb, Form::MongoDbError),
    (Service::Radius, Form::Radius),
    (Service::Rpc, Form::Rpc),
    (Service::Reply, Form::Reply),
];

fn form_of(service: Service) -> Form {
    FAULTS.iter().find(|(s, _)| *s == service).map_or(Form::Dns, |(_, form)| *form)
}

words!(Form {
    Form::Status => "http-status",
    Form::Alert => "tls-alert",
    Form::Endpoint => "ftp-endpoint",
    Form::AnswerTo => "sip-answer-to",
    Form::Unwelcome => "error-greeting",
    Form::Http2 => "http2-preface",
    Form::Postgres => "postgresql-error",
    Form::Redis => "redis-error",
    Form::Mqtt => "mqtt-refusal",
    Form::Ldap => "ldap-refusal",
    Form::Dns => "dns-failure",
    Form::DnsRefused => "dns-refusal",
    Form::GoAway => "http2-goaway",
    Form::Imap => "imap-bye",
    Form::Pop3 => "pop3-error",
    Form::Sip => "sip-error",
    Form::Grpc => "grpc-error",
    Form::NoAnswerDue => "no-answer-due",
    Form::CutShort => "http-cut-short",
    Form::LeftMidway => "http-left-midway",
    Form::Unended => "http-unended",
    Form::PlainToTls => "http-plain-to-tls",
    Form::SealedAlert => "tls-sealed-alert",
    Form::Amqp => "amqp-version",
    Form::Sctp => "sctp-abort",
    Form::Ssh => "ssh-refusal",
    Form::HelloToGreeting => "tls-hello-to-greeting",
    Form::CloseFrame => "websocket-close",
    Form::RstStream => "http2-rst-stream",
    Form::CloseCode => "websocket-close-code",
    Form::Smtp => "smtp-error",
    Form::Memcached => "memcached-error",
    Form::Unauthorized => "http-unauthorized",
    Form::EndUnseen => "http-end-unseen",
    Form::Resolved => "dns-name",
    Form::OracleRedirect => "oracle-redirect",
    Form::RedisRedirect => "redis-redirect",
    Form::SentinelMaster => "sentinel-master",
    Form::KafkaBroker => "kafka-broker",
    Form::MongoDbMember => "mongodb-member",
    Form::LdapReferral => "ldap-referral",
    Form::SqlServerRouting => "sqlserver-routing",
    Form::OracleRedirectName => "oracle-redirect-name",
    Form::RedisRedirectName => "redis-redirect-name",
    Form::SentinelMasterName => "sentinel-master-name",
    Form::KafkaBrokerName => "kafka-broker-name",
    Form::MongoDbMemberName => "mongodb-member-name",
    Form::LdapReferralName => "ldap-referral-name",
    Form::SqlServerRoutingName => "sqlserver-routing-name",
    Form::NoSuchName => "dns-no-such-name",
    Form::Media => "sip-media",
    Form::Contact => "sip-contact",
    Form::Bgp => "bgp-notification",
    Form::Ntp => "ntp-kiss",
    Form::MySql => "mysql-error",
    Form::MongoDbError => "mongodb-error",
    Form::Radius => "radius-reject",
    Form::Rpc => "rpc-denied",
    Form::Reply => "reply-not-let-in",
    Form::NotUnderstood => "not-understood",
    Form::KeepAlive => "mqtt-keep-alive",
    Form::AnswerDue => "answer-due",
    Form::AnsweredAgain => "http-answered-again",
});

fn sent_on(form: Form, ip: Option<Ip>, number: u16) -> Option<Words> {
    REDIRECTS.iter().find_map(|(who, to_ip, to_name)| match form {
        _ if form == *to_ip => Some(Words::SentOn(*who, ip.unwrap_or_default(), number)),
        _ if form == *to_name => Some(Words::SentToName(*who, number)),
        _ => None,
    })
}

impl Row for Of<Spoken> {
    const TABLE: &'static str = "said";
    const ABOUT: &'static str = "Up to eight rows for each stream: failures and endpoints that a side named in so many words.";

    fn blank() -> Self {
        Self(0, Spoken { side: Side::A, mark: Mark::NONE, words: Words::Alert(0) })
    }

    fn row<C: Columns>(&mut self, c: &mut C) {
        stream_of(c, &mut self.0);
        let spoken = &mut self.1;
        c.word("side", SIDE, &mut spoken.side);
        mark(c, "at", "its frame", &mut spoken.mark);
        let (mut form, mut number, mut ip) = match spoken.words {
            Words::Status(status) => (Form::Status, status, None),
            Words::Alert(alert) => (Form::Alert, u16::from(alert), None),
            Words::Endpoint(ip, port) => (Form::Endpoint, port, Some(ip)),
            Words::AnswerTo(ip, port) => (Form::AnswerTo, port, ip),
            Words::Unwelcome(code) => (Form::Unwelcome, code, None),
            Words::Http2 => (Form::Http2, 0, None),
            Words::Fault(service, code) => (form_of(service), code, None),
            Words::NoAnswerDue => (Form::NoAnswerDue, 0, None),
            Words::CutShort => (Form::CutShort, 0, None),
            Words::LeftMidway => (Form::LeftMidway, 0, None),
            Words::Unended => (Form::Unended, 0, None),
            Words::PlainToTls => (Form::PlainToTls, 0, None),
            Words::SealedAlert => (Form::SealedAlert, 0, None),
            Words::HelloToGreeting => (Form::HelloToGreeting, 0, None),
            Words::CloseFrame => (Form::CloseFrame, 0, None),
            Words::EndUnseen => (Form::EndUnseen, 0, None),
            Words::Resolved(name) => (Form::Resolved, name, None),
            Words::SentOn(who, ip, port) => (redirect_of(who).0, port, Some(ip)),
            Words::SentToName(who, name) => (redirect_of(who).1, name, None),
            Words::NoSuchName(name) => (Form::NoSuchName, name, None),
            Words::Media(ip, port) => (Form::Media, port, Some(ip)),
            Words::Contact(ip, port) => (Form::Contact, port, Some(ip)),
            Words::NotUnderstood => (Form::NotUnderstood, 0, None),
            Words::AnswerDue(len) => (Form::AnswerDue, len, None),
            Words::AnsweredAgain(bad) => (Form::AnsweredAgain, u16::from(bad), None),
            Words::KeepAlive(seconds) => (Form::KeepAlive, seconds, None),
        };
        c.word("what", "`http-status`, `tls-alert`, `ftp-endpoint`, `sip-answer-to`, `error-greeting`, `http2-preface`, `postgresql-error`, `redis-error`, `mqtt-refusal`, `ldap-refusal`, `dns-failure`, `dns-refusal`, `http2-goaway`, `imap-bye`, `pop3-error`, `sip-error`, `grpc-error`, `no-answer-due`, `http-cut-short`, `http-left-midway`, `http-unended`, `http-end-unseen`, `http-plain-to-tls`, `tls-sealed-alert`, `amqp-version`, `sctp-abort`, `ssh-refusal`, `tls-hello-to-greeting`, `websocket-close`, `http2-rst-stream`, `websocket-close-code`, `smtp-error`, `memcached-error`, `http-unauthorized`, `dns-name`, `dns-no-such-name`, `sip-media`, `sip-contact`, `bgp-notification`, `ntp-kiss`, `mysql-error`, `mongodb-error`, `radius-reject`, `rpc-denied`, `reply-not-let-in`, `not-understood`, `mqtt-keep-alive`, `answer-due`, `http-answered-again`, or who sends a client on: `oracle-redirect`, `redis-redirect`, `sentinel-master`, `kafka-broker`, `mongodb-member`, `ldap-referral` or `sqlserver-routing`, with `-name` behind it where that is a name", &mut form);
        c.num(
            "number",
            "the status, the alert's description, the port, or the error's code; of `mqtt-keep-alive` seconds; of `answer-due` the bytes that were said; of `http-answered-again` 1 where that is 400; of `dns-failure`, `dns-refusal`, `dns-name` and what ends in `-name` a digest of the name",
            &mut number,
        );
        c.some_ip("ip", "the address that is named", &mut ip);
        spoken.words = match form {
            Form::Status => Words::Status(number),
            Form::Alert => Words::Alert(number as u8),
            Form::Endpoint => Words::Endpoint(ip.unwrap_or_default(), number),
            Form::AnswerTo => Words::AnswerTo(ip, number),
            Form::Unwelcome => Words::Unwelcome(number),
            Form::Http2 => Words::Http2,
            Form::NoAnswerDue => Words::NoAnswerDue,
            Form::CutShort => Words::CutShort,
            Form::LeftMidway => Words::LeftMidway,
            Form::Unended => Words::Unended,
            Form::PlainToTls => Words::PlainToTls,
            Form::SealedAlert => Words::SealedAlert,
            Form::HelloToGreeting => Words::HelloToGreeting,
            Form::CloseFrame => Words::CloseFrame,
            Form::EndUnseen => Words::EndUnseen,
            Form::Resolved => Words::Resolved(number),
            Form::NoSuchName => Words::NoSuchName(number),
            Form::Media => Words::Media(ip.unwrap_or_default(), number),
            Form::Contact => Words::Contact(ip.unwrap_or_default(), number),
            Form::NotUnderstood => Words::NotUnderstood,
            Form::AnswerDue => Words::AnswerDue(number),
            Form::AnsweredAgain => Words::AnsweredAgain(number > 0),
            Form::KeepAlive => Words::KeepAlive(number),
            other => {
                let known = FAULTS.iter().find(|(_, form)| *form == other);
                let fault = known.map(|(service, _)| Words::Fault(*service, number));
                fault.or_else(|| sent_on(other, ip, number)).unwrap_or(Words::NoAnswerDue)
            }
        };
    }
}
