//! Frames that stay frames while they are changed, the whole way with drawings and extracts.
#![no_main]
use lbdiag_fuzz::rng::Rng;
use lbdiag_fuzz::{check, frames, mutate};
use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};

fuzz_target!(|data: &[u8]| {
    let (link, frames) = frames::unpack(data);
    let path = check::scratch("frames.pcap");
    std::fs::write(&path, frames::capture(frames::link(link), &frames)).unwrap();
    check::everything(&[path.display().to_string()], Vec::new(), true);
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    let mut rng = Rng(u64::from(seed));
    if rng.one_in(4) {
        return fuzzer_mutate(data, size, max_size);
    }
    let (link, mut list) = frames::unpack(&data[..size]);
    for _ in 0..=rng.below(6) {
        mutate::change(&mut rng, &mut list);
    }
    let changed = frames::pack(link, &list);
    let len = changed.len().min(max_size);
    data[..len].copy_from_slice(&changed[..len]);
    len
});
