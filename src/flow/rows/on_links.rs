//! What few links show, as rows: repeats, fragments, IP options, checksums, marked SYNs.

use super::{Of, link_of, mark};
use crate::flow::fragments::Pieces;
use crate::flow::{Mark, Marks, Optioned, Repeat, Sums};
use crate::row::{Columns, Row};

impl Row for Repeat {
    const TABLE: &'static str = "repeats";
    const ABOUT: &'static str = "One row for each segment that sent bytes again on a link.";

    fn blank() -> Self {
        Self { link: 0, from: 0, to: 0, mark: Mark::NONE }
    }

    fn row<C: Columns>(&mut self, c: &mut C) {
        link_of(c, &mut self.link);
        c.num("from_seq", "sequence number of its first byte", &mut self.from);
        c.num("to_seq", "the one after its last", &mut self.to);
        mark(c, "at", "its frame", &mut self.mark);
    }
}

impl Row for Of<Pieces> {
    const TABLE: &'static str = "fragments";
    const ABOUT: &'static str = "One row for each link that carried IP fragments.";

    fn blank() -> Self {
        Self(0, Pieces::default())
    }

    fn row<C: Columns>(&mut self, c: &mut C) {
        link_of(c, &mut self.0);
        c.num("firsts", "first fragments", &mut self.1.firsts);
        c.num("laters", "later fragments", &mut self.1.laters);
        mark(c, "first", "the first of the former", &mut self.1.first);
        mark(c, "later", "the first of the latter", &mut self.1.later);
    }
}

impl Row for Of<Optioned> {
    const TABLE: &'static str = "ip_options";
    const ABOUT: &'static str = "One row for each link that carried packets with IP options.";

    fn blank() -> Self {
        Self(0, Optioned::default())
    }

    fn row<C: Columns>(&mut self, c: &mut C) {
        link_of(c, &mut self.0);
        c.num("packets", "how many", &mut self.1.packets);
        mark(c, "first", "the first of them", &mut self.1.first);
    }
}

impl Row for Of<Sums> {
    const TABLE: &'static str = "syn_checksums";
    const ABOUT: &'static str = "One row for each link whose repeated SYNs were summed.";

    fn blank() -> Self {
        Self(0, Sums::default())
    }

    fn row<C: Columns>(&mut self, c: &mut C) {
        link_of(c, &mut self.0);
        let sums = &mut self.1;
        c.num("taken", "checksums that a receiver takes", &mut sums.taken);
        c.num("wrong", "those for which it drops the packet", &mut sums.wrong);
        mark(c, "first_wrong", "the first of these", &mut sums.first_wrong);
        c.num("outer_taken", "the same of the datagram around it", &mut sums.outer_taken);
        c.num("outer_wrong", "those for which it drops all inside", &mut sums.outer_wrong);
        mark(c, "first_outer_wrong", "the first of these", &mut sums.first_outer_wrong);
        let (mut src, mut dst) = (sums.outer.map(|ends| ends.0), sums.outer.map(|ends| ends.1));
        c.some_ip("outer_src_ip", "between whom that tunnel is", &mut src);
        c.some_ip("outer_dst_ip", "to whom", &mut dst);
        sums.outer = src.zip(dst);
    }
}

impl Row for Of<Marks> {
    const TABLE: &'static str = "marked_syns";
    const ABOUT: &'static str = "One row for each link whose SYN asks for what most do not: a class of service, fragments, options of its tunnel.";

    fn blank() -> Self {
        Self(0, Marks::ORDINARY)
    }

    fn row<C: Columns>(&mut self, c: &mut C) {
        link_of(c, &mut self.0);
        let marks = &mut self.1;
        c.num("dscp", "differentiated services code point", &mut marks.bits.dscp);
        c.num("dont_fragment", "DF is set", &mut marks.bits.dont_fragment);
        let (mut known, mut options) =
            (marks.tunnel_options.is_some(), marks.tunnel_options.unwrap_or(false));
        c.num("tunnelled", "it came in a tunnel whose header may have options", &mut known);
        c.num("tunnel_options", "that header has some", &mut options);
        marks.tunnel_options = known.then_some(options);
    }
}
