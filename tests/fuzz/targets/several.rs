//! A sample of which one capture or two are changed frame by frame, the others staying: what
//! several vantages say of one connection no longer agrees.
#![no_main]
use lbdiag_fuzz::frames::Frame;
use lbdiag_fuzz::rng::Rng;
use lbdiag_fuzz::{check, mutate};
use libfuzzer_sys::fuzz_target;
use std::path::Path;
use std::sync::LazyLock;

/// Bytes of a sample's captures; larger ones are slow.
const MAX_SAMPLE: u64 = 300_000;

static SAMPLES: LazyLock<Vec<Vec<String>>> = LazyLock::new(|| {
    let folders = std::fs::read_dir("samples").unwrap().flatten().map(|entry| entry.path());
    let mut samples: Vec<Vec<String>> = folders.filter_map(|path| captures(&path)).collect();
    samples.sort();
    samples
});

fn captures(folder: &Path) -> Option<Vec<String>> {
    let files = std::fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path());
    let mut paths: Vec<String> = files
        .filter(|path| path.extension().is_some_and(|e| e == "pcap"))
        .map(|path| path.display().to_string())
        .collect();
    paths.sort();
    let size: u64 = paths.iter().filter_map(|p| std::fs::metadata(p).ok()).map(|m| m.len()).sum();
    (!paths.is_empty() && size <= MAX_SAMPLE).then_some(paths)
}

fuzz_target!(|data: &[u8]| {
    let Some(seed) = data.first_chunk::<8>() else { return };
    let mut rng = Rng(u64::from_le_bytes(*seed));
    let mut paths = SAMPLES[rng.below(SAMPLES.len())].clone();
    for _ in 0..=rng.below(2) {
        let at = rng.below(paths.len());
        let bytes = std::fs::read(&paths[at]).unwrap();
        let Some(changed) = changed(&mut rng, &bytes) else { continue };
        let path = check::scratch(&format!("several-{at}.pcap"));
        std::fs::write(&path, changed).unwrap();
        paths[at] = path.display().to_string();
    }
    check::everything(&paths, Vec::new(), true);
});

/// The records of a little-endian pcap file, a few of them changed.
fn changed(rng: &mut Rng, bytes: &[u8]) -> Option<Vec<u8>> {
    if !bytes.starts_with(&[0xd4, 0xc3, 0xb2, 0xa1])
        && !bytes.starts_with(&[0x4d, 0x3c, 0xb2, 0xa1])
    {
        return None;
    }
    let (head, mut rest) = bytes.split_at_checked(24)?;
    let word = |bytes: &[u8], at: usize| {
        u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
    };
    let mut records: Vec<([u32; 3], Vec<u8>)> = Vec::new();
    while let Some((header, tail)) = rest.split_at_checked(16) {
        let Some((data, next)) = tail.split_at_checked(word(header, 8) as usize) else { break };
        records.push(([word(header, 0), word(header, 4), word(header, 12)], data.to_vec()));
        rest = next;
    }
    for _ in 0..=rng.below(12) {
        if records.is_empty() {
            break;
        }
        let at = rng.below(records.len());
        let (header, data) = records.remove(at);
        let mut list = vec![Frame { dt: 1, data }];
        mutate::change(rng, &mut list);
        for frame in list {
            records.insert(at, (header, frame.data));
        }
        if rng.one_in(6)
            && let Some((header, _)) = records.get_mut(at)
        {
            header[0] = rng.pick(&[0, u32::MAX, 0x7fff_ffff, 1_700_000_000]);
        }
    }
    let mut out = head.to_vec();
    for ([seconds, fraction, wire], data) in records {
        let len = data.len() as u32;
        for number in [seconds, fraction, len, wire.max(len)] {
            out.extend(number.to_le_bytes());
        }
        out.extend(data);
    }
    Some(out)
}
