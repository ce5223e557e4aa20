//! What can be asked of a connection.

/// A property of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Field {
    /// Who began it.
    Client,
    /// What it was sent to.
    Service,
    /// Who served it.
    Server,
    /// Any of these, or a host that it passed.
    Host,
    /// A port at either end.
    Port,
    /// How it ended.
    Outcome,
    /// What became of it.
    Fate,
    /// Where and how it broke.
    Break,
    /// What sets those that broke like it apart.
    Apart,
    /// Forwarding mode.
    Mode,
    /// `tcp`, `udp`.
    Proto,
    /// A finding that concerns it.
    Finding,
    /// A capture that shows it.
    Seen,
    /// A user's request, or what it is instead.
    Kind,
    /// Its number in the report.
    Id,
    /// First to last packet.
    Duration,
    /// Payload of both sides.
    Bytes,
    /// First packet.
    Start,
}

/// What is said of a field.
#[derive(Debug, Clone, Copy)]
pub struct About {
    /// The field.
    pub field: Field,
    /// Its names, the usual one first.
    pub names: &'static [&'static str],
    /// What stands behind it.
    pub help: &'static str,
    /// Its values have an order.
    pub ordered: bool,
}

const fn about(
    field: Field,
    names: &'static [&'static str],
    help: &'static str,
    ordered: bool,
) -> About {
    About { field, names, help, ordered }
}

/// All fields.
pub const FIELDS: [About; 18] = [
    about(Field::Client, &["client"], "IP[:PORT], IP/BITS", false),
    about(Field::Service, &["service", "vip"], "IP[:PORT], IP/BITS", false),
    about(Field::Server, &["rs", "server"], "IP[:PORT], MAC, name of its capture, none", false),
    about(Field::Host, &["host"], "any of these", false),
    about(Field::Port, &["port"], "at either end", true),
    about(Field::Outcome, &["outcome"], "reset, refused, ..., failed", false),
    about(Field::Fate, &["fate"], "well, failed, suffered, untold", false),
    about(Field::Break, &["break"], "number, syn-ack, lost-between, any, none", false),
    about(Field::Apart, &["apart"], "what sets its break apart: ttl, ..., any", false),
    about(Field::Finding, &["finding"], "number, id, any, none", false),
    about(Field::Start, &["start"], "start > 07:41:51", true),
    about(Field::Duration, &["duration"], "duration > 1s", true),
    about(Field::Bytes, &["bytes"], "bytes >= 10k", true),
    about(Field::Mode, &["mode"], "nat, dr, tun, fullnat, proxy", false),
    about(Field::Proto, &["proto"], "tcp, udp", false),
    about(Field::Seen, &["seen"], "name of a capture that shows it", false),
    about(Field::Kind, &["kind"], "request, health-check, scan, flood", false),
    about(Field::Id, &["id"], "number of the connection", true),
];

impl Field {
    /// The field of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        FIELDS.iter().find(|f| f.names.contains(&name.as_str())).map(|f| f.field)
    }

    /// What is said of it.
    #[must_use]
    pub fn about(self) -> &'static About {
        FIELDS.iter().find(|f| f.field == self).unwrap_or(&FIELDS[0])
    }
}
