//! Which services a report shows, where there are too many to show all: those that
//! something is wrong with, and the rest in one line.

use super::{Report, Role, Service, Subject, Totals};
use crate::diagnose::words::count;

/// Services that all have a table, whatever became of their connections.
const FEW: usize = 6;

impl Report {
    /// Whether there are too many services to show a table of each.
    #[must_use]
    pub fn is_crowded(&self) -> bool {
        self.services.len() > FEW
    }

    /// Whether something broke in a service, or a loud finding is about it.
    #[must_use]
    pub fn concerns(&self, service: &Service) -> bool {
        let named = |s: &Subject| {
            s.role == Role::Service
                && s.address.as_deref() == Some(service.vip.as_str())
                && s.port.is_none_or(|port| port == service.port)
        };
        let loud = || self.findings.iter().filter(|f| f.severity.is_loud());
        service.totals.failed + service.totals.suffered > 0
            || loud().any(|f| f.subjects.iter().any(named))
    }

    /// The services to show, and the rest of many, which no finding concerns, with its sums.
    #[must_use]
    pub fn shown_services(&self) -> (Vec<&Service>, Option<Rest<'_>>) {
        let (shown, rest): (Vec<&Service>, Vec<&Service>) =
            self.services.iter().partition(|s| !self.is_crowded() || self.concerns(s));
        let mut totals = Totals::default();
        for one in rest.iter().map(|service| &service.totals) {
            totals.connections += one.connections;
            totals.well += one.well;
            totals.failed += one.failed;
            totals.suffered += one.suffered;
            totals.untold += one.untold;
        }
        let noun = if shown.is_empty() { "service" } else { "more service" };
        let rest = (!rest.is_empty()).then(|| Rest {
            said: format!(
                "{} that no finding concerns: {}, {}",
                count(rest.len(), noun),
                count(usize::try_from(totals.connections).unwrap_or(usize::MAX), "connection"),
                totals.fates()
            ),
            services: rest,
        });
        (shown, rest)
    }
}

/// Services that no finding concerns.
#[derive(Debug)]
pub struct Rest<'a> {
    /// All of them in a line: `194 more services that no finding concerns: ...`.
    pub said: String,
    /// They.
    pub services: Vec<&'a Service>,
}
