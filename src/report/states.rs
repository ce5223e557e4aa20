//! Host states in the document: whose each was taken for, and by what.

use super::build::Builder;
use super::{Finding, HostRef, HostState};
use crate::hashed::HashMap;
use crate::state::{Dropped, MatchedBy, MatchedState};
use crate::wire::{Ip, Protocol};

/// What was dropped, with the state that says so.
type Row<'t> = (&'t MatchedState, &'t Dropped);

/// What was dropped that no finding tells, at most.
const DROPPED: usize = 4;

impl Builder<'_> {
    pub(super) fn host_states(&self) -> Vec<HostState> {
        self.trace.states.iter().map(|matched| self.host_state(matched)).collect()
    }

    fn host_state(&self, matched: &MatchedState) -> HostState {
        let (by, common) = match &matched.by {
            None => (None, Vec::new()),
            Some(MatchedBy::Macs(macs)) => {
                (Some("macs"), macs.iter().map(ToString::to_string).collect())
            }
            Some(MatchedBy::Addresses(ips)) => {
                (Some("addresses"), ips.iter().map(ToString::to_string).collect())
            }
            Some(MatchedBy::Services) => (Some("services"), Vec::new()),
            Some(MatchedBy::Text) => (Some("text"), Vec::new()),
        };
        let hosts = || matched.hosts.iter().map(|id| self.trace.topology.hosts.get(*id));
        HostState {
            name: matched.state.name.clone(),
            files: matched.state.files.clone(),
            host: by.map(|_| HostRef {
                own: matched.hosts.first().and_then(|id| self.host_ref(*id).own),
                addresses: hosts().flat_map(|h| &h.ips).map(ToString::to_string).collect(),
                macs: hosts().flat_map(|h| &h.macs).map(ToString::to_string).collect(),
            }),
            matched_by: by.map(str::to_owned),
            common,
            notes: matched.state.notes.clone(),
        }
    }

    /// What somebody says to have dropped of connections that no finding says it of.
    pub(super) fn dropped_notes(&self, findings: &[Finding]) -> Vec<String> {
        let mut rows: HashMap<(Protocol, Ip, Ip), Vec<Row<'_>>> = HashMap::default();
        for matched in &self.trace.states {
            for d in &matched.state.dropped {
                rows.entry((d.protocol, d.from.0, d.to.0)).or_default().push((matched, d));
            }
        }
        let mut notes: Vec<String> = Vec::new();
        if rows.is_empty() {
            return notes;
        }
        let connections = self.trace.connections.list.iter();
        for c in connections.filter(|c| c.front.client.0 != c.front.server.0) {
            let ways = [c.front, c.back.unwrap_or(c.front)];
            let ways = ways.iter().flat_map(|t| [(t.client, t.server), (t.server, t.client)]);
            for (from, to) in ways {
                let of = rows.get(&(c.protocol, from.0, to.0)).into_iter().flatten();
                let own = |port: Option<u16>, end: (Ip, u16)| port.is_none_or(|p| p == end.1);
                for (matched, d) in of.filter(|(_, d)| own(d.from.1, from) && own(d.to.1, to)) {
                    let what = format!("{} > {}", from.0.with_port(from.1), to.0.with_port(to.1));
                    let told = |f: &Finding| f.explanation.contains(&what);
                    let place = matched.state.place(d.at);
                    let note = format!(
                        "{what} was dropped by {}, as {place} says ({})",
                        d.by,
                        crate::diagnose::words::count(d.count as usize, "line")
                    );
                    if !findings.iter().any(told) && !notes.contains(&note) {
                        notes.push(note);
                    }
                    if notes.len() >= DROPPED {
                        return notes;
                    }
                }
            }
        }
        notes
    }

    /// Notes on states: whose they were taken for, and what was not read.
    pub(super) fn state_notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        let mut taken = Vec::new();
        for matched in &self.trace.states {
            let name = &matched.state.name;
            let by = match &matched.by {
                Some(MatchedBy::Macs(_)) => "its MAC",
                Some(MatchedBy::Addresses(_)) => "its address",
                Some(MatchedBy::Services) => "the services that it alone states",
                Some(MatchedBy::Text) => "the packets that it was pasted with",
                None => {
                    let state = &matched.state;
                    // A line names its connection, whoever's it is.
                    if !(state.logged.is_empty()
                        && state.sessions.is_empty()
                        && state.dropped.is_empty())
                    {
                        continue;
                    }
                    let left = match state.entries.is_empty() {
                        true => "decides nothing",
                        false => "decides nothing but its connection table",
                    };
                    notes.push(format!(
                        "the host state {name} was taken for no host of the captures and {left}: none has a MAC or an address that it lists; add 'ip addr' of that host to its file or folder"
                    ));
                    continue;
                }
            };
            let hosts: Vec<String> = matched.hosts.iter().map(|id| self.names.host(*id)).collect();
            taken.push(format!("{name} is {} by {by}", hosts.join(" and ")));
        }
        if !taken.is_empty() {
            notes.insert(0, format!("host states: {}", taken.join("; ")));
        }
        notes.extend(self.trace.states.iter().flat_map(|m| m.state.notes.iter().cloned()));
        notes
    }
}
