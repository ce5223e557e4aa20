//! Extracts of all findings of all samples, and what other readers make of them.

use super::expected::samples;
use lbdiag::extract::{self, Options, Which};
use lbdiag::report::{self, Finding, Report};
use lbdiag::topology::StatedRoles;
use lbdiag::trace::Trace;
use lbdiag::{capture, diagnose, load, render};
use pcap_parser::traits::PcapReaderIterator;
use pcap_parser::{Block, OptionCode, PcapBlockOwned, PcapError, PcapNGReader};
use rayon::prelude::*;
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;

/// Findings that rest on more than the connections which they concern, and on what.
pub const NOT_ALONE: [(&str, &str); 35] = [
    ("l7-backend-silent", "a proxy is known by what it passes on for others"),
    ("proxy-arp-or-arp-flux", "connections for the VIP: it may concern none of them"),
    ("vip-arp-conflict", "the same"),
    ("director-bypassed", "the connections that pass the director"),
    ("rs-missing-vip", "a real server that does answer"),
    ("fullnat-source-port-exhaustion", "the connections that hold the ports"),
    ("l7-redirect-loop", "the clients whom the proxy serves by TLS"),
    ("l7-backend-refused", "the requests that the proxy could pass on"),
    ("no-server-up", "the checks, and their pace"),
    ("http-5xx", "the same"),
    ("arp-unanswered", "the questions of others"),
    ("scheduler-imbalance", "the connections to the other real servers"),
    ("network-latency", "the same"),
    ("slow-real-server", "the same"),
    ("slow-answer", "the same"),
    ("vlan-mismatch", "what shows whose capture it is"),
    ("request-unanswered", "the requests that are answered"),
    ("backend-removed-silent-drop", "the connections of other real servers"),
    ("l7-backend-leg-deferred", "the connections that show the proxy"),
    ("icmp-echo-terminates-at-lb", "the connections that show the balancer"),
    ("ipvs-reuse-to-dead-backend", "the connections that live servers answer"),
    ("ipvs-conn-reuse-1s", "the connections before on the same ports"),
    ("syn-cookies-lost-options", "the connections that have the options"),
    ("udp-stale-entry", "the clients that live servers answer"),
    ("client-on-director", "the connections of others, which show the director"),
    ("director-ping-pong", "the connections that show the director"),
    ("dr-vip-wide-mask", "the clients elsewhere, who are answered"),
    ("healthcheck-source-blocked", "the requests that the real server answers"),
    ("tw-recycle-nat-timestamps", "the connections that are remembered, and those taken"),
    ("toa-not-inserted", "the connections whose clients are named"),
    ("synproxy-side-effects", "the connections that show the SYN proxy at work"),
    ("health-check-failing", "the checks of other servers, which show the habit"),
    ("no-greeting", "the connections that are greeted"),
    ("datagram-unanswered", "the questions that are answered"),
    ("forward-rule-drop", "the connections that the host sends on"),
];

/// One finding with the file that was made of it.
#[derive(Debug)]
pub struct Taken {
    pub sample: String,
    pub captures: Vec<PathBuf>,
    pub finding: Finding,
    pub bytes: Vec<u8>,
}

impl Taken {
    /// `dr-arp-vip-conflict: finding 1, dr-arp-problem`
    pub fn name(&self) -> String {
        format!("{}: finding {}, {}", self.sample, self.finding.n, self.finding.id)
    }
}

/// A frame as pcap-parser reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    pub interface: String,
    pub ns: u64,
    pub len: usize,
    pub comments: Vec<String>,
}

/// Reads captures as the program does.
pub fn trace_of(paths: &[PathBuf]) -> Trace {
    let args: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    let inputs = capture::inputs(&args).unwrap();
    load::load(&inputs.inputs, &StatedRoles::default(), &AtomicU64::new(0)).trace
}

/// The report on a trace.
pub fn report_of(trace: &Trace) -> Report {
    report::build(trace, &diagnose::diagnose(trace), &report::Options::default())
}

/// What is taken out, as the bytes of a file.
pub fn bytes_of(trace: &Trace, which: Which<'_>, options: Options) -> Vec<u8> {
    let diagnosis = diagnose::diagnose(trace);
    let mut extract = extract::extract(trace, &diagnosis, which, options).unwrap().unwrap();
    let mut bytes = Vec::new();
    render::pcapng(&mut extract, &mut bytes).unwrap();
    bytes
}

/// An extract of every finding of every sample.
pub fn all() -> Vec<Taken> {
    samples()
        .par_iter()
        .flat_map_iter(|sample| {
            let trace = trace_of(&sample.captures);
            let findings = report_of(&trace).findings;
            let take = |finding: Finding| Taken {
                sample: sample.name.clone(),
                captures: sample.captures.clone(),
                bytes: bytes_of(&trace, Which::Finding(finding.n as usize - 1), Options::default()),
                finding,
            };
            findings.into_iter().map(take).collect::<Vec<_>>()
        })
        .collect()
}

/// Reads a file with pcap-parser alone.
pub fn parsed(bytes: &[u8]) -> Vec<Read> {
    let mut reader = PcapNGReader::new(1 << 20, bytes).unwrap();
    let mut names = Vec::new();
    let mut frames = Vec::new();
    let text = |value: &[u8]| String::from_utf8(value.to_vec()).unwrap();
    loop {
        match reader.next() {
            Ok((size, block)) => {
                match &block {
                    PcapBlockOwned::NG(Block::InterfaceDescription(idb)) => {
                        assert_eq!(idb.if_tsresol, 9, "nanoseconds");
                        let name = idb.options.iter().find(|o| o.code == OptionCode::IfName);
                        names.push(text(name.unwrap().as_bytes().unwrap()));
                    }
                    PcapBlockOwned::NG(Block::EnhancedPacket(epb)) => frames.push(Read {
                        interface: names[epb.if_id as usize].clone(),
                        ns: u64::from(epb.ts_high) << 32 | u64::from(epb.ts_low),
                        len: epb.caplen as usize,
                        comments: epb
                            .options
                            .iter()
                            .filter(|o| o.code == OptionCode::Comment)
                            .map(|o| text(o.as_bytes().unwrap()))
                            .collect(),
                    }),
                    _ => {}
                }
                reader.consume(size);
            }
            Err(PcapError::Eof) => return frames,
            Err(PcapError::Incomplete(_)) => reader.refill().unwrap(),
            Err(why) => panic!("{why:?}"),
        }
    }
}
