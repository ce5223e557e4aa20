//! Samples that no kernel at hand shows, written by hand: each scene says packet by
//! packet what its hosts do, and the captures in `samples/` are what it writes.
//!
//! After a change to a scene, `LBDIAG_WRITE_SAMPLES=1 cargo test --test scenes` writes
//! its captures anew; then read the difference in what lbdiag says of them.

#![allow(dead_code, clippy::unwrap_used, reason = "each scene uses a part of the stage")]

#[path = "../support/mod.rs"]
mod support;

mod address_twice;
mod advised;
mod anycast;
mod asked;
mod asked_there;
mod associations;
mod bare_resets;
mod by_half;
mod checked;
mod cloud_checks;
mod clusters;
mod control;
mod cut_short;
mod cut_together;
mod dead_pool;
mod dead_pool_tests;
mod director_ends;
mod disowned;
mod dns;
mod doubted;
mod drawn;
mod fabric_drawn;
mod firewalled;
mod given_up;
mod greeting;
mod hosts;
mod in_flight;
mod kept;
mod leases;
mod let_in;
mod lone_acks;
mod lost_paths;
mod masters;
mod masters_tests;
mod moved_on;
mod named;
mod never_came;
mod nodes;
mod notes;
mod offered;
mod one_host;
mod one_sided;
mod other_names;
mod overlays;
mod overlays_told;
mod oversize;
mod own_calls;
mod own_names;
mod packet;
mod parts;
mod persistent;
mod places;
mod pods;
mod pools;
mod proxied;
mod quiet_ends;
mod redirected;
mod refusals;
mod refusals_tests;
mod refused_all;
mod restarted;
mod reuse;
mod rewritten;
mod rewritten_tests;
mod sacked;
mod said_no;
mod scanned;
mod sealed;
mod sessions;
mod set_apart;
mod signed;
mod silent_servers;
mod situations;
mod situations_told;
mod stage;
mod stamps;
mod standby;
mod strange_answers;
mod synproxy;
mod talk;
mod tls;
mod toa;
mod told_first;
mod told_here;
mod told_size;
mod took_over;
mod transport;
mod transport_tests;
mod tried;
mod tried_tests;
mod trunk;
mod turned_away;
mod two_interfaces;
mod two_owners;
mod unfinished;
mod virtual_macs;

use places::*;
use stage::Stage;
use std::path::Path;

/// What makes the captures of one sample.
struct Scene {
    /// The sample's folder in `samples/`.
    name: &'static str,
    play: fn() -> Stage,
}

