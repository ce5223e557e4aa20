//! `iptables-save` (also `-c`), `iptables -S`, and the listing of `iptables -L -nv` in any table.

use crate::state::context::{Block, Cx};
use crate::state::records::{Rule, Verdict};
use crate::state::text::{endpoint, prefix, protocol};
use crate::wire::Protocol;

/// Tables of iptables(8).
const TABLES: [&str; 5] = ["*filter", "*nat", "*mangle", "*raw", "*security"];

pub(in crate::state) fn line(cx: &mut Cx<'_>, words: &[&str]) -> bool {
    match words {
        [table] if TABLES.contains(table) => true,
        ["COMMIT"] | ["-N", _] => true,
        // A script's way of writing what `-S` prints.
        ["iptables" | "ip6tables", rest @ ..] if rest.first() == Some(&"-A") => line(cx, rest),
        ["-A", chain, rest @ ..] if !chain.starts_with('-') => saved(cx, chain, rest, None),
        [count, "-A", chain, rest @ ..] if packets(count).is_some() => {
            saved(cx, chain, rest, packets(count))
        }
        ["-P", chain, verdict, ..] => policy(cx, chain, verdict, None),
        [chain, verdict, count] if chain.starts_with(':') && packets(count).is_some() => {
            policy(cx, &chain[1..], verdict, packets(count))
        }
        ["Chain", chain, "(policy", verdict, rest @ ..] => {
            cx.block = Block::Chain((*chain).to_owned());
            let count = rest.first().and_then(|n| number(n));
            policy(cx, chain, verdict.trim_end_matches(')'), count)
        }
        ["Chain", chain, references, ..] if references.starts_with('(') => {
            cx.block = Block::Chain((*chain).to_owned());
            true
        }
        ["pkts", "bytes", "target", ..] | ["num", ..] | ["target", "prot", ..] => true,
        _ => listed(cx, words),
    }
}

/// `[12:720]`
fn packets(word: &str) -> Option<u64> {
    let inside = word.strip_prefix('[')?.strip_suffix(']')?;
    inside.split_once(':')?.0.parse().ok()
}

/// A count, also with the letters that `-v` without `-x` puts behind it.
fn number(word: &str) -> Option<u64> {
    let (digits, factor) = match word.as_bytes().last()? {
        b'K' => (&word[..word.len() - 1], 1_000),
        b'M' => (&word[..word.len() - 1], 1_000_000),
        b'G' => (&word[..word.len() - 1], 1_000_000_000),
        _ => (word, 1),
    };
    digits.parse::<u64>().ok()?.checked_mul(factor)
}

fn verdict(target: &str) -> Verdict {
    match target {
        "ACCEPT" => Verdict::Accept,
        "DROP" => Verdict::Drop,
        "REJECT" => Verdict::Reject,
        "DNAT" | "REDIRECT" => Verdict::Dnat(None),
        "SNAT" | "MASQUERADE" => Verdict::Snat,
        _ => Verdict::Other,
    }
}

/// A rule that says nothing yet, in a chain.
pub(in crate::state) fn blank(cx: &Cx<'_>, chain: &str) -> Rule {
    Rule {
        chain: chain.to_owned(),
        verdict: Verdict::Other,
        policy: false,
        protocol: None,
        from: None,
        to: None,
        ports: Vec::new(),
        plain: true,
        packets: None,
        at: cx.at,
    }
}

fn policy(cx: &mut Cx<'_>, chain: &str, target: &str, packets: Option<u64>) -> bool {
    // Chains of one's own have none.
    if target != "-" {
        let row = Rule { verdict: verdict(target), policy: true, packets, ..blank(cx, chain) };
        cx.keep(row);
    }
    true
}

/// Ports as lists and ranges: `80`, `82,83`, `8000:8010`.
pub(in crate::state) fn ports(text: &str, dash: char) -> Option<Vec<(u16, u16)>> {
    let one = |part: &str| match part.split_once(dash) {
        Some((a, b)) => Some((a.trim().parse().ok()?, b.trim().parse().ok()?)),
        None => part.trim().parse().ok().map(|port| (port, port)),
    };
    text.split(',').map(one).collect()
}

