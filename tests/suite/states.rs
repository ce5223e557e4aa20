//! What hosts said of themselves, beside the samples: real outputs are read,
//! also cut short, each state finds its host, and what it settles is settled.

use crate::support::check::{inconsistent, is_loud};
use crate::support::expected::{entries, root, samples};
use crate::support::run::{Run, run_with};
use lbdiag::report::{Confidence, CoverageStatus, Finding, Kind, Report, Severity, Status};
use lbdiag::state::{self, HostState, parse};
use std::path::{Path, PathBuf};

/// Captures of a sample, those whose names begin with one of `of`; all if empty.
fn captures(sample: &str, of: &[&str]) -> Vec<String> {
    let paths = entries(&root().join("samples").join(sample)).into_iter();
    let name = |p: &PathBuf| p.file_name().unwrap().to_str().unwrap().to_owned();
    let wanted = |p: &PathBuf| of.is_empty() || of.iter().any(|w| name(p).starts_with(w));
    let is_capture = |p: &PathBuf| name(p).contains(".pcap");
    paths.filter(|p| is_capture(p) && wanted(p)).map(|p| p.display().to_string()).collect()
}

/// The states of a folder.
fn folder(sample: &str) -> Vec<HostState> {
    state::read(&[root().join("tests/states").join(sample)]).unwrap().hosts
}

/// States out of texts, each with the name of its file.
fn texts(texts: &[(&str, &str)]) -> Vec<HostState> {
    let read = |(name, text): &(&str, &str)| {
        let mut state = HostState { name: (*name).to_owned(), ..HostState::default() };
        assert!(parse(&mut state, name, text) && state.notes.is_empty(), "{:?}", state.notes);
        state
    };
    texts.iter().map(read).collect()
}

fn run(sample: &str, states: Vec<HostState>) -> Run {
    let run = run_with(&captures(sample, &[]), states);
    assert_eq!(inconsistent(&run.report), Vec::<String>::new());
    run
}

fn found<'a>(report: &'a Report, id: &str) -> &'a Finding {
    let ids: Vec<&String> = report.findings.iter().map(|f| &f.id).collect();
    report.findings.iter().find(|f| f.id == id).unwrap_or_else(|| panic!("no {id} in {ids:?}"))
}

fn status(report: &Report, id: &str) -> CoverageStatus {
    report.coverage.iter().find(|c| c.id == id).unwrap().status
}

fn candidates(finding: &Finding) -> Vec<&str> {
    finding.candidates.iter().map(|c| c.id.as_str()).collect()
}

/// Every real output, with its path.
fn outputs() -> Vec<(PathBuf, String)> {
    let folders = entries(&root().join("tests/states")).into_iter().filter(|p| p.is_dir());
    folders
        .flat_map(|f| entries(&f))
        .map(|path| (path.clone(), std::fs::read_to_string(path).unwrap()))
        .collect()
}

fn read(path: &Path, text: &str) -> HostState {
    let mut state = HostState::default();
    parse(&mut state, &path.display().to_string(), text);
    state
}

#[test]
fn real_outputs_are_read_whole() {
    assert!(outputs().len() >= 18);
    for (path, text) in outputs() {
        let state = read(&path, &text);
        assert!(state.notes.is_empty(), "{:?}", state.notes);
        assert!(state.interfaces.iter().any(|i| i.mac.is_some()), "{}", path.display());
        assert!(!state.routes.is_empty() && state.sysctls.len() > 8, "{}", path.display());
        assert!(state.counters.contains_key("TcpExtListenOverflows"), "{}", path.display());
        if path.ends_with("director.txt") {
            assert!(!state.services.is_empty() && state.services[0].servers.len() == 2);
            assert!(state.services[0].servers.iter().all(|s| s.active.is_some()));
        }
    }
}

/// A file may be cut anywhere, and bytes may be damaged.
#[test]
fn every_prefix_is_read_without_panic() {
    let more = "arp (10.0.0.1) at <incomplete>\nvrrp_instance A {\nvirtual_ipaddress {\n10.0.0.8/32\n}\n}\nvirtual_server 10.0.0.8 80 {\nreal_server 10.0.0.1 80 { weight 1 }\n}\n";
    for (path, text) in outputs().into_iter().take(3) {
        let all = format!("{text}{more}");
        let mut services = 0;
        for end in (0..all.len()).filter(|end| all.is_char_boundary(*end)) {
            let state = read(&path, &all[..end]);
            assert!(state.understood as usize <= all[..end].lines().count());
            services = services.max(state.services.len());
        }
        assert!(services > 0);
    }
}

#[test]
fn a_damaged_byte_costs_no_more_than_its_line() {
    let (path, text) = outputs().into_iter().find(|(p, _)| p.ends_with("director.txt")).unwrap();
    let whole = read(&path, &text);
    for (at, byte) in
        (0..text.len()).flat_map(|at| [b' ', b'\n', b'{', b':', 0xff].map(|b| (at, b)))
    {
        let mut bytes = text.clone().into_bytes();
        bytes[at] = byte;
        let state = read(&path, &String::from_utf8_lossy(&bytes));
        // A line that opens a block costs the lines in it as well.
        assert!(state.understood + 12 >= whole.understood, "{at} {byte:#x}");
    }
}

