//! A sample's captures as `-i any` would have them, each alone: what they no longer show
//! must not be made up, and each stays on the host that it was taken on.

use crate::support::check::{none, of_each, overconfident, quiet};
use crate::support::cooked::{Any, cooked, own_macs};
use crate::support::run::run_paths;
use std::path::PathBuf;

#[test]
fn a_cooked_capture_alone_makes_nothing_certain_that_is_not_there() {
    none(of_each(|sample| {
        let whole = run_paths(&sample.captures).report;
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
