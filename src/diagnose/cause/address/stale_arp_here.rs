//! The second form of `garp-missing-stale-arp`: the capture is of a host to which neighbours
//! still send what is for an address that another advertises by VRRP.
//!
//! It began after the address had moved, so no change is seen: the host hears the other's
//! advertisements, sends none, and gets SYNs for the address from somebody else, whom it does
//! not answer. A real server in DR hears and gets them too, but from the director.

use crate::diagnose::cause::severity;
use crate::diagnose::facts::address::vrrp;
use crate::diagnose::thresholds::PAIR;
use crate::diagnose::words::count;
use crate::diagnose::{Confidence, Facts, Finding, Names, Proof};
use crate::flow::{Hop, Mark, VantageId, VrrpSpeaker};
use crate::topology::{HostId, Role};
use crate::trace::{At, ConnectionId};
use crate::wire::Ip;

/// One address of which a vantage shows it.
struct Here {
    vantage: VantageId,
    vip: Ip,
    master: VrrpSpeaker,
    host: HostId,
    /// Who sends there.
    from: Option<HostId>,
    ids: Vec<ConnectionId>,
    shown: Mark,
}

pub(in crate::diagnose) fn findings(facts: &Facts, told: &[Ip]) -> Vec<Finding> {
    let all = VantageId::all(&facts.vantages).flat_map(|v| here(facts, v));
    all.filter(|here| !told.contains(&here.vip)).map(|here| finding(facts, &here)).collect()
}

fn here(facts: &Facts, v: VantageId) -> Vec<Here> {
    let vantage = &facts.vantages[v.index()];
    let Some(host) = facts.host_of_vantage(v) else { return Vec::new() };
    let own = |s: &VrrpSpeaker| vrrp::is_own(facts, v, s);
    let fixed = |s: &VrrpSpeaker| s.mac.is_some_and(|mac| !mac.is_vrrp());
    let speakers = || vantage.vrrp.iter();
    if vantage.own.macs.is_empty() || speakers().any(own) {
        return Vec::new();
    }
    let masters = speakers().filter(|s| s.count > 1 && s.last_priority > 0 && fixed(s));
    masters
        .flat_map(|s| s.addresses.list().iter().map(move |vip| (s, *vip)))
        .filter_map(|(s, vip)| {
            let came = |hop: &Hop| vantage.own.arrived(hop) == Some(true) && hop.link.src != s.mac;
            let mut shown = None;
            let mut from = None;
            let ids: Vec<ConnectionId> = facts
                .requests_to_address(vip)
                .filter(|(id, c)| {
                    let legs = facts.legs(*id).iter().filter(|l| l.vantage == v);
                    let mut seen = false;
                    for leg in legs {
                        let there = facts.forward(leg);
                        let stray = there.opened()
                            && !facts.reply(leg).seen()
                            && facts.path(leg, there).all(|(_, hop)| came(hop))
                            && there.last.frame() > s.first.frame();
                        if stray && shown.is_none() {
                            shown = Some(there.last);
                            let hop = vantage.first_hop(there);
                            from = facts.host_by_mac(hop.and_then(|hop| hop.link.src));
                        }
                        seen |= stray;
                    }
                    seen && c.outcome.failed() && !c.progress.established && c.progress.syns > 1
                })
                .map(|(id, _)| id)
                .collect();
            let shown = shown?;
            (ids.len() >= PAIR).then_some(Here {
                vantage: v,
                vip,
                master: *s,
                host,
                from,
                ids,
                shown,
            })
        })
        .collect()
}

fn finding(facts: &Facts, here: &Here) -> Finding {
    let names = Names(facts);
    let (vip, master) = (here.vip, here.master);
    let who = names.full(here.host);
    let from = here.from.map_or_else(|| "neighbours".to_owned(), |host| names.full(host));
    let verb = if here.from.is_some() { "sends" } else { "send" };
    let title = format!("{from} still {verb} to {who} what is for {vip}, which {} has", master.src);
    let explanation = format!(
        "{} advertises {vip} as master of virtual router {}; {who} advertises nothing, and gets {} for {vip} from {from}, which stay without an answer. Whoever sends there has an old entry for {vip}: it did not hear, or did not heed, the announcement of the new master.",
        master.src,
        master.vrid,
        count(here.ids.len(), "connection"),
    );
    let mut finding = Finding::cause("garp-missing-stale-arp", title, explanation);
    finding.severity = severity(facts, &here.ids);
    finding.confidence = Confidence::Likely;
    finding.candidate(
        "rs-missing-vip",
        format!("then {} is a director that balances to {who}, by another interface", master.src),
    );
    finding.confirm(
        from,
        format!("ip neigh show {vip}"),
        format!(
            "it must have the MAC of {}{}",
            master.src,
            master.mac.map_or_else(String::new, |mac| format!(", {mac}"))
        ),
    );
    finding.fixes = super::garp_fixes(vip, &master.src.to_string());
    let proof = |mark, note: String| Proof { at: At { vantage: here.vantage, mark }, note };
    let advert = if master.first.frame() < here.shown.frame() { master.first } else { master.last };
    finding.proofs.push(proof(advert, format!("{} advertises {vip}", master.src)));
    finding.proofs.push(proof(here.shown, format!("a SYN for {vip} comes here all the same")));
    finding.subjects = vec![vrrp::subject(facts, &master)];
    finding.subjects.extend(here.from.map(|host| names.subject(Role::Router, host)));
    finding.addresses = vec![vip];
    finding.connections.clone_from(&here.ids);
    finding
}