fn saved(cx: &mut Cx<'_>, chain: &str, words: &[&str], packets: Option<u64>) -> bool {
    let mut rule = Rule { packets, ..blank(cx, chain) };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match *word {
            "-p" => set_protocol(&mut rule, words.next().copied().unwrap_or("")),
            "-s" => rule.from = words.next().and_then(|w| prefix(w)),
            "-d" => rule.to = words.next().and_then(|w| prefix(w)),
            "--dport" | "--dports" => match words.next().and_then(|w| ports(w, ':')) {
                Some(found) => rule.ports = found,
                None => rule.plain = false,
            },
            "-j" | "-g" => rule.verdict = verdict(words.next().copied().unwrap_or("")),
            "--to-destination" => {
                rule.verdict = Verdict::Dnat(words.next().and_then(|w| endpoint(w)));
            }
            "--reject-with" | "--to-source" | "--to-ports" | "--log-prefix" => _ = words.next(),
            "-m" => _ = words.next(),
            "--comment" => quoted(&mut words),
            // All that begins a connection is new.
            "--ctstate" | "--state" => {
                rule.plain &= words.next().is_some_and(|w| w.split(',').any(|s| s == "NEW"));
            }
            "--random" | "--random-fully" | "--persistent" => {}
            _ => rule.plain = false,
        }
    }
    cx.keep(rule);
    true
}

/// Steps over words in quotation marks.
fn quoted<'a>(words: &mut impl Iterator<Item = &'a &'a str>) {
    let Some(first) = words.next() else { return };
    if first.starts_with('"') && !(first.len() > 1 && first.ends_with('"')) {
        words.find(|word| word.ends_with('"'));
    }
}

fn set_protocol(rule: &mut Rule, word: &str) {
    match word {
        "all" | "0" => {}
        "6" => rule.protocol = Some(Protocol::TCP),
        "17" => rule.protocol = Some(Protocol::UDP),
        _ => match protocol(word) {
            Some(known) => rule.protocol = Some(known),
            None => rule.plain = false,
        },
    }
}

/// A row of `-L`: number, packets, bytes, target, protocol, options, interfaces, networks.
fn listed(cx: &mut Cx<'_>, words: &[&str]) -> bool {
    let Block::Chain(chain) = &cx.block else { return false };
    let mut rule = blank(cx, &chain.clone());
    let counts = words.iter().take(3).take_while(|w| number(w).is_some()).count();
    rule.packets = (counts >= 2).then(|| number(words[counts - 2])).flatten();
    // A rule may have no target at all, and is a count then.
    let rest = &words[counts..];
    let Some(at) = rest.iter().take(3).position(|w| matches!(*w, "--" | "-f" | "!f")) else {
        return false;
    };
    if at == 0 {
        return false;
    }
    rule.verdict = if at == 2 { verdict(rest[0]) } else { Verdict::Other };
    set_protocol(&mut rule, rest[at - 1]);
    let rest = &rest[at + 1..];
    // Without `-v` there are no interfaces.
    let rest = match rest {
        [a, b, c, ..] if prefix(a).is_none() && prefix(c).is_some() => {
            rule.plain &= *a == "*" && *b == "*";
            &rest[2..]
        }
        _ => rest,
    };
    let [from, to, more @ ..] = rest else { return false };
    let (Some(source), Some(target)) = (prefix(from), prefix(to)) else {
        // `!10.0.0.1`, or names without `-n`.
        rule.plain = false;
        cx.keep(rule);
        return true;
    };
    rule.from = Some(source).filter(|n| n.1 > 0);
    rule.to = Some(target).filter(|n| n.1 > 0);
    matches(&mut rule, more);
    cx.keep(rule);
    true
}

