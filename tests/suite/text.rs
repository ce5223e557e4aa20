//! What tcpdump and tshark print of captures, read as captures: the report of the text is held to
//! the report of the file, and shapes that people paste are read.

use crate::support::check::{none, of_each};
use crate::support::expected::{Sample, root};
use crate::support::run::{Run, run_paths};
use crate::support::tools::tool;
use crate::support::worlds::other_worlds;
use lbdiag::capture::{self, Known, Source};
use lbdiag::diagnose::{Confidence, Kind};
use lbdiag::report::{Candidate, Report, Status};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::AtomicU64;

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
    ("l7-backend-silent", "payload, by which a proxy's two sides are tied"),
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
    let found = causes(&text.report).iter().any(|c| c.0 == first);
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
    let found = causes(&text.report).iter().any(|c| c.0 == first);
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
        check(sample, dir.path(), &run_paths(&sample.captures))
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

/// Somebody left lines out: none of those before and after is lost, and no capture is said to have
/// dropped them.
#[test]
fn what_a_person_left_out_is_no_loss_of_the_capture() {
    let syn = SYN.replace("seq 1323099669", "seq 100");
    for mark in ["...", "[...]", " ... ", "<snip>", "(omitted)", "\u{2026}"] {
        let text = format!(
            "12:00:00.000001 IP 10.0.0.1.5000 > 10.0.0.2.80: {syn}\n12:00:00.000100 IP 10.0.0.2.80 > 10.0.0.1.5000: Flags [S.], seq 900, ack 101, win 64240, options [mss 1460], length 0\n12:00:00.000200 IP 10.0.0.1.5000 > 10.0.0.2.80: Flags [P.], seq 1:101, ack 1, win 502, length 100\n{mark}\n12:00:00.300000 IP 10.0.0.2.80 > 10.0.0.1.5000: Flags [P.], seq 9001:9101, ack 101, win 502, length 100\n12:00:00.300100 IP 10.0.0.1.5000 > 10.0.0.2.80: Flags [.], ack 9101, win 502, length 0\n"
        );
        let got = read(&text).unwrap();
        assert_eq!((got.frames.len(), got.damage.len()), (5, 0), "{mark}");
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("paste");
        std::fs::write(&path, &text).unwrap();
        let report = run_paths(&[path]).report;
        let notes: Vec<&String> = report.captures.iter().flat_map(|c| &c.notes).collect();
        assert!(notes.iter().any(|n| n.contains("the text leaves frames out")), "{notes:?}");
        assert!(!notes.iter().any(|n| n.contains("the capture dropped frames")), "{notes:?}");
    }
}

struct Read {
    times: Vec<i64>,
    /// Link type, length on the wire, what is known, and the bytes.
    frames: Vec<(u16, u32, Known, Vec<u8>)>,
    interfaces: Vec<Option<String>>,
    damage: Vec<String>,
}

fn read(text: &str) -> Result<Read, String> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("paste.txt");
    std::fs::write(&path, text).unwrap();
    let (mut frames, mut times) = (Vec::new(), Vec::new());
    let mut sink = |frame: &capture::Frame<'_>| {
        times.push(frame.time.0);
        frames.push((frame.link_type.0, frame.wire_len, frame.known, frame.data.to_vec()));
    };
    let file = capture::read(&Source::Path(path), &AtomicU64::new(0), &mut sink)
        .map_err(|e| e.to_string())?;
    let damage = file.damage.into_iter().map(|d| d.what).collect();
    let interfaces = file.interfaces.into_iter().map(|i| i.name).collect();
    Ok(Read { times, frames, interfaces, damage })
}

/// The bytes of TCP, behind an IPv4 header without a link header.
fn tcp(frame: &(u16, u32, Known, Vec<u8>)) -> &[u8] {
    assert_eq!(frame.0, 101);
    &frame.3[20..]
}

const SYN: &str = "Flags [S], seq 1323099669, win 64240, options [mss 1460,sackOK,TS val 42910984 ecr 0,nop,wscale 7], length 0";