#[test]
fn line_ends_and_marks_of_other_systems_change_nothing() {
    for (path, text) in outputs() {
        let other = format!("\u{feff}{}", text.replace('\n', "\r\n"));
        assert_eq!(read(&path, &other), read(&path, &text));
    }
}

#[test]
fn hostile_lines_are_refused() {
    let long = "9".repeat(5000);
    let tabs = "\t".repeat(4000);
    let lines = [
        "{",
        "}",
        "}}}}",
        "-A",
        "-a",
        "-A -t",
        "-a -t 1.2.3.4:80 -r",
        "-A -t 1.2.3.4:99999 -s",
        "->",
        "-> x",
        "TCP",
        "TCP [",
        "FWM -1",
        "TCP 0:00",
        "TCP 00:00 A B C D",
        "1:",
        "1: a: <",
        "99999999999999999999: eth0: <UP>",
        "link/ether",
        "inet",
        "inet 1.2.3.4/300",
        "a UP",
        "default",
        "default via",
        "via",
        "nexthop",
        "nexthop via",
        "1.2.3.4 dev",
        "1.2.3.4/33 dev a",
        "? (",
        "? () at",
        "? (1.2.3.4) at zz",
        "a.b =",
        ".= 1",
        "a..b = 1",
        "A 1 1",
        "Abcde 1 x",
        "Abcde 99999999999999999999999 0.0",
        "virtual_server",
        "virtual_server {",
        "vrrp_instance",
        "virtual_server fwmark {",
        "virtual_server group",
        "include",
        "real_server 1.2.3.4 80 {",
        "\u{0}\u{1b}[31m",
        "é.é = é",
        "-A -t \u{2028}:80",
        &long,
        &tabs,
    ];
    for first in lines {
        for second in lines {
            let state = read(Path::new("a"), &format!("{first}\n{second}\n"));
            assert!(state.notes.len() <= 32);
        }
    }
    // What is repeated without end is bounded.
    let many: String = (0..40_000u32)
        .map(|i| {
            format!(
                "10.{}.{}.{} dev a lladdr 52:54:00:00:00:01 STALE\n",
                i >> 16,
                i >> 8 & 255,
                i & 255
            )
        })
        .collect();
    let state = read(Path::new("a"), &many);
    assert!(state.neighbours.len() < 40_000 && state.notes.iter().any(|n| n.contains("too many")));
}

// Whose state it is.

#[test]
fn a_state_finds_its_host_by_mac_whatever_its_name() {
    let mut states = folder("healthy-nat");
    states.sort_by_key(|s| std::cmp::Reverse(s.name.clone()));
    for (state, wrong) in states.iter_mut().zip(["director", "rs1", "nobody"]) {
        state.name = wrong.to_owned();
    }
    let report = run("healthy-nat", states).report;
    let told: Vec<_> = report
        .host_states
        .iter()
        .map(|s| (s.name.as_str(), s.matched_by.as_deref(), s.common.clone()))
        .collect();
    let macs = |list: &[&str]| list.iter().map(|m| (*m).to_owned()).collect::<Vec<_>>();
    assert_eq!(told[0], ("director", Some("macs"), macs(&["52:54:00:6d:c1:41"])));
    assert_eq!(told[1], ("rs1", Some("macs"), macs(&["52:54:00:d0:51:c5"])));
    assert_eq!(
        told[2],
        ("nobody", Some("macs"), macs(&["52:54:00:27:3a:89", "52:54:00:f1:ea:19"]))
    );
}

#[test]
fn without_macs_addresses_tell_and_the_vip_does_not() {
    let rs1 = "eth0 UP 172.16.0.11/24\nlo UNKNOWN 127.0.0.1/8 172.16.0.8/32\n";
    // A name that fits and an address that every real server has.
    let vip = "lo UNKNOWN 127.0.0.1/8\ndummy0 UP 172.16.0.8/32\n";
    let report = run("healthy-dr", texts(&[("x", rs1), ("rs2", vip)])).report;
    let [rs1, rs2] = &report.host_states[..] else { panic!() };
    assert_eq!(rs1.matched_by.as_deref(), Some("addresses"));
    assert!(rs1.host.as_ref().unwrap().macs.contains(&"52:54:00:95:23:ba".to_owned()));
    assert_eq!((rs2.matched_by.as_deref(), &rs2.host), (None, &None));
    assert!(report.notes.iter().any(|n| n.contains("rs2 was taken for no host")));
}

#[test]
fn an_address_does_not_outweigh_another_mac() {
    // Somebody else has the address on the captured link.
    let other = "eth0 UP 52:54:00:00:00:99 <UP>\neth0 UP 172.16.0.11/24\n";
    let report = run("healthy-dr", texts(&[("rs1", other)])).report;
    assert_eq!(report.host_states[0].matched_by, None);
}

