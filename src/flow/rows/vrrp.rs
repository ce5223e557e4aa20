//! VRRP speakers as rows.

use super::mark;
use crate::flow::{Contest, Mark, Takeovers, VrrpSpeaker};
use crate::row::{Columns, Row};
use crate::wire::{Ip, VirtualAddresses};
use std::net::IpAddr;

impl Row for VrrpSpeaker {
    const TABLE: &'static str = "vrrp";
    const ABOUT: &'static str =
        "One row for each sender of VRRP advertisements and virtual router.";

    fn blank() -> Self {
        let mark = Mark::NONE;
        Self {
            src: Ip::default(),
            mac: None,
            vrid: 0,
            segment: (0, 0),
            version: 2,
            addresses: VirtualAddresses::of(&[], true),
            priority: (0, 0),
            interval_cs: 0,
            auth: (None, None),
            ttl: 255,
            damaged: mark,
            count: 0,
            first: mark,
            last: mark,
            silence: (mark, mark),
            last_priority: 0,
            takeovers: Takeovers::default(),
            resigned: 0,
            contest: Contest::default(),
            contesting: Contest::default(),
        }
    }

    fn row<C: Columns>(&mut self, c: &mut C) {
        c.ip("src_ip", "its address", &mut self.src);
        c.some_mac("mac", "its MAC, which may be the virtual router's", &mut self.mac);
        c.num("vrid", "virtual router", &mut self.vrid);
        c.num("vlan", "VLAN identifiers, as in `streams`", &mut self.segment.0);
        c.num("ifindex", "interface index, or identifier of an overlay", &mut self.segment.1);
        c.num("version", "2 or 3", &mut self.version);
        let mut list: Vec<Ip> = self.addresses.list().to_vec();
        c.listed(
            "addresses",
            "addresses of the virtual router, apart by spaces",
            &mut list,
            |text| text.parse::<IpAddr>().ok().map(Ip::from),
        );
        c.num("addresses_whole", "it advertises no further ones", &mut self.addresses.whole);
        if c.comes_in() {
            self.addresses = VirtualAddresses::of(&list, self.addresses.whole);
        }
        c.num("least_priority", "lowest priority advertised", &mut self.priority.0);
        c.num("most_priority", "highest priority advertised", &mut self.priority.1);
        c.num(
            "interval_cs",
            "time between advertisements, hundredths of a second",
            &mut self.interval_cs,
        );
        c.some("auth_type", "type of authentication (version 2)", &mut self.auth.0);
        let mut secret = self.auth.1.map(u64::from_be_bytes);
        c.some("auth_data", "its data, as a big-endian number", &mut secret);
        self.auth.1 = secret.map(u64::to_be_bytes);
        c.num("ttl", "lowest TTL of its advertisements", &mut self.ttl);
        mark(c, "damaged", "the first with a wrong checksum", &mut self.damaged);
        c.num("count", "advertisements", &mut self.count);
        mark(c, "first", "first", &mut self.first);
        mark(c, "last", "last", &mut self.last);
        mark(
            c,
            "before_silence",
            "the advertisement before its longest silence",
            &mut self.silence.0,
        );
        mark(c, "after_silence", "the one after it", &mut self.silence.1);
        c.num(
            "last_priority",
            "priority of the last; 0 where it resigned",
            &mut self.last_priority,
        );
        c.within("takeovers_", |c| {
            let Takeovers { count, first, last } = &mut self.takeovers;
            let what = [
                "how often it began where another had advertised since its own last",
                "with which advertisement first",
                "with which last",
            ];
            times(c, what, count, [first, last]);
        });
        c.num("resigned", "advertisements of priority 0 that gave up", &mut self.resigned);
        c.within("contest_", |c| {
            let Contest { count, first, last } = &mut self.contest;
            let what = [
                "advertisements in its longest contest with another speaker",
                "first of them",
                "last of them",
            ];
            times(c, what, count, [first, last]);
        });
    }
}

/// How often something was, and when first and last.
fn times<C: Columns>(
    c: &mut C,
    what: [&'static str; 3],
    count: &mut u32,
    [first, last]: [&mut Mark; 2],
) {
    c.num("count", what[0], count);
    mark(c, "first", what[1], first);
    mark(c, "last", what[2], last);
}
