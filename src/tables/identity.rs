//! By what a capture is known again, wherever its files are.

use crate::capture::Capture;
use crate::flow::Observations;
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// Streams of a vantage that are looked at.
const SOME: usize = 256;

/// Sixteen hexadecimal digits from its label and what was seen: frames, their times, the first streams.
/// Paths and compression are not in it. Under another label it is another one: whether two hold the same
/// frames is told where all are read.
#[must_use]
pub fn identity<'a>(
    capture: &Capture,
    vantages: impl IntoIterator<Item = &'a Observations>,
) -> String {
    let mut hash = Sha256::new();
    hash.update((capture.label.len() as u64).to_le_bytes());
    hash.update(capture.label.as_bytes());
    let mut add = |number: u64| hash.update(number.to_le_bytes());
    for file in &capture.files {
        add(u64::from(file.frames));
        add(u64::from(file.last));
        add(file.start.map_or(0, |time| time.0.cast_unsigned()));
        add(file.end.map_or(0, |time| time.0.cast_unsigned()));
    }
    for seen in vantages {
        add(u64::from(seen.link_type.0));
        for number in [seen.tally.frames, seen.tally.tcp, seen.tally.udp, seen.tally.neighbor] {
            add(number);
        }
        add(seen.streams.len() as u64);
        add(seen.links.len() as u64);
        for stream in seen.streams.iter().take(SOME) {
            for ip in stream.key.ips {
                ip.words().into_iter().for_each(&mut add);
            }
            add(u64::from(stream.key.ports[0]) << 16 | u64::from(stream.key.ports[1]));
            add(u64::from(stream.first().frame()));
            add(stream.first().at().0.cast_unsigned());
            add(stream.packets());
        }
    }
    let digest = hash.finalize();
    digest.iter().take(8).fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
