//! What becomes of packets, in kinds.

/// What became of the packet after the place where it was last seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Manner {
    /// It left a place, and the next capture, which would show it, does not.
    LostBetween,
    /// It left, and nothing behind was captured.
    UnseenBeyond,
    /// It came in, and that host's capture shows neither an answer nor that it was sent on.
    Swallowed,
    /// It passed one place again and again, its TTL falling.
    Looped,
    /// A RST answered it.
    Refused,
    /// An ICMP error answered it.
    Rejected,
    /// Who got it answered with a reset, as a stack does that has no such connection.
    Unmatched,
    /// The connection was reset while it was on its way.
    Cut(By),
    /// It got through after repeats, or far later than others do.
    Late,
    /// Who got it closed the connection without an answer.
    Closed,
    /// It was answered with an error.
    Error,
    /// It was answered from elsewhere than where it was sent.
    Astray,
    /// Only the first fragment of its answer came.
    Torn,
    /// A later fragment of it came in, and only first ones are seen further on.
    Split,
    /// It is for a host that has the packet's source address itself, as that host says: a stack
    /// drops what seems to come from itself (RFC 1812, section 5.3.8).
    OwnSource,
    /// It was not sent: its host asks for the next hop's MAC, and nobody answers.
    Unresolved,
}

impl Manner {
    /// All of them, a cut by whomever once.
    pub const ALL: [Self; 16] = [
        Self::LostBetween,
        Self::UnseenBeyond,
        Self::Swallowed,
        Self::Looped,
        Self::Refused,
        Self::Rejected,
        Self::Unmatched,
        Self::Cut(By::Between),
        Self::Late,
        Self::Closed,
        Self::Error,
        Self::Astray,
        Self::Torn,
        Self::Split,
        Self::OwnSource,
        Self::Unresolved,
    ];

    /// The name in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::LostBetween => "lost-between",
            Self::UnseenBeyond => "unseen-beyond",
            Self::Swallowed => "swallowed",
            Self::Looped => "looped",
            Self::Refused => "refused",
            Self::Rejected => "rejected",
            Self::Unmatched => "unmatched",
            Self::Cut(_) => "cut",
            Self::Late => "late",
            Self::Closed => "closed",
            Self::Error => "error",
            Self::Astray => "astray",
            Self::Torn => "torn",
            Self::Split => "split",
            Self::OwnSource => "own-source",
            Self::Unresolved => "unresolved",
        }
    }

    /// Whether nobody answered at all, or nobody got the answer.
    #[must_use]
    pub fn is_silence(self) -> bool {
        matches!(
            self,
            Self::LostBetween
                | Self::UnseenBeyond
                | Self::Swallowed
                | Self::Torn
                | Self::Split
                | Self::OwnSource
                | Self::Unresolved
        )
    }
}

/// Who reset a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum By {
    /// The client's host, whose capture shows it leave.
    Client,
    /// The server's host, whose capture shows it leave.
    Server,
    /// A device between: the capture of the host in whose name it came does not show it
    /// leave.
    Between,
    /// In the name of the client, seen where it cannot be told who sent it.
    ClientsName,
    /// In the name of the server, likewise.
    ServersName,
}
