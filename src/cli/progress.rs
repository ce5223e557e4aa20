//! A progress bar for work that a person waits for.
//!
//! It shows after a second of work, on a terminal only, and leaves nothing behind. Refuses to slow
//! the work: it looks at a counter ten times a second.

use super::memory;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use lbdiag::load::Origin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

/// Work that is done sooner shows no bar.
const PATIENCE: Duration = Duration::from_secs(1);

/// Time between two looks at the counter.
const TICK: Duration = Duration::from_millis(100);

/// Runs `work` with a counter of bytes read; draws the counter where `shown`.
pub(super) fn watch<T>(shown: bool, total: Option<u64>, work: impl FnOnce(&AtomicU64) -> T) -> T {
    let counter = &AtomicU64::new(0);
    if !shown {
        return work(counter);
    }
    let (done, waiting) = mpsc::channel::<()>();
    std::thread::scope(|scope| {
        scope.spawn(move || draw(&waiting, counter, total));
        // Dropped also where the work panics, which ends the drawing.
        let _done = done;
        work(counter)
    })
}

/// Bytes to read; `None` where one of the sources has no size, as a pipe has none.
pub(super) fn total(origins: &[Origin]) -> Option<u64> {
    origins.iter().map(Origin::bytes).sum()
}

fn draw(waiting: &Receiver<()>, counter: &AtomicU64, total: Option<u64>) {
    if waiting.recv_timeout(PATIENCE) != Err(RecvTimeoutError::Timeout) {
        return;
    }
    let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr());
    let template = match total {
        Some(_) => "{msg} [{bar:30}] {bytes}/{total_bytes} {bytes_per_sec} {eta}",
        None => "{msg} {spinner} {bytes} {bytes_per_sec}",
    };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("=> "));
    }
    let show = || {
        let read = counter.load(Ordering::Relaxed);
        let all = total.is_some_and(|total| read >= total);
        bar.set_message(if all { "joining connections" } else { "reading" });
        bar.set_position(total.map_or(read, |total| read.min(total)));
    };
    show();
    // What was read before the bar began says nothing of the speed.
    bar.reset_eta();
    let mut told = false;
    while waiting.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
        show();
        let read = counter.load(Ordering::Relaxed);
        if let Some(said) = total.filter(|_| !told).and_then(|total| memory::shortage(read, total))
        {
            told = true;
            bar.println(format!("note: {said}"));
        }
    }
    bar.finish_and_clear();
}

#[cfg(test)]
mod tests {
    use super::*;
    use lbdiag::capture::{Input, Source};

    #[test]
    fn a_pipe_leaves_the_total_open() {
        let input = |files| Origin::Capture(Input { label: "a".into(), labelled: false, files });
        let file = || Source::Path("Cargo.toml".into());
        assert!(total(&[input(vec![file()]), input(vec![file()])]).is_some_and(|n| n > 0));
        assert_eq!(total(&[input(vec![file()]), input(vec![Source::Stdin])]), None);
    }

    #[test]
    fn the_work_runs_once_and_its_result_comes_back() {
        for shown in [false, true] {
            let read =
                watch(shown, Some(10), |counter| counter.fetch_add(7, Ordering::Relaxed) + 1);
            assert_eq!(read, 1);
        }
    }

    #[test]
    fn a_panic_in_the_work_does_not_hang() {
        let run = std::panic::AssertUnwindSafe(|| watch(true, None, |_| panic!("work")));
        assert!(std::panic::catch_unwind(run).is_err());
    }
}