#[test]
fn a_bare_table_is_the_directors_unless_two_say_so() {
    let table = "-A -t 172.16.0.8:80 -s rr\n-a -t 172.16.0.8:80 -r 172.16.0.11:80 -g -w 1\n-a -t 172.16.0.8:80 -r 172.16.0.12:80 -g -w 1\n";
    let report = run("healthy-dr", texts(&[("a", table)])).report;
    assert_eq!(report.host_states[0].matched_by.as_deref(), Some("services"));
    assert_eq!(status(&report, "stated-not-seen"), CoverageStatus::Clean);
    let report = run("healthy-dr", texts(&[("a", table), ("b", table)])).report;
    assert!(report.host_states.iter().all(|s| s.matched_by.is_none()));
    assert_eq!(status(&report, "stated-not-seen"), CoverageStatus::NotCheckable);
}

// What is stated and not seen.

#[test]
fn a_true_state_of_a_healthy_world_finds_nothing() {
    for sample in ["healthy-dr", "healthy-nat"] {
        let report = run(sample, folder(sample)).report;
        assert_eq!(report.verdict.status, Status::Healthy, "{sample}");
        assert!(report.findings.iter().all(|f| !is_loud(f) && f.id != "stated-not-seen"));
        assert_eq!(status(&report, "stated-not-seen"), CoverageStatus::Clean, "{sample}");
    }
}

#[test]
fn without_a_state_nothing_was_compared() {
    let report = run("healthy-dr", Vec::new()).report;
    assert_eq!(status(&report, "stated-not-seen"), CoverageStatus::NotCheckable);
    assert!(report.host_states.is_empty());
}

/// 64 connections of one client went to one of two servers.
fn pool(rule: &str) -> Report {
    let table = format!(
        "-A -t 203.0.113.8:80 {rule}\n-a -t 203.0.113.8:80 -r 172.16.0.11:80 -m -w 1\n-a -t 203.0.113.8:80 -r 172.16.0.12:80 -m -w 1\n"
    );
    run("scheduler-imbalance", texts(&[("lb", &table)])).report
}

#[test]
fn a_server_without_its_share_is_named() {
    let report = pool("-s rr");
    let finding = found(&report, "stated-not-seen");
    assert_eq!((finding.kind, finding.severity), (Kind::Cause, Severity::Warning));
    assert_eq!(finding.subjects[0].address.as_deref(), Some("172.16.0.11"));
    assert!(finding.explanation.contains("lb:2 states 172.16.0.11"), "{}", finding.explanation);
    assert!(!finding.evidence.is_empty());
}

#[test]
fn a_server_that_need_not_be_chosen_is_not_named() {
    // One client with persistence, or an address that chooses, has one server.
    for rule in ["-s rr -p 300", "-s sh", "-s sed", "-s fo"] {
        assert_eq!(status(&pool(rule), "stated-not-seen"), CoverageStatus::Clean, "{rule}");
    }
    let table = "-A -t 203.0.113.8:80 -s rr\n-a -t 203.0.113.8:80 -r 172.16.0.11:80 -m -w 0\n-a -t 203.0.113.8:80 -r 172.16.0.12:80 -m -w 1\n";
    let report = run("scheduler-imbalance", texts(&[("lb", table)])).report;
    assert_eq!(status(&report, "stated-not-seen"), CoverageStatus::Clean);
}

#[test]
fn another_method_and_a_server_that_is_not_stated_are_notes() {
    let conf = "virtual_server 172.16.0.8 80 {\n lb_algo rr\n lb_kind TUN\n protocol TCP\n real_server 172.16.0.11 80 {\n }\n}\nvrrp_instance V {\n mcast_src_ip 172.16.0.2\n}\n";
    let report = run("healthy-dr", texts(&[("keepalived", conf)])).report;
    let notes: Vec<&Finding> =
        report.findings.iter().filter(|f| f.id == "stated-not-seen").collect();
    assert_eq!(notes.len(), 2);
    assert!(notes.iter().all(|f| f.kind == Kind::Note && !is_loud(f) && !f.evidence.is_empty()));
    assert!(notes.iter().any(|f| f.title.contains("stated as tun (-i) and was forwarded as dr")));
    assert!(notes.iter().any(|f| f.subjects[0].address.as_deref() == Some("172.16.0.12")));
    assert_eq!(report.verdict.status, Status::Healthy);
}

#[test]
fn an_owner_of_the_vip_that_forwards_nothing_is_a_note() {
    // A second machine, known by its address, says that it has VIP and service.
    let other = "eth0 UP 172.16.0.1/24 172.16.0.8/32\n-A -t 172.16.0.8:80 -s rr\n-a -t 172.16.0.8:80 -r 172.16.0.11:80 -g -w 1\n";
    let report = run("healthy-dr", texts(&[("lb2", other)])).report;
    let finding = found(&report, "stated-not-seen");
    assert!(finding.title.contains("172.16.0.1 states 172.16.0.8:80"), "{}", finding.title);
    // A backup has the table and not the address.
    let backup = other.replace(" 172.16.0.8/32", "");
    let report = run("healthy-dr", texts(&[("lb2", &backup)])).report;
    assert!(report.findings.iter().all(|f| f.id != "stated-not-seen"));
}

