//! The words of breaks: the line of a group, what sets it apart, the whole in a sentence.
//!
//! Every output takes its words from here, so that two never differ.

use super::super::build::Builder;
use super::{Apart, Break};
use crate::breaks::apart::Trait;
use crate::breaks::{self, By, Fate, Group, Manner, Packet, Passage};
use crate::diagnose::words::{count, seconds};
use crate::trace::ConnectionId;

impl Break {
    /// `18 connections to 203.0.113.8:80 fail: SYN-ACK  rs1 out #31 ✓ → lb in ✗ (captured,
    /// not there)`.
    #[must_use]
    pub fn sentence(&self) -> String {
        let n = usize::try_from(self.connections).unwrap_or(usize::MAX);
        let whose = match self.packet == Packet::HealthCheck.name() {
            true => format!("{} of", count(n, "health check")),
            false => format!("{} to", count(n, "connection")),
        };
        format!("{whose} {} {}: {}", self.service, self.verb(), self.line)
    }

    /// What its connections do: `fail`, `fails`, `suffer`, `suffers`.
    #[must_use]
    pub fn verb(&self) -> &'static str {
        match (self.fate.as_str(), self.connections) {
            ("failed", 1) => "fails",
            ("failed", _) => "fail",
            (_, 1) => "suffers",
            _ => "suffer",
        }
    }
}

impl Builder<'_> {
    /// `SYN-ACK  web-2 out #31 ✓ → lb in ✗ (captured, not there)`.
    pub(in crate::report) fn break_line(&self, group: &Group) -> String {
        let packet = match group.manner {
            // The frame is the reset, which is none of the packets that a request is made of.
            Manner::Cut(_) if group.packet != Packet::HealthCheck => "connection",
            Manner::Torn => "response",
            _ => label(group.packet),
        };
        let Some(last) = &group.last else {
            return format!("{packet}  in no capture");
        };
        if let Some(behind) = group.behind {
            let opened = Group {
                packet: behind.packet,
                manner: behind.manner,
                last: Some(behind.last),
                next: behind.last.to,
                behind: None,
                // They are the clients', which it was not of.
                connections: Vec::new(),
                ..group.clone()
            };
            return format!("{}, behind the proxy", self.break_line(&opened));
        }
        let place = self.place(last);
        let here = match last.passage {
            Passage::Passing => format!("{} #{}", place.vantage, place.frame),
            _ => format!("{} {} #{}", place.vantage, place.direction, place.frame),
        };
        let captured = group.next.and_then(|host| self.names.capture_of(host));
        let next =
            group.next.map(|host| captured.map_or_else(|| self.names.host(host), str::to_owned));
        let stays = last.host.is_some() && last.host == group.next;
        let became = match (group.manner, next.as_deref()) {
            (Manner::LostBetween, _) if stays => "✗ (not sent on)".to_owned(),
            (Manner::LostBetween, Some(next)) => {
                format!("✓ → {next} in ✗ (captured, not there)")
            }
            (Manner::LostBetween, None) => "✓ → ✗ (captured further on, not there)".to_owned(),
            (Manner::UnseenBeyond, Some(next)) if captured.is_some() => {
                format!("✓ → {next} ? (not in that capture)")
            }
            (Manner::Swallowed, _) if self.met_older(group) => {
                "✗ answered by an ACK of an older connection".to_owned()
            }
            (Manner::UnseenBeyond, Some(next)) if self.may_be_there(group) => {
                format!("✓ → {next} ? (nothing shows whether it arrived)")
            }
            (Manner::UnseenBeyond, Some(next)) => format!("✓ → {next} ? (not captured there)"),
            (Manner::UnseenBeyond, None) if last.passage == Passage::In => {
                "✓ ? (no answer in this capture)".to_owned()
            }
            (Manner::UnseenBeyond, None) => "✓ → ? (nothing further on was captured)".to_owned(),
            (Manner::Swallowed, _) => {
                "✗ (no answer to it, and not sent on, in this capture)".to_owned()
            }
            (Manner::Looped, _) => "✗ goes round: passes here again and again".to_owned(),
            (Manner::Refused, _) => "✗ refused by RST".to_owned(),
            (Manner::Rejected, _) => "✗ rejected by ICMP".to_owned(),
            (Manner::Unmatched, _) => "✗ answered by RST: no such connection".to_owned(),
            (Manner::Cut(by), _) => format!("✗ RST {}", who(by, last.passage)),
            (Manner::Late, _) if self.met_older(group) => format!(
                "✗ answered by an ACK of an older connection; the client goes on after {}",
                seconds(group.cost_ns)
            ),
            (Manner::Late, None) if self.asked_once(group) => {
                format!("✓ answered late; the client goes on after {}", seconds(group.cost_ns))
            }
            (Manner::Late, next) => late(group, next),
            (Manner::Closed, _) if group.packet == Packet::Response => {
                "✗ closed before all of it had come".to_owned()
            }
            (Manner::Closed, _) if group.packet == Packet::Greeting => {
                "✗ closed before the client had said a word".to_owned()
            }
            (Manner::Closed, _) => "✗ closed without an answer".to_owned(),
            (Manner::Error, _) => "✗ answered with an error".to_owned(),
            (Manner::Torn, _) => "✗ its first fragment alone".to_owned(),
            (Manner::Split, _) => "✗ a later fragment: only first ones go on".to_owned(),
            (Manner::OwnSource, next) => {
                format!("✗ {} has its source address itself", next.unwrap_or("its receiver"))
            }
            (Manner::Unresolved, _) => {
                "✗ not sent: its host seeks the next hop by ARP, and nobody answers".to_owned()
            }
            (Manner::Astray, _) if self.met_another_port(group) => {
                "✗ answered to another port than it came from".to_owned()
            }
            (Manner::Astray, _) => "✗ answered from elsewhere than it was sent".to_owned(),
        };
        format!("{packet}  {here} {became}")
    }
}

