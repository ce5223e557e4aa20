//! Bundles as one argument: archives and folders in the layouts that tools make, and those that are
//! built to do harm.

use crate::support::expected::{entries, root};
use crate::support::program::run;
use lbdiag::report::Report;
use std::io::Write as _;
use std::path::{Path, PathBuf};

fn report(args: &[&str]) -> Report {
    let output = run(&[&["--json", "--connections", "all"], args].concat());
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {error}"))
}

/// A name in an archive with what it holds.
type Member = (String, Vec<u8>);

fn tar(members: &[Member]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in members {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        // As it is, so that hostile names stay.
        let field = &mut header.as_gnu_mut().unwrap().name;
        field[..name.len()].copy_from_slice(name.as_bytes());
        header.set_cksum();
        builder.append(&header, &bytes[..]).unwrap();
    }
    builder.into_inner().unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn xz(bytes: &[u8]) -> Vec<u8> {
    let options = lzma_rust2::XzOptions::with_preset(1);
    let mut encoder = lzma_rust2::XzWriter::new(Vec::new(), options).unwrap();
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zip(members: &[Member]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in members {
        let options = zip::write::SimpleFileOptions::default();
        writer.start_file(name.as_str(), options).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// The captures of a sample.
fn captures(sample: &str) -> Vec<PathBuf> {
    let all = entries(&root().join("samples").join(sample));
    all.into_iter().filter(|p| p.extension().is_some_and(|e| e == "pcap")).collect()
}

/// What a host of a sample said, cut into the outputs of single commands.
fn said(sample: &str, host: &str) -> String {
    let path = root().join("tests/states").join(sample).join(host);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Each host of a sample with captures and states in one archive of its own, as sosreport has it.
fn sosreports(sample: &str) -> Vec<Member> {
    let mut members = Vec::new();
    for capture in captures(sample) {
        let stem = capture.file_stem().unwrap().to_str().unwrap().to_owned();
        let top = format!("sosreport-{stem}-2026-11-28");
        let mut own = vec![
            (format!("{top}/var/tmp/trace.pcap"), std::fs::read(&capture).unwrap()),
            (format!("{top}/sos_logs/README"), b"Collected by sos.\nNothing to see.\n".to_vec()),
            (format!("{top}/proc/sys/net/ipv4/tcp_sack"), b"1\n".to_vec()),
        ];
        let state = root().join("tests/states").join(sample).join(format!("{stem}.txt"));
        if state.exists() {
            let text = said(sample, &format!("{stem}.txt"));
            own.push((format!("{top}/sos_commands/networking/all"), text.into_bytes()));
        }
        members.push((format!("{stem}.tar.xz"), xz(&tar(&own))));
    }
    members
}

fn causes(report: &Report) -> Vec<(String, String)> {
    let loud = report.findings.iter().filter(|f| f.severity.is_loud());
    loud.map(|f| (f.id.clone(), f.confidence.name().to_owned())).collect()
}

/// The report of the same files, named one by one.
fn named(sample: &str) -> Report {
    let states = root().join("tests/states").join(sample).display().to_string();
    let mut args = vec!["--host-state".to_owned(), states];
    args.extend(captures(sample).iter().map(|path| path.display().to_string()));
    report(&args.iter().map(String::as_str).collect::<Vec<_>>())
}

#[test]
fn every_packing_gives_the_report_of_its_files() {
    let sample = "listen-backlog-overflow";
    let wanted = named(sample);
    assert!(
        causes(&wanted).iter().any(|(id, sure)| id == "accept-queue-overflow" && sure == "certain")
    );
    let dir = tempfile::tempdir().unwrap();
    let members = sosreports(sample);
    let packed = [
        ("a.tar", tar(&members)),
        ("b.tar.gz", gzip(&tar(&members))),
        ("c.tar.xz", xz(&tar(&members))),
        ("d.zip", zip(&members)),
        // Content decides, not the name.
        ("e.bin", gzip(&tar(&members))),
    ];
    for (name, bytes) in packed {
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let got = report(&[path.to_str().unwrap()]);
        assert_eq!(causes(&got), causes(&wanted), "{name}");
        let frames = |r: &Report| r.captures.iter().map(|c| c.frames).sum::<u64>();
        assert_eq!((got.captures.len(), frames(&got)), (wanted.captures.len(), frames(&wanted)));
        assert!(got.captures.iter().all(|c| c.path.contains(name)), "{:?}", got.captures[0].path);
        let matched = got.host_states.iter().filter(|s| s.matched_by.is_some()).count();
        assert_eq!(matched, wanted.host_states.len(), "{name}");
    }
}

/// Retina: one archive a node, the capture beside what the node said; must-gather and cilium-bugtool:
/// folders of nodes below one folder.
#[test]
fn layouts_of_tools_are_read() {
    let sample = "dr-rs-without-vip";
    let wanted = named(sample);
    let dir = tempfile::tempdir().unwrap();
    let node = |of: &str, base: &str| -> Vec<Member> {
        let mut own = Vec::new();
        for capture in captures(sample).iter().filter(|c| c.ends_with(format!("{of}.pcap"))) {
            own.push((format!("{base}{of}.pcap"), std::fs::read(capture).unwrap()));
        }
        let state = root().join("tests/states").join(sample).join(format!("{of}.txt"));
        if let Ok(text) = std::fs::read(state) {
            own.push((format!("{base}ip-resources.txt"), text));
        }
        own
    };
    let hosts = ["client", "director", "rs1", "rs2"];
    // One archive for each node, all named.
    let mut args = Vec::new();
    for host in hosts {
        let path = dir.path().join(format!("capture-{host}.tar.gz"));
        std::fs::write(&path, gzip(&tar(&node(host, "./")))).unwrap();
        args.push(path.display().to_string());
    }
    let got = report(&args.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(causes(&got), causes(&wanted));
    // One archive with a folder for each.
    let all: Vec<Member> = hosts
        .iter()
        .flat_map(|host| node(host, &format!("must-gather.local.1/quay-io/nodes/{host}/")))
        .collect();
    let path = dir.path().join("must-gather.tar.gz");
    std::fs::write(&path, gzip(&tar(&all))).unwrap();
    assert_eq!(causes(&report(&[path.to_str().unwrap()])), causes(&wanted));
    // The same unpacked, as a folder.
    let folder = dir.path().join("unpacked");
    for (name, bytes) in &all {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    assert_eq!(causes(&report(&[folder.to_str().unwrap()])), causes(&wanted));
}

#[test]
fn one_packed_capture_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("client.pcap.xz");
    std::fs::write(&path, xz(&std::fs::read(&captures("healthy-nat")[0]).unwrap())).unwrap();
    let got = report(&[path.to_str().unwrap()]);
    assert_eq!((got.captures.len(), got.captures[0].frames > 0), (1, true));
    // Frames are read again from it.
    let drawn = run(&["ladder", path.to_str().unwrap()]);
    assert!(String::from_utf8_lossy(&drawn.stdout).contains("SYN"));
}

fn refused(path: &Path, words: &str) {
    let output = run(&[path.to_str().unwrap()]);
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert!(error.contains(words), "{error}");
}

#[test]
fn what_is_built_to_do_harm_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let capture = std::fs::read(&captures("healthy-nat")[0]).unwrap();
    // Zeros without end.
    let bomb = gzip(&tar(&[("zeros".to_owned(), vec![0; 300 << 20])]));
    refused(&write("bomb.tar.gz", &bomb), "more than 100 times its");
    // Names that lead out of the folder: nothing is written there.
    let out = dir.path().join("out");
    let name = format!("../../../../../..{}/evil", out.display());
    let hostile = tar(&[(name, b"x".to_vec()), ("a.pcap".to_owned(), capture.clone())]);
    assert_eq!(report(&[write("names.tar", &hostile).to_str().unwrap()]).captures.len(), 1);
    assert!(!out.exists());
    // Archives within archives.
    let mut inner = tar(&[("a.pcap".to_owned(), capture.clone())]);
    for _ in 0..6 {
        inner = tar(&[("inner.tar".to_owned(), inner), ("b.pcap".to_owned(), capture.clone())]);
    }
    let deep = report(&[write("deep.tar", &inner).to_str().unwrap()]);
    assert!(deep.captures.len() <= 4, "{}", deep.captures.len());
    assert!(deep.notes.iter().any(|note| note.contains("left out")), "{:?}", deep.notes);
    // Nothing in it, and damage.
    refused(
        &write("empty.tar", &tar(&[("README".to_owned(), b"hello\n".to_vec())])),
        "no capture in it",
    );
    let whole = gzip(&tar(&[("a.pcap".to_owned(), capture.repeat(50))]));
    refused(&write("cut.tar.gz", &whole[..whole.len() / 2]), "cannot be unpacked");
}
