//! The second pass: frames of a capture read again, each with its vantage.
//!
//! Captures keep flows, not frames. What needs frames (a drawing, an extract) asks
//! here for those of a range; numbers count through all files of a rotated capture,
//! as [`Mark`](crate::flow::Mark)s do. Refuses to fail: a file that cannot be read any
//! more is passed over, and the caller is told.

use crate::capture::{self, CaptureFile, Frame, Interface};
use crate::flow::{Key, Side, VantageId};
use crate::trace::Trace;
use crate::wire::{Body, Packet, Protocol, Transport};
use std::ops::RangeInclusive;

/// A capture whose frames are to be read again.
#[derive(Debug)]
pub(crate) struct SecondPass<'a> {
    files: &'a [CaptureFile],
    /// By interface; interfaces without a frame are no vantages.
    vantages: Vec<Option<VantageId>>,
}

impl<'a> SecondPass<'a> {
    /// `None` where there is no such capture.
    pub(crate) fn new(trace: &'a Trace, capture: usize) -> Option<Self> {
        let files = trace.captures.get(capture)?.files.as_slice();
        Some(Self { files, vantages: by_interface(trace, capture, files) })
    }

    /// Whether a vantage is an interface of this capture.
    pub(crate) fn has(&self, vantage: VantageId) -> bool {
        self.vantages.contains(&Some(vantage))
    }

    /// What the capture says of a vantage's interface.
    pub(crate) fn interface(&self, vantage: VantageId) -> Option<&'a Interface> {
        let at = self.vantages.iter().position(|v| *v == Some(vantage))?;
        self.files.iter().find_map(|file| file.interfaces.get(at))
    }

    /// Calls `sink` with vantage, frames before the file, and frame; `false` where
    /// not all could be read.
    pub(crate) fn frames(
        &self,
        range: RangeInclusive<u32>,
        mut sink: impl FnMut(VantageId, u32, &Frame<'_>),
    ) -> bool {
        let mut whole = true;
        let mut base = 0u32;
        for file in self.files {
            let from = range.start().saturating_sub(base).max(1);
            let to = range.end().saturating_sub(base);
            let mut each = |frame: &Frame<'_>| {
                let vantage = self.vantages.get(frame.interface as usize).copied().flatten();
                if let Some(vantage) = vantage {
                    sink(vantage, base, frame);
                }
            };
            if to >= from && from <= file.last {
                whole &= capture::read_range(file, from..=to, &mut each).is_ok();
            }
            base = base.saturating_add(file.last);
        }
        whole
    }
}

/// The vantage of every interface of a capture: those that have frames are
/// vantages, in the order of the interfaces.
fn by_interface(trace: &Trace, capture: usize, files: &[CaptureFile]) -> Vec<Option<VantageId>> {
    let mut vantages = VantageId::each(&trace.vantages)
        .filter(|(_, vantage)| vantage.capture == capture)
        .map(|(v, _)| v);
    let count = files.iter().map(|file| file.interfaces.len()).max().unwrap_or(0);
    (0..count)
        .map(|i| {
            let used = |file: &CaptureFile| file.interfaces.get(i).is_some_and(|i| i.frames > 0);
            files.iter().any(used).then(|| vantages.next()).flatten()
        })
        .collect()
}

/// The stream that a packet belongs to, and the side that sent it; `None` where it
/// has no ports.
pub(crate) fn stream(packet: &Packet<'_>) -> Option<(Key, Side)> {
    let Body::Ip(ip) = &packet.body else { return None };
    let (protocol, ports) = match &ip.transport {
        Transport::Tcp(tcp) => (Protocol::TCP, (tcp.src_port, tcp.dst_port)),
        Transport::Udp(udp) => (ip.protocol, (udp.src_port, udp.dst_port)),
        _ => return None,
    };
    let ends = ((ip.src, ports.0), (ip.dst, ports.1));
    Some(Key::of(protocol, ends.0, ends.1, packet.vlan, ip.outer.as_ref()))
}
