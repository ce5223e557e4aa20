//! Ladders of real connections: what must hold of each was read from the
//! captures by hand.

mod told;

use super::{Marked, Request, build};
use crate::capture;
use crate::load;
use crate::report::ladder::{Ladder, Step, StepKind};
use crate::topology::StatedRoles;
use crate::trace::{At, ConnectionId, Trace};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;

fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("samples")
}

fn load(path: &Path) -> Trace {
    let inputs = capture::inputs(&[path.display().to_string()]).unwrap();
    load::load(&inputs.inputs, &StatedRoles::default(), &AtomicU64::new(0)).trace
}

fn sample(name: &str) -> Trace {
    load(&samples().join(name))
}

fn draw(trace: &Trace, connection: ConnectionId, marked: &[Marked], max: usize) -> Option<Ladder> {
    let title = "drawn".to_owned();
    build(trace, &Request { connection, number: 7, title, marked, group: &[], max_steps: max })
}

/// The connection whose client has this port.
fn ladder(trace: &Trace, port: u16) -> Ladder {
    let (id, _) = trace.iter().find(|(_, c)| c.front.client.1 == port).unwrap();
    draw(trace, id, &[], usize::MAX).unwrap()
}

fn roles(ladder: &Ladder) -> Vec<&str> {
    ladder.columns.iter().map(|c| c.role.as_str()).collect()
}

fn names(ladder: &Ladder) -> Vec<&str> {
    ladder.columns.iter().map(|c| c.name.as_str()).collect()
}

/// A step as `from>to label`.
fn said(step: &Step) -> String {
    format!("{}>{} {}", step.from, step.to, step.label)
}

fn frames(step: &Step) -> Vec<String> {
    step.frames.iter().map(|(vantage, number)| format!("{vantage} #{number}")).collect()
}

#[test]
fn a_dr_reply_does_not_touch_the_director() {
    let trace = sample("healthy-dr");
    let drawn = ladder(&trace, 41182);
    assert_eq!(roles(&drawn), ["client", "director", "real server"]);
    assert_eq!(names(&drawn), ["188.88.88.10", "172.16.0.8", "172.16.0.12"]);
    // The client sent six packets, each over two hops; four answers went
    // straight back.
    assert_eq!(drawn.steps.len(), 16);
    let first: Vec<String> = drawn.steps[..5].iter().map(said).collect();
    let expected =
        ["0>1 SYN  41182 > 80", "1>2 SYN  41182 > 80", "2>0 SYN-ACK", "0>1 ACK", "1>2 ACK"];
    assert_eq!(first, expected);
    assert_eq!(frames(&drawn.steps[0]), ["client #3", "director #4"]);
    assert_eq!(frames(&drawn.steps[1]), ["director #7", "rs2 #5"]);
    assert_eq!(frames(&drawn.steps[2]), ["rs2 #8", "client #4"]);
    assert!(drawn.steps.iter().filter(|s| s.from == 2).all(|s| s.to == 0));
    let rewrites: Vec<&str> = drawn.steps.iter().filter_map(|s| s.rewrite.as_deref()).collect();
    assert_eq!(rewrites, ["dst MAC 52:54:00:1c:b8:39 > 52:54:00:56:b4:7b (DR)"]);
    assert!(drawn.time_note.contains("client, director and rs2"), "{}", drawn.time_note);
}

#[test]
fn a_nat_exchange_passes_the_director_both_ways() {
    let trace = sample("healthy-nat");
    let drawn = ladder(&trace, 59828);
    assert_eq!(roles(&drawn), ["client", "director", "real server"]);
    assert_eq!(names(&drawn), ["188.88.88.10", "203.0.113.8", "172.16.0.11"]);
    assert_eq!(drawn.steps.len(), 20);
    assert!(drawn.steps.iter().all(|s| s.from.abs_diff(s.to) == 1 && s.kind == StepKind::Arrow));
    let rewrites: Vec<&str> = drawn.steps.iter().filter_map(|s| s.rewrite.as_deref()).collect();
    let expected = ["203.0.113.8:80 > 172.16.0.11:8000", "172.16.0.11:8000 > 203.0.113.8:80"];
    assert_eq!(rewrites, expected);
    let said: Vec<String> = drawn.steps.iter().map(said).collect();
    assert_eq!(said[1], "1>2 SYN  59828 > 8000");
    assert!(said.contains(&"0>1 GET  1:81".to_owned()));
    assert!(said.contains(&"1>0 HTTP 200  1:273".to_owned()));
    assert!(!said.iter().any(|s| s.contains("again")));
}