// What a state settles. Each is at most likely without it.

fn likely_then_certain(sample: &str, of: &[&str], id: &str) -> (Report, Report) {
    let captures = captures(sample, of);
    let without = run_with(&captures, Vec::new()).report;
    let with = run_with(&captures, folder(sample)).report;
    assert_eq!(found(&without, id).confidence, Confidence::Likely, "{sample}");
    let settled = found(&with, id);
    assert_eq!(settled.confidence, Confidence::Certain, "{sample}: {}", settled.explanation);
    assert!(settled.candidates.is_empty() && settled.to_confirm.is_empty());
    assert!(settled.explanation.contains("tests/states/"), "{}", settled.explanation);
    (without, with)
}

#[test]
fn a_listing_without_the_vip_settles_that_it_is_missing() {
    let (_, with) = likely_then_certain("dr-rs-without-vip", &[], "rs-missing-vip");
    assert!(found(&with, "rs-missing-vip").explanation.contains("rs2.txt"));
}

#[test]
fn a_listing_with_the_vip_makes_it_another_silence() {
    let here = "eth0 UP 52:54:00:4d:c7:f1 <UP>\nlo UNKNOWN 127.0.0.1/8 172.16.0.8/32\neth0 UP 172.16.0.12/24\n";
    let report = run("dr-rs-without-vip", texts(&[("b", here)])).report;
    assert!(report.findings.iter().all(|f| f.id != "rs-missing-vip"));
    let silent = found(&report, "rs-silent");
    assert_eq!(silent.confidence, Confidence::Likely);
    assert_eq!(candidates(silent), ["rp-filter-drop", "accept-queue-overflow"]);
    assert!(silent.explanation.contains("it stands at b:2"), "{}", silent.explanation);
    // One interface alone says nothing of the others.
    let part = "eth0 UP 52:54:00:4d:c7:f1 <UP>\neth0 UP 172.16.0.12/24\n";
    let report = run("dr-rs-without-vip", texts(&[("b", part)])).report;
    assert_eq!(found(&report, "rs-missing-vip").confidence, Confidence::Likely);
}

#[test]
fn a_counter_settles_a_full_accept_queue() {
    let (_, with) = likely_then_certain("listen-backlog-overflow", &[], "accept-queue-overflow");
    assert_eq!(with.findings.iter().filter(|f| f.id == "stated-not-seen").count(), 0);
    let mut still = folder("listen-backlog-overflow");
    for state in &mut still {
        if let Some(told) = state.counters.get_mut("TcpExtListenOverflows") {
            told.value = 0;
        }
    }
    let report = run("listen-backlog-overflow", still).report;
    assert_eq!(found(&report, "accept-queue-overflow").confidence, Confidence::Possible);
}

#[test]
fn a_setting_settles_remembered_timestamps() {
    let of = |value: u32| {
        let text = format!(
            "eth0 UP 52:54:00:5c:00:41 <UP>\neth0 UP 10.20.0.11/24\nnet.ipv4.tcp_tw_recycle = {value}\n"
        );
        let report = run("nat-tw-recycle-timestamps", texts(&[("web1", &text)])).report;
        let finding = found(&report, "tw-recycle-nat-timestamps");
        (finding.confidence, finding.explanation.contains("web1"))
    };
    assert_eq!(of(1), (Confidence::Certain, true));
    assert_eq!(of(0), (Confidence::Likely, true));
}

#[test]
fn a_count_settles_a_full_table() {
    let of = |count: u32| {
        let text = format!(
            "eth0 UP 52:54:00:7c:17:02 <UP>\nnet.netfilter.nf_conntrack_count = {count}\nnet.netfilter.nf_conntrack_max = 8\n"
        );
        let report = run("conntrack-table-full", texts(&[("lb", &text)])).report;
        let finding = found(&report, "conntrack-table-full");
        (finding.confidence, finding.explanation.contains("of at most 8"))
    };
    assert_eq!(of(8), (Confidence::Certain, true));
    assert_eq!(of(3), (Confidence::Possible, true));
}

#[test]
fn a_timeout_settles_who_forgets_silent_connections() {
    let of = |seconds: u32| {
        let text = format!(
            "eth0 UP 52:54:00:1b:e9:07 <UP>\nTimeout (tcp tcpfin udp): {seconds} 120 300\n"
        );
        let report = run("idle-timeout-expired", texts(&[("lb", &text)])).report;
        let finding = found(&report, "lb-idle-timeout");
        let asked = finding.to_confirm.iter().any(|c| c.command.contains("ipvsadm"));
        (finding.confidence, finding.explanation.contains(&format!("{seconds} s (")), asked)
    };
    assert_eq!(of(5), (Confidence::Certain, true, false));
    assert_eq!(of(900), (Confidence::Possible, true, false));
}

