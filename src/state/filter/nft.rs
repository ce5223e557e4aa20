//! `nft list ruleset`: tables, chains and rules of nft(8).
//!
//! What a rule asks beside addresses, ports and the state of a connection is not followed; such a
//! rule is known to ask for more. Sets and maps are passed over.

use super::iptables::{blank, ports};
use crate::state::context::{Block, Cx, Ruleset};
use crate::state::records::{Rule, Verdict};
use crate::state::text::{endpoint, prefix};
use crate::wire::Protocol;

pub(in crate::state) fn line(cx: &mut Cx<'_>, words: &[&str]) -> bool {
    match words {
        ["table", _family, _name, "{", ..] if !matches!(cx.block, Block::Nft(_)) => {
            cx.block = Block::Nft(Ruleset { open: 1, chain: None });
            return true;
        }
        _ => {}
    }
    let Block::Nft(depth) = &mut cx.block else { return false };
    let braces = |c: char| words.iter().map(|w| w.matches(c).count() as u32).sum::<u32>();
    let (opened, closed) = (braces('{'), braces('}'));
    let inside = depth.open;
    depth.open = (inside + opened).saturating_sub(closed);
    match words {
        ["chain", name, "{", ..] if inside == 1 => depth.chain = Some((*name).to_owned()),
        ["}"] => {
            depth.chain = None;
            if depth.open == 0 {
                cx.block = Block::None;
            }
        }
        ["type", _, "hook", hook, ..] => {
            let name = hook.to_ascii_uppercase();
            depth.chain = Some(name.clone());
            if let Some(at) = words.iter().position(|w| *w == "policy") {
                let verdict = match words.get(at + 1).map(|w| w.trim_end_matches(';')) {
                    Some("drop") => Verdict::Drop,
                    _ => Verdict::Accept,
                };
                let row = Rule { verdict, policy: true, ..blank(cx, &name) };
                cx.keep(row);
            }
        }
        _ if inside == 2 => {
            let chain = depth.chain.clone();
            if let Some(chain) = chain {
                let row = rule(blank(cx, &chain), words);
                cx.keep(row);
            }
        }
        _ => {}
    }
    true
}

fn rule(mut rule: Rule, words: &[&str]) -> Rule {
    let mut at = 0;
    while at < words.len() {
        let rest = &words[at..];
        at += match rest {
            ["ip" | "ip6", "saddr", value, ..] => {
                rule.from = prefix(value);
                rule.plain &= rule.from.is_some();
                3
            }
            ["ip" | "ip6", "daddr", value, ..] => {
                rule.to = prefix(value);
                rule.plain &= rule.to.is_some();
                3
            }
            ["meta", "l4proto", value, ..] | ["ip", "protocol", value, ..] => {
                protocol(&mut rule, value);
                3
            }
            ["meta", "l4proto", ..] => 2,
            [name @ ("tcp" | "udp"), "dport", more @ ..] => {
                protocol(&mut rule, name);
                2 + dport(&mut rule, more)
            }
            [name @ ("tcp" | "udp"), "flags", ..] => {
                protocol(&mut rule, name);
                rule.plain = false;
                3
            }
            ["ct", "state", states, ..] => {
                rule.plain &= states.split(',').any(|state| state == "new");
                3
            }
            ["counter", "packets", count, "bytes", _, ..] => {
                rule.packets = count.parse().ok();
                5
            }
            ["counter", ..] => 1,
            ["drop", ..] => verdict(&mut rule, Verdict::Drop),
            ["accept", ..] => verdict(&mut rule, Verdict::Accept),
            // `with icmp type ...` says how.
            ["reject", ..] => {
                verdict(&mut rule, Verdict::Reject);
                rest.len()
            }
            ["dnat", more @ ..] => {
                let to = more.iter().find_map(|w| endpoint(w));
                verdict(&mut rule, Verdict::Dnat(to));
                rest.len()
            }
            ["redirect", ..] => {
                verdict(&mut rule, Verdict::Dnat(None));
                rest.len()
            }
            ["snat" | "masquerade", ..] => {
                verdict(&mut rule, Verdict::Snat);
                rest.len()
            }
            ["comment", ..] | ["#", ..] => rest.len(),
            _ => {
                rule.plain = false;
                1
            }
        };
    }
    rule
}

fn verdict(rule: &mut Rule, verdict: Verdict) -> usize {
    rule.verdict = verdict;
    1
}

fn protocol(rule: &mut Rule, name: &str) {
    match name {
        "tcp" | "6" => rule.protocol = Some(Protocol::TCP),
        "udp" | "17" => rule.protocol = Some(Protocol::UDP),
        _ => rule.plain = false,
    }
}

/// `80`, `8000-8010`, `{ 80, 443 }`; how many words that took.
fn dport(rule: &mut Rule, words: &[&str]) -> usize {
    let (text, taken) = match words {
        ["{", ..] => {
            let end = words.iter().position(|w| *w == "}").unwrap_or(words.len());
            (words.get(1..end).unwrap_or_default().concat(), (end + 1).min(words.len()))
        }
        [one, ..] => ((*one).to_owned(), 1),
        [] => return 0,
    };
    match ports(&text, '-') {
        Some(found) => rule.ports = found,
        None => rule.plain = false,
    }
    taken
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::model::HostState;
    use crate::state::parse;

    #[test]
    fn chains_and_rules_are_read() {
        let mut state = HostState::default();
        parse(
            &mut state,
            "a",
            "table ip filter {\n\tset blocked {\n\t\ttype ipv4_addr\n\t\telements = { 10.0.0.1,\n\t\t\t     10.0.0.2 }\n\t}\n\tchain INPUT {\n\t\ttype filter hook input priority filter; policy drop;\n\t\ttcp dport 81 counter packets 1 bytes 60 drop\n\t\tmeta l4proto tcp tcp dport { 82, 83 } counter packets 1 bytes 60 reject\n\t\tip saddr 10.9.0.0/24 tcp dport 80 ct state new counter packets 18 bytes 1080 accept\n\t\tip saddr @blocked drop\n\t}\n}\n# Warning: table ip nat is managed by iptables-nft, do not touch!\ntable ip nat {\n\tchain PREROUTING {\n\t\ttype nat hook prerouting priority dstnat; policy accept;\n\t\tip daddr 10.9.0.1 tcp dport 8080 counter packets 4 bytes 240 dnat to 10.9.0.1:80\n\t}\n}\nnet.ipv4.ip_forward = 1\n",
        );
        assert!(state.notes.is_empty(), "{:?}", state.notes);
        let r = &state.rules;
        assert_eq!(r.len(), 7, "{r:?}");
        assert!(r[0].policy && r[0].verdict == Verdict::Drop && r[0].chain == "INPUT");
        assert_eq!((r[1].packets, r[1].verdict), (Some(1), Verdict::Drop));
        assert_eq!((r[2].ports.len(), r[2].plain), (2, true));
        assert!(r[3].plain && !r[4].plain);
        assert_eq!(r[6].verdict, Verdict::Dnat(endpoint("10.9.0.1:80")));
        assert_eq!(state.sysctls.len(), 1);
    }
}