#[test]
fn one_packet_in_all_spellings_is_one_packet() {
    let plain = format!("07:41:51.283321 IP 172.16.100.11.59772 > 203.0.113.8.80: {SYN}\n");
    let wanted = read(&plain).unwrap();
    assert_eq!(wanted.frames.len(), 1);
    let old = "07:41:51.283321 172.16.100.11.59772 > 203.0.113.8.80: S 1323099669:1323099669(0) win 64240 <mss 1460,sackOK,timestamp 42910984 0,nop,wscale 7> (DF)\n";
    let spellings = [
        plain.replace('\n', "\r\n"),
        format!("> {plain}"),
        plain.replace('>', "&gt;"),
        plain.replace('>', "\u{ff1e}").replace(':', "\u{ff1a}"),
        format!("   {plain}"),
        format!("  1  {plain}"),
        plain.replace(".80:", ".http:"),
        plain.replace("win", "\nwin"),
        plain.replace("seq 13", "seq\n13").replace("length", "lengt\nh"),
        plain.replace("sackOK", "sac\nkOK"),
        plain.replace("172.16.100.11", "172.16.\n100.11"),
        format!(
            "$ sudo tcpdump -nn\nlistening on eth0, link-type EN10MB\n{plain}^C\n1 packet captured\n"
        ),
        format!("```\n{plain}```\n"),
        format!("the client sends:\n{plain}\nand nothing comes back\n"),
        plain.trim_end().to_owned(),
    ];
    for text in spellings {
        let got = read(&text).unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!((got.frames.len(), got.damage.len()), (1, 0), "{text}");
        assert_eq!(got.frames[0].3, wanted.frames[0].3, "{text}");
        assert_eq!(got.times, wanted.times, "{text}");
    }
    // Written from what version 3 is known to print; none was at hand.
    let got = read(old).unwrap();
    assert_eq!(tcp(&got.frames[0]), tcp(&wanted.frames[0]));
}

#[test]
fn what_is_not_printed_is_not_known() {
    let known = |text: &str| read(text).unwrap().frames[0].2;
    let bare = known(&format!("07:41:51.283321 IP 10.0.0.1.5000 > 10.0.0.2.80: {SYN}"));
    assert!(bare.has(Known::SEQ.and(Known::TIME).and(Known::WINDOW)));
    assert!(!bare.has(Known::TTL) && !bare.has(Known::ID) && !bare.has(Known::SUM));
    let v = known(&format!(
        "IP (tos 0x0, ttl 64, id 7, offset 0, flags [DF], proto TCP (6), length 60)\n    10.0.0.1.5000 > 10.0.0.2.80: {SYN}"
    ));
    assert!(v.has(Known::TTL.and(Known::ID)) && !v.has(Known::TIME));
    let arp = known("ARP, Request who-has 10.0.0.1 tell 10.0.0.2, length 28");
    assert!(!arp.has(Known::ARP_SENDER) && !arp.has(Known::SRC_MAC));
    let dump = "12:00:00.000001 IP 10.0.0.1.80 > 10.0.0.2.90: x\n\t0x0000:  4500 0028 0007 4000 4006 0000 0a00 0001\n\t0x0010:  0a00 0002 0050 005a 0000 0001 0000 0000\n\t0x0020:  5002 ffff 0000 0000\n";
    let macs = Known::SRC_MAC.and(Known::DST_MAC);
    assert_eq!(known(dump), Known::ALL.without(macs));
}

#[test]
fn several_captures_in_one_paste_are_several() {
    let line = |time: &str| format!("{time} IP 10.0.0.1.5000 > 10.0.0.2.80: {SYN}\n");
    let text = format!(
        "[root@client ~]# tcpdump -nn -i eth0\n{}{}\n[root@lb1 ~]# tcpdump -nn -i eth0\n{}",
        line("12:00:00.000001"),
        line("12:00:01.000001"),
        line("12:00:00.000101")
    );
    let got = read(&text).unwrap();
    let names: Vec<&str> = got.interfaces.iter().flatten().map(String::as_str).collect();
    assert_eq!((names, got.frames.len()), (vec!["client", "lb1"], 3));
    let headed = format!(
        "On the client:\n{}{}\nOn the director:\n{}",
        line("12:00:00.000001"),
        line("12:00:01.000001"),
        line("12:00:00.000101")
    );
    let got = read(&headed).unwrap();
    assert_eq!(got.interfaces.len(), 2);
    assert_eq!(got.interfaces[1].as_deref(), Some("On-the-director"));
}

#[test]
fn what_cannot_be_read_is_told_by_its_line() {
    let good = format!("12:00:00.000001 IP 10.0.0.1.5000 > 10.0.0.2.80: {SYN}\n");
    let got = read(&format!("{good}12:00:00.000002 IP 10.0.0.1.5000 >\n\n{good}")).unwrap();
    assert_eq!(got.frames.len(), 2);
    assert_eq!(got.damage.len(), 1);
    assert!(got.damage[0].starts_with("line 2 is not understood"), "{:?}", got.damage);
    let error = read("dear all,\nit does not work\n").err().unwrap();
    assert!(error.contains("a line that can be read looks like this"), "{error}");
    assert!(error.contains("Flags [S], seq"), "{error}");
}

