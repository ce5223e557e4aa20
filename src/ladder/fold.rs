//! A long ladder shortened: both ends stay, all that is marked, and the first of what tells of
//! trouble: losses, resets, and SYNs, which amid a connection are repeated or a proxy's.

use crate::report::ladder::{Fold, Step, StepKind};

/// Steps in the middle that are kept for what they are.
const MAX_ODD: usize = 4;

/// Keeps both ends and all that is marked or odd; says where and how many were left out.
/// `unread` counts what is missing already.
pub(super) fn fold(steps: Vec<Step>, unread: Option<Fold>, max: usize) -> (Vec<Step>, Vec<Fold>) {
    let all = steps.len();
    let max = max.max(2);
    let (head, tail) = (max.div_ceil(2), max / 2);
    let mut odd = 0;
    let mut kept = |n: usize, step: &Step| {
        let end = all <= max || n < head || n >= all.saturating_sub(tail);
        if end || step.marked {
            return true;
        }
        odd += usize::from(is_odd(step));
        is_odd(step) && odd <= MAX_ODD
    };
    let mut shown: Vec<Step> = Vec::new();
    let mut folds: Vec<Fold> = Vec::new();
    let mut missing = 0;
    for (n, step) in steps.into_iter().enumerate() {
        missing += unread.filter(|fold| fold.before == n).map_or(0, |fold| fold.packets);
        if !kept(n, &step) {
            missing += 1;
            continue;
        }
        if missing > 0 {
            folds.push(Fold { before: shown.len(), packets: std::mem::take(&mut missing) });
        }
        shown.push(step);
    }
    missing += unread.filter(|fold| fold.before >= all).map_or(0, |fold| fold.packets);
    if missing > 0 {
        folds.push(Fold { before: shown.len(), packets: missing });
    }
    (shown, folds)
}

/// Whether a step shows trouble by itself.
fn is_odd(step: &Step) -> bool {
    let begins = ["RST", "SYN "].iter().any(|word| step.label.starts_with(word));
    step.kind == StepKind::Lost || begins
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(n: usize, marked: &[usize]) -> Vec<Step> {
        let step = |at: usize| Step {
            at_ns: at as i64,
            uncertainty_ns: 0,
            packet: at,
            kind: StepKind::Arrow,
            from: 0,
            to: 1,
            label: String::new(),
            frames: Vec::new(),
            rewrite: None,
            marked: marked.contains(&at),
            remark: None,
        };
        (0..n).map(step).collect()
    }

    fn folded(n: usize, marked: &[usize], unread: Option<Fold>) -> (Vec<i64>, Vec<(usize, usize)>) {
        let (kept, folds) = fold(steps(n, marked), unread, 4);
        let at = kept.iter().map(|step| step.at_ns).collect();
        (at, folds.iter().map(|fold| (fold.before, fold.packets)).collect())
    }

    #[test]
    fn each_gap_is_told_where_it_is() {
        assert_eq!(folded(4, &[], None), (vec![0, 1, 2, 3], vec![]));
        assert_eq!(folded(10, &[], None), (vec![0, 1, 8, 9], vec![(2, 6)]));
        assert_eq!(folded(10, &[4], None), (vec![0, 1, 4, 8, 9], vec![(2, 2), (3, 3)]));
        assert_eq!(folded(10, &[2], None), (vec![0, 1, 2, 8, 9], vec![(3, 5)]));
    }

    #[test]
    fn what_was_never_kept_counts_where_it_was() {
        let unread = |before| Some(Fold { before, packets: 100 });
        assert_eq!(folded(10, &[], unread(5)).1, [(2, 106)]);
        assert_eq!(folded(4, &[], unread(2)).1, [(2, 100)]);
        assert_eq!(folded(4, &[], unread(4)).1, [(4, 100)]);
    }
}