/// What stands behind the networks.
fn matches(rule: &mut Rule, words: &[&str]) {
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if let Some(found) = word.strip_prefix("dpt:").or_else(|| word.strip_prefix("dpts:")) {
            match ports(found, ':') {
                Some(found) => rule.ports = found,
                None => rule.plain = false,
            }
        } else if let Some(to) = word.strip_prefix("to:") {
            if matches!(rule.verdict, Verdict::Dnat(_)) {
                rule.verdict = Verdict::Dnat(endpoint(to));
            }
        } else {
            match *word {
                "tcp" | "udp" | "multiport" | "redir" => {}
                "dports" => match words.next().and_then(|w| ports(w, ':')) {
                    Some(found) => rule.ports = found,
                    None => rule.plain = false,
                },
                "reject-with" => _ = words.next(),
                "ports" => _ = words.next(),
                "ctstate" | "state" => {
                    rule.plain &= words.next().is_some_and(|w| w.split(',').any(|s| s == "NEW"));
                }
                "/*" => _ = words.find(|word| **word == "*/"),
                _ => rule.plain = false,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::model::HostState;
    use crate::state::parse;

    #[test]
    fn saved_rules_and_listings_say_the_same() {
        let mut saved = HostState::default();
        parse(
            &mut saved,
            "a",
            "# Generated by iptables-save v1.8.9\n*filter\n:INPUT DROP [7:60]\n[1:60] -A INPUT -p tcp -m tcp --dport 81 -j DROP\n[2:60] -A INPUT -p tcp -m multiport --dports 82,83 -m comment --comment \"a b\" -j REJECT --reject-with icmp-port-unreachable\n[18:1080] -A INPUT -s 10.9.0.0/24 -p tcp -m tcp --dport 80 -m conntrack --ctstate NEW -j ACCEPT\n[0:0] -A INPUT -m limit --limit 3/min -j LOG\nCOMMIT\n*nat\n[4:240] -A PREROUTING -d 10.9.0.1/32 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 10.9.0.1:80\nCOMMIT\n",
        );
        let mut listed = HostState::default();
        parse(
            &mut listed,
            "a",
            "Chain INPUT (policy DROP 7 packets, 60 bytes)\nnum   pkts bytes target     prot opt in     out     source               destination         \n1        1    60 DROP       6    --  *      *       0.0.0.0/0            0.0.0.0/0            tcp dpt:81\n2        2    60 REJECT     6    --  *      *       0.0.0.0/0            0.0.0.0/0            multiport dports 82,83 /* a b */ reject-with icmp-port-unreachable\n3       18  1080 ACCEPT     tcp  --  *      *       10.9.0.0/24          0.0.0.0/0            tcp dpt:80 ctstate NEW\n4        0     0 LOG        0    --  *      *       0.0.0.0/0            0.0.0.0/0            limit: avg 3/min\n\nChain PREROUTING (policy ACCEPT 0 packets, 0 bytes)\n pkts bytes target     prot opt in     out     source               destination         \n    4   240 DNAT       6    --  *      *       0.0.0.0/0            10.9.0.1             tcp dpt:8080 to:10.9.0.1:80\n",
        );
        assert!(
            saved.notes.is_empty() && listed.notes.is_empty(),
            "{:?}{:?}",
            saved.notes,
            listed.notes
        );
        let plain = |state: &HostState| -> Vec<Rule> {
            let own = state.rules.iter().filter(|r| !(r.policy && r.chain == "PREROUTING"));
            own.map(|r| Rule { at: crate::state::Place::default(), ..r.clone() }).collect()
        };
        assert_eq!(plain(&saved), plain(&listed));
        let r = plain(&saved);
        assert!(r[0].policy && r[0].verdict == Verdict::Drop && r[0].packets == Some(7));
        assert_eq!(r[2].ports, [(82, 82), (83, 83)]);
        assert!(r[3].plain && !r[4].plain);
        assert_eq!(r[5].verdict, Verdict::Dnat(endpoint("10.9.0.1:80")));
    }

    #[test]
    fn counts_with_letters_and_rules_without_targets_are_read() {
        assert_eq!((number("12K"), number("x"), number("3")), (Some(12_000), None, Some(3)));
        let mut state = HostState::default();
        parse(
            &mut state,
            "a",
            "Chain INPUT (policy ACCEPT)\ntarget     prot opt source               destination\nDROP       all  --  10.0.0.0/8           0.0.0.0/0\n           tcp  --  0.0.0.0/0            0.0.0.0/0\n",
        );
        assert_eq!((state.rules.len(), state.notes.len()), (3, 0), "{:?}", state.notes);
        assert!(state.rules[1].verdict == Verdict::Drop && state.rules[1].packets.is_none());
    }
}
