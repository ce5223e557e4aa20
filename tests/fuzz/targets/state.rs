//! Any text as what a host said of itself; every sixteenth that is understood, beside captures.
#![no_main]
use lbdiag::state::{self, HostState};
use lbdiag_fuzz::check;
use libfuzzer_sys::fuzz_target;
use std::sync::atomic::{AtomicUsize, Ordering};

static UNDERSTOOD: AtomicUsize = AtomicUsize::new(0);
const BESIDE: [&str; 2] = ["samples/dr-rs-without-vip", "samples/nat-one-rs-gateway-wrong"];

fuzz_target!(|data: &[u8]| {
    let mut host = HostState { name: "h".to_owned(), ..HostState::default() };
    if !state::parse(&mut host, "h.txt", &String::from_utf8_lossy(data)) {
        return;
    }
    let n = UNDERSTOOD.fetch_add(1, Ordering::Relaxed);
    if n.is_multiple_of(16) {
        check::everything(&[BESIDE[n / 16 % 2].to_owned()], vec![host], false);
    }
});
