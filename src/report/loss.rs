//! What was lost, in the document: of one connection by segment, and of captures.

use super::Lost;
use super::build::Builder;
use crate::diagnose::words::thousands;
use crate::flow::VantageId;
use crate::topology::HostId;
use crate::trace::ConnectionId;

/// Frames that a capture lacks before it is said what share of all they are.
const SHARE_FROM: u64 = 3;

impl Builder<'_> {
    /// What one connection lost between captured hosts.
    pub(super) fn losses(&self, id: ConnectionId) -> Vec<Lost> {
        let label = |host: HostId| {
            let label = self.names.capture_of(host).map(str::to_owned);
            label.unwrap_or_else(|| self.names.host(host))
        };
        let lost = |lost: &crate::trace::loss::Lost| Lost {
            from: label(lost.stretch.from),
            to: label(lost.stretch.to),
            direction: match lost.stretch.forward {
                true => "client-to-server".to_owned(),
                false => "server-to-client".to_owned(),
            },
            sent: lost.sent,
            lost: lost.again.len() as u64,
        };
        self.trace.losses().of_connection(id).iter().map(lost).collect()
    }

    /// What a capture's vantages lack although it was acknowledged there; a damaged file
    /// says for itself what it lacks.
    pub(super) fn capture_losses(&self, capture: usize) -> Vec<String> {
        if self.trace.captures[capture].files.iter().any(|file| !file.damage.is_empty()) {
            return Vec::new();
        }
        let printed = self.trace.captures[capture].files.iter().any(|file| file.text.is_some());
        let losses = self.trace.losses().captures.iter();
        let here = losses.filter(|(vantage, loss)| {
            self.trace.vantages[vantage.index()].capture == capture && loss.bytes > 0
        });
        let bytes = here.map(|(vantage, loss)| {
            let why = if printed {
                "the text leaves frames out ('...' among its lines, lines that were not pasted), or the capture dropped them or a filter left them out"
            } else {
                "the capture dropped frames (tcpdump counts them as 'dropped by kernel'; -B 16384 gives it room) or a filter left them out"
            };
            let connections = crate::diagnose::count(loss.connections as usize, "connection");
            format!(
                "{} lacks {} bytes of {connections} that were acknowledged there: {why}. None of that counts as network loss",
                self.trace.vantages[vantage.index()].label,
                thousands(loss.bytes)
            )
        });
        let shares = VantageId::all(&self.trace.vantages).filter_map(|vantage| {
            let seen = &self.trace.vantages[vantage.index()];
            let missed = self.trace.missed(vantage);
            (seen.capture == capture && missed.lacking >= SHARE_FROM).then(|| {
                format!(
                    "of {} frames that must have passed {}, {} are not in it (about {} of 100): what stays unanswered there may have been answered, unless more do than that explains",
                    thousands(missed.passed),
                    seen.label,
                    thousands(missed.lacking),
                    missed.percent()
                )
            })
        });
        bytes.chain(shares).collect()
    }
}
