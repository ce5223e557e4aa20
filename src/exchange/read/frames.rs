//! The frames of a capture in which somebody is listened to, read again.

use super::{Ear, Ears, MAX_EXCHANGES, Said};
use crate::capture::{self, Capture, Frame};
use crate::exchange::Digests;
use crate::flow::{Key, Mark, VantageId};
use crate::wire::{self, Body, Ip, Plain, Protocol, Transport};

/// Frames between two stretches that are read through: a few strides of the index, which cost no more than to
/// begin anew.
const NEAR: u32 = 1 << 12;

/// Reads the frames of a capture in which somebody is listened to; gives what could not be read.
pub(super) fn read_again(
    capture: &Capture,
    here: &[VantageId],
    ears: &mut Ears,
    hasher: &Digests,
    found: &mut Said,
) -> Vec<String> {
    let lists = here.iter().flat_map(|v| ears[v.index()].values().flatten());
    let stretches = stretches(lists.map(|ear| (ear.from, ear.to)).collect());
    let mut faults = Vec::new();
    let mut base = 0u32;
    for file in &capture.files {
        let mut sink = |frame: &Frame<'_>| {
            if says_nothing(frame, here, ears) {
                return;
            }
            let packet = wire::decode(frame);
            let Body::Ip(ip) = &packet.body else { return };
            let Transport::Tcp(tcp) = &ip.transport else { return };
            if tcp.payload.is_empty() || found.exchanges.len() >= MAX_EXCHANGES {
                return;
            }
            let ends = ((ip.src, tcp.src_port), (ip.dst, tcp.dst_port));
            let (key, end) = Key::of(Protocol::TCP, ends.0, ends.1, packet.vlan, ip.outer.as_ref());
            let mark = Mark::new(base.saturating_add(frame.number), frame.time);
            for vantage in here {
                let Some(list) = ears[vantage.index()].get_mut(&key) else { continue };
                let within = |ear: &&mut Ear| (ear.from..=ear.to).contains(&mark.frame());
                if let Some(ear) = list.iter_mut().find(within) {
                    ear.hear(*vantage, mark, end, tcp, hasher, found);
                }
            }
        };
        let mut ranges = stretches
            .iter()
            .map(|(from, to)| from.saturating_sub(base).max(1)..=to.saturating_sub(base));
        if !capture::is_read_anywhere(file) {
            // Any of its frames is reached by way of all before.
            let whole = ranges.clone().reduce(|all, one| *all.start()..=*one.end());
            if let Some(Err(error)) = whole.map(|all| capture::read_range(file, all, &mut sink)) {
                faults.push(error.to_string());
            }
        } else if let Some(error) =
            ranges.find_map(|range| capture::read_range(file, range, &mut sink).err())
        {
            faults.push(error.to_string());
        }
        base = base.saturating_add(file.last);
    }
    faults
}

/// The stretches of frames in which somebody is listened to, in order; what lies little apart is one.
fn stretches(mut each: Vec<(u32, u32)>) -> Vec<(u32, u32)> {
    each.sort_unstable();
    let mut all: Vec<(u32, u32)> = Vec::new();
    for (from, to) in each {
        match all.last_mut() {
            Some(last) if from <= last.1.saturating_add(NEAR) => last.1 = last.1.max(to),
            _ => all.push((from, to)),
        }
    }
    all
}

/// Whether a plain segment, as nearly all are, has no bytes, or is of nobody who is listened to.
fn says_nothing(frame: &Frame<'_>, here: &[VantageId], ears: &Ears) -> bool {
    let Some(tcp) = Plain::of(frame).and_then(|p| Some((p.segment.addresses(), p.segment.tcp()?)))
    else {
        return false;
    };
    let ([src, dst], tcp) = tcp;
    if tcp.payload.is_empty() {
        return true;
    }
    let end = |ip: u32, port| (Ip::v4(ip.to_be_bytes()), port);
    let ends = (end(src, tcp.src_port), end(dst, tcp.dst_port));
    let (key, _) = Key::of(Protocol::TCP, ends.0, ends.1, 0, None);
    !here.iter().any(|vantage| ears[vantage.index()].contains_key(&key))
}

#[cfg(test)]
mod tests {
    use super::{NEAR, stretches};

    #[test]
    fn what_lies_little_apart_is_read_as_one() {
        let far = 3 * NEAR;
        let each = vec![(far, far + 9), (5, 20), (7, 8), (20 + NEAR, 30 + NEAR)];
        assert_eq!(stretches(each), [(5, 30 + NEAR), (far, far + 9)]);
        assert_eq!(stretches(Vec::new()), []);
    }
}
