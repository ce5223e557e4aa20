//! Breaks in the document: where connections broke, and what sets them apart.

mod words;

use super::build::Builder;
use crate::breaks::{Group, Sighting};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
pub(super) use words::label;

/// Ids that a break lists.
const MAX_IDS: usize = 100;

/// Connections of one service that broke in the same way at the same place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Break {
    /// Number within this report, from 1, most harm first.
    pub n: u32,
    /// The packet that did not do its work: `syn`, `syn-ack`, `ack`, `greeting`, `request`,
    /// `response`, `datagram`, `health-check`.
    pub packet: String,
    /// What became of it: `lost-between`, `unseen-beyond`, `swallowed`, `refused`,
    /// `looped`, `rejected`, `unmatched`, `cut`, `late`, `closed`, `error`, `astray`, `torn`,
    /// `split`, `own-source`, `unresolved`.
    pub manner: String,
    /// `failed` or `suffered`.
    pub fate: String,
    /// `ip:port` of the service.
    pub service: String,
    /// How many connections.
    pub connections: u64,
    /// Their ids, the first hundred.
    pub ids: Vec<u32>,
    /// The last place that surely had the packet, by the first of the connections.
    pub last: Option<Place>,
    /// The next that should have had it.
    pub next: Option<Next>,
    /// Where what a proxy opened for them broke, if that is why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub behind: Option<Behind>,
    /// The longest that one of them waited, nanoseconds.
    pub cost_ns: i64,
    /// All of it in one line.
    pub line: String,
    /// What sets them apart from the connections to this service that did well.
    pub apart: Vec<Apart>,
    /// Numbers of the findings that hold any of them.
    pub findings: Vec<u32>,
}

/// Where a packet was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Place {
    /// The host on which the capture was taken, as findings name it.
    pub host: Option<String>,
    /// That host's own address.
    pub address: Option<String>,
    /// Its hardware address.
    pub mac: Option<String>,
    /// Path of the capture.
    pub capture: String,
    /// Label of the vantage.
    pub vantage: String,
    /// Frame number in that file.
    pub frame: u64,
    /// `in`, `out`, `lo`, `passing`.
    pub direction: String,
}

/// The break of a proxy's own connection, told of the clients' for which it was opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Behind {
    /// The packet that did not do its work, as above.
    pub packet: String,
    /// What became of it, as above.
    pub manner: String,
    /// The last place that surely had it.
    pub last: Place,
}

/// Where a packet should have been seen next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Next {
    /// The host.
    pub host: String,
    /// Label of a capture taken on it; null where none was.
    pub capture: Option<String>,
}

/// What sets connections apart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Apart {
    /// `real-server`, `local-address`, `next-mac`, `client-network`, `client`, `half-closed`, `stood-before`, `port-used-before`, `segment-size`,
    /// `tcp-timestamps`, `older-timestamp`, `ip-options`, `ecn`, `syn-data`, `ttl`, `incoming-mac`, `interface`, `answering-interface`, `vlan`,
    /// `dscp`, `dont-fragment`, `tunnel-options`, `large-request`, `server-name`, `http-method`, `tls-version`, `idle`, `client-port`, `began`, `second-of-minute`, `every-nth`.
    pub what: String,
    /// The value that they have.
    pub value: String,
    /// Of those that broke, how many have it.
    pub broken: u64,
    /// Of how many.
    pub of_broken: u64,
    /// Of those that did well, how many have it.
    pub well: u64,
    /// Of how many.
    pub of_well: u64,
    /// In a sentence.
    pub sentence: String,
}

impl Builder<'_> {
    /// All groups of breaks; `findings` are the numbers of each.
    pub(super) fn breaks(&self, groups: &[Group], findings: &[Vec<u32>]) -> Vec<Break> {
        groups
            .iter()
            .zip(findings)
            .enumerate()
            .map(|(i, (group, findings))| self.one_break(i, group, findings.clone()))
            .collect()
    }

    fn one_break(&self, index: usize, group: &Group, findings: Vec<u32>) -> Break {
        Break {
            n: index as u32 + 1,
            packet: group.packet.name().to_owned(),
            manner: group.manner.name().to_owned(),
            fate: group.fate.name().to_owned(),
            service: self.trace.topology.service(group.service).name(),
            connections: group.connections.len() as u64,
            ids: group.connections.iter().take(MAX_IDS).map(|id| id.0 + 1).collect(),
            last: group.last.map(|last| self.place(&last)),
            next: group.next.map(|host| Next {
                host: self.names.host(host),
                capture: self.names.capture_of(host).map(ToOwned::to_owned),
            }),
            behind: group.behind.map(|behind| Behind {
                packet: behind.packet.name().to_owned(),
                manner: behind.manner.name().to_owned(),
                last: self.place(&behind.last),
            }),
            cost_ns: group.cost_ns,
            line: self.break_line(group),
            apart: group.apart.iter().map(|apart| words::told(group, apart)).collect(),
            findings,
        }
    }

    fn place(&self, sighting: &Sighting) -> Place {
        let vantage = &self.trace.vantages[sighting.at.vantage.index()];
        let capture = &self.trace.captures[vantage.capture];
        let (file, frame) = capture.locate(sighting.at.mark.frame());
        let host = sighting.host;
        Place {
            host: host.map(|id| self.names.host(id)),
            address: host.and_then(|id| self.names.address(id)).map(|ip| ip.to_string()),
            mac: host
                .and_then(|id| self.trace.topology.hosts.get(id).macs.first())
                .map(ToString::to_string),
            capture: capture.files.get(file).map_or_else(String::new, |f| f.path.clone()),
            vantage: vantage.label.clone(),
            frame: u64::from(frame),
            direction: sighting.passage.name().to_owned(),
        }
    }
}
