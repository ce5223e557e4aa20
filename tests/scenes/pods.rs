//! What one node of a cluster shows by itself: packets that it keeps, sends on with the wrong
//! address, or takes for nobody's.

use crate::packet::Packet;
use crate::places::{CLIENT_IP, ROUTER_IN, Ways, at};
use crate::stage::{Nic, Stage};
use crate::talk::{OK, Rewrite, Step, Talk, rewritten, step};
use std::net::Ipv4Addr;

/// A node with its uplink and a veth to each of three pods.
const NODE: Nic = Nic::new("node", 0xa0);
const NODE_IP: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 31);
const VETH: [Nic; 3] = [NODE.second(0xa1), NODE.second(0xa2), NODE.second(0xa3)];
const POD: [Nic; 3] = [Nic::new("pod1", 0xb1), Nic::new("pod2", 0xb2), Nic::new("pod3", 0xb3)];
const POD_IP: [Ipv4Addr; 3] =
    [Ipv4Addr::new(10, 244, 1, 11), Ipv4Addr::new(10, 244, 1, 12), Ipv4Addr::new(10, 244, 1, 13)];
/// What stands outside of the cluster, on the node's own link.
pub const SERVER: Nic = Nic::new("server", 0xc1);
pub const SERVER_IP: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 90);
const SERVICE_IP: Ipv4Addr = Ipv4Addr::new(10, 96, 7, 9);
/// A source of Google Cloud's health checks.
pub const PROBER_IP: Ipv4Addr = Ipv4Addr::new(35, 191, 8, 77);

const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: app.example\r\n\r\n";

/// Straight from pod to pod through the node.
fn between(from: usize, to: usize) -> Ways {
    (
        vec![step(POD[from], VETH[from]), step(VETH[to], POD[to])],
        vec![step(POD[to], VETH[to]), step(VETH[from], POD[from])],
    )
}

/// From a pod to a service whose only server is another pod.
fn translated(from: usize, to: usize, port: u16) -> Ways {
    let (server, service) = (at(POD_IP[to], 8080), at(SERVICE_IP, port));
    (
        vec![step(POD[from], VETH[from]), rewritten(VETH[to], POD[to], Rewrite::Dst(server))],
        vec![
            rewritten(POD[to], VETH[to], Rewrite::Src(server)),
            rewritten(VETH[from], POD[from], Rewrite::Src(service)),
        ],
    )
}

/// A SYN and its repeats, which take the first steps of a way and are not answered.
pub fn in_vain(stage: &mut Stage, talk: &mut Talk, there: &[Step], steps: usize) {
    let begun = stage.now;
    for seconds in [0u64, 1, 3] {
        stage.now = begun + seconds * 1_000_000;
        let syn = talk.syn();
        stage.carry_part(there, &syn, steps);
        talk.client.clock = talk.client.clock.map(|c| c.wrapping_add(1000));
    }
    stage.wait_ms(700);
}

fn policy(drops: bool) -> Stage {
    let mut stage = Stage::default().any("node");
    for n in 0..3u16 {
        for caller in [0, 2] {
            let mut talk = Talk::new(at(POD_IP[caller], 44_000 + n * 7), at(POD_IP[1], 8080));
            let (there, back) = between(caller, 1);
            if drops && caller == 0 {
                in_vain(&mut stage, &mut talk, &there, 1);
            } else {
                talk.whole(&mut stage, &there, &back);
                stage.wait_ms(700);
            }
        }
    }
    stage
}

/// A policy of the called pod leaves one of two callers out: its SYNs do not leave the node.
pub fn policy_drops_one() -> Stage {
    policy(true)
}

/// It allows both.
pub fn policy_allows_both() -> Stage {
    policy(false)
}

fn outbound(masqueraded: bool) -> Stage {
    let mut stage = Stage::default().any("node");
    for n in 0..3u16 {
        let own = at(NODE_IP, 45_000 + n * 3);
        let server = at(SERVER_IP, 80);
        let ways = ([step(NODE, SERVER)], [step(SERVER, NODE)]);
        Talk::new(own, server).whole(&mut stage, &ways.0, &ways.1);
        stage.wait_ms(700);
        let pod = at(POD_IP[0], 38_900 + n * 2);
        let mut talk = Talk::new(pod, server);
        if masqueraded {
            let outside = at(NODE_IP, 60_100 + n);
            let there = [step(POD[0], VETH[0]), rewritten(NODE, SERVER, Rewrite::Src(outside))];
            let back = [
                rewritten(SERVER, NODE, Rewrite::Dst(outside)),
                rewritten(VETH[0], POD[0], Rewrite::Dst(pod)),
            ];
            talk.whole(&mut stage, &there, &back);
            stage.wait_ms(700);
        } else {
            in_vain(&mut stage, &mut talk, &[step(POD[0], VETH[0]), step(NODE, SERVER)], 2);
        }
    }
    stage
}