/// Every scene.
const SCENES: &[Scene] = &[
    Scene { name: "dr-windows-strong-host", play: lost_paths::windows_strong_host },
    Scene { name: "dr-half-path-director", play: lost_paths::half_path_at_director },
    Scene { name: "healthy-l7-idle-and-ping", play: notes::idle_and_ping },
    Scene { name: "ip-option-drop-meanwhile", play: lost_paths::options_dropped },
    Scene { name: "nat-used-port-syn-dropped", play: reuse::first_syn_dropped },
    Scene { name: "nat-used-ports-one-syn-lost", play: reuse::healthy },
    Scene { name: "vlan-mismatch", play: trunk::mismatch },
    Scene { name: "vrrp-flapping", play: masters::flapping },
    Scene { name: "healthy-nat-trunk", play: trunk::on_a_stick },
    Scene { name: "fullnat-double-reset", play: director_ends::double_reset },
    Scene { name: "nat-director-merges-segments", play: oversize::merged_on_receive },
    Scene { name: "nat-dns-pair-loses-one", play: dns::one_of_two_lost },
    Scene { name: "healthy-nat-dns-pairs", play: dns::pairs_answered },
    Scene { name: "nat-dns-aaaa-ignored", play: dns::aaaa_ignored },
    Scene { name: "nat-dns-questions-lost", play: dns::lost_on_the_way },
    Scene { name: "node-without-endpoint", play: nodes::no_local_endpoint },
    Scene { name: "node-without-endpoint-unchecked", play: nodes::unchecked },
    Scene { name: "healthy-nat-nodes", play: nodes::healthy },
    Scene { name: "anycast-session-flaps", play: anycast::session_flaps },
    Scene { name: "anycast-flaps-at-client", play: anycast::flaps_at_client },
    Scene { name: "anycast-one-failover", play: anycast::one_failover },
    Scene { name: "healthy-anycast-spread", play: anycast::spread },
    Scene { name: "nat-tw-recycle-timestamps", play: stamps::recycled },
    Scene { name: "healthy-nat-mixed-timestamps", play: stamps::mixed },
    Scene { name: "nat-accept-queue-mixed-timestamps", play: stamps::queue_full },
    Scene { name: "fullnat-toa-header-full", play: toa::header_full },
    Scene { name: "fullnat-toa-packet-full", play: toa::packet_full },
    Scene { name: "fullnat-toa-forged", play: toa::forged },
    Scene { name: "fullnat-toa-too-long", play: toa::too_long },
    Scene { name: "healthy-fullnat-toa", play: toa::healthy },
    Scene { name: "healthy-nat-synproxy", play: synproxy::healthy },
    Scene { name: "healthy-fullnat-synproxy", play: synproxy::healthy_fullnat },
    Scene { name: "nat-synproxy-rs-refuses", play: synproxy::refused },
    Scene { name: "nat-synproxy-rs-silent", play: synproxy::silent },
    Scene { name: "nat-synproxy-cookie-fails", play: synproxy::cookie_fails },
    Scene { name: "synproxy-window-never-opens", play: synproxy::never_opened },
    Scene { name: "dr-synproxy", play: synproxy::direct },
    Scene { name: "nat-health-check-reset", play: silent_servers::checks_reset },
    Scene { name: "nat-smtp-no-greeting", play: silent_servers::no_greeting },
    Scene { name: "nat-udp-one-rs-silent", play: silent_servers::datagrams_unanswered },
    Scene { name: "nat-defer-accept-smtp", play: greeting::deferred },
    Scene { name: "healthy-nat-defer-accept", play: greeting::ahead_of_need },
    Scene { name: "node-policy-drops-one", play: pods::policy_drops_one },
    Scene { name: "healthy-node-forwards-all", play: pods::policy_allows_both },
    Scene { name: "node-not-masqueraded", play: pods::not_masqueraded },
    Scene { name: "node-untranslated-by-old-entry", play: pods::called_before_the_rule },
    Scene { name: "l7-no-server-up", play: pools::nobody_passes },
    Scene { name: "healthy-l7-all-servers-up", play: pools::all_pass },
    Scene { name: "l7-backend-silent", play: tried::redispatched },
    Scene { name: "healthy-l7-syn-answered-at-repeat", play: tried::answered_at_the_repeat },
    Scene { name: "l7-backend-tls-refused", play: sealed::proxy_to_a_plain_server },
    Scene { name: "nat-ftp-names-real-server", play: control::names_the_real_server },
    Scene { name: "healthy-nat-ftp", play: control::names_the_service },
    Scene { name: "nat-tls-one-rs-refuses", play: tls::one_refuses },
    Scene { name: "healthy-nat-tls", play: tls::agreed },
    Scene { name: "nat-http2-one-rs-refuses", play: transport::http2_refused },
    Scene { name: "virtual-mac-not-let-out", play: virtual_macs::not_let_out },
    Scene { name: "healthy-dr-virtual-mac", play: virtual_macs::let_out },
    Scene { name: "nat-postgres-one-rs-full", play: refusals::postgres_full },
    Scene { name: "server-mss-raised-on-the-way", play: rewritten::mss_raised },
    Scene { name: "bgp-md5-one-side", play: signed::one_side },
    Scene { name: "sack-not-translated", play: sacked::not_translated },
];

