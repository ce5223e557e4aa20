//! A sample's captures as `-i any` would have them, each alone: what they no longer show
//! must not be made up, and each stays on the host that it was taken on.

use crate::support::bytes::Pcap;
use crate::support::check::{none, of_each, overconfident, quiet};
use crate::support::cooked::{Any, cooked, own_macs};
use crate::support::frames::Segment;
use crate::support::run::{run_paths, whole};
use std::path::PathBuf;

#[test]
fn a_cooked_capture_alone_makes_nothing_certain_that_is_not_there() {
    none(of_each(|sample| {
        let whole = &whole(sample).report;
        let folder = tempfile::tempdir().unwrap();
        let mut wrong = Vec::new();
        for capture in &sample.captures {
            let label = capture.file_stem().unwrap().to_str().unwrap();
            let here = |h: &&lbdiag::report::Host| h.vantages.iter().any(|v| v == label);
            let Some(host) = whole.hosts.iter().find(here) else { continue };
            let own = own_macs(host);
            let Some(file): Option<PathBuf> = cooked(capture, &own, folder.path(), Any::Sll) else {
                continue;
            };
            let report = run_paths(&[&file]).report;
            let mut lines = overconfident(&report, &sample.expected);
            lines.extend(quiet(&report, &sample.expected));
            let stays = |h: &lbdiag::report::Host| {
                !h.vantages.iter().any(|v| v == label)
                    || h.macs.is_empty()
                    || h.macs.iter().any(|text| host.macs.contains(text))
            };
            if !report.hosts.iter().all(stays) {
                lines.push("was taken on another host than before".to_owned());
            }
            wrong.extend(lines.into_iter().map(|line| format!("{label} by -i any: {line}")));
        }
        wrong
    }));
}

/// A capture on a DR real server that is silent, by `-i any`, whose filter lets only what
/// comes in through: neither an address nor a MAC of the server is in it.
#[test]
fn a_server_of_which_only_its_capture_is_known_has_a_name_and_a_capture_that_can_be_taken() {
    const CLIENT: [u8; 6] = [2, 0, 0, 0, 0, 1];
    const DIRECTOR: [u8; 6] = [2, 0, 0, 0, 0, 2];
    const SERVER: [u8; 6] = [2, 0, 0, 0, 0, 3];
    let (client, vip) = ([10, 0, 0, 5], [10, 0, 0, 100]);
    // The client asks for the VIP on the link, so it is no router that sends the SYNs on.
    let mut ask = [&[0xff; 6][..], &CLIENT, &[8, 6, 0, 1, 8, 0, 6, 4, 0, 1], &CLIENT].concat();
    ask.extend([&client[..], &[0; 6], &vip].concat());
    let mut pcap = Pcap::new(1);
    pcap.frame(0, &ask);
    for (port, start) in [(40_000, 10), (40_001, 2_010)] {
        for (n, ms) in [0, 1_000].into_iter().enumerate() {
            let syn = Segment::syn((client, port), (vip, 80), u32::from(port));
            let syn = syn.id(n as u16 + port).on(DIRECTOR, SERVER, 64);
            pcap.frame(start + ms, &syn.ethernet());
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let ethernet = folder.path().join("ethernet.pcap");
    std::fs::write(&ethernet, &pcap.bytes).unwrap();
    let own = folder.path().join("own");
    std::fs::create_dir(&own).unwrap();
    let file = cooked(&ethernet, &[SERVER], &own, Any::Sll2).unwrap();
    let (report, wrong) = crate::sums::in_every_output(&[&file]);
    none(wrong);
    let server = &report.services[0].real_servers[0];
    assert_eq!((&server.address, &server.mac, server.connections), (&None, &None, 2));
    let silent = report.findings.iter().find(|f| f.id == "rs-silent").unwrap();
    assert!(silent.affected.by_real_server.is_empty(), "{:?}", silent.affected);
    let run = run_paths(&[&file]);
    assert!(!run.text.contains("all to real server"), "{}", run.text);
    for next in &silent.to_confirm {
        assert!(!next.command.contains("()"), "{}", next.command);
    }
}