/// A pod's packets leave the node with the pod's address, to which nobody knows the way.
pub fn not_masqueraded() -> Stage {
    outbound(false)
}

/// They leave with the node's.
pub fn masqueraded() -> Stage {
    outbound(true)
}

fn early(untranslated: bool) -> Stage {
    let mut stage = Stage::default().any("node");
    if untranslated {
        // The default route of the node, with the node's own address as every packet's.
        let there =
            [step(POD[0], VETH[0]), rewritten(NODE, ROUTER_IN, Rewrite::Src(at(NODE_IP, 40_001)))];
        let mut talk = Talk::new(at(POD_IP[0], 40_001), at(SERVICE_IP, 5432));
        in_vain(&mut stage, &mut talk, &there, 2);
    }
    for n in 0..4u16 {
        let (there, back) = translated(0, 1, 5432);
        let mut talk = Talk::new(at(POD_IP[0], 40_010 + n * 2), at(SERVICE_IP, 5432));
        talk.whole(&mut stage, &there, &back);
        stage.wait_ms(900);
    }
    stage
}

/// A pod called its service before the node had a rule for it; later calls are translated.
pub fn called_before_the_rule() -> Stage {
    early(true)
}

/// All its calls are translated.
pub fn called_after_the_rule() -> Stage {
    early(false)
}

fn no_endpoints(rejected: bool) -> Stage {
    let mut stage = Stage::default().any("pod1");
    let gateway = Ipv4Addr::new(10, 244, 1, 1);
    for n in 0..4u16 {
        let mut talk = Talk::new(at(POD_IP[0], 45_000 + n * 3), at(SERVICE_IP, 80));
        let ways = ([step(POD[0], VETH[0])], [step(VETH[0], POD[0])]);
        if rejected {
            let syn = talk.syn();
            stage.carry(&ways.0, &syn);
            let told = Packet::icmp_about(gateway.into(), &syn, 3, 3, 0);
            stage.pass(VETH[0], POD[0], &told);
        } else {
            talk.whole(&mut stage, &ways.0, &ways.1);
        }
        stage.wait_ms(1200);
    }
    stage
}

/// A service has no endpoint: the node rejects what the pod asks of it, by ICMP.
pub fn service_without_endpoints() -> Stage {
    no_endpoints(true)
}

/// It has one.
pub fn service_with_endpoint() -> Stage {
    no_endpoints(false)
}

/// A pod calls the service that it serves itself.
fn calls_itself(masqueraded: bool) -> Stage {
    let mut stage = Stage::default().any("node");
    let (service, own) = (at(SERVICE_IP, 80), at(POD_IP[0], 8080));
    for n in 0..3u16 {
        let pod = at(POD_IP[0], 47_000 + n * 3);
        let mut talk = Talk::new(pod, service);
        if masqueraded {
            let node = at(Ipv4Addr::new(10, 244, 1, 1), 62_000 + n);
            let there =
                [step(POD[0], VETH[0]), rewritten(VETH[0], POD[0], Rewrite::Both(node, own))];
            let back = [
                rewritten(POD[0], VETH[0], Rewrite::Both(own, node)),
                rewritten(VETH[0], POD[0], Rewrite::Both(service, pod)),
            ];
            talk.whole(&mut stage, &there, &back);
        } else {
            let there = [step(POD[0], VETH[0]), rewritten(VETH[0], POD[0], Rewrite::Dst(own))];
            in_vain(&mut stage, &mut talk, &there, 2);
        }
        stage.wait_ms(600);
        let (there, back) = translated(1, 0, 80);
        Talk::new(at(POD_IP[1], 41_000 + n), service).whole(&mut stage, &there, &back);
        stage.wait_ms(600);
    }
    stage
}

/// The node sends its SYN back to it as it is.
pub fn hairpin_not_masqueraded() -> Stage {
    calls_itself(false)
}

/// The node puts its own address in.
pub fn hairpin_masqueraded() -> Stage {
    calls_itself(true)
}

/// Lines of a log that one client sends to a node's port, from one source port for ever.
fn log_lines(moved: bool) -> Stage {
    let mut stage = Stage::default().any("node");
    let node = at(NODE_IP, 30_514);
    let gateway = Ipv4Addr::new(10, 244, 1, 1);
    let sends = |stage: &mut Stage, port: u16, to: usize, gone: bool, n: u16| {
        let line = format!("<134>app: line {n:03}");
        let packet = Packet::udp(at(CLIENT_IP, port), node, line.as_bytes()).id(9000 + n);
        stage.pass(ROUTER_IN, NODE, &packet);
        if gone {
            stage.ask(VETH[to], gateway, POD_IP[to], &[VETH[to], POD[to]]);
        } else {
            let sent = packet.to(at(POD_IP[to], 5140));
            stage.pass(VETH[to], POD[to], &sent);
        }
    };
    for n in 0..24u16 {
        let gone = moved && n >= 8;
        sends(&mut stage, 40_514, 0, gone, n);
        stage.wait_ms(500);
        if n >= 10 && n % 2 == 0 {
            sends(&mut stage, 51_000 + n, if moved { 1 } else { 0 }, false, 100 + n);
        }
        stage.wait_ms(500);
    }
    stage
}