/// The usual places without a fault are seen as what they are, in every mode.
#[test]
fn places_are_healthy() {
    let service = at(VIP, 80);
    let (rs1, rs2) = (at(NAT_RS1_IP, 8080), at(NAT_RS2_IP, 8080));
    let client = |n: u16| at(CLIENT_IP, 40_000 + n);
    let local = |n: u16| at(DIRECTOR_IN_IP, 20_000 + n);
    type Chosen<'a> = Box<dyn Fn(u16) -> Ways + 'a>;
    let modes: [(&str, Chosen<'_>); 4] = [
        ("dr", Box::new(|n| dr([RS1, RS2][usize::from(n % 2)]))),
        (
            "tun",
            Box::new(|n| tun([RS1, RS2][usize::from(n % 2)], [RS1_IP, RS2_IP][usize::from(n % 2)])),
        ),
        (
            "nat",
            Box::new(|n| {
                nat([RS1, RS2][usize::from(n % 2)], [rs1, rs2][usize::from(n % 2)], service)
            }),
        ),
        (
            "fullnat",
            Box::new(|n| {
                let rs = usize::from(n % 2);
                fullnat([RS1, RS2][rs], [rs1, rs2][rs], service, local(n), client(n))
            }),
        ),
    ];
    for (mode, ways) in modes {
        let mut stage = Stage::capturing(&["client", "rs1", "rs2"]).any("director");
        if matches!(mode, "dr" | "tun") {
            resolved(&mut stage)
        } else {
            resolved_nat(&mut stage)
        }
        for n in 0..8 {
            let (there, back) = ways(n);
            talk::Talk::new(client(n), service).whole(&mut stage, &there, &back);
            stage.wait_ms(200);
        }
        let folder = tempfile::tempdir().unwrap();
        stage.write(folder.path());
        let run = support::run::run_paths(&[folder.path()]);
        let report = serde_json::to_value(&run.report).unwrap();
        assert_eq!(report["verdict"]["status"], "healthy", "{mode}: {}", run.text);
        assert_eq!(report["services"][0]["mode"], mode);
        assert_eq!(report["services"][0]["real_servers"].as_array().unwrap().len(), 2, "{mode}");
        assert_eq!(report["findings"].as_array().unwrap().len(), 0, "{mode}");
    }
}

/// What a scene is diagnosed as, and the text of it.
fn diagnosed(stage: &Stage) -> (serde_json::Value, String) {
    let folder = tempfile::tempdir().unwrap();
    stage.write(folder.path());
    let run = support::run::run_paths(&[folder.path()]);
    (serde_json::to_value(&run.report).unwrap(), run.text)
}

fn ids(report: &serde_json::Value) -> Vec<&str> {
    report["findings"].as_array().unwrap().iter().map(|f| f["id"].as_str().unwrap()).collect()
}

fn role_of(report: &serde_json::Value, capture: &str) -> String {
    let taken = |h: &&serde_json::Value| {
        h["vantages"].as_array().unwrap().iter().any(|v| v.as_str() == Some(capture))
    };
    let host = report["hosts"].as_array().unwrap().iter().find(taken);
    host.map_or_else(String::new, |h| h["role"].as_str().unwrap().to_owned())
}

#[test]
fn a_director_beside_its_client_is_the_director() {
    for play in [hosts::director_beside_its_client, hosts::director_beside_its_client_any] {
        let (report, text) = diagnosed(&play());
        assert_eq!(report["services"][0]["mode"], "dr", "{text}");
        assert_eq!(role_of(&report, "director"), "director", "{text}");
        assert!(ids(&report).is_empty(), "{text}");
        assert_eq!(report["verdict"]["status"], "inconclusive", "{text}");
    }
}

#[test]
fn a_server_that_passes_all_on_is_told_from_a_router() {
    let (report, text) = diagnosed(&hosts::passing_server());
    assert_eq!(ids(&report), ["fake-load-balancing"], "{text}");
    assert_eq!(report["findings"][0]["subjects"][0]["mac"], "52:54:00:5c:00:41", "{text}");
    let (report, text) = diagnosed(&hosts::router_in_front());
    assert!(ids(&report).is_empty(), "{text}");
    assert_eq!(role_of(&report, "rs1"), "router", "{text}");
}

#[test]
fn a_proxy_that_calls_its_caller_back_is_told_from_a_stranger() {
    let (report, text) = diagnosed(&hosts::proxy_calls_back());
    assert_eq!(ids(&report), ["l7-self-access-two-flows"], "{text}");
    assert_eq!(report["services"][0]["mode"], "proxy", "{text}");
    assert!(!text.contains("director.pcap"), "asks for a capture of a cloud's proxy: {text}");
    let (report, text) = diagnosed(&hosts::stranger_calls_meanwhile());
    assert!(ids(&report).is_empty(), "{text}");
}

#[test]
fn a_call_that_is_sent_back_to_its_caller_is_told_from_one_that_is_served() {
    let (report, text) = diagnosed(&hosts::called_itself());
    assert_eq!(ids(&report)[0], "l4-self-access-hairpin", "{text}");
    assert_eq!(report["findings"][0]["subjects"][0]["address"], "203.0.113.11", "{text}");
    assert_eq!(report["findings"][0]["affected"]["connections"], 2, "{text}");
    let (report, text) = diagnosed(&hosts::called_the_other());
    assert!(ids(&report).is_empty(), "{text}");
}

#[test]
fn a_mac_that_stands_for_many_is_no_client() {
    let (report, text) = diagnosed(&hosts::many_behind_one_mac());
    assert_eq!(role_of(&report, "rs1"), "real server", "{text}");
    let hosts = report["hosts"].as_array().unwrap();
    let fabric = |h: &&serde_json::Value| h["macs"][0] == "52:54:00:5c:00:99";
    let fabric = hosts.iter().find(fabric).unwrap();
    assert_eq!(fabric["role"], "router", "{text}");
    assert!(fabric["addresses"].as_array().unwrap().is_empty(), "{text}");
    assert_eq!(hosts.iter().filter(|h| h["role"] == "client").count(), 6, "{text}");
}

#[test]
fn a_listener_that_defers_is_told_from_a_full_queue_and_from_lost_acks() {
    let (report, text) = diagnosed(&greeting::never_let_in());
    assert_eq!(ids(&report), ["defer-accept-waits", "no-greeting"], "{text}");
    assert_eq!(report["verdict"]["status"], "failing", "{text}");
    let (report, text) = diagnosed(&greeting::queue_full());
    assert!(!ids(&report).contains(&"defer-accept-waits"), "{text}");
    let (report, text) = diagnosed(&greeting::acks_lost());
    assert!(!ids(&report).contains(&"defer-accept-waits"), "{text}");
}

#[test]
fn a_full_queue_is_a_candidate_at_the_client_alone() {
    let (report, text) = diagnosed(&one_sided::queue_full_at_client());
    let finding = &report["findings"][0];
    assert_eq!(finding["id"], "retransmission", "{text}");
    let candidates: Vec<&str> = finding["candidates"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c["id"].as_str().unwrap())
        .collect();
    // What is sent again is small, and nothing was idle.
    assert_eq!(candidates, ["accept-queue-overflow", "packet-loss"], "{text}");
}

fn candidates(finding: &serde_json::Value) -> Vec<&str> {
    let all = finding["candidates"].as_array().unwrap();
    all.iter().map(|c| c["id"].as_str().unwrap()).collect()
}

#[test]
fn syns_that_alone_ask_for_ecn_are_told_from_others_that_are_lost() {
    let (report, text) = diagnosed(&advised::ecn_lost());
    assert_eq!(report["findings"][0]["id"], "syn-unanswered", "{text}");
    assert_eq!(candidates(&report["findings"][0])[0], "forward-rule-drop", "{text}");
    assert!(text.contains("ask for ECN"), "{text}");
    let (report, text) = diagnosed(&advised::plain_lost());
    assert!(!candidates(&report["findings"][0]).contains(&"forward-rule-drop"), "{text}");
}

#[test]
fn answers_with_a_multicast_mac_are_why_nothing_is_sent_on() {
    let (report, text) = diagnosed(&advised::multicast_answers());
    let finding = &report["findings"][0];
    assert_eq!(finding["id"], "syn-unanswered", "{text}");
    assert!(finding["explanation"].as_str().unwrap().contains("multicast MAC"), "{text}");
    assert!(candidates(finding).is_empty(), "{text}");
    assert_eq!(finding["to_confirm"][0]["host"], "the router 203.0.113.1", "{text}");
    let shown = finding["evidence"].as_array().unwrap();
    assert!(shown.iter().any(|e| e["note"].as_str().unwrap().contains("multicast")), "{text}");
    let (_, text) = diagnosed(&advised::own_answers());
    assert!(!text.contains("multicast MAC"), "{text}");
}

#[test]
fn masters_whose_passwords_differ_are_told_so() {
    let (report, text) = diagnosed(&one_sided::passwords_differ());
    let finding = &report["findings"][0];
    assert_eq!(finding["id"], "vrrp-split-brain", "{text}");
    assert!(finding["explanation"].as_str().unwrap().contains("different passwords"), "{text}");
    assert!(!text.contains("iptables -I"), "{text}");
    let (report, text) = diagnosed(&one_sided::one_master());
    assert!(ids(&report).is_empty(), "{text}");
}

#[test]
fn samples_are_what_their_scenes_write() {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples");
    let write = std::env::var_os("LBDIAG_WRITE_SAMPLES").is_some();
    let mut wrong = Vec::new();
    for Scene { name, play } in SCENES {
        let folder = samples.join(name);
        let stage = play();
        if write {
            std::fs::create_dir_all(&folder).unwrap();
            stage.write(&folder);
        }
        for (file, bytes) in stage.files() {
            if std::fs::read(folder.join(&file)).unwrap_or_default() != bytes {
                wrong.push(format!("samples/{name}/{file} is not what its scene writes"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