#[test]
fn a_route_settles_answers_past_the_director() {
    let sample = "nat-rs-gateway-bypasses-director";
    let (_, with) =
        likely_then_certain(sample, &["client", "director"], "nat-return-bypasses-director");
    let fix = &found(&with, "nat-return-bypasses-director").fix;
    assert!(fix.iter().all(|f| f.undo == "ip route replace default via 172.16.0.1 dev eth0"));
    // A route that leads to the director does not overrule the frames.
    let mut mended = folder(sample);
    for route in mended.iter_mut().flat_map(|s| &mut s.routes).filter(|r| r.to.1 == 0) {
        route.via = Some(lbdiag::wire::Ip::v4([172, 16, 0, 2]));
    }
    let report = run_with(&captures(sample, &["client", "director"]), mended).report;
    let finding = found(&report, "nat-return-bypasses-director");
    assert_eq!(finding.confidence, Confidence::Likely);
    assert!(finding.explanation.contains("does lead to the director"));
}

#[test]
fn a_table_tells_the_director_from_who_answers_arp() {
    let (_, with) = likely_then_certain("dr-arp-vip-conflict", &[], "dr-arp-problem");
    let told = &found(&with, "dr-arp-problem").explanation;
    assert!(told.contains("arp_ignore") && told.contains("director.txt:1"), "{told}");
}

#[test]
fn a_host_that_says_so_answers_by_proxy() {
    let confidence = |value: u8| {
        let text = format!(
            "eth0 UP 52:54:00:5d:4a:45 <UP>\neth0 UP 172.16.0.250/24\nnet.ipv4.conf.all.proxy_arp = 0\nnet.ipv4.conf.eth0.proxy_arp = {value}\n"
        );
        let report = run("proxy-arp", texts(&[("vpn", &text)])).report;
        found(&report, "proxy-arp-or-arp-flux").confidence
    };
    assert_eq!((confidence(1), confidence(0)), (Confidence::Certain, Confidence::Possible));
}

/// A real server that drops SYNs, with what it says of itself.
fn dropping(counters: &str, settings: &str) -> Report {
    let text = format!(
        "eth0 UP 52:54:00:39:a5:eb <UP>\neth0 UP 172.16.0.12/24\nTcpExtListenOverflows 0 0.0\n{counters}\n{settings}\n"
    );
    run("rs-firewall-drop", texts(&[("web2", &text)])).report
}

#[test]
fn the_reverse_path_filter_is_excluded_or_named() {
    let report = dropping("TcpExtIPReversePathFilter 0 0.0", "");
    let finding = found(&report, "rs-silent");
    assert_eq!((finding.confidence, candidates(finding).len()), (Confidence::Certain, 0));
    assert!(finding.explanation.contains("What is left is a firewall"));

    let on = "net.ipv4.conf.all.rp_filter = 0\nnet.ipv4.conf.default.rp_filter = 1\nnet.ipv4.conf.eth0.rp_filter = 1";
    let report = dropping("TcpExtIPReversePathFilter 900 0.0", on);
    let finding = found(&report, "rs-silent");
    assert_eq!((finding.confidence, candidates(finding).len()), (Confidence::Certain, 0));
    assert!(finding.title.ends_with("the reverse path filter drops them"), "{}", finding.title);
    assert_eq!(finding.fix.len(), 1);
    assert_eq!(finding.fix[0].command, "sysctl -w net.ipv4.conf.eth0.rp_filter=0");
    assert_eq!(finding.fix[0].undo, "sysctl -w net.ipv4.conf.eth0.rp_filter=1");

    // A counter that is smaller than what was lost does not explain it.
    let report = dropping("TcpExtIPReversePathFilter 1 0.0", on);
    assert_eq!(found(&report, "rs-silent").confidence, Confidence::Likely);
    // A filter that is off drops nothing.
    let report = dropping("TcpExtIPReversePathFilter 900 0.0", "net.ipv4.conf.all.rp_filter = 0");
    assert!(!candidates(found(&report, "rs-silent")).contains(&"rp-filter-drop"));
}

#[test]
fn routes_tell_on_the_suspects_of_a_director_that_was_captured_alone() {
    let (sample, suspect) = ("nat-rs-gateway-bypasses-director", "nat-return-bypasses-director");
    let captures = captures(sample, &["director"]);
    let report = run_with(&captures, folder(sample)).report;
    let finding = found(&report, "syn-unanswered");
    assert!(candidates(finding).contains(&suspect));
    assert!(finding.explanation.contains("do not lead to the director"));
    let mut right = folder(sample);
    for route in right.iter_mut().flat_map(|s| &mut s.routes).filter(|r| r.to.1 == 0) {
        route.via = Some(lbdiag::wire::Ip::v4([172, 16, 0, 2]));
    }
    let report = run_with(&captures, right).report;
    let finding = found(&report, "syn-unanswered");
    assert!(!candidates(finding).contains(&suspect), "{:?}", candidates(finding));
}

