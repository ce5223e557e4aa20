//! Packets that take another way than they should.

pub mod bgp_anycast_flap;
pub mod client_on_director;
pub mod control_channel_address;
pub(in crate::diagnose) mod denied;
pub mod director_bypassed;
pub mod director_ping_pong;
pub mod dr_reply_via_director;
pub mod dsr_rst_from_rip;
pub mod ecmp_rehash_wrong_server;
pub mod fake_load_balancing;
pub mod l4_self_access_hairpin;
pub(in crate::diagnose) mod moved_at_once;
mod named_contact;
mod named_media;
pub mod nat_director_not_forwarding;
pub mod nat_return_bypasses_director;
pub mod nat_same_subnet_client;
pub(in crate::diagnose) mod other_port;
mod passive_ftp;
mod refused_in_own_name;
mod sent_back;
mod sent_on;
pub mod stateful_device_half_path;
mod told_shorter;
pub mod tproxy_return_bypass;
pub mod udp_reply_from_rip;

use super::needs_mode;
use crate::diagnose::symptom::asymmetric_return_path as symptom;
use crate::diagnose::words::commands::{kernel, step, sysctl};
use crate::diagnose::words::{arrow, arrow_back};
use crate::diagnose::{Detection, Facts, Finding, Proof};
use crate::topology::Mode;
use crate::trace::{ConnectionId, Trace};

/// What the look was worth where nothing was found.
fn unseen_returns(facts: &Facts) -> Detection {
    if let Some(other) = needs_mode(facts, &[Mode::Nat]) {
        return other;
    }
    match symptom::blind(facts) {
        Some(why) => Detection::Unchecked(why),
        None => Detection::Clean,
    }
}

/// What becomes of an answer from an address that the client never called: that its kernel
/// resets it is said where a frame shows it.
fn unexpected(trace: &Trace, ids: &[ConnectionId]) -> &'static str {
    let reset = |id: &ConnectionId| trace.back_legs(*id).any(|leg| trace.forward(leg).rst.is_set());
    if ids.iter().any(reset) { "and resets it" } else { "and can do nothing with it" }
}

/// The story of one connection: asked, translated, answered past the director,
/// reset.
fn proofs_around(trace: &Trace, id: ConnectionId) -> Vec<Proof> {
    let connection = trace.connection(id);
    let (front, Some(back)) = (connection.front, connection.back) else { return Vec::new() };
    let mut proofs = Vec::new();
    if let Some(leg) =
        trace.legs(id).iter().find(|leg| leg.tuple == 0 && trace.forward(leg).opened())
    {
        proofs.extend(trace.proof(leg, trace.forward(leg).syn, format!("{}  SYN", arrow(&front))));
    }
    if let Some(leg) = trace.back_legs(id).find(|leg| trace.forward(leg).opened()) {
        let note = format!("{}  the same SYN, destination rewritten", arrow(&back));
        proofs.extend(trace.proof(leg, trace.forward(leg).syn, note));
    }
    let server = trace.server(id).and_then(|s| s.host);
    let at_server =
        |leg: &&crate::correlate::Leg| trace.host_of(leg).is_some() && trace.host_of(leg) == server;
    let director = |mac| trace.host_by_mac(mac).is_some_and(|h| trace.service(id).is_director(h));
    // The answer leaves the real server before it reaches the client.
    let mut answers: Vec<_> = trace.back_legs(id).filter(|leg| trace.reply(leg).seen()).collect();
    answers.sort_by_key(|leg| !at_server(leg));
    for leg in answers {
        let note = if at_server(&leg) {
            let to = trace.vantage(leg).first_hop(trace.reply(leg)).and_then(|h| h.link.dst);
            match to.filter(|mac| !director(Some(*mac))) {
                Some(mac) => format!("{}  SYN-ACK, to {mac}, not the director", arrow_back(&back)),
                None => format!("{}  SYN-ACK leaves the real server", arrow_back(&back)),
            }
        } else {
            format!("{}  SYN-ACK, not translated back", arrow_back(&back))
        };
        proofs.extend(trace.proof(leg, trace.reply(leg).first, note));
    }
    if let Some(leg) = trace.back_legs(id).find(|leg| trace.forward(leg).rst.is_set()) {
        let note = format!("{}  RST, no socket expects it", arrow(&back));
        proofs.extend(trace.proof(leg, trace.forward(leg).rst, note));
    }
    proofs
}

/// Advice where the host that translates sees the answers pass: pods and containers of one node
/// hang on a bridge, and netfilter sees bridged frames only if it is told to
/// (Documentation/networking/ip-sysctl.rst, bridge-nf-call-iptables).
fn bridged(finding: &mut Finding, host: &str) {
    finding.confirm(
        host.to_owned(),
        "sysctl net.bridge.bridge-nf-call-iptables; bridge link",
        "0, or no such key, and client and real server on one bridge of this host: their frames pass its rules by",
    );
    let on = sysctl::step(&[("net.bridge.bridge-nf-call-iptables", "1", "0")]);
    let [look, load] = kernel::load(&["br_netfilter"]);
    let fix = step::disruptive(host, [look, load, on]);
    finding.fixes.push(if finding.fixes.is_empty() { fix } else { fix.or() });
}
