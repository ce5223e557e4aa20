//! What must hold of everything that lbdiag makes of captures, whatever is in them: it comes to an
//! end, no output steers a terminal, what is written can be read, a second pass sees the first.

use lbdiag::capture::{self, Frame, Input, Source};
use lbdiag::diagnose::{self, Diagnosis};
use lbdiag::extract::{self, Which};
use lbdiag::ladder;
use lbdiag::render::{self, Style, Times, sanitise};
use lbdiag::report::{self, ConnectionFilter, Report};
use lbdiag::state::HostState;
use lbdiag::topology::StatedRoles;
use lbdiag::trace::{ConnectionId, Trace};
use lbdiag::{load, redact};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;

/// Connections that are drawn of each input.
const DRAWN: usize = 24;

/// A file of this process's own, below LBDIAG_FUZZ_SCRATCH where that is set.
pub fn scratch(name: &str) -> PathBuf {
    let base =
        std::env::var_os("LBDIAG_FUZZ_SCRATCH").map_or_else(std::env::temp_dir, PathBuf::from);
    let folder = base.join(format!("lbdiag-fuzz-{}", std::process::id()));
    let _ = std::fs::create_dir_all(&folder);
    folder.join(name)
}

/// Reads a capture to its end, whatever it holds.
pub fn read_once(source: &Source) {
    let _ = capture::read(source, &AtomicU64::new(0), &mut |_| {});
}

/// Nothing in it acts on a terminal.
fn shown(what: &str, text: &str) {
    let odd = text.chars().find(|c| *c != '\n' && sanitise::is_unsafe(*c));
    assert!(odd.is_none(), "{odd:?} in {what}");
}

pub fn load(paths: &[String], states: Vec<HostState>) -> Option<(Trace, Vec<Input>)> {
    let inputs = capture::inputs(paths).ok()?;
    let loaded = load::load(&inputs.inputs, &StatedRoles::default(), &AtomicU64::new(0));
    let some = !loaded.trace.captures.is_empty();
    some.then(|| (loaded.trace.with_states(states), inputs.inputs))
}

/// The whole way, then the same redacted; `deep` draws and extracts too.
pub fn everything(paths: &[String], states: Vec<HostState>, deep: bool) {
    let Some((mut trace, inputs)) = load(paths, states) else { return };
    let (diagnosis, report) = judged(&trace);
    outputs(&trace, &diagnosis, &report);
    if deep {
        drawings(&trace, &diagnosis, &report);
        extracts(&trace, &diagnosis, &mut |_| {});
    }
    let mut map = redact::Map::default();
    redact::trace(&mut trace, &redact::Labels::new(&inputs), &mut map);
    let (diagnosis, report) = judged(&trace);
    let report = redact::document(&report, &mut map).expect("a report is redacted");
    shown("redacted", &render::json(&report));
    if deep {
        let topology = report::topology::topology(&trace, &diagnosis.breaks);
        let topology = redact::document(&topology, &mut map).expect("a topology is redacted");
        shown("redacted topology", &render::dot(&topology));
        extracts(&trace, &diagnosis, &mut |extract| {
            redact::extract(extract, &mut map).expect("an extract is redacted");
        });
    }
}

/// Every report and drawing of what was read otherwise.
pub fn concluded(trace: &Trace) {
    if trace.captures.is_empty() {
        return;
    }
    let (diagnosis, report) = judged(trace);
    outputs(trace, &diagnosis, &report);
    drawings(trace, &diagnosis, &report);
}

fn judged(trace: &Trace) -> (Diagnosis, Report) {
    let diagnosis = diagnose::diagnose(trace);
    let options = report::Options { connections: ConnectionFilter::All, notes: Vec::new() };
    let report = report::build(trace, &diagnosis, &options);
    let totals = &report.totals;
    assert_eq!(totals.connections, totals.well + totals.failed + totals.suffered + totals.untold);
    (diagnosis, report)
}

fn outputs(trace: &Trace, diagnosis: &Diagnosis, report: &Report) {
    let style = Style { verbose: true, coverage: true, ..Style::default() };
    let telling = ladder::telling(trace, diagnosis);
    shown("text", &render::text(report, telling.as_ref(), &style));
    shown("json", &render::json(report));
    shown("ndjson", &render::report_ndjson(report));
    shown("markdown", &render::markdown(report, telling.as_ref()));
}