#[test]
fn a_host_that_answers_itself_has_two_columns() {
    let trace = sample("hairpin-cloud-slb");
    let drawn = ladder(&trace, 59780);
    assert_eq!(roles(&drawn), ["client", "director", "real server (same host)"]);
    assert_eq!(names(&drawn), ["172.16.100.11", "203.0.113.8", "172.16.100.11"]);
    let said: Vec<String> = drawn.steps.iter().map(said).collect();
    let expected = [
        "0>1 SYN  59780 > 80",
        "1>2 SYN  59780 > 80",
        "2>0 SYN-ACK, over lo",
        "0>2 RST, over lo",
        "0>1 SYN  59780 > 80  again",
        "1>2 SYN  59780 > 80  again",
        "2>0 SYN-ACK, over lo",
        "0>2 RST, over lo",
    ];
    assert_eq!(said, expected);
    assert_eq!(drawn.steps[1].rewrite.as_deref(), Some("203.0.113.8:80 > 172.16.100.11:80"));
    assert_eq!(frames(&drawn.steps[2]), ["rs1 #16"]);
    // Its own clock tells these apart: #14 to #17.
    assert_eq!(drawn.steps[3].at_ns, 1_963_000);
    assert_eq!(drawn.steps[3].uncertainty_ns, 0);
}

#[test]
fn clocks_that_are_off_give_the_same_ladder() {
    let right = ladder(&sample("hairpin-cloud-slb"), 59780);
    let skewed = ladder(&sample("skew-hairpin"), 59780);
    assert_eq!(
        right.steps.iter().map(said).collect::<Vec<_>>(),
        skewed.steps.iter().map(said).collect::<Vec<_>>()
    );
    for (a, b) in right.steps.iter().zip(&skewed.steps) {
        assert!(a.at_ns.abs_diff(b.at_ns) < 200_000, "{} and {}", a.at_ns, b.at_ns);
    }
    assert!(skewed.time_note.contains("corrected"), "{}", skewed.time_note);
}

#[test]
fn a_real_server_that_forwards_stands_on_the_way() {
    let trace = sample("dr-fake-load-balancing");
    let drawn = ladder(&trace, 33344);
    assert_eq!(roles(&drawn), ["client", "router", "real server", "director", "real server"]);
    let way: Vec<(usize, usize)> = drawn.steps[..5].iter().map(|s| (s.from, s.to)).collect();
    assert_eq!(way, [(0, 1), (1, 2), (2, 3), (3, 4), (4, 1)]);
    let rewrite = drawn.steps[2].rewrite.as_deref().unwrap();
    assert!(rewrite.ends_with("(forwarded)"), "{rewrite}");
    // A host that forwards to the director and serves as well has one column.
    let drawn = ladder(&trace, 33360);
    assert_eq!(roles(&drawn), ["client", "router", "director", "real server"]);
}

#[test]
fn an_answer_past_the_director_is_one_arrow() {
    let trace = sample("nat-rs-gateway-bypasses-director");
    let drawn = ladder(&trace, 44282);
    assert_eq!(roles(&drawn), ["client", "director", "real server"]);
    let said: Vec<String> = drawn.steps.iter().map(said).collect();
    assert_eq!(said[2..4], ["2>0 SYN-ACK".to_owned(), "0>2 RST".to_owned()]);
    assert_eq!(said.len(), 8);
}

#[test]
fn without_a_handshake_numbers_begin_with_what_was_seen() {
    let trace = sample("healthy-midstream");
    let drawn = ladder(&trace, 43136);
    assert_eq!(roles(&drawn), ["client", "director", "real server"]);
    assert_eq!(said(&drawn.steps[0]), "0>1 GET  1:62");
    assert_eq!(said(&drawn.steps[2]), "2>0 HTTP 200  1:254");
    assert!(drawn.steps.iter().all(|s| s.kind == StepKind::Arrow));
}

#[test]
fn one_vantage_alone_is_drawn_too() {
    let trace = sample("only-client-healthy-nat");
    let drawn = ladder(&trace, 59828);
    assert_eq!(roles(&drawn), ["client", "service, not captured"]);
    assert_eq!(drawn.steps.len(), 10);
    let trace = sample("only-director-healthy-dr");
    let drawn = ladder(&trace, 41196);
    assert_eq!(roles(&drawn), ["client", "director", "real server"]);
    assert!(drawn.steps.iter().all(|s| s.from < s.to && s.kind == StepKind::Arrow));
}