impl Builder<'_> {
    /// Where one connection broke, by its own frame: its break line, and the break's number.
    pub(in crate::report) fn own_break(&self, id: ConnectionId) -> Option<String> {
        let (own, at) = (self.breaks.broken(id)?, self.breaks.group_of(id)?);
        let of = self.breaks.group(at);
        let alone = Group {
            service: of.service,
            packet: own.packet,
            manner: own.manner,
            fate: of.fate,
            last: own.last,
            next: own.next,
            behind: own.behind,
            connections: vec![id],
            cost_ns: own.cost_ns,
            apart: Vec::new(),
        };
        Some(format!("{} (break {})", self.break_line(&alone), at.0 + 1))
    }

    /// What sets the connections that broke like one apart.
    pub(in crate::report) fn own_apart(&self, id: ConnectionId) -> Vec<String> {
        let group = self.breaks.group_of(id).map(|at| self.breaks.group(at));
        let of = |group: &Group| group.apart.iter().map(|a| told(group, a).sentence).collect();
        group.map_or_else(Vec::new, of)
    }
}

impl Builder<'_> {
    /// Whether the capture that shows the packet may have been taken on its receiver.
    fn may_be_there(&self, group: &Group) -> bool {
        let macs = group.next.map(|host| &self.trace.topology.hosts.get(host).macs);
        group.last.filter(|last| last.passage == Passage::Passing).zip(macs).is_some_and(
            |(last, macs)| {
                let own = &self.trace.vantages[last.at.vantage.index()].own;
                own.macs.is_empty() && own.between.iter().any(|mac| macs.contains(mac))
            },
        )
    }

    /// Whether who was asked answered, and to another port than asked.
    fn met_another_port(&self, group: &Group) -> bool {
        let answered = group.connections.first().and_then(|id| {
            let answer = self.trace.topology.astray.get(&id.0)?;
            Some((*id, ConnectionId(*answer)))
        });
        answered.is_some_and(|(asked, answer)| {
            let server = self.trace.connection(asked).front.server;
            let there = self.trace.connection(answer).front;
            there.client == server || there.server == server
        })
    }

    /// Whether a SYN was sent once, and answered late.
    fn asked_once(&self, group: &Group) -> bool {
        let once = |id: &ConnectionId| self.trace.connection(*id).progress.syns <= 1;
        group.packet == Packet::Syn && group.connections.first().is_some_and(once)
    }

    /// Whether the first answer to a SYN was no SYN-ACK, where the SYN was last seen.
    fn met_older(&self, group: &Group) -> bool {
        let at = group.last.filter(|_| group.packet == Packet::Syn).map(|last| last.at.vantage);
        group.connections.first().is_some_and(|id| {
            let mut legs = self.trace.legs(*id).iter().filter(|leg| Some(leg.vantage) == at);
            legs.any(|leg| {
                let back = self.trace.reply(leg);
                let before = !back.syn.is_set() || back.ack.frame() < back.syn.frame();
                back.ack.is_set() && before
            })
        })
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

/// A packet as people write it.
pub(in crate::report) fn label(packet: Packet) -> &'static str {
    match packet {
        Packet::Syn => "SYN",
        Packet::SynAck => "SYN-ACK",
        Packet::Ack => "ACK",
        Packet::Greeting => "greeting",
        Packet::Request => "request",
        Packet::Response => "response",
        Packet::Datagram => "datagram",
        Packet::ServerDatagram => "server's datagram",
        Packet::HealthCheck => "health check",
    }
}

