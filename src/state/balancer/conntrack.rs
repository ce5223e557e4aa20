//! `conntrack -L`, `-E` and `-S`, and /proc/net/nf_conntrack.

use crate::state::context::Cx;
use crate::state::model::Told;
use crate::state::records::Tracked;
use crate::state::text::{ip, protocol};
use crate::wire::{Ip, Protocol};

/// Half of an entry.
#[derive(Default)]
struct Half {
    src: Option<Ip>,
    dst: Option<Ip>,
    sport: u16,
    dport: u16,
}

impl Half {
    fn ends(&self) -> Option<((Ip, u16), (Ip, u16))> {
        Some(((self.src?, self.sport), (self.dst?, self.dport)))
    }
}

pub(in crate::state) fn line(cx: &mut Cx<'_>, words: &[&str]) -> bool {
    match words {
        ["conntrack", version, ..] if version.starts_with('v') => true,
        [cpu, rest @ ..] if cpu.starts_with("cpu=") => counters(cx, rest),
        _ => entry(cx, words),
    }
}

fn entry(cx: &mut Cx<'_>, words: &[&str]) -> bool {
    let Some(first) = words.iter().position(|word| word.starts_with("src=")) else { return false };
    let mut halves = [Half::default(), Half::default()];
    let mut at = 0;
    for word in &words[first..] {
        let Some((key, value)) = word.split_once('=') else { continue };
        if key == "src" && halves[at].src.is_some() {
            if at == 1 {
                break;
            }
            at = 1;
        }
        let half = &mut halves[at];
        match key {
            "src" => half.src = ip(value),
            "dst" => half.dst = ip(value),
            "sport" => half.sport = value.parse().unwrap_or(0),
            "dport" => half.dport = value.parse().unwrap_or(0),
            _ => {}
        }
    }
    let (Some((from, to)), Some((reply_from, reply_to))) = (halves[0].ends(), halves[1].ends())
    else {
        return false;
    };
    // `ipv4 2 tcp 6 117 SYN_SENT`, `[UPDATE] udp 17 30`, `icmp 1 29`.
    let head = &words[..first];
    let is_state = |word: &&&str| word.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
    let protocol = head.iter().find_map(|word| protocol(word)).unwrap_or_else(|| {
        let icmp = head.iter().any(|word| word.starts_with("icmp"));
        Protocol(if icmp { 1 } else { 0 })
    });
    let row = Tracked {
        protocol,
        state: head.iter().rev().find(is_state).map_or_else(String::new, |s| (*s).to_owned()),
        from,
        to,
        reply_from,
        reply_to,
        unreplied: words.contains(&"[UNREPLIED]"),
        at: cx.at,
    };
    cx.keep(row);
    true
}

/// One processor's counters; the sum of all is kept.
fn counters(cx: &mut Cx<'_>, words: &[&str]) -> bool {
    let mut any = false;
    for (name, value) in words.iter().filter_map(|word| word.split_once('=')) {
        let Ok(value) = value.parse::<u64>() else { continue };
        if !name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') || name.len() > 32 {
            continue;
        }
        any = true;
        let at = cx.at;
        let sum =
            cx.state.counters.entry(format!("conntrack-{name}")).or_insert(Told { value: 0, at });
        sum.value = sum.value.saturating_add(value);
    }
    any
}

#[cfg(test)]
mod tests {
    use crate::state::model::HostState;
    use crate::state::parse;
    use crate::wire::{Ip, Protocol};

    #[test]
    fn entries_events_and_counters_are_read() {
        let mut state = HostState::default();
        parse(
            &mut state,
            "a",
            "tcp      6 117 SYN_SENT src=10.9.0.2 dst=10.9.0.1 sport=39808 dport=8000 [UNREPLIED] src=10.9.0.1 dst=10.9.0.2 sport=8000 dport=39808 mark=0 use=1\n    [NEW] udp      17 30 src=10.9.0.2 dst=10.9.0.1 sport=5 dport=53 src=10.8.0.1 dst=10.9.0.9 sport=5353 dport=1024\nipv4     2 icmp     1 29 src=10.9.0.2 dst=10.9.0.1 type=8 code=0 id=7 src=10.9.0.1 dst=10.9.0.2 type=0 code=0 id=7 mark=0 zone=0 use=2\nconntrack v1.4.7 (conntrack-tools): 2 flow entries have been shown.\ncpu=0   \tfound=0 insert_failed=3 drop=1 \ncpu=1   \tfound=0 insert_failed=4 drop=0 \n",
        );
        assert!(state.notes.is_empty(), "{:?}", state.notes);
        let [syn, udp, icmp] = &state.tracked[..] else { panic!("{:?}", state.tracked) };
        assert!(syn.unreplied && !syn.translates() && syn.state == "SYN_SENT");
        assert!(udp.translates() && udp.reply_from == (Ip::v4([10, 8, 0, 1]), 5353));
        assert_eq!((udp.protocol, icmp.protocol), (Protocol::UDP, Protocol(1)));
        assert_eq!(state.counters["conntrack-insert_failed"].value, 7);
    }
}
