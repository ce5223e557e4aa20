//! Pings that nobody answered, beside connections: often they are all that was tried in an
//! overlay. A service need not answer any, so this says what is there and accuses nobody.

use super::build::Builder;
use crate::diagnose::words::count;
use crate::flow::{Echo, IcmpErrorKind, VantageId};
use crate::wire::Ip;
use std::collections::BTreeMap;

/// Echo requests in a row without a reply that are worth a word.
const ENOUGH: u32 = 3;
/// Pairs that are named.
const NAMED: usize = 3;

impl Builder<'_> {
    /// What was pinged in vain, where no connection of the same address did well or somebody says why.
    pub(super) fn ping_notes(&self) -> Vec<String> {
        let mut pairs: BTreeMap<(Ip, Ip), Vec<(VantageId, &Echo)>> = BTreeMap::new();
        for (v, vantage) in VantageId::each(&self.trace.vantages) {
            for echo in &vantage.echoes {
                pairs.entry((echo.src, echo.dst)).or_default().push((v, echo));
            }
        }
        let answers =
            |ip: Ip| self.trace.iter().any(|(_, c)| c.front.server.0 == ip && c.progress.answered);
        let vain = pairs.into_iter().filter(|((src, dst), seen)| {
            let asked = seen.iter().map(|(_, echo)| echo.requests).max().unwrap_or(0);
            let answered = seen.iter().any(|(_, echo)| echo.replies > 0);
            let said = asked > 0 && self.said_of(*src, *dst).is_some();
            !answered && (said || asked >= ENOUGH && !answers(*dst))
        });
        vain.take(NAMED).map(|((src, dst), seen)| self.in_vain(src, dst, &seen)).collect()
    }

    fn in_vain(&self, src: Ip, dst: Ip, seen: &[(VantageId, &Echo)]) -> String {
        let vantages = &self.trace.vantages;
        let asked = seen.iter().map(|(_, echo)| echo.requests).max().unwrap_or(0);
        let labels: Vec<&str> =
            seen.iter().map(|(v, _)| vantages[v.index()].label.as_str()).collect();
        let elsewhere: Vec<&str> = VantageId::each(vantages)
            .filter(|(v, _)| seen.iter().all(|(at, _)| at != v))
            .map(|(_, vantage)| vantage.label.as_str())
            .collect();
        let asked = count(asked as usize, "echo request");
        let seen = format!("{asked} (ping) {src} > {dst} in {}, and no reply", labels.join(", "));
        if let Some(said) = self.said_of(src, dst) {
            return format!("{seen}: {said}");
        }
        let not_in = match elsewhere[..] {
            [] => String::new(),
            _ => format!(
                ", and nothing of this in {}: if that was taken where they were to arrive, at the same time and with a filter that lets them through, they were lost before it",
                elsewhere.join(", ")
            ),
        };
        format!("{seen}{not_in}. Many hosts, and most balancers' addresses, answer none")
    }

    /// What an ICMP error says of them.
    fn said_of(&self, src: Ip, dst: Ip) -> Option<String> {
        let mut errors = self.trace.vantages.iter().flat_map(|vantage| &vantage.errors);
        let error = errors.find(|error| {
            error.dst == src
                && (error.quote.src, error.quote.dst) == (src, dst)
                && !error.quote.protocol.is_tcp()
                && !error.quote.protocol.is_udp()
                && error.kind != IcmpErrorKind::Redirect
        })?;
        let what = match error.kind {
            IcmpErrorKind::TooBig { mtu } => {
                let most = if mtu > 0 { format!(" {mtu} bytes") } else { " less".to_owned() };
                format!("they are too big for the way on, which takes{most}")
            }
            IcmpErrorKind::TimeExceeded => "their TTL ran out there".to_owned(),
            IcmpErrorKind::Reassembly => "not all of their fragments came".to_owned(),
            _ => "there is no way to it".to_owned(),
        };
        Some(format!("{} says that {what}", error.src))
    }
}
