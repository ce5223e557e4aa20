//! The same captures give the same report with any number of threads.

use crate::support::program::lbdiag;

#[test]
fn reports_are_the_same_byte_for_byte() {
    for sample in ["samples/healthy-dr", "samples/nat-one-rs-gateway-wrong", "samples/format-mix"] {
        let report = |threads: &str| {
            let mut command = lbdiag(&["--json", "--connections", "all", sample]);
            let output = command.env("RAYON_NUM_THREADS", threads).output().unwrap();
            assert!(output.status.success(), "{sample}");
            output.stdout
        };
        let one = report("1");
        assert!(one.len() > 1000, "{sample}");
        for threads in ["2", "3", "8"] {
            assert!(report(threads) == one, "{sample} with {threads} threads");
        }
    }
}

#[test]
fn each_stage_is_timed_apart() {
    let output = lbdiag(&["-vv", "samples/healthy-dr"]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    for stage in ["reading", "joining", "clocks", "hosts, ways and services", "diagnosing"] {
        let line = |l: &str| l.contains(&format!("{stage}: ")) && l.ends_with(" s");
        assert!(said.lines().any(line), "{stage}: {said}");
    }
}
