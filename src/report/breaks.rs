//! Breaks in the document: where connections broke, and what sets them apart.

use super::build::Builder;
use crate::breaks::apart::Trait;
use crate::breaks::{self, By, Fate, Group, Manner, Packet, Passage, Sighting};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
    /// `rejected`, `unmatched`, `cut`, `late`, `closed`, `error`.
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
    /// `real-server`, `client-network`, `port-used-before`, `segment-size`,
    /// `tcp-timestamps`, `ip-options`, `ecn`, `ttl`, `incoming-mac`, `interface`, `vlan`,
    /// `large-request`, `idle`, `second-of-minute`, `every-nth`.
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
            cost_ns: group.cost_ns,
            line: self.break_line(group),
            apart: group.apart.iter().map(|apart| told(group, apart)).collect(),
            findings,
        }
    }

    fn place(&self, sighting: &Sighting) -> Place {
        let vantage = &self.trace.vantages[sighting.at.vantage];
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

    /// `SYN-ACK  web-2 out #31 ✓ → lb in ✗ (captured, not there)`.
    pub(super) fn break_line(&self, group: &Group) -> String {
        let packet = label(group.packet);
        let Some(last) = &group.last else {
            return format!("{packet}  in no capture");
        };
        let place = self.place(last);
        let here = match last.passage {
            Passage::Passing => format!("{} #{}", place.vantage, place.frame),
            _ => format!("{} {} #{}", place.vantage, place.direction, place.frame),
        };
        let next = group.next.map(|host| {
            self.names.capture_of(host).map_or_else(|| self.names.host(host), ToOwned::to_owned)
        });
        let became = match (group.manner, next.as_deref()) {
            (Manner::LostBetween, Some(next)) => {
                format!("✓ → {next} in ✗ (captured, not there)")
            }
            (Manner::LostBetween, None) => "✓ → ✗ (captured further on, not there)".to_owned(),
            (Manner::UnseenBeyond, Some(next)) => format!("✓ → {next} ? (not captured there)"),
            (Manner::UnseenBeyond, None) => "✓ → ? (nothing further on was captured)".to_owned(),
            (Manner::Swallowed, _) => {
                "✓ ✗ (no answer to it, and not sent on, in this capture)".to_owned()
            }
            (Manner::Refused, _) => "✗ refused by RST".to_owned(),
            (Manner::Rejected, _) => "✗ rejected by ICMP".to_owned(),
            (Manner::Unmatched, _) => "✗ answered by RST: no such connection".to_owned(),
            (Manner::Cut(by), _) => format!("✗ RST {}", who(by)),
            (Manner::Late, next) => late(group, next),
            (Manner::Closed, _) => "✗ closed without an answer".to_owned(),
            (Manner::Error, _) => "✗ answered with an error".to_owned(),
        };
        format!("{packet}  {here} {became}")
    }
}

/// What became of a packet that got through late: where its first transmissions were lost,
/// if captures show it.
fn late(group: &Group, next: Option<&str>) -> String {
    let after = seconds(group.cost_ns);
    let repeated = matches!(group.packet, Packet::Syn | Packet::SynAck);
    let here = group.last.is_some_and(|last| last.host.is_some() && last.host == group.next);
    match next {
        Some(_) if here => format!("✗ not sent on at first; the client goes on after {after}"),
        Some(next) => {
            format!("✓ → {next} ✗ not all arrive there; the client goes on after {after}")
        }
        None if repeated => format!("✓ sent again; the client goes on after {after}"),
        None => format!("✓ {after} late"),
    }
}

fn label(packet: Packet) -> &'static str {
    match packet {
        Packet::Syn => "SYN",
        Packet::SynAck => "SYN-ACK",
        Packet::Ack => "ACK",
        Packet::Greeting => "greeting",
        Packet::Request => "request",
        Packet::Response => "response",
        Packet::Datagram => "datagram",
        Packet::HealthCheck => "health check",
    }
}

fn who(by: By) -> &'static str {
    match by {
        By::Client => "sent by the client's host",
        By::Server => "sent by the server's host",
        By::Between => "that the host in whose name it comes did not send",
        By::ClientsName => "in the client's name",
        By::ServersName => "in the server's name",
    }
}

fn seconds(ns: i64) -> String {
    if ns >= 1_000_000_000 {
        format!("{:.1} s", ns as f64 / 1e9)
    } else {
        format!("{} ms", ns / 1_000_000)
    }
}

/// A trait in a sentence with its counts.
fn told(group: &Group, apart: &breaks::Apart) -> Apart {
    let verb = if group.fate == Fate::Failed { "fail" } else { "suffer" };
    let (with, of) = apart.broken;
    let who = if with == of {
        if of == 1 { format!("the one that {verb}s") } else { format!("all {of} that {verb}") }
    } else {
        format!("{with} of {of} that {verb}")
    };
    let (well, of_well) = apart.well;
    let others = match (well, of_well) {
        (0, n) => format!("of {n} that do well, none"),
        (w, n) => format!("of {n} that do well, {w}"),
    };
    Apart {
        what: apart.what.name().to_owned(),
        value: apart.value.clone(),
        broken: with,
        of_broken: of,
        well,
        of_well,
        sentence: format!("{who} {}; {others}", has(apart)),
    }
}

fn has(apart: &breaks::Apart) -> String {
    let (value, yes) = (&apart.value, apart.value == "yes");
    let either = |a: &str, b: &str| if yes { a.to_owned() } else { b.to_owned() };
    match apart.what {
        Trait::RealServer => format!("are served by {value}"),
        Trait::ClientNetwork => format!("come from {value}"),
        Trait::PortUsedBefore => {
            either("use a client port used before", "use a client port not used before")
        }
        Trait::SegmentSize => format!("announce a maximum segment size of {value}"),
        Trait::Timestamps => either("have TCP timestamps", "have no TCP timestamps"),
        Trait::IpOptions => either("have IP options", "have no IP options"),
        Trait::Ecn => either("ask for ECN in their SYN", "do not ask for ECN in their SYN"),
        Trait::Ttl => format!("arrive with TTL {value}"),
        Trait::IncomingMac => format!("come from MAC {value}"),
        Trait::Interface => format!("pass interface {value}"),
        Trait::Vlan => format!("are in VLAN {value}"),
        Trait::LargeRequest => {
            either("send more than one segment holds", "send no more than one segment holds")
        }
        Trait::Idle => {
            either("were silent for half a minute or longer", "were never silent for half a minute")
        }
        Trait::Second => format!("begin in second {value} of a minute"),
        Trait::EveryNth => format!("are number {value} in order"),
    }
}
