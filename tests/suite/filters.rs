//! What people filter by while they capture: control bits, payload, one direction. A filter leaves frames out, and what
//! it left out did not go missing on the network; nor is anything well that no frame shows.

use crate::support::check::{none, of_each};
use crate::support::expected::Sample;
use crate::support::rewrite::{Record, read};
use crate::support::run::{run_paths, whole};
use lbdiag::capture::{Frame, Known, LinkType, Timestamp};
use lbdiag::report::{Report, Status};
use lbdiag::wire::{Body, Tcp, TcpFlags, Transport, decode};
use std::path::{Path, PathBuf};

/// A filter, as it is written for tcpdump, and what of TCP it keeps.
struct Filter {
    written: &'static str,
    keeps: fn(&Tcp<'_>) -> bool,
}

const SYN_FIN_RST: u8 = TcpFlags::SYN | TcpFlags::FIN | TcpFlags::RST;
const SYN_RST: u8 = TcpFlags::SYN | TcpFlags::RST;

const FILTERS: [Filter; 4] = [
    Filter {
        written: "tcp[tcpflags] & (tcp-syn|tcp-fin|tcp-rst) != 0",
        keeps: |tcp| tcp.flags.0 & SYN_FIN_RST != 0,
    },
    Filter {
        written: "tcp[tcpflags] & (tcp-syn|tcp-rst) != 0",
        keeps: |tcp| tcp.flags.0 & SYN_RST != 0,
    },
    Filter { written: "tcp[tcpflags] & tcp-syn != 0", keeps: |tcp| tcp.flags.syn() },
    Filter { written: "segments with payload", keeps: |tcp| tcp.payload_len > 0 },
];

/// Faults of which the frames that are kept show nothing, on connections too few to tell that others were left out.
const TOO_FEW: &[(&str, &str)] =
    &[("fullnat-double-reset", "tcp[tcpflags] & (tcp-syn|tcp-rst) != 0")];

fn kept(record: &Record, link: u32, keeps: fn(&Tcp<'_>) -> bool) -> bool {
    let frame = Frame {
        number: 1,
        time: Timestamp(record.ns as i64),
        interface: 0,
        link_type: LinkType(link as u16),
        wire_len: record.wire,
        data: &record.data,
        known: Known::ALL,
    };
    match decode(&frame).body {
        Body::Ip(ip) => matches!(&ip.transport, Transport::Tcp(tcp) if keeps(tcp)),
        _ => false,
    }
}

/// The captures of a sample as a filter leaves them; `None` where nothing is left, or one is of a form that is not
/// written here.
fn filtered(sample: &Sample, filter: &Filter, folder: &Path) -> Option<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for capture in &sample.captures {
        let mut pcap = read(capture)?;
        let link = pcap.link();
        pcap.records.retain(|record| kept(record, link, filter.keeps));
        if !pcap.records.is_empty() {
            let to = folder.join(capture.file_name()?);
            pcap.write(&to);
            paths.push(to);
        }
    }
    (!paths.is_empty()).then_some(paths)
}

fn is_bad(report: &Report) -> bool {
    matches!(report.verdict.status, Status::Failing | Status::Degraded)
}

#[test]
fn what_a_filter_leaves_out_is_neither_lost_nor_well() {
    none(of_each(|sample| {
        let whole = &whole(sample).report;
        let mut wrong = Vec::new();
        for filter in &FILTERS {
            let folder = tempfile::tempdir().unwrap();
            let Some(paths) = filtered(sample, filter, folder.path()) else { continue };
            let report = run_paths(&paths).report;
            if is_bad(&report) && whole.verdict.status == Status::Healthy {
                wrong.push(format!("'{}' accuses: {}", filter.written, report.verdict.summary));
            }
            let too_few = TOO_FEW.contains(&(sample.name.as_str(), filter.written));
            if is_bad(whole) && report.verdict.status == Status::Healthy && !too_few {
                wrong.push(format!("'{}' reassures: {}", filter.written, report.verdict.summary));
            }
        }
        wrong
    }));
}

/// One direction of a host's frames, as `tcpdump -Q` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    In,
    Out,
}

/// The captures of a sample with the frames of one direction of each host alone; `None` as in [`filtered`].
fn directed(
    sample: &Sample,
    whole: &Report,
    direction: Direction,
    folder: &Path,
) -> Option<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for capture in &sample.captures {
        let mut pcap = read(capture)?;
        let link = pcap.link();
        let label = capture.file_stem()?.to_str()?;
        let here = |host: &&lbdiag::report::Host| host.vantages.iter().any(|v| v == label);
        let own: Vec<&String> =
            whole.hosts.iter().filter(here).flat_map(|host| &host.macs).collect();
        let sent = |record: &Record| match link {
            LINUX_SLL => record.data[1] == OUTGOING,
            LINUX_SLL2 => record.data[10] == OUTGOING,
            _ => {
                let mac: Vec<String> =
                    record.data[6..12].iter().map(|byte| format!("{byte:02x}")).collect();
                own.iter().any(|known| **known == mac.join(":"))
            }
        };
        pcap.records.retain(|record| sent(record) == (direction == Direction::Out));
        if !pcap.records.is_empty() {
            let to = folder.join(capture.file_name()?);
            pcap.write(&to);
            paths.push(to);
        }
    }
    (!paths.is_empty()).then_some(paths)
}

/// LINKTYPE_LINUX_SLL and LINKTYPE_LINUX_SLL2, and the packet type of what a host sends (packet(7)).
const LINUX_SLL: u32 = 113;
const LINUX_SLL2: u32 = 276;
const OUTGOING: u8 = 4;

#[test]
fn one_direction_of_each_host_accuses_nobody() {
    none(of_each(|sample| {
        let whole = &whole(sample).report;
        let mut wrong = Vec::new();
        for direction in [Direction::In, Direction::Out] {
            let folder = tempfile::tempdir().unwrap();
            let Some(paths) = directed(sample, whole, direction, folder.path()) else { continue };
            let report = run_paths(&paths).report;
            if is_bad(&report) && whole.verdict.status == Status::Healthy {
                wrong.push(format!("{direction:?} accuses: {}", report.verdict.summary));
            }
            if is_bad(whole) && report.verdict.status == Status::Healthy {
                wrong.push(format!("{direction:?} reassures: {}", report.verdict.summary));
            }
        }
        wrong
    }));
}
