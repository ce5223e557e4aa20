//! Who claimed which address, who asked for which, as rows.

use super::{mark, numbered, put_lists};
use crate::flow::{Ask, Binding, Claim, Dispute, Mark, Observations, OverlayEnd, Probe};
use crate::row::{Columns, Restore, Row, Store, TableVisitor, words};
use crate::wire::{Direction, Ip, Mac};

words!(Claim {
    Claim::Reply => "reply",
    Claim::Announcement => "announcement",
    Claim::Sender => "sender",
});

const VLAN: &str = "VLAN identifiers, as in `streams`";

impl Row for Binding {
    const TABLE: &'static str = "neighbor_claims";
    const ABOUT: &'static str =
        "One row for each MAC that claimed an address (ARP, neighbour discovery), by how it did.";

    fn blank() -> Self {
        Self {
            ip: Ip::default(),
            mac: Mac::ZERO,
            vlan: 0,
            claim: Claim::Reply,
            asked: Ip::default(),
            direction: Direction::Unknown,
            first: Mark::NONE,
            last: Mark::NONE,
            count: 0,
        }
    }

    fn row<C: Columns>(&mut self, c: &mut C) {
        c.ip("ip", "the address", &mut self.ip);
        c.mac("mac", "who claims it", &mut self.mac);
        c.num("vlan", VLAN, &mut self.vlan);
        c.word("claim", "`reply`, `announcement`, or `sender` of a question", &mut self.claim);
        c.ip(
            "asked",
            "the address that a `sender` asks for, else the address itself",
            &mut self.asked,
        );
        c.word("direction", "direction of the first frame, as in `hops`", &mut self.direction);
        mark(c, "first", "first frame", &mut self.first);
        mark(c, "last", "last frame", &mut self.last);
        c.num("count", "frames", &mut self.count);
    }
}

impl Row for Ask {
    const TABLE: &'static str = "neighbor_questions";
    const ABOUT: &'static str = "One row for each address and who asked for it.";

    fn blank() -> Self {
        Self {
            target: Ip::default(),
            asker: Ip::default(),
            asker_mac: Mac::ZERO,
            vlan: 0,
            direction: Direction::Unknown,
            count: 0,
            open: 0,
            again: 0,
            answers: 0,
            first: Mark::NONE,
            last: Mark::NONE,
            quickest_ns: i64::MAX,
        }
    }

    fn row<C: Columns>(&mut self, c: &mut C) {
        c.ip("target", "the address asked for", &mut self.target);
        c.ip("asker", "who asks", &mut self.asker);
        c.mac("asker_mac", "its MAC", &mut self.asker_mac);
        c.num(
            "vlan",
            "VLAN identifiers, as in `streams`; 4294967295 where it asked in several",
            &mut self.vlan,
        );
        c.word("direction", "direction of the first frame, as in `hops`", &mut self.direction);
        c.num("count", "questions", &mut self.count);
        c.num("open", "questions since the last answer", &mut self.open);
        c.num("again", "questions at the pace of a host that gets no answer", &mut self.again);
        c.num("answers", "answers to it that were seen", &mut self.answers);
        mark(c, "first", "first question", &mut self.first);
        mark(c, "last", "last question", &mut self.last);
        let mut quickest = (self.quickest_ns != i64::MAX).then_some(self.quickest_ns);
        c.some("quickest_ns", "shortest time to an answer, nanoseconds", &mut quickest);
        self.quickest_ns = quickest.unwrap_or(i64::MAX);
    }
}

impl Row for Dispute {
    const TABLE: &'static str = "neighbor_disputes";
    const ABOUT: &'static str = "One row for each address that several MACs claimed in turn.";

    fn blank() -> Self {
        let mark = Mark::NONE;
        Self {
            ip: Ip::default(),
            vlan: 0,
            quick: 0,
            changes: 0,
            before: mark,
            first: mark,
            last: mark,
        }
    }

    fn row<C: Columns>(&mut self, c: &mut C) {
        c.ip("ip", "the address", &mut self.ip);
        c.num("vlan", VLAN, &mut self.vlan);
        c.num("quick", "changes of MAC within a tenth of a second", &mut self.quick);
        c.num("changes", "all changes", &mut self.changes);
        mark(c, "before", "the claim before the first change", &mut self.before);
        mark(c, "first", "the first change", &mut self.first);
        mark(c, "last", "the last change", &mut self.last);
    }
}

impl Row for Probe {
    const TABLE: &'static str = "address_probes";
    const ABOUT: &'static str =
        "One row for each host that asked whether an address is in use before it took it.";

    fn blank() -> Self {
        let mark = Mark::NONE;
        Self { ip: Ip::default(), mac: Mac::ZERO, asked: mark, holder: None, told: mark }
    }

    fn row<C: Columns>(&mut self, c: &mut C) {
        c.ip("ip", "the address", &mut self.ip);
        c.mac("mac", "who asks", &mut self.mac);
        mark(c, "asked", "the last question", &mut self.asked);
        c.some_mac("holder", "who said in time that it is in use", &mut self.holder);
        mark(c, "told", "when", &mut self.told);
    }
}

impl Row for OverlayEnd {
    const TABLE: &'static str = "overlay_ends";
    const ABOUT: &'static str =
        "One row for each MAC inside an overlay and the end outside that carries its frames.";

    fn blank() -> Self {
        Self { inner: Mac::ZERO, outer: Mac::ZERO, ip: Ip::default() }
    }

    fn row<C: Columns>(&mut self, c: &mut C) {
        c.mac("inner_mac", "of the frame inside", &mut self.inner);
        c.mac(
            "outer_mac",
            "of the frame that carries it; zeros where the capture has none",
            &mut self.outer,
        );
        c.ip("outer_ip", "of the packet that carries it", &mut self.ip);
    }
}

pub(super) fn tables(visit: &mut impl TableVisitor) {
    visit.table::<Binding>();
    visit.table::<Ask>();
    visit.table::<Dispute>();
    visit.table::<Probe>();
    visit.table::<OverlayEnd>();
}

pub(super) fn store<S: Store>(all: &[Observations], to: &mut S) -> Result<(), S::Fault> {
    to.table(numbered(all, |seen| seen.neighbors.bindings.iter().copied()))?;
    to.table(numbered(all, |seen| seen.neighbors.asks.iter().copied()))?;
    to.table(numbered(all, |seen| seen.neighbors.disputes.iter().copied()))?;
    to.table(numbered(all, |seen| seen.neighbors.probes.iter().copied()))?;
    to.table(numbered(all, |seen| seen.neighbors.overlay_ends.iter().copied()))
}

pub(super) fn restore<R: Restore>(from: &mut R, all: &mut [Observations]) -> Result<(), R::Fault> {
    put_lists(from, all, |seen, list| {
        seen.neighbors.bindings = list;
        Ok(())
    })?;
    put_lists(from, all, |seen, list| {
        seen.neighbors.asks = list;
        Ok(())
    })?;
    put_lists(from, all, |seen, list| {
        seen.neighbors.disputes = list;
        Ok(())
    })?;
    put_lists(from, all, |seen, list| {
        seen.neighbors.probes = list;
        Ok(())
    })?;
    put_lists(from, all, |seen, list| {
        seen.neighbors.overlay_ends = list;
        Ok(())
    })
}