#[test]
fn a_table_with_another_port_than_traffic_is_told_and_its_own_is_not() {
    let changed = |from: &str, to: &str| {
        let text = std::fs::read_to_string(root().join("tests/states/healthy-nat/director.txt"));
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("director.txt"), text.unwrap().replace(from, to)).unwrap();
        let states = state::read(&[dir.path().to_owned()]).unwrap().hosts;
        run("healthy-nat", states).report
    };
    let told = |report: &Report| {
        let notes = report.findings.iter().filter(|f| f.id == "stated-not-seen");
        notes.map(|f| f.title.clone()).collect::<Vec<_>>()
    };
    assert_eq!(told(&changed("", "")), [""; 0]);
    let titles = told(&changed(":8000", ":80"));
    let wanted = "got 6 connections on port 8000 and the director states port 80";
    assert!(titles.len() == 1 && titles[0].ends_with(wanted), "{titles:?}");
    // One of two, and both ports of one address.
    let one = told(&changed("172.16.0.12:8000", "172.16.0.12:80"));
    assert!(one.len() == 1 && one[0].starts_with("172.16.0.12 got 3"), "{one:?}");
    let both =
        "-a -t 203.0.113.8:80 -r 172.16.0.11:80 -m -w 0\n-a -t 203.0.113.8:80 -r 172.16.0.11:8000";
    assert_eq!(told(&changed("-a -t 203.0.113.8:80 -r 172.16.0.11:8000", both)), [""; 0]);
}

/// No sample may be judged otherwise because its own table was given.
#[test]
fn a_table_that_is_true_accuses_nobody() {
    for sample in samples().iter().filter(|s| s.expected.is_healthy()) {
        let folder = root().join("tests/states").join(&sample.name);
        if folder.is_dir() {
            let report = run(&sample.name, state::read(&[folder]).unwrap().hosts).report;
            assert!(report.findings.iter().all(|f| !is_loud(f)), "{}", sample.name);
        }
    }
}

// The option.

fn lbdiag(args: &[&str]) -> std::process::Output {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_lbdiag"));
    command.current_dir(root()).stdin(std::process::Stdio::null()).args(args).output().unwrap()
}

