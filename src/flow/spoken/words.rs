//! The words that are kept, with who said them.

use crate::flow::{Mark, Side};
use crate::wire::Ip;
use crate::wire::fault::Service;
use crate::wire::redirect::Redirector;

/// What was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Words {
    /// An HTTP response of status 400, or 500 to 599, the first of its stream; to a ClientHello of any.
    Status(u16),
    /// An HTTP response of status 400 which says that its port speaks TLS.
    PlainToTls,
    /// A fatal TLS alert in the clear, with its description.
    Alert(u8),
    /// An encrypted record as long as an alert of TLS 1.3, where a Finished was due, and the last of its side.
    SealedAlert,
    /// A ClientHello as the first words of a client whose server had greeted it in the clear.
    HelloToGreeting,
    /// A Close frame of a web socket (RFC 6455, section 5.5.1).
    CloseFrame,
    /// FTP: the endpoint to which the other side is to connect for data.
    Endpoint(Ip, u16),
    /// SIP over UDP: the address, if one is named, and port to which a request wants its
    /// answers, without regard to where it came from.
    AnswerTo(Option<Ip>, u16),
    /// The first word on a connection, before the other side has said any, is an error: its code in MySQL,
    /// or its reply code in SMTP and FTP.
    Unwelcome(u16),
    /// An answer by which a service says that it does not do what it was asked, with its code
    /// (`wire/fault.rs`).
    Fault(Service, u16),
    /// An answer in HTTP/1 after which its server closed before as many bytes had come as it announces.
    CutShort,
    /// An answer in HTTP/1 whose client left before as many bytes had come as it announces.
    LeftMidway,
    /// An answer in HTTP/1 that comes in chunks, after which its server closed without the last one.
    Unended,
    /// The same, where the end of the answer is among bytes that were cut off or that a text does not print.
    EndUnseen,
    /// A DNS answer that is no SERVFAIL: a digest of the name; one a name is kept.
    Resolved(u16),
    /// The endpoint to which a service sends its client on.
    SentOn(Redirector, Ip, u16),
    /// The same, by a name: a digest of it.
    SentToName(Redirector, u16),
    /// A DNS answer that a name does not exist (NXDOMAIN), of one to which a client was sent or of a server that has
    /// found none yet: its digest.
    NoSuchName(u16),
    /// SIP over UDP: where the session description of a side wants its media.
    Media(Ip, u16),
    /// SIP over UDP: where a client that registers says that it is to be called.
    Contact(Ip, u16),
    /// First words of a client that have no answer by their protocol; or a server's by which the two change to such a
    /// protocol (HTTP 101).
    NoAnswerDue,
    /// An answer in HTTP/1 that is not the first of its connection, where several connections have one of status 400 after
    /// a first that served: whether this one is.
    AnsweredAgain(bool),
    /// First words of a client that each server answers by their protocol, and that nothing answered: their length.
    AnswerDue(u16),
    /// A client of MQTT that says for how many seconds it may be silent.
    KeepAlive(u16),
    /// An answer that says that a line is not understood, of a server of mail, files or Redis.
    NotUnderstood,
    /// A client that begins in HTTP/2 without asking (RFC 9113, section 3.4).
    Http2,
}

/// Words of one side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spoken {
    /// Who said it.
    pub side: Side,
    /// Frame and time.
    pub mark: Mark,
    /// What.
    pub words: Words,
}
