//! ICMP errors, echoes, frames that are not read as rows, and what a flood left: kinds of streams that
//! were let go.

use super::{mark, numbered, put_lists};
use crate::flow::embryo::{Answer, Kind, LetGo};
use crate::flow::{
    Echo, Hop, HopId, IcmpError, IcmpErrorKind, Mark, Observations, Unopened, VrrpSpeaker,
};
use crate::row::{Columns, Restore, Row, Store, TableVisitor, words};
use crate::wire::{Ip, Protocol, Quote};

/// The forms of ICMP errors.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Unreachable,
    TooBig,
    TimeExceeded,
    Reassembly,
    Redirect,
}

words!(Form {
    Form::Unreachable => "unreachable",
    Form::TooBig => "too-big",
    Form::TimeExceeded => "time-exceeded",
    Form::Reassembly => "reassembly",
    Form::Redirect => "redirect",
});

fn form<C: Columns>(c: &mut C, kind: &mut IcmpErrorKind) {
    let mut form = match kind {
        IcmpErrorKind::Unreachable { .. } => Form::Unreachable,
        IcmpErrorKind::TooBig { .. } => Form::TooBig,
        IcmpErrorKind::TimeExceeded => Form::TimeExceeded,
        IcmpErrorKind::Reassembly => Form::Reassembly,
        IcmpErrorKind::Redirect => Form::Redirect,
    };
    let (mut of, mut code, mut mtu) = match *kind {
        IcmpErrorKind::Unreachable { kind, code } => (Some(kind), Some(code), None),
        IcmpErrorKind::TooBig { mtu } => (None, None, Some(mtu)),
        _ => (None, None, None),
    };
    c.word(
        "error",
        "`unreachable`, `too-big`, `time-exceeded`, `reassembly`, `redirect`",
        &mut form,
    );
    c.some("icmp_type", "type of an `unreachable`", &mut of);
    c.some("icmp_code", "its code", &mut code);
    c.some("mtu", "MTU of the next hop where `too-big`, bytes", &mut mtu);
    *kind = match form {
        Form::Unreachable => IcmpErrorKind::Unreachable {
            kind: of.unwrap_or_default(),
            code: code.unwrap_or_default(),
        },
        Form::TooBig => IcmpErrorKind::TooBig { mtu: mtu.unwrap_or_default() },
        Form::TimeExceeded => IcmpErrorKind::TimeExceeded,
        Form::Reassembly => IcmpErrorKind::Reassembly,
        Form::Redirect => IcmpErrorKind::Redirect,
    };
}

impl Row for IcmpError {
    const TABLE: &'static str = "icmp_errors";
    const ABOUT: &'static str = "One row for each ICMP error, with the packet that it quotes.";

    fn blank() -> Self {
        let quote = Quote {
            src: Ip::default(),
            dst: Ip::default(),
            protocol: Protocol::TCP,
            src_port: 0,
            dst_port: 0,
            seq: None,
            syn: false,
        };
        let ip = Ip::default();
        let kind = IcmpErrorKind::TimeExceeded;
        Self { mark: Mark::NONE, hop: HopId(0), src: ip, dst: ip, kind, quote }
    }

    fn row<C: Columns>(&mut self, c: &mut C) {
        mark(c, "at", "its frame", &mut self.mark);
        c.num("hop", "number of its hop, as in `hops`", &mut self.hop.0);
        c.ip("src_ip", "who says so", &mut self.src);
        c.ip("dst_ip", "whom it tells", &mut self.dst);
        form(c, &mut self.kind);
        c.within("quoted_", |c| {
            let quote = &mut self.quote;
            c.ip("src_ip", "source of the packet that it quotes", &mut quote.src);
            c.num("src_port", "0 where none was quoted", &mut quote.src_port);
            c.ip("dst_ip", "destination of it", &mut quote.dst);
            c.num("dst_port", "0 where none was quoted", &mut quote.dst_port);
            c.num("protocol", "IP protocol of it", &mut quote.protocol.0);
            c.some("seq", "TCP sequence number of it", &mut quote.seq);
            c.num("syn", "it was a SYN", &mut quote.syn);
        });
    }
}

impl Row for Echo {
    const TABLE: &'static str = "pings";
    const ABOUT: &'static str = "One row for each pair of addresses that pinged.";

    fn blank() -> Self {
        let ip = Ip::default();
        Self { src: ip, dst: ip, requests: 0, replies: 0, first: Mark::NONE }
    }

