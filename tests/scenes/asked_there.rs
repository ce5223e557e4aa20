//! More of what a report asks somebody to look at: where the answer lies at the host that was captured, what
//! its own listing said, and where a command would mislead.

use crate::packet::{Body, Packet, SYN};
use crate::places::*;
use crate::stage::{Nic, Stage};
use crate::support::run::{Run, run_with};
use crate::talk::{Rewrite, Talk, Who, rewritten, step};
use crate::{candidates, diagnosed, ids, role_of};
use serde_json::Value;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const GET: &[u8] = b"GET /list HTTP/1.1\r\nHost: app.example\r\n\r\n";
/// The gateway of a cloud's network (Azure): one MAC for all that is not on this machine.
const AZURE: Nic = Nic { mac: [0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc], ..ROUTER_IN };
const VM: Nic = Nic::new("vm", 0x51);
const VM_IP: Ipv4Addr = Ipv4Addr::new(10, 1, 0, 7);

/// Hosts and commands of the checks of a finding.
fn checks(finding: &Value) -> Vec<(&str, &str)> {
    let all = finding["to_confirm"].as_array().unwrap().iter();
    all.map(|c| (c["host"].as_str().unwrap(), c["command"].as_str().unwrap())).collect()
}

#[track_caller]
fn only(finding: &Value, host: &str, commands: &[&str]) {
    let all = checks(finding);
    let [(at, asks)] = all[..] else { panic!("{all:?}") };
    assert!(at.contains(host), "{at}");
    for command in commands {
        assert!(asks.contains(command), "{command} in {asks}");
    }
    assert!(!asks.contains(".pcap"), "asks for what it has: {asks}");
}

/// What files of a folder are diagnosed as, those of hosts' own words beside captures.
fn read(files: &[(&str, Vec<u8>)]) -> (Value, String) {
    let folder = tempfile::tempdir().unwrap();
    let mut captures = Vec::new();
    let mut states = Vec::new();
    for (name, bytes) in files {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        if name.ends_with(".pcap") {
            captures.push(path.display().to_string());
        } else {
            states.push(path);
        }
    }
    let Run { report, text, .. } = run_with(&captures, lbdiag::state::read(&states).unwrap().hosts);
    (serde_json::to_value(&report).unwrap(), text)
}

/// A server's answer is too big for the way; the message comes in, and it may be heeded.
fn told_too_big(heeded: bool) -> Stage {
    let ip = |n: u16| Ipv6Addr::new(0x2001, 0xdb8, 0x80, 0, 0, 0, 0, n);
    let router: IpAddr = ip(1).into();
    let mut stage = Stage::capturing(&["rs1"]);
    let there = [step(CLIENT, ROUTER), step(ROUTER_IN, RS1)];
    let back = [step(RS1, ROUTER_IN), step(ROUTER, CLIENT)];
    for n in 0..4u16 {
        let client = Ipv6Addr::new(0x2001, 0xdb8, 9, 0, 0, 0, 0, 9);
        let mut talk = Talk::new(at(client, 46_500 + n), at(ip(0x10), 443));
        talk.handshake(&mut stage, &there, &back);
        stage.carry(&there, &talk.data(Who::Client, GET));
        let full = talk.data(Who::Server, &[0x2e; 1428]);
        for ms in [300, 700, 1500, 3000] {
            stage.carry_part(&back, &full, 1);
            let says = Packet::icmp_about(router, &full, 2, 0, 1400);
            stage.pass(ROUTER_IN, RS1, &says);
            if heeded {
                break;
            }
            stage.wait_ms(ms);
        }
        if heeded {
            stage.carry(&back, &cut(&full, 0, 1300));
            stage.carry(&back, &cut(&full, 1300, 1428));
            stage.carry(&there, &talk.ack(Who::Client));
            talk.close(&mut stage, &there, &back);
        }
        stage.wait_ms(500);
    }
    stage
}

/// The bytes of a segment from one to another.
fn cut(whole: &Packet, from: usize, to: usize) -> Packet {
    let mut cut = whole.clone();
    let Body::Tcp { seq, payload, .. } = &mut cut.body else { panic!("TCP") };
    *seq = seq.wrapping_add(from as u32);
    *payload = payload[from..to].to_vec();
    cut
}

