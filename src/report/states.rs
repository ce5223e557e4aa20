//! Host states in the document: whose each was taken for, and by what.

use super::build::Builder;
use super::{HostRef, HostState};
use crate::state::{MatchedBy, MatchedState};

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
                None => {
                    let state = &matched.state;
                    // A line names its connection, whoever's it is.
                    if !(state.logged.is_empty() && state.sessions.is_empty()) {
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
