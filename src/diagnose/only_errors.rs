//! Services whose answers all say that the request is wrong: 400 to a plain request on a TLS port, 404 of a
//! default backend. By the statuses alone nobody failed, and nothing is well.

use super::thresholds::NO_COINCIDENCE;
use super::{Facts, words};
use crate::correlate::Leg;
use crate::flow::Mark;
use crate::topology::ServiceId;
use std::collections::{BTreeMap, BTreeSet};

/// The leg that shows an answer, its frame, its status.
type Told<'a> = (&'a Leg, Mark, u16);

/// A service that answers nothing but that the request is wrong: whether it is, or whoever asks so, the
/// captures do not tell.
pub(super) fn only_errors(facts: &Facts) -> Option<String> {
    let mut all: BTreeMap<ServiceId, Vec<Option<Told<'_>>>> = BTreeMap::new();
    for (id, _) in facts.requests().filter(|(_, c)| c.protocol.is_tcp() && c.progress.response) {
        // Who is asked for his name may say it next (RFC 9110, sections 15.5.2 and 15.5.8).
        let error = facts.first_error(id).filter(|(.., status)| !matches!(status, 401 | 407));
        all.entry(facts.service_of(id)).or_default().push(error);
    }
    let (service, answers) =
        all.into_iter().filter(|(_, answers)| answers.len() >= NO_COINCIDENCE).find_map(
            |(service, answers)| Some((service, answers.into_iter().collect::<Option<Vec<_>>>()?)),
        )?;
    let (leg, mark, _) = answers.first()?;
    let statuses: BTreeSet<u16> = answers.iter().map(|(.., status)| *status).collect();
    let statuses: Vec<String> = statuses.iter().map(u16::to_string).collect();
    Some(format!(
        "all {} answers of {} are HTTP {} ({} #{})",
        answers.len(),
        facts.topology.service(service).name(),
        words::list(&statuses),
        facts.vantage(leg).label,
        mark.frame()
    ))
}
