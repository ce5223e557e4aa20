use super::*;
use crate::capture::Timestamp;
use crate::wire::TcpFlags;

fn data(seq: u32, len: u32) -> Tcp<'static> {
    Tcp { seq, ack: 0, window: 0, payload_len: len, ..Tcp::example(&[]) }
}

fn at(ms: i64) -> Mark {
    Mark::new(1 + ms as u32, Timestamp(ms * 1_000_000))
}

#[test]
fn a_repeat_is_a_copy_only_when_id_and_time_agree() {
    let mut link = Link::new(HopId(0), at(0));
    let troubles = &mut Troubles::default();
    assert_eq!(link.segment(at(0), &data(100, 50), Some(7), troubles), Sending::New);
    assert_eq!(link.segment(at(0), &data(100, 50), Some(7), troubles), Sending::Copy);
    assert_eq!(link.segment(at(250), &data(100, 50), Some(8), troubles), Sending::Again);
    assert_eq!(link.segment(at(500), &data(100, 50), Some(8), troubles), Sending::Again);
    assert_eq!((link.retransmissions, link.copies), (2, 1));
}

#[test]
fn a_copy_may_be_late_where_its_identification_tells() {
    let mut link = Link::new(HopId(0), at(0));
    let troubles = &mut Troubles::default();
    link.segment(at(0), &data(100, 50), Some(7), troubles);
    assert_eq!(link.segment(at(15), &data(100, 50), Some(7), troubles), Sending::Copy);
    assert_eq!(link.segment(at(30), &data(100, 50), Some(8), troubles), Sending::Again);
    assert_eq!(link.segment(at(45), &data(150, 50), Some(0), troubles), Sending::New);
    assert_eq!(link.segment(at(60), &data(150, 50), Some(0), troubles), Sending::Again);
    assert_eq!((link.retransmissions, link.copies), (2, 1));
}

#[test]
fn what_has_no_bytes_is_a_copy_by_its_identification_alone() {
    let mut link = Link::new(HopId(0), at(0));
    let troubles = &mut Troubles::default();
    for (ms, id) in [(0, 7), (0, 7), (1, 8), (1, 0), (1, 0), (2, 9), (500, 9)] {
        link.segment(at(ms), &data(100, 0), Some(id), troubles);
    }
    assert_eq!((link.packets, link.copies, link.sent()), (7, 1, 6));
    let mut link = Link::new(HopId(0), at(0));
    for (ms, id) in [(0, 7), (0, 7), (1, 8), (1, 0), (1, 0)] {
        link.datagram(at(ms), Some(id));
    }
    assert_eq!((link.packets, link.copies), (5, 1));
}

#[test]
fn without_identifications_a_copy_comes_at_once() {
    let mut link = Link::new(HopId(0), at(0));
    let troubles = &mut Troubles::default();
    let mut syn = data(99, 0);
    syn.flags = TcpFlags(TcpFlags::SYN | TcpFlags::ACK);
    link.segment(at(0), &syn, None, troubles);
    assert_eq!(link.segment(at(1), &syn, None, troubles), Sending::Copy);
    assert_eq!(link.segment(at(1001), &syn, None, troubles), Sending::New);
    assert_eq!((link.syns, link.copies), (2, 1));
    link.segment(at(1100), &data(100, 50), None, troubles);
    assert_eq!(link.segment(at(1101), &data(100, 50), None, troubles), Sending::Copy);
    assert_eq!(link.segment(at(1301), &data(100, 50), None, troubles), Sending::Again);
}

#[test]
fn late_segments_and_keepalives_repeat_nothing() {
    let mut link = Link::new(HopId(0), at(0));
    let troubles = &mut Troubles::default();
    link.segment(at(0), &data(100, 50), Some(1), troubles);
    assert_eq!(link.segment(at(1), &data(200, 50), Some(3), troubles), Sending::Ahead);
    assert_eq!(link.segment(at(2), &data(150, 50), Some(2), troubles), Sending::Late);
    assert_eq!(link.segment(at(900), &data(249, 1), Some(4), troubles), Sending::New);
    assert_eq!(link.segment(at(901), &data(150, 50), Some(5), troubles), Sending::Again);
}

#[test]
fn sequence_numbers_wrap() {
    let mut link = Link::new(HopId(0), at(0));
    let troubles = &mut Troubles::default();
    link.segment(at(0), &data(u32::MAX - 9, 20), Some(1), troubles);
    assert_eq!(link.segment(at(1), &data(10, 20), Some(2), troubles), Sending::New);
    assert_eq!(link.segment(at(300), &data(u32::MAX - 9, 20), Some(3), troubles), Sending::Again);
}
