//! Services whose answers all say that the request is wrong: 400 to a plain request on a TLS port, 404 of a
//! default backend; and those that refuse what is large. By the statuses alone nobody failed, and nothing is well.

use super::thresholds::NO_COINCIDENCE;
use super::{Facts, words};
use crate::correlate::Leg;
use crate::flow::Mark;
use crate::topology::ServiceId;
use crate::wire::Ip;
use std::collections::{BTreeMap, BTreeSet};

/// The leg that shows an answer, its frame, its status.
type Told<'a> = (&'a Leg, Mark, u16);

/// Too many requests (RFC 6585, section 4): whoever says so has not served them.
const TOO_MANY: u16 = 429;

/// The request did not come whole in time (RFC 9110, section 15.5.9). Who has sent none keeps a connection in hand.
const TIMEOUT: u16 = 408;

/// What is refused for its size: content, target and header fields (RFC 9110, sections 15.5.14 and 15.5.15; RFC
/// 6585, section 5).
const TOO_LARGE: [u16; 3] = [413, 414, 431];
/// Requests that 400 refuses for their size are larger, bytes: no proxy's or server's room for a head is smaller as
/// it comes (nginx four buffers of 8 KiB, Apache 8,190 bytes a field, haproxy 16 KiB), and cookies make it full.
const LARGE: u64 = 4 << 10;

/// A service, or one of its servers, that answers nothing but that the request is wrong, or that several requests
/// were too many: whether the requests are wrong, or whoever is asked so, the captures do not tell.
pub(super) fn only_errors(facts: &Facts) -> Option<String> {
    let mut all: BTreeMap<ServiceId, Vec<Answer<'_>>> = BTreeMap::new();
    for (id, _) in facts.requests().filter(|(_, c)| c.protocol.is_tcp() && c.progress.response) {
        // Who is asked for his name may say it next (RFC 9110, sections 15.5.2 and 15.5.8).
        let error = facts.first_error(id).filter(|(.., status)| !matches!(status, 401 | 407));
        let server = facts.server(id).and_then(|server| server.address);
        let asked = facts.legs(id).iter().map(|leg| facts.forward(leg).payload).max();
        let asked = asked.unwrap_or_default();
        all.entry(facts.service_of(id)).or_default().push(Answer { server, error, asked });
    }
    all.into_iter().find_map(|(service, answers)| {
        let is_large = |a: &&Answer<'_>| a.asked > LARGE;
        let name = facts.topology.service(service).name();
        let of = |answers: &[Told<'_>], what: &str| said(facts, answers, what);
        let every: Option<Vec<Told<'_>>> = answers.iter().map(|answer| answer.error).collect();
        if let Some(every) = every {
            return of(&every, &format!("all {} answers of {name} are", every.len()));
        }
        let limited = answers.iter().filter_map(|a| a.error).filter(|told| told.2 == TOO_MANY);
        let limited: Vec<Told<'_>> = limited.collect();
        let share = format!("{} of {} answers of {name} are", limited.len(), answers.len());
        // Where large requests alone are refused, and each of them, their size is why.
        let smallest = answers.iter().filter(is_large).all(|a| a.error.is_some());
        let for_size = answers.iter().filter(|a| match a.error {
            Some((.., 400)) => smallest && is_large(a),
            Some((.., status)) => TOO_LARGE.contains(&status),
            None => false,
        });
        let large: Vec<Told<'_>> = for_size.filter_map(|a| a.error).collect();
        let too_large = format!(
            "{} of {} answers of {name} refuse what was asked as too large: they are",
            large.len(),
            answers.len()
        );
        let late = answers.iter().filter(|a| a.asked > 0).filter_map(|a| a.error);
        let late: Vec<Told<'_>> = late.filter(|told| told.2 == TIMEOUT).collect();
        let unfinished = format!(
            "{} of {} answers of {name} say that the request did not come whole in time: they are",
            late.len(),
            answers.len()
        );
        of(&limited, &share)
            .or_else(|| of(&large, &too_large))
            .or_else(|| of(&late, &unfinished))
            .or_else(|| {
            let (server, errors) = one_server(&answers)?;
            let n = errors.len();
            of(
                &errors,
                &format!(
                    "all {n} answers that {server} gives for {name}, and none of the others', are"
                ),
            )
            })
    })
}

/// What a connection was answered with first that is an error, and by whom.
struct Answer<'a> {
    server: Option<Ip>,
    error: Option<Told<'a>>,
    /// Bytes that its client sent.
    asked: u64,
}

/// The one server that answers with errors alone, where no other does at all.
fn one_server<'a>(answers: &[Answer<'a>]) -> Option<(Ip, Vec<Told<'a>>)> {
    let mut by_server: BTreeMap<Ip, (Vec<Told<'a>>, usize)> = BTreeMap::new();
    for answer in answers {
        let of = by_server.entry(answer.server?).or_default();
        of.0.extend(answer.error);
        of.1 += usize::from(answer.error.is_none());
    }
    let mut wrong = by_server.iter().filter(|(_, (errors, _))| !errors.is_empty());
    let (server, (errors, well)) = wrong.next().filter(|_| wrong.next().is_none())?;
    let others: usize = by_server.values().map(|(_, well)| well).sum();
    (*well == 0 && others >= NO_COINCIDENCE).then(|| (*server, errors.clone()))
}

/// Says it of so many that it is no coincidence, with the first of them.
fn said(facts: &Facts, answers: &[Told<'_>], what: &str) -> Option<String> {
    let (leg, mark, _) = answers.first().filter(|_| answers.len() >= NO_COINCIDENCE)?;
    let statuses: BTreeSet<u16> = answers.iter().map(|(.., status)| *status).collect();
    let statuses: Vec<String> = statuses.iter().map(u16::to_string).collect();
    Some(format!(
        "{what} HTTP {} ({} #{})",
        words::list(&statuses),
        facts.vantage(leg).label,
        mark.frame()
    ))
}
