//! What tcpdump and tshark print of captures, read as captures: the report of the text is held to
//! the report of the file, and shapes that people paste are read.

mod judged;
mod reading;

use crate::support::check::{none, of_each};
use crate::support::expected::Sample;
use crate::support::run::{Run, run_paths, whole};
use crate::support::tools::tool;
use crate::support::worlds::other_worlds;
use lbdiag::diagnose::{Confidence, Kind};
use lbdiag::report::{Candidate, Report, Status};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What a text cannot show, and the samples whose first cause rests on it.
const NOT_PRINTED: &[(&str, &str)] = &[
    ("fullnat-toa-forged", "tcpdump prints no contents of option 254"),
    ("fullnat-toa-header-full", "tcpdump prints no contents of option 254"),
    ("fullnat-toa-packet-full", "tcpdump prints no contents of option 254"),
    ("fullnat-toa-too-long", "tcpdump prints no contents of option 254"),
    ("l7-backend-tls-refused", "the TLS hello"),
    ("l7-keepalive-race", "payload of ports that are none of HTTP"),
    ("l7-proxy-header-missing", "payload before a PROXY header"),
    ("l7-proxy-v2-unexpected-one-rs", "payload in binary"),
    ("l7-redirect-loop-tls", "payload of ports that are none of HTTP"),
    ("l7-slow-backend-504", "payload of ports that are none of HTTP"),
    ("l7-tls-backend-refused", "the TLS hello"),
    ("node-without-endpoint", "payload of a health check's port"),
];

/// Those whose first cause leaves no trace in what `tcpdump -nn` prints, by the field that has it.
const NO_TRACE: &[(&str, &str)] = &[
    ("l7-proxy-v2-unexpected-one-rs", "payload in binary"),
    ("l7-redirect-loop-host", "where an answer sends its client"),
    ("l7-redirect-loop-tls", "where an answer sends its client"),
    ("l7-websocket-not-passed-on", "fields of requests"),
    ("lvs-nlb-proxyv2-hits-health-port", "payload in binary"),
];

/// Files that tcpdump does not read: interfaces of several link types in one file.
fn is_mixed(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.to_string_lossy().contains("format-mix") || name.starts_with("all.")
}

/// Prints captures with the real tcpdump, each into a file of its own.
fn printed(tcpdump: &Path, captures: &[PathBuf], dir: &Path, options: &[&str]) -> Vec<PathBuf> {
    captures
        .iter()
        .filter_map(|path| {
            let output = Command::new(tcpdump).args(options).arg("-r").arg(path).output().unwrap();
            let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
            let file = dir.join(format!("{stem}.txt"));
            // Of a capture without frames nothing is printed.
            std::fs::write(&file, &output.stdout).unwrap();
            (!output.stdout.is_empty()).then_some(file)
        })
        .collect()
}

fn causes(report: &Report) -> Vec<(&str, Confidence)> {
    let causes = report.findings.iter().filter(|f| f.kind == Kind::Cause && f.severity.is_loud());
    causes.map(|f| (f.id.as_str(), f.confidence)).collect()
}

/// A text may know less; it never knows better, never accuses who does well, and never praises
/// what is broken.
fn invented(file: &Run, text: &Run) -> Vec<String> {
    let known = causes(&file.report);
    let new = causes(&text.report).into_iter().filter(|(id, _)| !known.iter().any(|k| k.0 == *id));
    let mut wrong: Vec<String> = new
        .filter(|(_, confidence)| *confidence == Confidence::Certain || known.is_empty())
        .map(|(id, confidence)| format!("{id} is {} from the text alone", confidence.name()))
        .collect();
    let loud = |run: &Run| run.report.findings.iter().any(|f| f.severity.is_loud());
    if !loud(file) && loud(text) {
        wrong.push(format!("trouble from the text alone: {}", text.report.verdict.summary));
    }
    if loud(file) && text.report.verdict.status == Status::Healthy {
        wrong.push(format!("healthy from the text alone: {}", text.report.verdict.summary));
    }
    wrong
}

/// The file's first cause is the text's, or a candidate, or it is said which field that it is told
/// by is not printed.
fn lost(file: &Run, text: &Run) -> Option<String> {
    let first = causes(&file.report).first().map(|c| c.0)?;
    // What may be meant so is told, and wakes nobody.
    let found = text.report.findings.iter().any(|f| f.id == first);
    let candidate = text.report.findings.iter().flat_map(|f| &f.candidates).any(|c| c.id == first);
    let hidden = text.report.coverage.iter().any(|c| {
        c.id == first && c.reason.as_ref().is_some_and(|why| why.contains("does not print"))
    });
    let known = found || candidate || hidden;
    (!known).then(|| format!("{first} is neither found nor said to be hidden"))
}

/// The same of what `tcpdump -nn` prints: a field that is not printed is no excuse where a line fits.
fn lost_in_bare_lines(file: &Run, text: &Run, folder: &str) -> Option<String> {
    let first = causes(&file.report).first().map(|c| c.0)?;
    // What may be meant so is told, and wakes nobody.
    let found = text.report.findings.iter().any(|f| f.id == first);
    let offered: Vec<&Candidate> =
        text.report.findings.iter().flat_map(|f| &f.candidates).collect();
    let candidate = offered.iter().any(|c| c.id == first);
    let excused = NO_TRACE.iter().any(|(name, _)| *name == folder);
    match (found || candidate, excused) {
        (false, false) => Some(format!("{first} is neither found nor a candidate")),
        (true, true) => Some(format!("{first} is named, and listed as what leaves no trace")),
        _ => None,
    }
}

