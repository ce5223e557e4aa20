//! Any bytes as a capture, the whole way.
#![no_main]
use lbdiag_fuzz::check;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let path = check::scratch("whole.cap");
    std::fs::write(&path, data).unwrap();
    check::everything(&[path.display().to_string()], Vec::new(), false);
});
