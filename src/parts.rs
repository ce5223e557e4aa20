//! Work over many connections, shared out to several threads.
//!
//! Each part is a stretch of indices, and what parts give is put together in their order: with any
//! number of threads the same comes out. The threads are those of no pool: one that waits takes on
//! nothing else meanwhile, so that no stack grows by work inside of work.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Connections below which threads cost more than they save. Where tests look, few, so that small
/// captures have parts too.
const FEW: usize = if cfg!(debug_assertions) { 2 } else { 1 << 11 };

/// How many threads so many connections are worth: as many as the pool has, or one.
fn threads(connections: usize) -> usize {
    if connections < FEW { 1 } else { rayon::current_num_threads().max(1) }
}

/// What each of as many parts as there are threads gives, in order; one part of few indices.
pub(crate) fn in_parts<T: Send>(len: usize, each: impl Fn(Range<usize>) -> T + Sync) -> Vec<T> {
    in_parts_from(len, |even| even, each)
}

/// The same where parts may not begin anywhere, or are to begin elsewhere for the work to be even: `begin` moves
/// where a part would begin, forwards for parts that come after.
pub(crate) fn in_parts_from<T: Send>(
    len: usize,
    begin: impl Fn(usize) -> usize,
    each: impl Fn(Range<usize>) -> T + Sync,
) -> Vec<T> {
    let parts = threads(len);
    let begin = |part: usize| match part {
        0 => 0,
        part if part == parts => len,
        part => begin(len * part / parts).min(len),
    };
    let all: Vec<Range<usize>> = (0..parts).map(|part| begin(part)..begin(part + 1)).collect();
    of_each(len, &all, |part| each(part.clone()))
}

/// What each item gives, in order, where the work is over so many connections.
pub(crate) fn of_each<I: Sync, T: Send>(
    connections: usize,
    items: &[I],
    each: impl Fn(&I) -> T + Sync,
) -> Vec<T> {
    let threads = threads(connections).min(items.len());
    if threads < 2 {
        return items.iter().map(each).collect();
    }
    let next = AtomicUsize::new(0);
    let work = || {
        let mut own = Vec::new();
        while let Some((at, item)) = {
            let at = next.fetch_add(1, Ordering::Relaxed);
            items.get(at).map(|item| (at, item))
        } {
            own.push((at, each(item)));
        }
        own
    };
    let mut all = thread::scope(|scope| {
        // Where the system gives no further thread, those that there are do all.
        let spawn = |_| thread::Builder::new().spawn_scoped(scope, work).ok();
        let others: Vec<_> = (1..threads).filter_map(spawn).collect();
        let mut all = work();
        for other in others {
            all.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        all
    });
    all.sort_unstable_by_key(|(at, _)| *at);
    all.into_iter().map(|(_, given)| given).collect()
}

/// Two results, made beside each other where the work is over many connections.
pub(crate) fn both<A: Send, B: Send>(
    connections: usize,
    one: impl FnOnce() -> A + Send,
    other: impl FnOnce() -> B + Send,
) -> (A, B) {
    if threads(connections) < 2 {
        return (one(), other());
    }
    thread::scope(|scope| {
        let beside = scope.spawn(one);
        let other = other();
        (beside.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), other)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_all_there_and_in_order() {
        for len in [0, 1, FEW - 1, FEW, FEW + 1, 10 * FEW + 3] {
            let parts = in_parts(len, |range| range.collect::<Vec<usize>>());
            assert_eq!(parts.concat(), (0..len).collect::<Vec<usize>>());
            for moved in [0, 5, len] {
                let to = |even| even + moved;
                let parts = in_parts_from(len, to, |range| range.collect::<Vec<usize>>());
                assert_eq!(parts.concat(), (0..len).collect::<Vec<usize>>());
            }
        }
    }

    #[test]
    fn what_items_give_stands_in_their_order() {
        let items: Vec<usize> = (0..100).collect();
        assert_eq!(of_each(1 << 20, &items, |n| n * 2), (0..200).step_by(2).collect::<Vec<_>>());
        assert_eq!(both(1 << 20, || 1, || 2), (1, 2));
    }
}
