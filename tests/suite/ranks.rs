//! Who stands first of several culprits does not depend on the order of files.

use crate::support::check::{difference, essence, none, of_each};
use crate::support::orders::renamed;
use crate::support::run::whole;

#[test]
fn the_order_of_files_does_not_rank_the_culprits() {
    none(of_each(|sample| {
        let own = essence(&whole(sample).report, true);
        let changed = |first: usize| {
            let line = difference(&own, &essence(&renamed(sample, first).report, true))?;
            Some(format!("order {first}: {line}"))
        };
        (0..sample.captures.len()).filter_map(changed).collect()
    }));
}
