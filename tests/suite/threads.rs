//! The same captures give the same report with any number of threads.
//!
//! In a build with debug assertions, as tests have, work is shared out in far smaller parts than in a
//! release: every sample has many.

use crate::support::check::none;
use crate::support::each::of_each;
use crate::support::program::lbdiag;
use crate::support::run::{Run, run_paths};
use rayon::{ThreadPool, ThreadPoolBuilder};

fn pool(threads: usize) -> ThreadPool {
    ThreadPoolBuilder::new().num_threads(threads).build().unwrap()
}

fn written(run: &Run) -> String {
    format!("{}\n{}", lbdiag::render::json(&run.report), run.text)
}

#[test]
fn every_sample_is_the_same_byte_for_byte() {
    let pools = [1, 2, 3, 8].map(|threads| (threads, pool(threads)));
    none(of_each(|sample| {
        let reports = pools.each_ref().map(|(threads, pool)| {
            (threads, written(&pool.install(|| run_paths(&sample.captures))))
        });
        let other = reports.iter().filter(|(_, report)| *report != reports[0].1);
        other.map(|(threads, _)| format!("{threads} threads")).collect()
    }));
}

/// A file alone is walked on one thread and observed on another.
#[test]
fn every_capture_alone_is_the_same_byte_for_byte() {
    let pools = [1, 2].map(|threads| (threads, pool(threads)));
    none(of_each(|sample| {
        let mut wrong = Vec::new();
        for path in &sample.captures {
            let one = |(_, pool): &(usize, ThreadPool)| {
                written(&pool.install(|| run_paths(std::slice::from_ref(path))))
            };
            if one(&pools[0]) != one(&pools[1]) {
                wrong.push(path.display().to_string());
            }
        }
        wrong
    }));
}

/// The program too, whose pool is its own.
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
