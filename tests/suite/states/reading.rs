//! Outputs of real tools are read whole, and cut short, damaged or hostile ones without panic.

use crate::support::expected::{entries, root};
use lbdiag::state::{HostState, parse};
use std::path::{Path, PathBuf};

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
