//! ICMP errors about packets that are of no connection here and of no ping: often they are all that was
//! captured, by a filter for ICMP alone. They say who turns packets away, and accuse nobody.

use super::build::Builder;
use crate::flow::{IcmpError, IcmpErrorKind, VantageId};
use crate::wire::Ip;
use std::collections::BTreeMap;

/// Kinds that are named.
const NAMED: usize = 3;

/// Who says it, to whom, of what is asked for, and what.
type Said = (Ip, Ip, Ip, String);

impl Builder<'_> {
    /// What errors say in captures without a connection.
    pub(super) fn lone_error_notes(&self) -> Vec<String> {
        if !self.trace.connections.list.is_empty() {
            return Vec::new();
        }
        let mut said: BTreeMap<Said, (u32, VantageId)> = BTreeMap::new();
        for (v, vantage) in VantageId::each(&self.trace.vantages) {
            let pinged = |e: &IcmpError| {
                vantage.echoes.iter().any(|echo| (echo.src, echo.dst) == (e.quote.src, e.quote.dst))
            };
            for e in &vantage.errors {
                if pinged(e) || e.src == e.dst {
                    continue;
                }
                if let Some(what) = told(e) {
                    let key = (e.src, e.dst, e.quote.dst, what);
                    said.entry(key).or_insert((0, v)).0 += 1;
                }
            }
        }
        let notes = said.into_iter().take(NAMED).map(|((by, to, about, what), (n, v))| {
            let often = if n == 1 { "once".to_owned() } else { format!("{n} times") };
            let label = &self.trace.vantages[v.index()].label;
            format!("{by} says {often} to {to} that its packets to {about} {what} (ICMP, in {label}); none of these packets was captured, so nothing else is told of them")
        });
        notes.collect()
    }
}

fn told(e: &IcmpError) -> Option<String> {
    Some(match e.kind {
        IcmpErrorKind::TooBig { mtu } if mtu > 0 => {
            format!("are too big for the way on, which takes {mtu} bytes")
        }
        IcmpErrorKind::TooBig { .. } => "are too big for the way on".to_owned(),
        // What traceroute asks for is no failure.
        IcmpErrorKind::Unreachable { kind: 3, code: 9 | 10 | 13 }
        | IcmpErrorKind::Unreachable { kind: 1, code: 1 } => {
            "are administratively prohibited: a rule there rejects them".to_owned()
        }
        IcmpErrorKind::Unreachable { .. } => "are not delivered".to_owned(),
        _ => return None,
    })
}
