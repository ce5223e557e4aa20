//! What connections can have in common.

/// Something that connections can have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Trait {
    /// Its real server.
    RealServer,
    /// The address that whoever balances gave the client on the way to its real server, where it is not the client's own.
    LocalAddress,
    /// The MAC that the host which shows the client's packets first sends them on to: of several servers, whose it is.
    NextMac,
    /// The client's network: 24 bits of IPv4, 64 of IPv6.
    ClientNetwork,
    /// The client: its address.
    Client,
    /// Whether the client ends its own side as soon as it has asked.
    HalfClosed,
    /// Whether it stood at the moment from which those that broke were not answered any more.
    StoodBefore,
    /// Whether an earlier connection had the same five-tuple.
    PortUsedBefore,
    /// The maximum segment size that the client's SYN announces.
    SegmentSize,
    /// Whether the client's SYN has TCP timestamps.
    Timestamps,
    /// Whether the timestamp of the client's SYN is older than one that its address sent before: several
    /// hosts behind one address, whose clocks (RFC 7323, section 5.3) a server may take for one.
    OlderTimestamp,
    /// Whether the client's packets have IP options.
    IpOptions,
    /// Whether the client's SYN asks for ECN (RFC 3168, section 6.1.1).
    Ecn,
    /// Whether the client's SYN carries data, as with Fast Open (RFC 7413).
    SynData,
    /// The class of service of the client's SYN (RFC 2474).
    Dscp,
    /// Whether the client's SYN may not be fragmented.
    DontFragment,
    /// Whether the tunnel that the client's SYN came in has options.
    TunnelOptions,
    /// Time to live of the client's packets where they were first seen.
    Ttl,
    /// The MAC that the client's packets came from there.
    IncomingMac,
    /// The interface there.
    Interface,
    /// The interface there by which it was answered.
    AnsweringInterface,
    /// The VLAN there.
    Vlan,
    /// Whether the client sent more bytes than one segment of the connection holds.
    LargeRequest,
    /// The server that the client's first words name: SNI of TLS (RFC 6066, section 3), Host of HTTP.
    ServerName,
    /// The method of the first HTTP request.
    Method,
    /// The newest version of TLS that the client offers.
    TlsVersion,
    /// Whether nothing was sent on it for half a minute or longer.
    Idle,
    /// On which side of a bound that rules and ranges have the client's port is.
    ClientPort,
    /// The time in which it began, where none of the others did.
    Began,
    /// The second of the minute in which it began.
    Second,
    /// Every so many connections.
    EveryNth,
}

impl Trait {
    /// All of them.
    pub const ALL: [Self; 31] = [
        Self::RealServer,
        Self::LocalAddress,
        Self::NextMac,
        Self::ClientNetwork,
        Self::Client,
        Self::HalfClosed,
        Self::StoodBefore,
        Self::PortUsedBefore,
        Self::SegmentSize,
        Self::Timestamps,
        Self::OlderTimestamp,
        Self::IpOptions,
        Self::Ecn,
        Self::SynData,
        Self::Dscp,
        Self::DontFragment,
        Self::TunnelOptions,
        Self::Ttl,
        Self::IncomingMac,
        Self::Interface,
        Self::AnsweringInterface,
        Self::Vlan,
        Self::LargeRequest,
        Self::ServerName,
        Self::Method,
        Self::TlsVersion,
        Self::Idle,
        Self::ClientPort,
        Self::Began,
        Self::Second,
        Self::EveryNth,
    ];

    /// Whether it says who the client is.
    pub(super) fn is_of_client(self) -> bool {
        matches!(self, Self::ClientNetwork | Self::Client)
    }

    /// The name in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::RealServer => "real-server",
            Self::LocalAddress => "local-address",
            Self::NextMac => "next-mac",
            Self::ClientNetwork => "client-network",
            Self::Client => "client",
            Self::StoodBefore => "stood-before",
            Self::PortUsedBefore => "port-used-before",
            Self::ClientPort => "client-port",
            Self::SegmentSize => "segment-size",
            Self::Timestamps => "tcp-timestamps",
            Self::OlderTimestamp => "older-timestamp",
            Self::IpOptions => "ip-options",
            Self::Ecn => "ecn",
            Self::SynData => "syn-data",
            Self::Dscp => "dscp",
            Self::DontFragment => "dont-fragment",
            Self::TunnelOptions => "tunnel-options",
            Self::Ttl => "ttl",
            Self::IncomingMac => "incoming-mac",
            Self::Interface => "interface",
            Self::AnsweringInterface => "answering-interface",
            Self::Vlan => "vlan",
            Self::LargeRequest => "large-request",
            Self::HalfClosed => "half-closed",
            Self::ServerName => "server-name",
            Self::Method => "http-method",
            Self::TlsVersion => "tls-version",
            Self::Idle => "idle",
            Self::Began => "began",
            Self::Second => "second-of-minute",
            Self::EveryNth => "every-nth",
        }
    }
}
