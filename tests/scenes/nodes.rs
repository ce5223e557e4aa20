//! A balancer before the nodes of a cluster: it rewrites the destination to a node's
//! port, and a node with a pod of the service rewrites it again (kube-proxy with
//! `externalTrafficPolicy: Local`, client addresses kept).

use crate::places::*;
use crate::stage::{LINK_US, Nic, Stage};
use crate::talk::{Rewrite, Step, Talk, rewritten, step};
use std::net::Ipv4Addr;

/// A node's interface towards its pod, and the pod.
const NODE1_POD: Nic = RS1.second(0x61);
const NODE2_POD: Nic = RS2.second(0x62);
const POD1: Nic = Nic::new("pod1", 0x71);
const POD2: Nic = Nic::new("pod2", 0x72);
const POD1_IP: Ipv4Addr = Ipv4Addr::new(10, 244, 1, 17);
const POD2_IP: Ipv4Addr = Ipv4Addr::new(10, 244, 2, 23);
const NODE_PORT: u16 = 31_080;
const HEALTH_PORT: u16 = 32_456;

struct Node {
    nic: Nic,
    ip: Ipv4Addr,
    inner: Nic,
    pod: Nic,
    pod_ip: Ipv4Addr,
}

const NODES: [Node; 2] = [
    Node { nic: RS1, ip: NAT_RS1_IP, inner: NODE1_POD, pod: POD1, pod_ip: POD1_IP },
    Node { nic: RS2, ip: NAT_RS2_IP, inner: NODE2_POD, pod: POD2, pod_ip: POD2_IP },
];

impl Node {
    fn ways(&self) -> Ways {
        let there = vec![
            step(CLIENT, ROUTER),
            step(ROUTER_IN, DIRECTOR),
            rewritten(DIRECTOR_IN, self.nic, Rewrite::Dst(at(self.ip, NODE_PORT))),
            rewritten(self.inner, self.pod, Rewrite::Dst(at(self.pod_ip, 8080))),
        ];
        let back = vec![
            rewritten(self.pod, self.inner, Rewrite::Src(at(self.pod_ip, 8080))),
            rewritten(self.nic, DIRECTOR_IN, Rewrite::Src(at(self.ip, NODE_PORT))),
            rewritten(DIRECTOR, ROUTER_IN, Rewrite::Src(at(VIP, 80))),
            step(ROUTER, CLIENT),
        ];
        (there, back)
    }

    /// The balancer asks the health port, and the node says how many pods it has.
    fn health(&self, stage: &mut Stage, port: u16, pods: u16) {
        let ways: (Vec<Step>, Vec<Step>) =
            (vec![step(DIRECTOR_IN, self.nic)], vec![step(self.nic, DIRECTOR_IN)]);
        let mut talk = Talk::new(at(DIRECTOR_IN_IP, port), at(self.ip, HEALTH_PORT));
        talk.handshake(stage, &ways.0, &ways.1);
        let status = if pods == 0 { "503 Service Unavailable" } else { "200 OK" };
        let body = format!(
            "{{\n\t\"service\": {{\n\t\t\"namespace\": \"default\",\n\t\t\"name\": \"web\"\n\t}},\n\t\"localEndpoints\": {pods},\n\t\"serviceProxyHealthy\": true\n}}"
        );
        let answer = format!(
            "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nX-Content-Type-Options: nosniff\r\nX-Load-Balancing-Endpoint-Weight: {pods}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let ask = format!(
            "GET /healthz HTTP/1.1\r\nHost: {}:{HEALTH_PORT}\r\nUser-Agent: lb-probe\r\n\r\n",
            self.ip
        );
        talk.exchange(stage, (&ways.0, &ways.1), ask.as_bytes(), answer.as_bytes());
        talk.close(stage, &ways.0, &ways.1);
    }
}

fn stage() -> Stage {
    let mut stage = Stage::capturing(&["client"]).any("director").any("rs1").any("rs2");
    resolved_nat(&mut stage);
    for (n, node) in NODES.iter().enumerate() {
        let (link, gateway) = ([node.inner, node.pod], Ipv4Addr::new(10, 244, 1 + n as u8, 1));
        stage.resolve((node.inner, gateway), (node.pod, node.pod_ip), &link);
    }
    stage
}

/// A world of eight connections; the first `empty` nodes have no pod.
fn play(empty: usize, checked: bool) -> Stage {
    let mut stage = stage();
    for n in 0..8u16 {
        if checked && n % 2 == 0 {
            for (i, node) in NODES.iter().enumerate() {
                node.health(&mut stage, 50_000 + n * 2 + i as u16, u16::from(i >= empty));
                stage.wait_ms(20);
            }
        }
        let at_node = usize::from(n % 2);
        let (there, back) = NODES[at_node].ways();
        let mut talk = Talk::new(at(CLIENT_IP, 48_000 + n), at(VIP, 80));
        if at_node >= empty {
            talk.whole(&mut stage, &there, &back);
            stage.wait_ms(400);
            continue;
        }
        // The node drops it: nothing is sent on, and nothing is answered.
        let begun = stage.now;
        for (i, second) in [0u64, 1, 3].into_iter().enumerate() {
            stage.now = begun + second * 1_000_000 + i as u64 * 4 * LINK_US;
            let syn = talk.syn();
            stage.carry_part(&there, &syn, 3);
            talk.client.clock =
                talk.client.clock.map(|c| c.wrapping_add(1000 * (second as u32 + 1)));
        }
        stage.wait_ms(700);
    }
    stage
}

/// The first node has no pod, says so on its health port, and gets connections.
pub fn no_local_endpoint() -> Stage {
    play(1, true)
}

/// The same, and nobody asks the health port.
pub fn unchecked() -> Stage {
    play(1, false)
}

/// Both have one.
pub fn healthy() -> Stage {
    play(0, true)
}
