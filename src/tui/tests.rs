//! The whole program on a screen in memory: what must be there, and that nothing breaks.

mod input;
mod saving;

use super::app::Pane;
use super::panes::findings;
use super::testkit::probe;
use std::path::Path;

const SIZES: [(u16, u16); 2] = [(80, 24), (200, 60)];

fn samples() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples");
    let folders = std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap());
    let folders = folders.filter(|entry| entry.path().join("expected.toml").is_file());
    let mut names: Vec<String> =
        folders.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn has(text: &str, wanted: &[&str]) {
    for wanted in wanted {
        assert!(text.contains(wanted), "{wanted:?} is not on the screen:\n{text}");
    }
}

#[test]
fn the_overview_names_the_root_cause_and_the_footer_says_how_to_go_on() {
    for size in SIZES {
        let screen = probe("hairpin-cloud-slb", size).text();
        has(
            &screen,
            &[
                "FAILING   3 of 6 connections to 203.0.113.8:80 fail",
                "203.0.113.8:80/tcp  nat, by director 172.16.100.253",
                "172.16.100.11:80",
                "critical · certain  l4-self-access-hairpin",
                "Enter open",
                "? help",
                "q quit",
            ],
        );
    }
}

#[test]
fn screens_have_the_reports_numbers() {
    let flowing = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    for name in samples() {
        let data = super::testkit::sample(&name);
        let screen = flowing(&probe(&name, (200, 60)).text());
        assert!(screen.contains(&flowing(&data.report.verdict.accounts)), "{name}:\n{screen}");
        let t = &data.report.totals;
        // What was counted and not kept is in no list.
        if !data.report.beyond.is_empty() {
            continue;
        }
        let said = format!("{} connections, {} failed", t.connections, t.failed);
        assert!(screen.contains(&said), "{name}: {said}\n{screen}");
        for (n, what) in [(t.suffered, "suffered"), (t.untold, "untold")] {
            let said = format!(", {n} {what}");
            assert_eq!(screen.contains(&said), n > 0, "{name}: {said}\n{screen}");
        }
    }
}

#[test]
fn enter_leads_from_the_overview_to_the_fix_and_to_the_frame_that_proves_it() {
    let mut probe = probe("hairpin-cloud-slb", (80, 24));
    probe.key("enter");
    has(&probe.text(), &["critical · certain · cause", "proof"]);
    // Down to the first frame of the proof.
    for _ in 0..6 {
        probe.key("j");
    }
    probe.key("enter");
    probe.settle();
    has(&probe.text(), &["#2 172.16.100.11:59780", "SYN  59780 > 80", "rs1 #14", "packet"]);
    probe.key("esc");
    has(&probe.text(), &["l4-self-access-hairpin"]);
    probe.key("y");
    assert!(probe.app.clipboard.as_ref().is_some_and(|text| text.contains("iptables")));
    has(&probe.text(), &["command copied"]);
    probe.key("esc");
    probe.key("esc");
    has(&probe.text(), &["FAILING"]);
}

#[test]
fn a_filter_is_typed_completed_applied_and_cleared() {
    let mut probe = probe("nat-one-rs-gateway-wrong", (80, 24));
    probe.key("3");
    probe.key("/");
    probe.type_text("outcome fial");
    has(&probe.text(), &["filter: outcome fial", "is no outcome"]);
    for _ in 0..4 {
        probe.key("backspace");
    }
    probe.type_text("fa");
    has(&probe.text(), &[" failed\n"]);
    probe.key("tab");
    probe.key("enter");
    probe.settle();
    let shown = probe.text();
    has(&shown, &["filter outcome failed", "x clears"]);
    assert!(!shown.contains("completed"), "{shown}");
    probe.key("x");
    probe.settle();
    has(&probe.text(), &["completed"]);
}

#[test]
fn a_ladder_shows_the_rewrite_at_each_capture_side_by_side() {
    let mut probe = probe("hairpin-cloud-slb", (200, 60));
    probe.key("4");
    probe.settle();
    has(
        &probe.text(),
        &[
            "203.0.113.8:80 > 172.16.100.11:80",
            "rs1 #14",
            "director #26",
            "director #27",
            "rs1 #15",
            "IP destination",
            "bytes of rs1 #14",
        ],
    );
    probe.key("enter");
    has(&probe.text(), &["TCP sequence", "TCP window", "link source"]);
}

#[test]
fn two_connections_are_compared() {
    for size in SIZES {
        let mut probe = probe("nat-one-rs-gateway-wrong", size);
        probe.key("3");
        probe.key(" ");
        has(&probe.text(), &["is marked"]);
        probe.key("j");
        probe.key("c");
        probe.settle();
        has(&probe.text(), &["#1 ", "#2 ", "marked,"]);
        probe.key("l");
        probe.key("j");
        probe.settle();
        probe.key("c");
        assert!(!probe.app.ladder.both);
    }
}

