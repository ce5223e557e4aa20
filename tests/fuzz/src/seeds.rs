//! Inputs to begin with, made of the samples. A program of its own would not link with the flags
//! of the targets, so one of them makes these when it is asked ([`asked`]).

use crate::frames::{Frame, LINKS, link_byte, pack};
use lbdiag::capture::{self, Source};
use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicU64;

/// Frames of a sample's capture, and bytes of each, that make one input.
const FRAMES: usize = 40;
const BYTES: usize = 1600;

/// Makes the seeds and ends the process, where LBDIAG_FUZZ_SEEDS names the folder for them.
pub fn asked() {
    if let Some(out) = std::env::var_os("LBDIAG_FUZZ_SEEDS") {
        let made = make(Path::new("samples"), Path::new(&out));
        std::process::exit(i32::from(made.is_err()));
    }
}

fn make(samples: &Path, out: &Path) -> std::io::Result<()> {
    for target in ["whole", "reader", "frames", "wire", "state", "several", "query"] {
        fs::create_dir_all(out.join(target))?;
    }
    for folder in fs::read_dir(samples)?.flatten().filter(|entry| entry.path().is_dir()) {
        for file in fs::read_dir(folder.path())?
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.is_file())
        {
            seed(&file, out)?;
        }
    }
    for n in 0_u64..32 {
        fs::write(out.join("several").join(n.to_string()), n.to_le_bytes())?;
    }
    Ok(())
}

fn seed(file: &Path, out: &Path) -> std::io::Result<()> {
    let bytes = fs::read(file)?;
    let mut parts = file.iter().rev().take(2).map(|part| part.to_string_lossy());
    let (name, folder) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let name = format!("{folder}-{name}");
    let kind = file.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    if matches!(kind, "txt" | "conf") && bytes.len() < 20_000 {
        fs::write(out.join("state").join(&name), &bytes)?;
    }
    if !matches!(kind, "pcap" | "pcapng" | "gz" | "zst" | "txt") {
        return Ok(());
    }
    if bytes.len() < 20_000 {
        fs::write(out.join("whole").join(&name), &bytes)?;
    }
    if bytes.len() < 8_000 {
        fs::write(out.join("reader").join(&name), &bytes)?;
    }
    let mut frames = Vec::new();
    let mut link = None;
    let mut sink = |frame: &capture::Frame<'_>| {
        let same = *link.get_or_insert(frame.link_type) == frame.link_type;
        if same && frames.len() < FRAMES {
            let data = frame.data[..frame.data.len().min(BYTES)].to_vec();
            frames.push(Frame { dt: 100 + (frames.len() % 5) as u8, data });
        }
    };
    let _ = capture::read(&Source::Path(file.to_owned()), &AtomicU64::new(0), &mut sink);
    let Some((link, byte)) = link.and_then(|link| Some((link, link_byte(link)?))) else {
        return Ok(());
    };
    fs::write(out.join("frames").join(&name), pack(byte, &frames))?;
    let head = LINKS.iter().position(|l| *l == link).unwrap_or(0) as u8;
    for (n, frame) in frames.iter().take(3).enumerate() {
        let bytes = [&[head][..], &frame.data].concat();
        fs::write(out.join("wire").join(format!("{name}-{n}")), bytes)?;
    }
    Ok(())
}
