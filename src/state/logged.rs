//! Which connection a line of a proxy's log is about: by the client's address and port, where no other
//! connection has them and the line is of its time. A log in no zone may be hours off, and by no
//! minutes but those of zones.

use super::MatchedState;
use super::records::Logged;
use crate::correlate::{Connection, Connections};
use crate::flow::Observations;
use crate::hashed::HashMap;
use crate::wire::Ip;

/// Seconds by which a line may be before or behind its connection.
const APART: i64 = 3;
/// Zones differ by so many seconds.
const ZONE: i64 = 900;
/// Before this a capture tells no date.
const DATED: i64 = 86_400 * 365;

/// By connection: the state and its line, by index; of several lines the one with the highest status.
pub(crate) fn lines(
    states: &[MatchedState],
    connections: &Connections,
    vantages: &[Observations],
) -> HashMap<u32, (u32, u32)> {
    let mut by_client: HashMap<(Ip, u16), Option<u32>> = HashMap::default();
    if states.iter().all(|matched| matched.state.logged.is_empty()) {
        return HashMap::default();
    }
    for (index, c) in connections.list.iter().enumerate().filter(|(_, c)| c.protocol.is_tcp()) {
        let of = by_client.entry(c.front.client).or_insert(Some(index as u32));
        *of = of.filter(|known| *known == index as u32);
    }
    let mut found: HashMap<u32, (u32, u32)> = HashMap::default();
    for (s, matched) in states.iter().enumerate() {
        let rows = &matched.state.logged;
        for (r, row) in rows.iter().enumerate() {
            let (ip, Some(port)) = row.client else { continue };
            let Some(Some(index)) = by_client.get(&(ip, port)) else { continue };
            let connection = &connections.list[*index as usize];
            if !is_of_its_time(row, connection, connections, vantages) {
                continue;
            }
            let line = (s as u32, r as u32);
            let worst = found.entry(*index).or_insert(line);
            let before = &states[worst.0 as usize].state.logged[worst.1 as usize];
            if before.status < row.status {
                *worst = line;
            }
        }
    }
    found
}

fn is_of_its_time(
    row: &Logged,
    connection: &Connection,
    connections: &Connections,
    vantages: &[Observations],
) -> bool {
    let Some(time) = row.time else { return true };
    let spans = connections.legs(connection).iter().map(|leg| {
        let stream = leg.of(vantages);
        (stream.first().at().0 / 1_000_000_000, stream.last().at().0 / 1_000_000_000)
    });
    spans.into_iter().any(|(from, to)| {
        if from < DATED {
            return true;
        }
        let off = (time - from + ZONE / 2).div_euclid(ZONE) * ZONE;
        let close = |off: i64| (from - APART..=to + APART).contains(&(time - off));
        // Fourteen hours is the farthest zone.
        [off - ZONE, off, off + ZONE].into_iter().any(|off| off.abs() <= 14 * 3600 && close(off))
    })
}