#[test]
fn times_are_read_in_all_forms() {
    let times = |stamps: [&str; 4]| {
        let line = |stamp| format!("{stamp} IP 10.0.0.1.5000 > 10.0.0.2.80: {SYN}\n");
        read(&stamps.map(line).concat()).unwrap().times
    };
    let second = 1_000_000_000;
    assert_eq!(
        times(["00:00:00.000000", "00:00:01.000000", "00:00:00.500000", "00:00:02.000000"]),
        [0, second, second + second / 2, 3 * second + second / 2],
        "differences"
    );
    assert_eq!(
        times(["23:59:59.000000", "23:59:59.500000", "00:00:00.500000", "00:00:01.000000"])[2],
        86_400 * second + second / 2,
        "midnight"
    );
    assert_eq!(
        times(["1700000000.5", "1700000001.5", "1700000002.5", "1700000003.5"])[1],
        1_700_000_001_500_000_000
    );
}

/// Numbers at the end of their range, midnights without end, tabs, a line without end.
#[test]
fn hostile_texts_are_read() {
    let mut text = String::new();
    for n in 0..400_000 {
        let time = if n % 2 == 0 { "23:59:59.9" } else { "00:00:00.1" };
        let _ =
            writeln!(text, "{time} IP 10.0.0.1.1 > 10.0.0.2.2: Flags [S], seq 1, win 1, length 0");
    }
    let got = read(&text).unwrap();
    assert_eq!(got.frames.len(), 400_000);
    let lengths = "12:00:00.1 IP 10.0.0.1.1 > 10.0.0.2.2: Flags [FS.], seq 0:4294967295, ack 4294967295, win 65535, length 4294967295\n";
    assert_eq!(read(lengths).unwrap().frames.len(), 1);
    let tabs = "12:00:00.1 IP 10.0.0.1.1 > 10.0.0.2.2: Flags [P.], sEq 1\n\t\n\t\n\tx\n\t\n12:00:00.1 IP 10.0.0.1.1 > 10.0.0.2.2: Flags [S], seq 1, win 1, length 0\n";
    assert!(read(tabs).is_ok());
    let endless = format!("{}\n{SYN_LINE}", "IP 1.1.1.1 > ".repeat(20_000));
    assert_eq!(read(&endless).unwrap().frames.len(), 1, "the line behind it is read");
}

const SYN_LINE: &str = "12:00:00.1 IP 10.0.0.1.1 > 10.0.0.2.2: Flags [S], seq 1, win 1, length 0\n";

/// Any cut, any broken byte: no panic, and no more packets than lines.
#[test]
fn any_byte_of_a_text_may_be_wrong() {
    let text = format!(
        "12:00:00.000001 eth0  In  IP (tos 0x0, ttl 64, id 7, offset 0, flags [DF], proto TCP (6), length 60)\n    10.0.0.1.5000 > 10.0.0.2.80: {SYN}\n12:00:00.1 IP 10.0.0.1 > 10.0.0.2: ICMP 10.0.0.2 tcp port 80 unreachable, length 68\n12:00:00.2 ARP, Request who-has 10.0.0.1 (52:54:00:00:00:01) tell 10.0.0.2, length 28\n\t0x0000:  0001 0800 0604 0001\n12:00:00.3 IP 10.0.8.11.5 > 10.0.8.12.4789: VXLAN, flags [I] (0x08), vni 4096\nIP 10.0.0.1.5000 > 10.0.0.2.80: {SYN}\n    1   0.0 10.0.0.1 \u{2192} 10.0.0.2 TCP 74 5 \u{2192} 80 [SYN] Seq=0 Win=5 Len=0 MSS=1460\n12:00:00.4 IP6 fe80::1 > ff02::1: ICMP6, neighbor advertisement, tgt is fe80::1, length 32\n12:00:00.5 IP 10.0.0.1 > 224.0.0.18: VRRPv2, Advertisement, vrid 51, prio 100, authtype none, intvl 1s, length 20, addrs: 10.0.0.8\n"
    );
    let bytes = text.as_bytes();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x");
    let check = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        let mut frames = 0;
        let mut sink = |frame: &capture::Frame<'_>| {
            frames += 1;
            let _ = lbdiag::wire::decode(frame);
        };
        let _ = capture::read(&Source::Path(path.clone()), &AtomicU64::new(0), &mut sink);
        assert!(frames <= 12);
    };
    for cut in 0..bytes.len() {
        check(&bytes[..cut]);
    }
    for at in 0..bytes.len() {
        for byte in [b'0', b'9', b' ', b'\n', b'(', b'[', b':', b'.', 0xff] {
            let mut wrong = bytes.to_vec();
            wrong[at] = byte;
            check(&wrong);
        }
    }
}

