//! Health checks of a proxy that say nothing of themselves and are never answered well.
//!
//! A host that serves clients itself asks others the same, as regularly as a clock, and each answer is an
//! HTTP error. What a proxy asks for its clients comes when they come, and differs; and where such a
//! question was a client's, the pair that it makes says so before this is asked.

use crate::correlate::{Connection, Connections};
use crate::flow::{Mark, Observations};
use crate::hashed::{HashMap, HashSet};
use crate::wire::Ip;

/// Questions that show a rhythm: three intervals.
const RHYTHM: usize = 4;
/// Intervals differ by one part in so many at most: timers of a proxy that waits for nobody.
const STEADY: i64 = 10;

/// One question that was answered with an error: when, and how many bytes went either way.
type Asked = (Mark, u64, u64);

/// Who asks whom: the client's address, the server's address and port.
pub(super) type Pair = (Ip, Ip, u16);

/// The pair of a connection, as the client names it.
pub(super) fn pair(connection: &Connection) -> Pair {
    (connection.front.client.0, connection.front.server.0, connection.front.server.1)
}

/// Who asks whom for its health, and is always told no.
pub(super) fn always_refused(
    vantages: &[Observations],
    connections: &Connections,
) -> HashSet<Pair> {
    if vantages.iter().all(|v| !v.side_tables.has_errors()) {
        return HashSet::default();
    }
    let tcp = || connections.list.iter().filter(|c| c.protocol.is_tcp());
    let serves: HashSet<Ip> =
        tcp().filter(|c| c.progress.answered).map(|c| c.front.server.0).collect();
    let mut asked: HashMap<Pair, Option<Vec<Asked>>> = HashMap::default();
    for c in tcp().filter(|c| serves.contains(&c.front.client.0) && c.back.is_none()) {
        let error = connections.legs(c).iter().find_map(|leg| {
            let v = &vantages[leg.vantage.index()];
            v.side_tables.first_error(leg.stream)?;
            let (there, back) = (leg.forward(vantages), leg.reply(vantages));
            Some((there.data.get()?, there.payload, back.payload))
        });
        let list = asked.entry(pair(c)).or_insert_with(|| Some(Vec::new()));
        match (error, list.as_mut()) {
            (Some(one), Some(list)) => list.push(one),
            _ => *list = None,
        }
    }
    let steady = asked.into_iter().filter(|(_, list)| list.as_deref().is_some_and(is_rhythm));
    steady.map(|(pair, _)| pair).collect()
}

/// Whether the same was asked and answered again and again at one pace.
fn is_rhythm(asked: &[Asked]) -> bool {
    let Some((_, there, back)) = asked.first() else { return false };
    let mut times: Vec<i64> = asked.iter().map(|(mark, ..)| mark.at().0).collect();
    times.sort_unstable();
    let gaps = || times.windows(2).map(|pair| pair[1].saturating_sub(pair[0]));
    let (least, most) = (gaps().min().unwrap_or(0), gaps().max().unwrap_or(0));
    asked.len() >= RHYTHM
        && asked.iter().all(|(_, t, b)| (t, b) == (there, back))
        && most.saturating_sub(least) <= most / STEADY
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::Timestamp;

    fn asked(seconds: &[f64], bytes: u64) -> Vec<Asked> {
        let at = |(i, s): (usize, &f64)| Mark::new(i as u32 + 1, Timestamp((s * 1e9) as i64));
        seconds.iter().enumerate().map(|one| (at(one), bytes, 122)).collect()
    }

    #[test]
    fn the_same_at_one_pace_is_a_check() {
        assert!(is_rhythm(&asked(&[0.0, 2.0, 4.01, 6.0], 26)));
    }

    #[test]
    fn what_comes_as_clients_come_or_differs_is_none() {
        assert!(!is_rhythm(&asked(&[0.0, 2.0, 2.5, 6.0], 26)));
        assert!(!is_rhythm(&asked(&[0.0, 2.0, 4.0], 26)));
        let mut mixed = asked(&[0.0, 2.0, 4.0, 6.0], 26);
        mixed[2].1 = 40;
        assert!(!is_rhythm(&mixed));
    }
}