#[test]
fn a_server_that_is_told_too_big_is_asked_why_it_does_not_heed_it() {
    let (report, text) = diagnosed(&told_too_big(false));
    let finding = &report["findings"][0];
    assert_eq!(finding["id"], "tun-mtu-blackhole", "{text}");
    let commands = ["ip -6 route get 2001:db8:9::9", "ip6tables-save -c"];
    only(finding, "2001:db8:80::10", &commands);
    let (report, text) = diagnosed(&told_too_big(true));
    assert!(ids(&report).iter().all(|id| *id != "request-unanswered"), "{text}");
    assert_ne!(report["verdict"]["status"], "failing", "{text}");
}

/// A balancer's checks come from an address that the node has, too, and nothing answers them.
#[test]
fn a_source_that_the_receiver_states_to_have_is_asked_for_there() {
    let mut stage = Stage::capturing(&["vm"]);
    let source = Ipv4Addr::new(10, 1, 8, 5);
    for n in 0..3u16 {
        let mut talk = Talk::new(at(source, 46_600 + n), at(VM_IP, 31_945));
        let syn = talk.syn();
        stage.sent_again(&syn, 3, |stage, syn| {
            stage.pass(ROUTER_IN, VM, syn);
        });
        stage.wait_ms(4000);
    }
    let said = |has: &str| {
        format!(
            "$ ip addr\n1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN group default\n    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00\n    inet 127.0.0.1/8 scope host lo\n2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc mq state UP group default\n    link/ether 52:54:00:5c:00:51 brd ff:ff:ff:ff:ff:ff\n    inet 10.1.0.7/24 scope global eth0\n3: kube-ipvs0: <BROADCAST,NOARP> mtu 1500 qdisc noop state DOWN group default\n    link/ether ea:11:22:33:44:55 brd ff:ff:ff:ff:ff:ff\n    inet {has}/32 scope global kube-ipvs0\n"
        )
    };
    let capture = stage.files().remove("vm.pcap").unwrap();
    let (report, text) =
        read(&[("vm.pcap", capture.clone()), ("vm.txt", said("10.1.8.5").into_bytes())]);
    let finding = &report["findings"][0];
    assert_eq!(finding["id"], "syn-unanswered", "{text}");
    assert_eq!(candidates(finding), ["healthcheck-source-blocked"], "{text}");
    only(finding, "", &["ip -br addr show to 10.1.8.5", "ip route get 10.1.8.5"]);
    let (report, text) = read(&[("vm.pcap", capture), ("vm.txt", said("10.96.0.1").into_bytes())]);
    assert!(!text.contains("has its source address itself"), "{text}");
    assert_ne!(report["verdict"]["status"], "healthy", "{text}");
}

/// What a server with two interfaces prints: SYNs by one, answers by the other.
fn two_interfaces(out: &str) -> String {
    let line = |s: u32, nic: &str, words: &str| format!("20:26:{s:02}.000000 {nic} IP {words}\n");
    let mut text = String::new();
    for n in 0..3u32 {
        let (port, begun) = (46_700 + n, 10 + 12 * n);
        let syn = format!(
            "198.51.100.9.{port} > 10.0.0.10.80: Flags [S], seq {}, win 64240, options [mss 1460], length 0",
            1000 * (n + 1)
        );
        let answer = format!(
            "10.0.0.10.80 > 198.51.100.9.{port}: Flags [S.], seq {}, ack {}, win 65160, options [mss 1460], length 0",
            7000 * (n + 1),
            1000 * (n + 1) + 1
        );
        for s in [0, 1, 3, 7] {
            text += &line(begun + s, "eth0  In ", &syn);
            text += &line(begun + s, &format!("{out}  Out"), &answer);
        }
    }
    text
}

#[test]
fn a_hosts_own_address_is_not_routed_as_if_it_came_in() {
    let (report, text) = read(&[("server.pcap", two_interfaces("eth1").into_bytes())]);
    let finding = &report["findings"][0];
    assert_eq!(finding["id"], "handshake-incomplete", "{text}");
    let all = checks(finding);
    let ask = all.iter().find(|(_, asks)| asks.contains("ip route get")).expect(&text);
    assert!(ask.1.contains("ip route get 198.51.100.9 from 10.0.0.10"), "{ask:?}");
    assert!(!ask.1.contains(" iif "), "{ask:?}");
    assert!(finding["candidates"].to_string().contains("another interface"), "{text}");
    let (report, text) = read(&[("server.pcap", two_interfaces("eth0").into_bytes())]);
    let offered = report["findings"][0]["candidates"].to_string();
    assert!(!offered.contains("another interface"), "{text}");
}