#[test]
fn marked_frames_survive_the_fold_with_their_notes() {
    let trace = sample("healthy-nat");
    let (id, _) = trace.iter().find(|(_, c)| c.front.client.1 == 59828).unwrap();
    let all = draw(&trace, id, &[], usize::MAX).unwrap();
    let leg = trace.legs(id)[0];
    let data = trace.forward(&leg).data;
    let at = At { vantage: leg.vantage, mark: data };
    let foreign = At { vantage: at.vantage, mark: crate::flow::Mark::new(1, data.at()) };
    let marked = [
        Marked { at, note: "the request".to_owned(), label: String::new() },
        Marked { at: foreign, note: "of another connection".to_owned(), label: String::new() },
    ];
    let drawn = draw(&trace, id, &marked, 4).unwrap();
    assert_eq!(drawn.steps.len(), 5);
    assert_eq!(drawn.steps.len() + drawn.folded, all.steps.len());
    assert_eq!(drawn.folds.iter().map(|fold| fold.packets).sum::<usize>(), drawn.folded);
    assert!(drawn.start.is_some() && drawn.start == all.start);
    let shown: Vec<&Step> = drawn.steps.iter().filter(|s| s.marked).collect();
    assert_eq!(shown.len(), 1);
    assert_eq!(shown[0].remark.as_deref(), Some("the request"));
    assert_eq!(said(shown[0]), "0>1 GET  1:81");
    assert_eq!((drawn.connection, drawn.title.as_str()), (7, "drawn"));
}

/// Copies a sample without one frame of one capture.
fn without(name: &str, file: &str, frame: u32) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(samples().join(name)).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|e| e != "pcap") {
            continue;
        }
        let mut bytes = std::fs::read(&path).unwrap();
        let base = path.file_name().unwrap();
        if base == file {
            let mut at = 24;
            for _ in 1..frame {
                at += 16 + captured(&bytes, at);
            }
            let end = at + 16 + captured(&bytes, at);
            bytes.drain(at..end);
        }
        std::fs::write(dir.path().join(base), bytes).unwrap();
    }
    dir
}

fn captured(bytes: &[u8], at: usize) -> usize {
    let field: [u8; 4] = bytes[at + 8..at + 12].try_into().unwrap();
    u32::from_le_bytes(field) as usize
}

#[test]
fn a_packet_that_a_captured_host_does_not_show_is_lost_on_the_way_to_it() {
    // rs1 #7 is the request of client port 59828.
    let whole = ladder(&sample("healthy-nat"), 59828);
    let request = whole.steps.iter().find(|s| said(s) == "1>2 GET  1:81").unwrap();
    let (_, number) = request.frames.iter().find(|(vantage, _)| vantage == "rs1").unwrap();
    assert!(whole.steps.iter().all(|s| s.kind == StepKind::Arrow));
    let dir = without("healthy-nat", "rs1.pcap", *number as u32);
    let drawn = ladder(&load(dir.path()), 59828);
    let lost: Vec<String> =
        drawn.steps.iter().filter(|s| s.kind == StepKind::Lost).map(said).collect();
    assert_eq!(lost, ["1>2 GET  1:81"]);
    assert_eq!(drawn.steps.len(), whole.steps.len());
}

/// rs1's clock is 55 ms behind the director's: as the captures have them, its frames stand
/// before what caused them.
#[test]
fn times_stay_raw_where_that_is_asked() {
    let inputs = capture::inputs(&[samples().join("skew-hairpin").display().to_string()]).unwrap();
    let (stated, window) = (StatedRoles::default(), crate::window::Window::default());
    let how = load::How { stated: &stated, window: &window, align: false };
    let trace = load::load_as(&inputs.inputs, &how, &AtomicU64::new(0)).trace;
    let times: Vec<i64> =
        ladder(&trace, 59780).steps.iter().take(3).map(|s| s.at_ns / 1_000_000).collect();
    assert_eq!(times, [0, 55, 0]);
}

#[test]
fn a_host_that_was_not_captured_loses_nothing() {
    let dir = without("healthy-nat", "rs1.pcap", 1);
    std::fs::remove_file(dir.path().join("rs1.pcap")).unwrap();
    let drawn = ladder(&load(dir.path()), 59828);
    assert!(drawn.steps.iter().all(|s| s.kind == StepKind::Arrow));
    assert_eq!(roles(&drawn), ["client", "director", "real server"]);
}

