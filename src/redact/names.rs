//! Names of captures, vantages and host states: they come from file names, and those
//! from people.
//!
//! A label that the user typed stays: it was chosen to be read. One that looks like an
//! address is replaced like those that were made from file names.

use crate::capture::Input;
use crate::state::HostState;
use crate::trace::Trace;
use std::collections::{HashMap, HashSet};

/// The labels that the user typed.
#[derive(Debug, Clone, Default)]
pub struct Labels(HashSet<String>);

impl Labels {
    /// Of the inputs of a run.
    #[must_use]
    pub fn new(inputs: &[Input]) -> Self {
        let typed = inputs.iter().filter(|input| input.labelled);
        Self(typed.map(|input| input.label.clone()).filter(|l| !is_like_an_address(l)).collect())
    }
}

impl Labels {
    /// A name that nobody typed.
    fn free(&self, n: usize) -> String {
        let mut name = format!("capture{n}");
        while self.0.contains(&name) {
            name.push('x');
        }
        name
    }
}

/// Whether a label could be read as an address: four numbers, or twelve hexadecimal
/// digits, or a part of it that is one.
fn is_like_an_address(label: &str) -> bool {
    let numbers = label.split(|c: char| !c.is_ascii_digit()).filter(|part| !part.is_empty());
    let digits = label.chars().filter(char::is_ascii_hexdigit).count();
    numbers.count() >= 4 || digits >= 12 || label.contains("::")
}

pub(super) fn replace(trace: &mut Trace, labels: &Labels) {
    for (n, capture) in trace.captures.iter_mut().enumerate() {
        let typed = labels.0.contains(&capture.label);
        let name = if typed { capture.label.clone() } else { labels.free(n + 1) };
        let several = capture.files.len() > 1;
        for (part, file) in capture.files.iter_mut().enumerate() {
            let part = if several { format!("-{}", part + 1) } else { String::new() };
            file.path = format!("{name}{part}.pcap");
            if file.text.take().is_some() {
                // They quote lines, and the names in them.
                file.damage
                    .iter_mut()
                    .for_each(|d| d.what = "a line was not understood".to_owned());
                capture.notes.retain(|note| !note.starts_with(crate::capture::text::NAMES));
            }
            for interface in &mut file.interfaces {
                (interface.name, interface.description) = (None, None);
            }
        }
        capture.label = name;
    }
    let mut seen = vec![0u32; trace.captures.len()];
    let mut of = vec![0u32; trace.captures.len()];
    for vantage in &trace.vantages {
        of[vantage.capture] += 1;
    }
    for vantage in &mut trace.vantages {
        vantage.side_tables.forget_server_names();
        let number = &mut seen[vantage.capture];
        *number += 1;
        let capture = &trace.captures[vantage.capture].label;
        vantage.label = match of[vantage.capture] {
            1 => capture.clone(),
            _ => format!("{capture}#{number}"),
        };
    }
    for (n, matched) in trace.states.iter_mut().enumerate() {
        let state = &mut matched.state;
        state.name = format!("host{}", n + 1);
        for (part, file) in state.files.iter_mut().enumerate() {
            *file = format!("{}/{}", state.name, part + 1);
        }
        // They quote lines.
        state.notes.clear();
        interfaces(state);
    }
}

/// Interfaces of a host state: `if1`, `if2`, ... but for those that every Linux has.
fn interfaces(state: &mut HostState) {
    let mut known: HashMap<String, String> = HashMap::new();
    let mut name = |old: &str| match old {
        "lo" | "all" | "default" => old.to_owned(),
        _ => {
            let next = format!("if{}", known.len() + 1);
            known.entry(old.to_owned()).or_insert(next).clone()
        }
    };
    for interface in &mut state.interfaces {
        interface.name = name(&interface.name);
    }
    for dev in state.routes.iter_mut().filter_map(|route| route.dev.as_mut()) {
        *dev = name(dev);
    }
    let losses = state.losses.iter_mut().map(|loss| &mut loss.device);
    let offloads = state.offloads.iter_mut().map(|offload| &mut offload.device);
    for device in losses.chain(offloads).flatten() {
        *device = name(device);
    }
    // A prefix of a rule is anybody's word.
    for dropped in &mut state.dropped {
        dropped.by = dropped.by.split([',', '(']).next().unwrap_or("").to_owned();
    }
    for instance in &mut state.vrrp {
        instance.name.clear();
        instance.interface = instance.interface.as_deref().map(&mut name);
    }
    // net.ipv4.conf.NAME.KEY; a dot in a name is written as a slash.
    state.sysctls = std::mem::take(&mut state.sysctls)
        .into_iter()
        .map(|(key, told)| {
            let mut parts: Vec<&str> = key.split('.').collect();
            let renamed = match parts[..] {
                ["net", "ipv4" | "ipv6", "conf" | "neigh", of, ..] => Some(name(of)),
                _ => None,
            };
            if let Some(renamed) = &renamed {
                parts[3] = renamed;
            }
            (parts.join("."), told)
        })
        .collect();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interfaces_are_called_alike_wherever_a_state_names_them() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("acme.txt");
        let text = "2: acme0: <UP> mtu 1500\n    inet 10.0.0.1/24 scope global acme0\n\
                    default via 10.0.0.254 dev acme0\nnet.ipv4.conf.acme0.rp_filter = 1\n\
                    net.ipv4.conf.all.rp_filter = 0\n";
        std::fs::write(&path, text).unwrap();
        let mut state = crate::state::read(&[path]).unwrap().hosts.remove(0);
        interfaces(&mut state);
        assert_eq!(state.interfaces[0].name, "if1");
        assert_eq!(state.routes[0].dev.as_deref(), Some("if1"));
        let keys: Vec<&str> = state.sysctls.keys().map(String::as_str).collect();
        assert_eq!(keys, ["net.ipv4.conf.all.rp_filter", "net.ipv4.conf.if1.rp_filter"]);
    }

    #[test]
    fn labels_that_look_like_addresses_are_told() {
        for label in ["10.0.0.1", "rs-10-0-0-1", "52:54:00:0d:47:99", "5254000d4799", "fe80::1"] {
            assert!(is_like_an_address(label), "{label}");
        }
        for label in ["lb1", "director", "rs2-eth0", "client (2)"] {
            assert!(!is_like_an_address(label), "{label}");
        }
    }
}