/// A machine of Azure calls the address of its balancer and is chosen itself; TTLs are its kernel's.
fn calls_itself(ttl: u8) -> Stage {
    let vip = Ipv4Addr::new(10, 1, 0, 100);
    let mut stage = Stage::capturing(&["vm"]);
    for n in 0..4u16 {
        let mut talk = Talk::new(at(VM_IP, 46_800 + n), at(vip, 80));
        let back = rewritten(AZURE, VM, Rewrite::Dst(at(VM_IP, 80)));
        let syn = talk.segment(Who::Client, SYN, b"").ttl(ttl);
        for (k, ms) in [(0u16, 3000), (1, 6000), (2, 1000)] {
            stage.carry(&[step(VM, AZURE), back], &syn.clone().id(syn.id + k));
            stage.wait_ms(ms);
        }
    }
    stage
}

#[test]
fn a_windows_machine_is_asked_for_nothing_that_only_linux_has() {
    let (report, text) = diagnosed(&calls_itself(128));
    let finding = &report["findings"][0];
    assert_eq!(finding["id"], "l4-self-access-hairpin", "{text}");
    let of_the_caller = checks(finding);
    let mut of_the_caller = of_the_caller.iter().filter(|(host, _)| host.contains("10.1.0.7"));
    assert!(of_the_caller.all(|(_, asks)| !asks.contains("-i any")), "{text}");
    let fix = finding["fix"].to_string();
    assert!(fix.contains("Azure has no such setting"), "{fix}");
    assert!(!fix.contains("sysctl"), "{fix}");
}

/// A node passes a client's connections on to a pod; what the pod answers comes back as it is, or as the
/// node's.
fn node_port(translates_back: bool) -> Stage {
    let (client, node) = (Ipv4Addr::new(192, 168, 8, 20), Ipv4Addr::new(192, 168, 8, 30));
    let pod = at(Ipv4Addr::new(10, 244, 2, 9), 8080);
    let mut stage = Stage::capturing(&["client"]);
    for n in 0..3u16 {
        let mut talk = Talk::new(at(client, 46_900 + n), at(node, 30_080));
        if translates_back {
            talk.whole(&mut stage, &[step(CLIENT, RS1)], &[step(RS1, CLIENT)]);
            continue;
        }
        let syn = talk.syn();
        talk.accept();
        let answer = talk.syn_ack().from(pod).ttl(62);
        for (k, ms) in [(0u16, 1000), (1, 2000), (2, 4000)] {
            stage.pass(CLIENT, RS1, &syn.clone().id(syn.id + k));
            stage.pass(RS1, CLIENT, &answer.clone().id(answer.id + k));
            stage.pass(CLIENT, RS1, &Talk::rst_for(&answer));
            stage.wait_ms(ms);
        }
    }
    stage
}

#[test]
fn a_pods_gateway_is_its_node_and_not_asked_for() {
    let (report, text) = diagnosed(&node_port(false));
    let finding = &report["findings"][0];
    assert_eq!(finding["id"], "nat-return-bypasses-director", "{text}");
    let all = checks(finding);
    assert!(!all.is_empty(), "{text}");
    for (host, asks) in all {
        assert!(!host.contains("10.244.2.9"), "{host}");
        assert!(!asks.contains("ip route get"), "{asks}");
    }
    let (report, text) = diagnosed(&node_port(true));
    assert!(ids(&report).is_empty(), "{text}");
}

/// Azure's checks come to a machine that refuses them at once: the machine answers, and the fabric asks.
#[test]
fn a_clouds_gateway_is_nobody_who_was_captured() {
    let mut stage = Stage::capturing(&["vm"]);
    let prober = Ipv4Addr::new(168, 63, 129, 16);
    for n in 0..8u16 {
        let mut talk = Talk::new(at(prober, 47_100 + n), at(VM_IP, 8080));
        let syn = talk.syn();
        stage.pass(AZURE, VM, &syn);
        stage.pass(VM, AZURE, &Talk::refusal_of(&syn).ttl(128));
        stage.wait_ms(5000);
    }
    let (report, text) = diagnosed(&stage);
    assert!(!text.contains("was taken on"), "{text}");
    assert_eq!(role_of(&report, "vm"), "server", "{text}");
    let finding = &report["findings"][0];
    assert_eq!(finding["id"], "health-check-failing", "{text}");
    only(finding, "10.1.0.7", &["ss -ltnp 'sport = :8080'"]);
}