fn drawings(trace: &Trace, diagnosis: &Diagnosis, report: &Report) {
    let style = Style { verbose: true, ..Style::default() };
    let topology = report::topology::topology(trace, &diagnosis.breaks);
    shown("html", &render::html(report, &topology, &ladder::of_findings(trace, diagnosis)));
    shown("topology", &render::topology(&topology, &style));
    shown("dot", &render::dot(&topology));
    shown("svg of hosts", &render::topology_svg(&topology));
    shown("mermaid", &render::mermaid(&topology));
    for index in 0..trace.connections.list.len().min(DRAWN) {
        let connection = ConnectionId(index as u32);
        let finding = report::story::explaining(diagnosis, connection);
        let chosen = ladder::Chosen { connection, finding };
        let Some(drawn) = ladder::draw(trace, diagnosis, chosen, index % 2 == 0) else { continue };
        for times in [Times::Start, Times::Delta, Times::Absolute] {
            let style = Style { times, ..Style::default() };
            shown("ladder", &render::ladder(&drawn, &style));
        }
        shown("svg", &render::svg(&drawn, Times::Delta));
        shown("plantuml", &render::plantuml(&drawn, Times::Start));
        shown("sequence", &render::mermaid_sequence(&drawn, Times::Absolute));
    }
}

fn extracts(trace: &Trace, diagnosis: &Diagnosis, change: &mut dyn FnMut(&mut extract::Extract)) {
    let first = trace.connections.list.len().min(DRAWN) as u32;
    let ids: Vec<ConnectionId> = (0..first).map(ConnectionId).collect();
    let findings = (0..diagnosis.findings.len().min(3)).map(Which::Finding);
    let raw = extract::Options { raw_times: true, all: false };
    let all = std::iter::once((Which::Connections(&ids), raw))
        .chain(findings.map(|which| (which, extract::Options::default())));
    for (which, options) in all {
        let Ok(Some(mut extract)) = extract::extract(trace, diagnosis, which, options) else {
            continue;
        };
        change(&mut extract);
        let mut bytes = Vec::new();
        render::pcapng(&mut extract, &mut bytes).expect("an extract is written");
        reread(&bytes, extract.frames.len());
    }
}

/// What was written is read without damage.
fn reread(bytes: &[u8], frames: usize) {
    if frames == 0 {
        return;
    }
    let path = scratch("extract.pcapng");
    std::fs::write(&path, bytes).expect("there is room");
    let mut read = 0;
    let mut sink = |_: &Frame<'_>| read += 1;
    let file = capture::read(&Source::Path(path), &AtomicU64::new(0), &mut sink);
    let file = file.expect("an extract is a capture");
    assert!(file.damage.is_empty(), "{:?}", file.damage);
    assert_eq!(read, frames);
}

/// A capture reads alike a second time, frame by frame.
pub fn read_twice(path: &Path) {
    let seen = |frame: &Frame<'_>| {
        assert!(frame.wire_len as usize >= frame.data.len());
        (frame.number, frame.time, frame.interface, frame.data.to_vec())
    };
    let mut frames = Vec::new();
    let mut sink = |frame: &Frame<'_>| frames.push(seen(frame));
    let source = Source::Path(path.to_owned());
    let _ = capture::peek(&source);
    let Ok(file) = capture::read(&source, &AtomicU64::new(0), &mut sink) else { return };
    assert_eq!(file.frames as usize, frames.len());
    assert!(frames.windows(2).all(|pair| pair[0].0 < pair[1].0), "numbers rise");
    assert!(frames.last().is_none_or(|frame| frame.0 <= file.last));
    let mut again = Vec::new();
    let mut sink = |frame: &Frame<'_>| again.push(seen(frame));
    let read = capture::read_range(&file, 1..=u32::MAX, &mut sink);
    assert!(read.is_ok(), "{read:?}");
    assert!(frames == again, "the second pass differs");
    let _ = capture::read_secrets(&file);
}
