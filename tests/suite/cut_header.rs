//! A TCP header cut before its length says nothing of a payload.

use crate::support::frames::*;
use lbdiag::capture::LinkType;
use lbdiag::wire::{self, Body, Transport};

#[test]
fn a_header_cut_before_its_length_claims_no_payload() {
    let whole = Segment::syn(CLIENT, VIP, 5).ethernet();
    for cut in 42..=whole.len() {
        let packet = wire::decode(&framed(LinkType::ETHERNET, &whole[..cut], whole.len()));
        let Body::Ip(ip) = &packet.body else { panic!("{packet:?}") };
        let Transport::Tcp(tcp) = &ip.transport else { panic!("{packet:?}") };
        assert_eq!(tcp.payload_len, 0, "cut at {cut}");
    }
}
