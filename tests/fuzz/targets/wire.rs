//! One frame of any link type, decoded and taken in twice.
#![no_main]
use lbdiag::capture::{Frame, Known, Timestamp};
use lbdiag::flow::{Mark, Observer};
use lbdiag_fuzz::frames::LINKS;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((&head, rest)) = data.split_first() else { return };
    let link_type = LINKS[usize::from(head) % LINKS.len()];
    let wire_len = rest.len() as u32 + if head & 0x80 != 0 { 500 } else { 0 };
    let mut observer = Observer::new(link_type);
    for number in 1..=2 {
        let time = Timestamp(1_700_000_000_000_000_000 + i64::from(number));
        let frame = Frame {
            number,
            time,
            interface: 0,
            link_type,
            wire_len,
            data: rest,
            known: Known::ALL,
        };
        let packet = lbdiag::wire::decode(&frame);
        let _ = format!("{packet:?}").len();
        let mark = Mark::new(number, time);
        observer.observe(mark, &packet, wire_len as usize > rest.len());
        observer.check_syn(mark, rest, &packet);
    }
    let _ = observer.finish("x".to_owned(), 0);
});