/// Candidates of a text say which option of tcpdump would tell, or what else would.
fn untold_candidates(text: &Run) -> Vec<String> {
    let offered = text.report.findings.iter().flat_map(|f| &f.candidates);
    let mute = offered.filter(|c| c.tell_apart.is_empty());
    mute.map(|c| format!("nothing is said of {}", c.id)).collect()
}

/// Holds something for each sample that tcpdump can print: with a folder for its text, and the
/// report of its files.
fn of_each_file(check: impl Fn(&Sample, &Path, &Run) -> Vec<String> + Sync) {
    none(of_each(|sample| {
        if sample.captures.iter().any(|path| is_mixed(path)) {
            return Vec::new();
        }
        let dir = tempfile::tempdir().unwrap();
        check(sample, dir.path(), whole(sample))
    }));
}

#[test]
fn the_text_of_a_capture_gives_its_report() {
    let Some(tcpdump) = tool("tcpdump") else { return };
    of_each_file(|sample, dir, file| {
        let text = run_paths(&printed(&tcpdump, &sample.captures, dir, &["-nn", "-e", "-v"]));
        let mut wrong = invented(file, &text);
        wrong.extend(text.failures.clone());
        let frames = |run: &Run| run.report.captures.iter().map(|c| c.frames).sum::<u64>();
        if frames(file) != frames(&text) {
            wrong.push(format!("{} packets of {}", frames(&text), frames(file)));
        }
        let first = causes(&file.report).first().map(|c| c.0);
        let read = causes(&text.report).first().map(|c| c.0);
        let folder = sample.captures[0].parent().unwrap().file_name().unwrap().to_string_lossy();
        let excused = NOT_PRINTED.iter().any(|(name, _)| *name == folder);
        if first != read && !excused {
            wrong.push(format!("{read:?} in place of {first:?}"));
        }
        if first == read && excused {
            wrong.push("found, and listed as what a text does not print".to_owned());
        }
        wrong.extend(lost(file, &text));
        wrong
    });
}

#[test]
fn a_bare_text_never_knows_better_than_the_file() {
    let Some(tcpdump) = tool("tcpdump") else { return };
    for options in [&["-nn"][..], &["-nn", "-x"], &["-nn", "-q", "-t"], &["-nn", "-ttt", "-S"]] {
        of_each_file(|sample, dir, file| {
            let texts = printed(&tcpdump, &sample.captures, dir, options);
            let text = run_paths(&texts);
            let mut wrong = invented(file, &text);
            if options == ["-nn"] {
                let folder = sample.captures[0].parent().unwrap().file_name().unwrap();
                wrong.extend(lost_in_bare_lines(file, &text, &folder.to_string_lossy()));
                wrong.extend(untold_candidates(&text));
            }
            wrong.into_iter().map(|w| format!("{options:?}: {w}")).collect()
        });
    }
}

/// The same of networks that `LBDIAG_WORLDS` names, as lines with all that tcpdump prints, as bare ones, and as
/// a paste.
#[test]
fn texts_of_named_worlds_name_the_cause() {
    let Some(tcpdump) = tool("tcpdump") else { return };
    let wrong = other_worlds().into_iter().filter(|w| !w.iter().any(|path| is_mixed(path)));
    let wrong = wrong.flat_map(|captures| {
        let file = run_paths(&captures);
        let folder = captures[0].parent().unwrap().file_name().unwrap().to_string_lossy();
        let text = |options: &[&str], pastes: bool| {
            let dir = tempfile::tempdir().unwrap();
            let texts = printed(&tcpdump, &captures, dir.path(), options);
            texts.iter().filter(|_| pastes).for_each(|text| paste(text));
            run_paths(&texts)
        };
        let (full, bare) = (text(&["-nn", "-e", "-v"], false), text(&["-nn"], false));
        let mut wrong: Vec<String> = lost(&file, &full).into_iter().collect();
        wrong.extend(lost_in_bare_lines(&file, &bare, &folder));
        for text in [full, bare, text(&["-nn"], true)] {
            wrong.extend(invented(&file, &text));
        }
        wrong.into_iter().map(move |w| format!("{folder}: {w}")).collect::<Vec<_>>()
    });
    none(wrong.collect());
}

/// Quoted, broken after 100 columns, cut off at the end, with words before it.
fn pasted(text: &str) -> String {
    let mut out = "Hi, this is what I see on the box:\n\n".to_owned();
    let mut broken = String::new();
    for line in text.lines() {
        let chars: Vec<char> = line.chars().collect();
        for part in chars.chunks(100) {
            let _ = writeln!(broken, "> {}", part.iter().collect::<String>());
        }
    }
    let end = (0..=broken.len() * 9 / 10).rev().find(|at| broken.is_char_boundary(*at));
    out.push_str(&broken[..end.unwrap_or(0)]);
    out
}

/// Makes a paste of a text.
fn paste(text: &Path) {
    let whole = std::fs::read_to_string(text).unwrap();
    std::fs::write(text, pasted(&whole)).unwrap();
}

#[test]
fn a_paste_never_knows_better_than_the_file() {
    let Some(tcpdump) = tool("tcpdump") else { return };
    of_each_file(|sample, dir, file| {
        let texts = printed(&tcpdump, &sample.captures, dir, &["-nn"]);
        texts.iter().for_each(|text| paste(text));
        let text = run_paths(&texts);
        let mut wrong = invented(file, &text);
        wrong.extend(lost(file, &text));
        // The end of each was cut off.
        for capture in &text.report.captures {
            let unread = capture.notes.iter().filter(|note| note.contains("not understood"));
            wrong.extend(unread.skip(1).cloned());
        }
        wrong
    });
}
