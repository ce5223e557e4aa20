//! Pairs that a proxy's own table states: haproxy's `show sess all` names the client's connection
//! and the one that was opened for it, whatever they carry.

use super::pair::{Evidence, Pairs};
use crate::correlate::{BothSides, Connections, Tuple};
use crate::hashed::HashMap;
use crate::wire::Protocol;

pub(super) fn tie(connections: &Connections, stated: &[BothSides], pairs: &mut Pairs) {
    if stated.is_empty() {
        return;
    }
    // A port that comes again leaves open which of its connections is meant.
    let mut of: HashMap<(Protocol, Tuple), Option<u32>> = HashMap::default();
    for (index, connection) in connections.list.iter().enumerate() {
        let all = [Some(connection.front), connection.back];
        for tuple in all.into_iter().flatten() {
            let once = of.entry((connection.protocol, tuple)).or_insert(Some(index as u32));
            *once = once.filter(|known| *known == index as u32);
        }
    }
    let find = |both: &BothSides, tuple| of.get(&(both.protocol, tuple)).copied().flatten();
    for both in stated {
        if let (Some(front), Some(back)) = (find(both, both.front), find(both, both.back))
            && front != back
        {
            pairs.add(front, back, Evidence::Table);
        }
    }
}