/// Holds for every ladder of every capture.
fn check(trace: &Trace, drawn: &Ladder, of: &str) {
    let mut last: BTreeMap<&str, u64> = BTreeMap::new();
    assert!(!drawn.columns.is_empty() && !drawn.steps.is_empty(), "{of}");
    for (n, step) in drawn.steps.iter().enumerate() {
        let place = format!("{of}, step {n}: {step:?}");
        assert!(step.from < drawn.columns.len() && step.to < drawn.columns.len(), "{place}");
        assert_eq!(step.from == step.to, step.kind == StepKind::ToSelf, "{place}");
        assert!(!step.frames.is_empty() && step.uncertainty_ns >= 0, "{place}");
        for (label, number) in &step.frames {
            let vantage = trace.vantages.iter().find(|v| v.label == *label).unwrap();
            let files = &trace.captures[vantage.capture].files;
            assert!((1..=u64::from(files[0].last)).contains(number), "{place}");
        }
        // An arrow stands for its first frame: those keep the capture's order.
        let (label, number) = &step.frames[0];
        let before = last.insert(label, *number).unwrap_or(0);
        assert!(*number > before, "{place} after {before}");
        assert!(n == 0 || step.at_ns >= drawn.steps[n - 1].at_ns, "{place}");
    }
}

#[test]
fn every_connection_of_every_sample_can_be_drawn() {
    let mut count = 0;
    let mut lossy = BTreeSet::new();
    for entry in std::fs::read_dir(samples()).unwrap() {
        let path = entry.unwrap().path();
        if !path.join("expected.toml").is_file() {
            continue;
        }
        let trace = load(&path);
        for (id, _) in trace.iter() {
            let of = format!("{} {id:?}", path.display());
            let drawn = draw(&trace, id, &[], usize::MAX).unwrap_or_else(|| panic!("{of}"));
            check(&trace, &drawn, &of);
            if drawn.steps.iter().any(|s| s.kind == StepKind::Lost) {
                lossy.insert(path.file_name().unwrap().to_owned());
            }
            count += 1;
        }
    }
    // Nothing is lost on the way in any other sample.
    let expected = [
        "fullnat-toa-too-long",
        "ip-option-drop-meanwhile",
        "nat-dns-questions-lost",
        "nat-mtu-behind-router",
        "nat-used-ports-one-syn-lost",
        "packet-loss-director-rs",
        "server-mss-raised-on-the-way",
    ];
    assert_eq!(lossy.into_iter().collect::<Vec<_>>(), expected);
    assert!(count > 100, "{count}");
}

#[test]
fn captures_that_are_gone_give_no_ladder_and_no_panic() {
    let dir = without("healthy-nat", "rs1.pcap", 1);
    let trace = load(dir.path());
    dir.close().unwrap();
    for (id, _) in trace.iter() {
        assert_eq!(draw(&trace, id, &[], 10), None);
    }
    assert_eq!(draw(&trace, ConnectionId(u32::MAX), &[], 10), None);
}

fn told(name: &str) -> Ladder {
    let trace = sample(name);
    let diagnosis = crate::diagnose::diagnose(&trace);
    super::telling(&trace, &diagnosis).unwrap()
}

#[test]
fn what_a_proxy_opens_is_drawn_with_the_clients_connection() {
    for (name, refused) in [("l7-backend-refused", true), ("l7-slow-backend-504", false)] {
        let drawn = told(name);
        assert_eq!(roles(&drawn), ["client", "director", "real server"], "{name}");
        assert!(names(&drawn)[2].starts_with("172.16.0.1"), "{name}: {:?}", names(&drawn));
        let behind = |step: &&Step| step.from == 1 && step.to == 2;
        let syn = drawn.steps.iter().filter(behind).find(|s| s.label.starts_with("SYN"));
        assert!(syn.is_some(), "{name}: {:#?}", drawn.steps);
        let rst = |step: &Step| step.from == 2 && step.label.starts_with("RST");
        assert_eq!(drawn.steps.iter().any(rst), refused, "{name}");
        // Frames of one capture keep their order, whatever was joined.
        let mut last: BTreeMap<&str, u64> = BTreeMap::new();
        for (vantage, frame) in drawn.steps.iter().flat_map(|step| &step.frames) {
            let before = last.insert(vantage, *frame);
            assert!(before.is_none_or(|before| before < *frame), "{name}: {vantage} #{frame}");
        }
    }
}

#[test]
fn arp_and_icmp_that_prove_are_drawn() {
    let drawn = told("rs-down");
    let others: Vec<&Step> = drawn.steps.iter().filter(|s| s.marked).collect();
    let has = |what: &str| others.iter().any(|s| s.label.contains(what) && !s.frames.is_empty());
    assert!(has("who-has 172.16.0.12") && has("ICMP 3/1"), "{others:#?}");
    let icmp = others.iter().find(|s| s.label.starts_with("ICMP")).unwrap();
    assert_eq!((icmp.kind, icmp.from, icmp.to), (StepKind::Arrow, 1, 0), "to the client");
    assert!(drawn.steps.is_sorted_by_key(|s| s.at_ns), "{:#?}", drawn.steps);
}
