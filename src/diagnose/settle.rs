//! What hosts said of themselves, held against the findings that they answer.
//!
//! A finding names candidates and the commands that tell them apart. Where the
//! output of such a command was given, it decides here, after detection: the confidence
//! rises, candidates go, and what was told is kept as [`Settled`], which is worded last.
//! Which function settles the findings of which cause, the registry says. What frames show is never overruled: a state is from another
//! moment, and the explanation says so where the two disagree.

pub(super) mod address;
pub(super) mod devices;
pub(super) mod dropped;
pub(super) mod filter;
pub(super) mod idle;
pub(super) mod kernel_log;
pub(super) mod pool;
pub(super) mod queues;
pub(super) mod refusal;
pub(super) mod silence;
pub(super) mod table_full;
pub(super) mod way;

pub(super) use way::suspects;

use super::settled::Settled;
use super::{Confidence, Finding, Subject};
use crate::topology::{HostId, Role};
use crate::trace::{Said, Trace};
use crate::wire::Ip;

/// Real servers beyond which a sentence about all of them helps nobody.
const MANY: usize = 16;

/// The real servers that a finding names; `None` where one is unknown.
fn servers(trace: &Trace, finding: &Finding) -> Option<Vec<HostId>> {
    let named = finding.subjects.iter().filter(|s| s.role == Role::RealServer);
    let host = |s: &Subject| trace.host_by_mac(s.mac).or_else(|| trace.host_by_ip(s.address?));
    let hosts: Option<Vec<HostId>> = named.map(host).collect();
    hosts.filter(|hosts| !hosts.is_empty())
}

fn vip(trace: &Trace, finding: &Finding) -> Option<Ip> {
    finding.connections.first().map(|id| trace.service(*id).vip)
}

fn say(finding: &mut Finding, settled: Settled) {
    finding.settled.push(settled);
}

fn drop_candidate(finding: &mut Finding, id: &str) {
    finding.candidates.retain(|c| c.id != id);
}

/// Nothing else fits any more, and nothing is to be asked.
fn certain(finding: &mut Finding) {
    finding.confidence = Confidence::Certain;
    finding.candidates.clear();
    finding.to_confirm.clear();
}

/// What every host says of one thing; `None` where one is silent.
fn all<'a, T>(
    hosts: &[HostId],
    ask: impl Fn(HostId) -> Option<Said<'a, T>>,
) -> Option<Vec<Said<'a, T>>> {
    hosts.iter().map(|host| ask(*host)).collect()
}

fn places<T>(said: &[Said<'_, T>]) -> String {
    super::words::list(&said.iter().map(Said::place).collect::<Vec<_>>())
}
