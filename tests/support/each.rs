//! A judgement of every sample, several at a time.

use super::expected::{Sample, samples};
use std::sync::atomic::{AtomicUsize, Ordering};

/// The deviations of each sample, on threads of no pool: one that waits for a pool would take on a
/// further sample inside of the one that it is at.
pub fn of_each(judge: impl Fn(&Sample) -> Vec<String> + Sync) -> Vec<String> {
    let (all, next) = (samples(), AtomicUsize::new(0));
    let work = || {
        let mut wrong = Vec::new();
        while let Some(sample) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
            let name = &sample.name;
            wrong.extend(judge(sample).into_iter().map(|line| format!("{name}: {line}")));
        }
        wrong
    };
    std::thread::scope(|scope| {
        let workers = [(); 2].map(|()| scope.spawn(work));
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    })
}