/// Its pod is gone, the entry of its port is not; new ports go to the new pod.
pub fn log_lines_to_old_pod() -> Stage {
    log_lines(true)
}

/// The pod is where it was.
pub fn log_lines_received() -> Stage {
    log_lines(false)
}

/// A call that a pod answers.
fn talks(stage: &mut Stage, pod: usize, port: u16) {
    let (there, back) = translated(2, pod, 80);
    let mut talk = Talk::new(at(POD_IP[2], port), at(SERVICE_IP, 80));
    talk.handshake(stage, &there, &back);
    talk.exchange(stage, (&there, &back), GET, OK);
    talk.close(stage, &there, &back);
    stage.wait_ms(300);
}

fn rollout(refuses: bool) -> Stage {
    let mut stage = Stage::default().any("node");
    for n in 0..8u16 {
        talks(&mut stage, 0, 43_000 + n * 2);
        if refuses && n >= 4 {
            let (there, back) = translated(2, 1, 80);
            let mut talk = Talk::new(at(POD_IP[2], 43_001 + n * 2), at(SERVICE_IP, 80));
            let syn = talk.syn();
            stage.carry(&there, &syn);
            let refusal = Talk::refusal_of(&syn);
            stage.carry(&back, &refusal);
            stage.wait_ms(300);
        } else {
            talks(&mut stage, 1, 43_001 + n * 2);
        }
    }
    stage
}

/// A pod that is about to end closes its port and still gets its share.
pub fn ending_pod_refuses() -> Stage {
    rollout(true)
}

/// The same of a pod whose MAC is made as container networks make them.
pub fn replaced_container() -> Stage {
    let nic = Nic { mac: [0x0a, 0x58, 10, 244, 1, 12], ..POD[1] };
    let named = |mut way: Vec<Step>| {
        for step in &mut way {
            for end in [&mut step.from, &mut step.to] {
                if end.mac == POD[1].mac {
                    *end = nic;
                }
            }
        }
        way
    };
    let mut stage = Stage::default().any("node");
    for n in 0..8u16 {
        talks(&mut stage, 0, 43_000 + n * 2);
        let (there, back) = translated(2, 1, 80);
        let (there, back) = (named(there), named(back));
        let mut talk = Talk::new(at(POD_IP[2], 43_001 + n * 2), at(SERVICE_IP, 80));
        if n < 4 {
            talk.whole(&mut stage, &there, &back);
        } else {
            let syn = talk.syn();
            stage.carry(&there, &syn);
            let refusal = Talk::refusal_of(&syn);
            stage.carry(&back, &refusal);
        }
        stage.wait_ms(300);
    }
    stage
}

/// It answers until it gets none.
pub fn ending_pod_answers() -> Stage {
    rollout(false)
}

/// A table without room: SYNs of any client are kept back now and then.
pub fn table_full_now_and_then() -> Stage {
    let mut stage = Stage::default().any("node");
    for n in 0..12u16 {
        let (there, back) = translated(usize::from(n % 2) * 2, 1, 80);
        let caller = POD_IP[usize::from(n % 2) * 2];
        let mut talk = Talk::new(at(caller, 46_000 + n * 3), at(SERVICE_IP, 80));
        if n % 3 == 0 {
            in_vain(&mut stage, &mut talk, &there, 1);
        } else {
            talk.whole(&mut stage, &there, &back);
            stage.wait_ms(300);
        }
    }
    stage
}

/// Calls of a server that is itself behind the balancer it calls; the caller's capture.
pub fn half_of_own_calls_in_vain() -> Stage {
    let mut stage = Stage::capturing(&["server"]);
    let ways = ([step(SERVER, ROUTER_IN)], [step(ROUTER_IN, SERVER)]);
    for n in 0..8u16 {
        let mut talk = Talk::new(at(SERVER_IP, 43_000 + n * 5), at(SERVICE_IP, 443));
        if n % 2 == 0 {
            in_vain(&mut stage, &mut talk, &ways.0, 1);
        } else {
            talk.whole(&mut stage, &ways.0, &ways.1);
        }
        stage.wait_ms(400);
        let client = at(Ipv4Addr::new(192, 0, 2, 20 + n as u8), 51_000);
        let served = ([step(ROUTER_IN, SERVER)], [step(SERVER, ROUTER_IN)]);
        Talk::new(client, at(SERVER_IP, 30_443)).whole(&mut stage, &served.0, &served.1);
        stage.wait_ms(400);
    }
    stage
}