#[test]
fn a_range_of_time_narrows_the_other_panes() {
    let mut probe = probe("hairpin-cloud-slb", (80, 24));
    probe.key("2");
    probe.settle();
    has(&probe.text(), &["lanes by real server", "172.16.100.11:80", "incomplete", "┣1"]);
    probe.key("v");
    for _ in 0..10 {
        probe.key("l");
    }
    probe.key("v");
    probe.settle();
    let few = probe.app.rows.ids.len();
    assert!(few > 0 && few < 6, "{few}");
    probe.key("3");
    has(&probe.text(), &["of 6 connections", "time 07:41:51"]);
    probe.key("x");
    probe.settle();
    assert_eq!(probe.app.rows.ids.len(), 6);
}

#[test]
fn zooming_in_and_out_ends_where_it_began() {
    let mut probe = probe("hairpin-cloud-slb", (80, 24));
    probe.key("2");
    probe.settle();
    let before = probe.text();
    for _ in 0..40 {
        probe.key("+");
    }
    probe.settle();
    assert_ne!(probe.text(), before);
    for _ in 0..40 {
        probe.key("-");
    }
    probe.settle();
    assert_eq!(probe.text(), before);
}

#[test]
fn no_cell_steers_the_terminal() {
    for name in ["hairpin-cloud-slb", "healthy-l7-haproxy"] {
        let mut probe = probe(name, (200, 60));
        probe.app.say(super::theme::Paint::Bad, "a\u{1b}[2J\u{202e}b");
        probe.draw();
        let screen = probe.screen();
        for cell in &screen.content {
            assert!(!cell.symbol().contains(crate::render::sanitise::is_unsafe), "{cell:?}");
        }
    }
}

#[test]
fn without_colour_the_screen_has_none() {
    let mut probe = super::testkit::probe_with("hairpin-cloud-slb", (80, 24), "theme = \"mono\"");
    for pane in ["1", "2", "3", "4", "5", "6"] {
        probe.key(pane);
        probe.settle();
        for cell in &probe.screen().content {
            let none = ratatui::style::Color::Reset;
            assert_eq!((cell.fg, cell.bg), (none, none), "pane {pane}: {cell:?}");
        }
    }
}

#[test]
fn every_line_of_proof_leads_to_its_frame() {
    let mut alone = 0;
    for name in samples() {
        let mut probe = probe(&name, (100, 40));
        let data = probe.app.data.clone().unwrap();
        for finding in &data.report.findings {
            for (n, evidence) in finding.evidence.iter().enumerate() {
                probe.key("5");
                probe.app.findings.show(finding.n);
                let seen = format!("{} #{}", evidence.vantage, evidence.frame);
                let stop = findings::proof_stop(&probe.app, n);
                probe.app.findings.stop = stop.expect("every proof is a stop");
                probe.key("enter");
                probe.settle();
                let shown: Vec<String> = match &probe.app.ladder.alone {
                    Some(frame) => {
                        alone += 1;
                        assert!(frame.sights[0].fields.is_ok(), "{name}: {:?}", frame.sights);
                        frame.sights.iter()
                    }
                    None => probe.app.ladder.sides[0].sights.iter(),
                }
                .map(|sight| format!("{} #{}", sight.vantage, sight.frame))
                .collect();
                assert!(shown.contains(&seen), "{name}: {seen} is wanted, {shown:?} shown");
                probe.key("esc");
                assert_eq!(probe.app.pane, Pane::Findings, "{name}: back from {seen}");
            }
        }
    }
    assert!(alone > 0, "no ARP or ICMP was among them");
}

#[test]
fn the_page_names_all_commands_colours_and_fields() {
    let page = include_str!("../../docs/tui.md");
    let actions = super::action::ALL.iter().map(|about| about.name);
    let roles = super::theme::ROLES.iter().map(|(name, _)| *name);
    let fields = crate::query::FIELDS.iter().flat_map(|field| field.names).copied();
    for name in actions.chain(roles).chain(fields) {
        assert!(page.contains(&format!("`{name}`")), "docs/tui.md does not name {name}");
    }
}

#[test]
fn panes_look_as_they_did() {
    for (width, height) in SIZES {
        let mut probe = probe("hairpin-cloud-slb", (width, height));
        for (key, name) in [
            ("1", "overview"),
            ("2", "timeline"),
            ("3", "connections"),
            ("4", "ladder"),
            ("5", "findings"),
            ("6", "path"),
        ] {
            probe.key(key);
            probe.settle();
            let text = probe.text();
            insta::with_settings!({ snapshot_path => "../../tests/snapshots/tui" }, {
                insta::assert_snapshot!(format!("{name}-{width}x{height}"), text);
            });
        }
    }
}