    fn row<C: Columns>(&mut self, c: &mut C) {
        c.ip("src_ip", "who asks", &mut self.src);
        c.ip("dst_ip", "who is asked", &mut self.dst);
        c.num("requests", "echo requests", &mut self.requests);
        c.num("replies", "echo replies", &mut self.replies);
        mark(c, "first", "first of them", &mut self.first);
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Hides {
    EtherType,
    Protocol,
    Port,
}

words!(Hides {
    Hides::EtherType => "ethertype",
    Hides::Protocol => "protocol",
    Hides::Port => "udp-port",
});

/// Frames whose inside is not read.
#[derive(Clone, Copy)]
struct UnopenedRow(Unopened, u64);

impl Row for UnopenedRow {
    const TABLE: &'static str = "unopened";
    const ABOUT: &'static str = "One row for each kind of frames whose inside is not read.";

    fn blank() -> Self {
        Self(Unopened::EtherType(0), 0)
    }

    fn row<C: Columns>(&mut self, c: &mut C) {
        let (mut by, mut value) = match self.0 {
            Unopened::EtherType(value) => (Hides::EtherType, value),
            Unopened::Protocol(value) => (Hides::Protocol, u16::from(value)),
            Unopened::Port(value) => (Hides::Port, value),
        };
        c.word("hidden_by", "`ethertype`, `protocol` or `udp-port`", &mut by);
        c.num("value", "which one; 0 for IEEE 802.3 frames", &mut value);
        c.num("frames", "how many", &mut self.1);
        self.0 = match by {
            Hides::EtherType => Unopened::EtherType(value),
            Hides::Protocol => Unopened::Protocol(value as u8),
            Hides::Port => Unopened::Port(value),
        };
    }
}

words!(Answer {
    Answer::None => "none",
    Answer::Accepted => "syn-ack",
    Answer::Reset => "reset",
    Answer::Error => "icmp-error",
});

/// Streams of one kind that were let go.
#[derive(Clone, Copy)]
struct LetGoRow(Kind, LetGo);

impl Row for LetGoRow {
    const TABLE: &'static str = "let_go";
    const ABOUT: &'static str = "One row for each kind of streams that were counted and let go, where a flood had more than are kept.";

    fn blank() -> Self {
        let server = (Ip::default(), 0);
        let kind = Kind { server, protocol: Protocol::TCP, by: None, answer: Answer::None };
        Self(kind, LetGo::default())
    }

    fn row<C: Columns>(&mut self, c: &mut C) {
        c.ip("server_ip", "whom they were opened to", &mut self.0.server.0);
        c.num("server_port", "its port", &mut self.0.server.1);
        c.num("protocol", "IP protocol", &mut self.0.protocol.0);
        c.some_mac(
            "by_mac",
            "MAC from which the answer came, else that they were sent to",
            &mut self.0.by,
        );
        c.word("answer", "`none`, `syn-ack`, `reset` or `icmp-error`", &mut self.0.answer);
        c.num("streams", "how many", &mut self.1.streams);
        mark(c, "first", "first frame of the earliest", &mut self.1.first);
        mark(c, "last", "first frame of the latest", &mut self.1.last);
    }
}

/// Numbers by which answered streams of a flood were kept.
#[derive(Clone, Copy)]
struct Kept(u32);

impl Row for Kept {
    const TABLE: &'static str = "kept_numbers";
    const ABOUT: &'static str = "For lbdiag itself: numbers of streams that every vantage keeps of a flood (a hash of the client's ISN).";

    fn blank() -> Self {
        Self(0)
    }

    fn row<C: Columns>(&mut self, c: &mut C) {
        c.num("number", "the number", &mut self.0);
    }
}

pub(super) fn tables(visit: &mut impl TableVisitor) {
    visit.table::<Hop>();
    visit.table::<IcmpError>();
    visit.table::<Echo>();
    visit.table::<VrrpSpeaker>();
    visit.table::<UnopenedRow>();
    visit.table::<LetGoRow>();
    visit.table::<Kept>();
}

pub(super) fn store<S: Store>(all: &[Observations], to: &mut S) -> Result<(), S::Fault> {
    to.table(numbered(all, |seen| seen.hops.iter().copied()))?;
    to.table(numbered(all, |seen| seen.errors.iter().copied()))?;
    to.table(numbered(all, |seen| seen.echoes.iter().copied()))?;
    to.table(numbered(all, |seen| seen.vrrp.iter().copied()))?;
    to.table(numbered(all, |seen| {
        seen.unopened.kinds.iter().map(|one| UnopenedRow(one.0, one.1))
    }))?;
    to.table(numbered(all, |seen| {
        let mut kinds: Vec<_> =
            seen.evicted.kinds.iter().map(|one| LetGoRow(*one.0, *one.1)).collect();
        kinds.sort_unstable_by_key(|row| row.0);
        kinds.into_iter()
    }))?;
    to.table(numbered(all, |seen| {
        let mut numbers: Vec<u32> = seen.evicted.first.iter().copied().collect();
        numbers.sort_unstable();
        numbers.into_iter().map(Kept)
    }))
}

pub(super) fn restore<R: Restore>(from: &mut R, all: &mut [Observations]) -> Result<(), R::Fault> {
    put_lists(from, all, |seen, list: Vec<IcmpError>| {
        if list.iter().any(|error| error.hop.index() >= seen.hops.len()) {
            return Err("an ICMP error is on no hop");
        }
        seen.errors = list;
        Ok(())
    })?;
    put_lists(from, all, |seen, list| {
        seen.echoes = list;
        Ok(())
    })?;
    put_lists(from, all, |seen, list| {
        seen.vrrp = list;
        Ok(())
    })?;
    put_lists(from, all, |seen, list: Vec<UnopenedRow>| {
        seen.unopened.kinds = list.into_iter().map(|row| (row.0, row.1)).collect();
        Ok(())
    })?;
    from.table(|v, _, row: LetGoRow| {
        let seen = all.get_mut(v).ok_or("a row is of no vantage")?;
        seen.evicted.kinds.insert(row.0, row.1);
        Ok(())
    })?;
    from.table(|v, _, row: Kept| {
        let seen = all.get_mut(v).ok_or("a row is of no vantage")?;
        seen.evicted.first.insert(row.0);
        Ok(())
    })
}
