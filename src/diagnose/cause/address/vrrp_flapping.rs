//! A virtual router whose master changes again and again: who is master gives up, comes back, and gives up.

use crate::diagnose::facts::address::vrrp;
use crate::diagnose::thresholds::{VRRP_FLAPPING, VRRP_FLAPPING_NS};
use crate::diagnose::words::{count, list, seconds};
use crate::diagnose::{Confidence, Detection, Facts, Finding, Fix, Proof, Severity};
use crate::flow::{Mark, VantageId, VrrpSpeaker};
use crate::trace::{ConnectionId, Trace};
use crate::wire::Ip;

pub(in crate::diagnose) const EXPLAINS: &[&str] =
    &["vip-arp-conflict", "director-no-entry-rst", "connection-reset"];

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let mut findings: Vec<(u8, bool, Finding)> = Vec::new();
    for (v, vantage) in VantageId::each(&facts.vantages) {
        for speaker in &vantage.vrrp {
            let (vrid, v4) = (speaker.vrid, speaker.src.is_v4());
            // Every vantage on the link shows the same.
            if findings.iter().any(|(known, four, _)| (*known, *four) == (vrid, v4)) {
                continue;
            }
            let of = |s: &&VrrpSpeaker| s.shares_router(speaker) || s.src == speaker.src;
            let same = |s: &&VrrpSpeaker| (s.vrid, s.segment) == (vrid, speaker.segment) && of(s);
            let all: Vec<&VrrpSpeaker> = vantage.vrrp.iter().filter(same).collect();
            if let Some(turns) = Turns::of(&all) {
                findings.push((vrid, v4, finding(facts, v, &all, turns)));
            }
        }
    }
    let findings = findings.into_iter().map(|(.., finding)| finding).collect();
    Detection::from(findings, || super::vrrp_or_blind(facts))
}

/// How often the master of one virtual router changed.
#[derive(Debug, Clone, Copy)]
struct Turns {
    count: u32,
    first: Mark,
    last: Mark,
    /// Times that a master gave up.
    resigned: u32,
}

impl Turns {
    fn of(speakers: &[&VrrpSpeaker]) -> Option<Self> {
        let taken = || speakers.iter().map(|s| s.takeovers).filter(|t| t.count > 0);
        let turns = Self {
            count: taken().map(|t| t.count).sum(),
            first: taken().map(|t| t.first).min_by_key(|mark| mark.frame())?,
            last: taken().map(|t| t.last).max_by_key(|mark| mark.frame())?,
            resigned: speakers.iter().map(|s| s.resigned).sum(),
        };
        // Whose advertisements are lost neither gives up nor lowers its priority: `vrrp-advert-not-received`.
        let lowers = |s: &&VrrpSpeaker| s.priority.0 > 0 && s.priority.0 < s.priority.1;
        let by_itself = turns.resigned > 1 || speakers.iter().any(lowers);
        let often = turns.count >= VRRP_FLAPPING
            && turns.last.since(turns.first) <= i64::from(turns.count) * VRRP_FLAPPING_NS;
        (by_itself && often).then_some(turns)
    }
}

fn finding(trace: &Trace, v: VantageId, speakers: &[&VrrpSpeaker], turns: Turns) -> Finding {
    let vrid = speakers[0].vrid;
    let time = seconds(turns.last.since(turns.first));
    let title = format!(
        "virtual router {vrid} changes its master again and again: {} times in {time}",
        turns.count
    );
    let who: Vec<String> = speakers
        .iter()
        .map(|s| {
            let priority = match s.priority {
                (0, high) => format!("priority {high}"),
                (low, high) if low < high => format!("priority {low} to {high}"),
                (_, high) => format!("priority {high}"),
            };
            format!("{} ({priority})", s.src)
        })
        .collect();
    let how = match turns.resigned {
        0 => "Its priority goes up and down, as a script or an interface that keepalived tracks makes it".to_owned(),
        n => format!(
            "{} a master gave up by itself, with an advertisement of priority 0: what keepalived tracks failed, or it was stopped",
            count(n as usize, "time")
        ),
    };
    let mut vips: Vec<Ip> = speakers.iter().flat_map(|s| s.addresses.list().to_vec()).collect();
    vips.sort_unstable();
    vips.dedup();
    let moved = if vips.is_empty() {
        String::new()
    } else {
        let texts: Vec<String> = vips.iter().map(Ip::to_string).collect();
        format!(
            " Each time {} moves to the other host: connections of which that one knows nothing break there, and where no virtual MAC is used neighbours must learn its own.",
            list(&texts)
        )
    };
    let explanation = format!("{} take turns as master. {how}.{moved}", list(&who));
    let mut finding = Finding::cause("vrrp-flapping", title, explanation);
    let failed = |id: &ConnectionId| trace.connection(*id).outcome.failed();
    let mut ids = super::to_vips(trace, &vips);
    ids.retain(failed);
    finding = finding.rated(Severity::Warning, Confidence::Certain);
    for s in speakers {
        finding.confirm(
            s.src.to_string(),
            "journalctl -u keepalived --since -1h | grep -E 'STATE|priority|Track|script|interface' | tail -30",
            "names what made it give up: the script that fails, or the interface that goes down",
        );
    }
    finding.fixes.push(Fix::disruptive(
        "both, once it is known what fails".to_owned(),
        "# in vrrp_script of keepalived.conf: fall 3 and rise 5, so that one check that fails moves nothing;\n# in vrrp_instance, on both, with state BACKUP: nopreempt, so that who comes back does not take over\nsystemctl reload keepalived",
        "Put the old settings back and reload.",
    ));
    finding.proofs = proofs(v, speakers);
    finding.subjects = speakers.iter().map(|s| vrrp::subject(trace, s)).collect();
    finding.addresses = vips;
    finding.connections = ids;
    finding
}

fn proofs(v: VantageId, speakers: &[&VrrpSpeaker]) -> Vec<Proof> {
    let mut proofs = Vec::new();
    for s in speakers.iter().filter(|s| s.takeovers.count > 0) {
        let all = count(s.takeovers.count as usize, "time");
        let first = format!("{} becomes master, {all} in all", s.src);
        proofs.push(Proof::on(v, s.takeovers.first, first));
        if s.takeovers.count > 1 {
            proofs.push(Proof::on(v, s.takeovers.last, format!("{}: the last of them", s.src)));
        }
    }
    proofs.sort_by_key(|p| p.at.mark.frame());
    proofs
}
