//! Any bytes as a capture: read, and read again.
#![no_main]
use lbdiag_fuzz::{check, seeds};
use libfuzzer_sys::fuzz_target;

fuzz_target!(init: seeds::asked(), |data: &[u8]| {
    let path = check::scratch("reader.cap");
    std::fs::write(&path, data).unwrap();
    check::read_twice(&path);
});
