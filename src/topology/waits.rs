//! When a host's clients waited for its answers.
//!
//! What a host tries while a client of its own waits may be for that client: clients that come at one pace, and
//! what is tried for one again and again, are no timer's.

use super::{HostId, Topology};
use crate::correlate::Connections;
use crate::flow::{Mark, Observations, VantageId};
use crate::hashed::{HashMap, HashSet};

/// From when to when a client waited, on the clock of the capture that shows it, nanoseconds.
type Wait = (i64, i64);

/// The waits of the clients of some hosts.
pub(super) struct Waits(HashMap<(HostId, VantageId), Vec<Wait>>);

impl Waits {
    /// Those of these hosts.
    pub(super) fn of(
        vantages: &[Observations],
        connections: &Connections,
        topology: &Topology,
        hosts: &HashSet<HostId>,
    ) -> Self {
        let mut of: HashMap<(HostId, VantageId), Vec<Wait>> = HashMap::default();
        for c in connections.list.iter().filter(|c| c.protocol.is_tcp() && c.progress.request) {
            let host = topology.hosts.by_ip(c.front.server.0);
            let Some(host) = host.filter(|host| hosts.contains(host)) else { continue };
            for leg in connections.legs(c) {
                let (there, back) = (leg.forward(vantages), leg.reply(vantages));
                let answered = back.data.get().unwrap_or_else(|| leg.of(vantages).last());
                let wait = there.data.get().map(|asked| (asked.at().0, answered.at().0));
                of.entry((host, leg.vantage)).or_default().extend(wait);
            }
        }
        // By their beginnings, each with the latest end so far: a moment lies in one if it is before that.
        for list in of.values_mut() {
            list.sort_unstable();
            let mut latest = i64::MIN;
            for (_, end) in list {
                latest = latest.max(*end);
                *end = latest;
            }
        }
        Self(of)
    }

    /// Whether most of what a host tries comes while a client of its own waits.
    pub(super) fn hold_most(&self, host: HostId, tries: &[(VantageId, Mark)]) -> bool {
        let meanwhile = |(vantage, mark): &&(VantageId, Mark)| {
            let now = mark.at().0;
            let list = self.0.get(&(host, *vantage)).map_or(&[][..], Vec::as_slice);
            let before = list.partition_point(|(asked, _)| *asked <= now);
            before > 0 && now <= list[before - 1].1
        };
        tries.iter().filter(meanwhile).count() * 2 > tries.len()
    }
}