#[test]
fn the_option_takes_files_and_folders() {
    let report = |paths: &[&str]| -> Report {
        let mut args = vec!["--json", "samples/healthy-dr"];
        args.extend(paths.iter().flat_map(|path| ["--host-state", path]));
        let output = lbdiag(&args);
        assert_eq!(output.status.code(), Some(0));
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let files = |report: &Report| -> Vec<String> {
        report.host_states.iter().flat_map(|s| s.files.clone()).collect()
    };
    let folder = report(&["tests/states/healthy-dr"]);
    let names = ["director", "rs1", "rs2"];
    assert_eq!(files(&folder), names.map(|n| format!("tests/states/healthy-dr/{n}.txt")));
    let single =
        report(&["tests/states/healthy-dr/rs1.txt", "tests/states/healthy-dr/director.txt"]);
    assert_eq!(files(&single).len(), 2);
    assert!(single.host_states.iter().all(|s| s.matched_by.as_deref() == Some("macs")));
    assert!(folder.notes.iter().any(|n| n.contains("rs1 is 172.16.0.11 by its MAC")));
}

#[test]
fn a_path_that_gives_nothing_is_an_error_with_the_next_step() {
    for (path, step) in
        [("no-such", "ls -l ."), ("LICENSE", "> HOST.txt"), ("samples/healthy-dr", "> HOST.txt")]
    {
        let output = lbdiag(&["samples/healthy-dr", "--host-state", path]);
        assert_eq!(output.status.code(), Some(2), "{path}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(path) && said.trim_end().ends_with(step), "{said}");
        assert!(output.stdout.is_empty());
    }
}

/// Real server 2 of the samples with a packet filter, with what it says of it.
fn filtered(sample: &str, said: &str) -> Report {
    let text = format!("2: eth0    inet 172.16.0.12/24 scope global eth0\n{said}");
    run(sample, texts(&[("web2", &text)])).report
}

#[test]
fn a_rule_that_counts_settles_who_drops() {
    let rule = |packets: u32| {
        format!(
            "Chain INPUT (policy ACCEPT 90 packets, 5400 bytes)\n pkts bytes target     prot opt in     out     source               destination\n    {packets}   600 DROP       6    --  *      *       0.0.0.0/0            0.0.0.0/0            tcp dpts:80:90\n"
        )
    };
    let report = filtered("rs-firewall-drop", &rule(40));
    let silent = found(&report, "rs-silent");
    assert_eq!(silent.confidence, Confidence::Certain, "{}", silent.explanation);
    assert!(silent.explanation.contains("dropped 40 packets (web2:4)"), "{}", silent.explanation);
    // One that counted nothing is not it, and then no firewall is left to blame.
    let report = filtered("rs-firewall-drop", &rule(0));
    let silent = found(&report, "rs-silent");
    assert_eq!(silent.confidence, Confidence::Likely);
    assert!(silent.explanation.contains("No rule of the packet filter stopped"));
    // A rule for other ports, or behind one that lets it pass, says nothing.
    let others = rule(40).replace("80:90", "9000:9010");
    assert_eq!(
        found(&filtered("rs-firewall-drop", &others), "rs-silent").confidence,
        Confidence::Likely
    );
    // Behind a rule that lets it pass, and in a chain of which nobody knows who jumps there.
    let head = "*filter\n:INPUT ACCEPT [0:0]\n";
    for rules in [
        "[9:9] -A INPUT -p tcp --dport 80 -j ACCEPT\n[40:9] -A INPUT -p tcp --dport 80 -j DROP\n",
        "[40:9] -A DOCKER -j DROP\n",
    ] {
        let report = filtered("rs-firewall-drop", &format!("{head}{rules}COMMIT\n"));
        let silent = found(&report, "rs-silent");
        assert!(!silent.explanation.contains("dropped 40 packets"), "{}", silent.explanation);
        assert_eq!(silent.confidence, Confidence::Likely);
    }
    let policy =
        "*filter\n:INPUT DROP [40:2400]\n[9:9] -A INPUT -p tcp --dport 22 -j ACCEPT\nCOMMIT\n";
    let report = filtered("rs-firewall-drop", policy);
    assert!(found(&report, "rs-silent").explanation.contains("The policy of the packet filter"));
}

#[test]
fn a_rule_that_counts_settles_who_rejects() {
    let nft = "table inet filter {\n\tchain input {\n\t\ttype filter hook input priority filter; policy accept;\n\t\ttcp dport 80 counter packets 12 bytes 720 reject with icmpx admin-prohibited\n\t}\n}\n";
    let report = filtered("rs-firewall-reject", nft);
    let finding = found(&report, "rs-admin-prohibited");
    assert!(
        finding.explanation.contains("rejected 12 packets (web2:5)"),
        "{}",
        finding.explanation
    );
}

#[test]
fn a_list_of_sockets_settles_who_listens() {
    let head = "State  Recv-Q Send-Q Local Address:Port Peer Address:Port Process\nLISTEN 0 128 0.0.0.0:22 0.0.0.0:*\n";
    let report =
        filtered("rs-port-closed", &format!("{head}LISTEN 0 128 127.0.0.1:25 0.0.0.0:*\n"));
    let finding = found(&report, "connection-refused");
    assert!(finding.explanation.contains("none for port 8000"), "{}", finding.explanation);
    let report =
        filtered("rs-port-closed", &format!("{head}LISTEN 0 128 0.0.0.0:8000 0.0.0.0:*\n"));
    assert!(
        found(&report, "connection-refused").explanation.contains("A socket listens on port 8000")
    );
}

#[test]
fn a_queue_that_is_full_settles_it() {
    let text = |address: &str| {
        format!(
            "2: eth0    inet {address}/24 scope global eth0\nState  Recv-Q Send-Q Local Address:Port Peer Address:Port Process\nLISTEN 3 2 0.0.0.0:80 0.0.0.0:*\n"
        )
    };
    let (one, two) = (text("172.16.0.11"), text("172.16.0.12"));
    let with = run("listen-backlog-overflow", texts(&[("web1", &one), ("web2", &two)])).report;
    let settled = found(&with, "accept-queue-overflow");
    assert_eq!(settled.confidence, Confidence::Certain, "{}", settled.explanation);
    assert!(settled.explanation.contains("3 connections wait where 2 may (web1:3"));
}

#[test]
fn another_port_than_the_stated_one_is_told() {
    let mut states = folder("healthy-nat");
    assert!(
        run("healthy-nat", states.clone())
            .report
            .findings
            .iter()
            .all(|f| f.id != "stated-not-seen")
    );
    let servers = states.iter_mut().flat_map(|s| &mut s.services).flat_map(|s| &mut s.servers);
    for server in servers {
        server.port = 80;
    }
    let report = run("healthy-nat", states).report;
    let told = found(&report, "stated-not-seen");
    assert_eq!((told.kind, told.severity), (Kind::Note, Severity::Info));
    assert!(told.title.contains("on port 8000 and the director states port 80"), "{}", told.title);
}

// What tables tie.

/// The client's capture and the real servers', between which a proxy stands.
fn both_sides_of_a_proxy(states: Vec<HostState>) -> Report {
    run_with(&captures("healthy-l7-haproxy", &["client", "rs"]), states).report
}

#[test]
fn a_table_that_names_both_sides_ties_them() {
    let report = both_sides_of_a_proxy(Vec::new());
    let front = report.connections.iter().find(|c| c.service.starts_with("203.0.113.8:")).unwrap();
    let back = report.connections.iter().find(|c| c.service.starts_with("172.16.0.")).unwrap();
    let session = format!(
        "0x558cb7c24380: [28/Nov/2026:21:12:08.272624] id=0 proto=tcpv4 source={}\n  frontend=web (id=2 mode=http), listener=? (id=1) addr={}\n  backend=app (id=3 mode=http) addr={}\n  server=s1 (id=1) addr={}\n",
        front.client, front.service, back.client, back.service
    );
    let tied = |report: &Report, words: &str| {
        report
            .connections
            .iter()
            .any(|c| c.client == front.client && c.evidence.iter().any(|e| e.contains(words)))
    };
    let with = both_sides_of_a_proxy(texts(&[("lb", &session)]));
    assert!(tied(&with, "the proxy's own table"));
    let ends = |text: &str| {
        let (ip, port) = text.rsplit_once(':').unwrap();
        (ip.to_owned(), port.to_owned())
    };
    let ((cip, cport), (vip, vport)) = (ends(&front.client), ends(&front.service));
    let ((lip, lport), (sip, sport)) = (ends(&back.client), ends(&back.service));
    let entry = format!(
        "tcp      6 117 ESTABLISHED src={cip} dst={vip} sport={cport} dport={vport} src={sip} dst={lip} sport={sport} dport={lport} [ASSURED] mark=0 use=1\n"
    );
    let with = both_sides_of_a_proxy(texts(&[("lb", &entry)]));
    assert!(tied(&with, "own table of connections"));
}

// Which real server a connection was given to, where no capture shows it.

/// What the client's capture alone says of each connection's real server, with its evidence.
fn servers_seen_by_the_client(states: Vec<HostState>) -> Vec<(Option<String>, String)> {
    let run = run_with(&captures("healthy-dr", &["client"]), states);
    let of = |c: &lbdiag::report::Connection| {
        let server = c.real_server.as_ref().and_then(|s| s.address.clone());
        (server, c.evidence.join("; "))
    };
    run.report.connections.iter().map(of).collect()
}

#[test]
fn the_directors_table_names_the_server_that_a_capture_does_not_show() {
    let director: Vec<HostState> =
        folder("healthy-dr").into_iter().filter(|state| !state.entries.is_empty()).collect();
    let entries = director[0].entries.len();
    assert!(servers_seen_by_the_client(Vec::new()).iter().all(|(server, _)| server.is_none()));
    let with = servers_seen_by_the_client(director);
    let told: Vec<_> = with.iter().filter(|(server, _)| server.is_some()).collect();
    assert_eq!(told.len(), entries);
    assert!(told.iter().all(|(_, evidence)| evidence.contains("connection table")));
    let first = |address: &str| told.iter().filter(|(s, _)| s.as_deref() == Some(address)).count();
    assert_eq!((first("172.16.0.11"), first("172.16.0.12")), (3, 3));
}

#[test]
fn entries_that_contradict_each_other_name_none() {
    let table = "-A -t 172.16.0.8:80 -s rr\nTCP 01:58 FIN_WAIT 188.88.88.10:41182 172.16.0.8:80 172.16.0.12:80\nTCP 01:58 FIN_WAIT 188.88.88.10:41182 172.16.0.8:80 172.16.0.11:80\n";
    let with = servers_seen_by_the_client(texts(&[("director", table)]));
    assert!(with.iter().all(|(server, _)| server.is_none()));
}

/// Tables of a cluster: one service, and its endpoints.
fn cluster(endpoints: &str) -> Vec<HostState> {
    let services = "NAMESPACE NAME TYPE CLUSTER-IP EXTERNAL-IP PORT(S) AGE SELECTOR\nshop web LoadBalancer 10.96.1.1 203.0.113.8 80:30080/TCP 3d app=web\n";
    let slices = format!(
        "NAMESPACE NAME ADDRESSTYPE PORTS ENDPOINTS AGE\nshop web-x1 IPv4 8000 {endpoints} 3d\n"
    );
    texts(&[("kubectl", &format!("{services}\n{slices}"))])
}

#[test]
fn a_list_of_endpoints_tells_who_is_none() {
    let of = |endpoints: &str| {
        let report = run("rs-port-closed", cluster(endpoints)).report;
        found(&report, "connection-refused").explanation.clone()
    };
    let gone = of("172.16.0.11");
    assert!(gone.contains("172.16.0.12:8000 is none of them"), "{gone}");
    assert!(gone.contains("kubectl:2"), "{gone}");
    let there = of("172.16.0.11,172.16.0.12");
    assert!(there.contains("172.16.0.12:8000 as a ready endpoint of shop/web"), "{there}");
    let unsaid = run("rs-port-closed", Vec::new()).report;
    assert!(!found(&unsaid, "connection-refused").explanation.contains("endpoint"));
}

#[test]
fn a_proxy_says_how_it_has_a_server_and_how_a_request_went() {
    let state = "# pxname,svname,qcur,status,weight,addr,\napp,s1,0,UP,1,172.16.0.11:8000,\napp,s2,0,DOWN,1,172.16.0.12:8000,\n";
    let log = "Nov 28 08:08:25 lb haproxy[1]: 188.88.88.10:41296 [20/Nov/2026:08:08:24.100] web app/s2 0/0/-1/-1/900 503 0 - - SC-- 2/2/0/0/0 0/0 \"GET / HTTP/1.1\"\n";
    let report = run("l7-backend-refused", texts(&[("stat", state), ("log", log)])).report;
    let told = &found(&report, "l7-backend-refused").explanation;
    assert!(told.contains("has it as app/s2, down (stat:3)"), "{told}");
    assert!(
        told.contains(
            "188.88.88.10:41296 with status 503, asked app/s2, ended SC--: the server closed"
        ),
        "{told}"
    );
    // What it says of others is not told of this one.
    let other = log.replace("41296", "41299");
    let report = run("l7-backend-refused", texts(&[("log", &other)])).report;
    assert!(!found(&report, "l7-backend-refused").explanation.contains("logged"));
}