fn who(by: By, passage: Passage) -> &'static str {
    match by {
        // A director, or another server, may answer in the name of the one that was asked.
        By::Client | By::Server if matches!(passage, Passage::Out | Passage::Loopback) => {
            "that leaves here"
        }
        By::Client => "sent by the client's host",
        By::Server => "sent in the server's name",
        By::Between => "that its sender's capture does not show in this connection",
        By::ClientsName => "in the client's name",
        By::ServersName => "in the server's name",
    }
}

/// A trait in a sentence with its counts.
pub(super) fn told(group: &Group, apart: &breaks::Apart) -> Apart {
    let verb = if group.fate == Fate::Failed { "fail" } else { "suffer" };
    let (with, of) = apart.broken;
    let who = match (with, of) {
        (1, 1) => format!("the one that {verb}s"),
        (with, of) if with == of => format!("all {of} that {verb}"),
        (with, of) => format!("{with} of {of} that {verb}"),
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
        sentence: format!("{who} {}; {others}", has(apart, with == 1)),
    }
}

/// What one or several have: "uses a client port used before", "are served by 10.0.0.12".
fn has(apart: &breaks::Apart, one: bool) -> String {
    let value = &apart.value;
    let yes = value == "yes";
    let (be, s) = if one { ("is", "s") } else { ("are", "") };
    let have = if one { "has" } else { "have" };
    let no = |what: &str| format!("{have} {}{what}", if yes { "" } else { "no " });
    match apart.what {
        Trait::RealServer => format!("{be} served by {value}"),
        Trait::ClientNetwork => format!("come{s} from {value}"),
        Trait::Client => format!("come{s} from {value}"),
        Trait::ClientPort => format!("{have} a client port {value}"),
        Trait::StoodBefore if yes => {
            format!("{have} been answered until one moment, and no more from then on")
        }
        Trait::StoodBefore => "began after those had lost their answers".to_owned(),
        Trait::PortUsedBefore => {
            format!("use{s} a client port {}used before", if yes { "" } else { "not " })
        }
        Trait::LocalAddress => format!("{be} sent on from {value}"),
        Trait::NextMac => format!("{be} sent to MAC {value}"),
        Trait::SegmentSize => format!("announce{s} a maximum segment size of {value}"),
        Trait::Timestamps => no("TCP timestamps"),
        Trait::OlderTimestamp => {
            let older = if yes { "an older" } else { "no older" };
            format!("{have} {older} TCP timestamp than their address sent before")
        }
        Trait::IpOptions => no("IP options"),
        Trait::Ecn if yes => format!("ask{s} for ECN in the SYN"),
        Trait::Ecn => format!("{} not ask for ECN in the SYN", if one { "does" } else { "do" }),
        Trait::SynData if yes => {
            format!("carr{} data in the SYN (TCP Fast Open)", if one { "ies" } else { "y" })
        }
        Trait::SynData => format!("carr{} no data in the SYN", if one { "ies" } else { "y" }),
        Trait::Dscp => format!("{have} DSCP {value} in the SYN"),
        Trait::DontFragment if yes => format!("set{s} DF in the SYN"),
        Trait::DontFragment => format!("leave{s} DF unset in the SYN"),
        Trait::TunnelOptions => {
            format!("arrive{s} in a tunnel {} options", if yes { "with" } else { "without" })
        }
        Trait::Ttl => format!("arrive{s} with TTL {value}"),
        Trait::IncomingMac => format!("come{s} from MAC {value}"),
        Trait::Interface => format!("pass{} interface {value}", if one { "es" } else { "" }),
        Trait::AnsweringInterface => format!("{be} answered by interface {value}"),
        Trait::Vlan => format!("{be} in VLAN {value}"),
        Trait::LargeRequest => {
            format!("send{s} {} than one segment holds", if yes { "more" } else { "no more" })
        }
        Trait::HalfClosed if yes => {
            format!(
                "end{s} {} own side as soon as {} asked",
                if one { "its" } else { "their" },
                if one { "it has" } else { "they have" }
            )
        }
        Trait::HalfClosed => {
            format!("leave{s} {} own side open", if one { "its" } else { "their" })
        }
        Trait::ServerName => format!("name{s} the server {value}"),
        Trait::Method => format!("begin{s} with {value}"),
        Trait::TlsVersion => format!("offer{s} {value} at most"),
        Trait::Idle => {
            let were = if one { "was" } else { "were" };
            let silent = if yes {
                "silent for half a minute or longer"
            } else {
                "never silent for half a minute"
            };
            format!("{were} {silent}")
        }
        Trait::Began => format!("began {value}"),
        Trait::Second => format!("begin{s} in second {value} of a minute"),
        Trait::EveryNth => format!("{be} number {value} in order"),
    }
}
