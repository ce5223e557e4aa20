//! Connections that a proxy tried for a client's.

use crate::breaks::tls_refused;
use crate::correlate::Outcome;
use crate::trace::{ConnectionId, Trace};

/// How a proxy's connection to a real server came to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::diagnose) enum Attempt {
    /// Its SYN was refused.
    Refused,
    /// Nothing answered its SYN, or an ICMP error did. What a transparent proxy asks in its client's
    /// name is answered to the client, be it past the proxy.
    Unanswered,
    /// Its TLS handshake failed.
    TlsRefused,
}

impl Attempt {
    /// The connections that the proxy tried for a client's and that ended so.
    pub(in crate::diagnose) fn of(
        self,
        trace: &Trace,
        client: ConnectionId,
    ) -> impl Iterator<Item = ConnectionId> {
        let tried = trace.pairs.attempts.get(&client.0).map_or(&[][..], Vec::as_slice);
        tried.iter().map(|back| ConnectionId(*back)).filter(move |back| self.ended(trace, *back))
    }

    /// The clients' connections for which some ended so, in no order.
    pub(in crate::diagnose) fn clients(self, trace: &Trace) -> impl Iterator<Item = ConnectionId> {
        let clients = trace.pairs.attempts.keys().map(|client| ConnectionId(*client));
        clients.filter(move |id| self.of(trace, *id).next().is_some())
    }

    fn ended(self, trace: &Trace, back: ConnectionId) -> bool {
        let outcome = trace.connection(back).outcome;
        match self {
            Self::Refused => outcome == Outcome::Refused,
            Self::Unanswered => {
                outcome == Outcome::Unanswered && !trace.pairs.tried.contains(&back.0)
            }
            Self::TlsRefused => tls_refused(trace, back).is_some(),
        }
    }
}
