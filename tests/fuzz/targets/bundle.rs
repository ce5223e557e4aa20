//! Any bytes as a bundle: opened, and what it holds peeked at.
#![no_main]
use lbdiag::bundle;
use lbdiag_fuzz::check;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let path = check::scratch("bundle.tgz");
    std::fs::write(&path, data).unwrap();
    let Ok(opened) = bundle::open(&[path.display().to_string()]) else { return };
    for source in opened.captures {
        check::read_once(&source);
    }
});