/// The last chunk of an answer is not printed: whether it came is not known, and nobody is accused.
#[test]
fn an_answer_whose_end_is_not_printed_is_neither_well_nor_failed() {
    let Some(tcpdump) = tool("tcpdump") else { return };
    let dir = tempfile::tempdir().unwrap();
    let capture = root().join("samples/l7-chunks-without-end/lb.pcap");
    let report = |options: &[&str]| {
        run_paths(&printed(&tcpdump, std::slice::from_ref(&capture), dir.path(), options)).report
    };
    let text = report(&["-nn", "-e", "-v"]);
    assert_eq!(text.verdict.status, Status::Inconclusive);
    assert!(text.verdict.summary.contains("chunks end (tcpdump -x)"), "{}", text.verdict.summary);
    assert!(causes(&text).is_empty());
    assert_eq!(report(&["-nn", "-e", "-v", "-x"]).verdict.status, Status::Failing);
}

/// What a person sees on a node's bridge: the call to a service, translated, and its answer.
fn on_a_bridge(answer: &str) -> String {
    let e = |from: &str, to: &str, packet: &str| {
        format!("{from} > {to}, ethertype IPv4 (0x0800), length 74: {packet}\n")
    };
    let (a, node, b) = ("02:00:00:00:01:0a", "02:00:00:00:01:01", "02:00:00:00:01:0b");
    let syn = "Flags [S], seq 700, win 64860, options [mss 1410,sackOK,TS val 9 ecr 0,nop,wscale 7], length 0";
    let syn_ack = "Flags [S.], seq 900, ack 701, win 64308, options [mss 1410,sackOK,TS val 5 ecr 9,nop,wscale 7], length 0";
    let mut text = format!(
        "10:00:00.000100 {}10:00:00.000200 {}",
        e(a, node, &format!("10.42.0.10.40000 > 10.43.7.7.7800: {syn}")),
        e(node, b, &format!("10.42.0.10.40000 > 10.42.0.11.7800: {syn}")),
    );
    if answer == "translated" {
        let back = [
            e(b, node, &format!("10.42.0.11.7800 > 10.42.0.10.40000: {syn_ack}")),
            e(node, a, &format!("10.43.7.7.7800 > 10.42.0.10.40000: {syn_ack}")),
            e(a, node, "10.42.0.10.40000 > 10.43.7.7.7800: Flags [.], ack 1, win 507, length 0"),
            e(node, b, "10.42.0.10.40000 > 10.42.0.11.7800: Flags [.], ack 1, win 507, length 0"),
        ];
        for (n, line) in back.iter().enumerate() {
            let _ = write!(text, "10:00:00.000{}00 {line}", n + 3);
        }
        return text;
    }
    let back = [
        e(b, a, &format!("10.42.0.11.7800 > 10.42.0.10.40000: {syn_ack}")),
        e(a, b, "10.42.0.10.40000 > 10.42.0.11.7800: Flags [R], seq 701, win 0, length 0"),
    ];
    let _ = write!(text, "10:00:00.000300 {}10:00:00.000400 {}", back[0], back[1]);
    text
}

#[test]
fn an_answer_that_passes_its_translator_is_told_and_never_mended_by_a_route() {
    let dir = tempfile::tempdir().unwrap();
    let report = |text: &str| {
        let path = dir.path().join("bridge.txt");
        std::fs::write(&path, text).unwrap();
        run_paths(&[&path]).report
    };
    let broken = on_a_bridge("direct");
    let found = report(&broken);
    assert_eq!(causes(&found).first().map(|c| c.0), Some("nat-same-subnet-client"));
    // Without hardware addresses it is one of two, and what is advised fits both.
    let mac = |line: &str| line.split_once(": ").map(|(_, packet)| packet.to_owned());
    let bare: String = broken
        .lines()
        .filter_map(|line| Some(format!("{} IP {}\n", line.split(' ').next()?, mac(line)?)))
        .collect();
    let found = report(&bare);
    assert_eq!(causes(&found), [("nat-return-bypasses-director", Confidence::Likely)]);
    let fixes = &found.findings[0].fix;
    assert!(fixes.iter().all(|fix| !fix.command.contains("ip route")), "{fixes:?}");
    assert!(causes(&report(&on_a_bridge("translated"))).is_empty());
}
