//! What a host, a firewall or a cloud says that it dropped: the kernel's log of iptables and nft,
//! traces of nftables, pf's log, Hubble, cilium monitor, pwru, flow logs of clouds. Each line names a
//! packet's or a flow's ends and who dropped it. Written after the tools' documentation.
//!
//! Such a line is no capture: it has what a rule matched and nothing else, so it says what was
//! dropped and never what was not.

use crate::state::context::{Block, Cx};
use crate::state::records::Dropped;
use crate::state::text::{endpoint, ip, protocol};
use crate::wire::{Ip, Protocol};

/// An end, with its port where one is printed.
pub(in crate::state) type End = (Ip, Option<u16>);
/// Words in the prefix of a rule that logs which say that it drops as well.
const DROPS: [&str; 7] = ["drop", "reject", "deny", "denied", "block", "discard", "refus"];
/// Characters of a reason that are kept.
const REASON: usize = 80;

pub(in crate::state) fn line(cx: &mut Cx<'_>, line: &str, words: &[&str]) -> bool {
    logged(cx, line, words)
        || traced(cx, line, words)
        || pf(cx, line)
        || hubble(cx, line)
        || monitored(cx, line, words)
        || pwru(cx, line)
        || cloud(cx, words)
}

/// Keeps a line; the same packet sent again counts.
pub(in crate::state) fn put(cx: &mut Cx<'_>, protocol: Protocol, from: End, to: End, by: &str) {
    let by: String = by.chars().take(REASON).collect();
    let same =
        |d: &&mut Dropped| d.protocol == protocol && d.from == from && d.to == to && d.by == by;
    // Repeats of one packet stand near each other.
    if let Some(known) = cx.state.dropped.iter_mut().rev().take(64).find(same) {
        known.count = known.count.saturating_add(1);
        return;
    }
    let row = Dropped { protocol, from, to, by, count: 1, at: cx.at };
    cx.keep(row);
}

/// The value behind a name, up to the next blank.
fn value<'t>(words: &[&'t str], name: &str) -> Option<&'t str> {
    words.iter().find_map(|word| word.strip_prefix(name))
}

/// `[12.3] FW-DROP: IN=eth0 OUT= MAC=.. SRC=.. DST=.. PROTO=TCP SPT=41000 DPT=80 ..`
fn logged(cx: &mut Cx<'_>, line: &str, words: &[&str]) -> bool {
    let ends = value(words, "SRC=").and_then(ip).zip(value(words, "DST=").and_then(ip));
    let Some((src, dst)) = ends else { return false };
    let Some((before, _)) = line.split_once("IN=") else { return false };
    let Some(carried) = value(words, "PROTO=") else { return false };
    let prefix: Vec<&str> = before.split_whitespace().collect();
    let drops = |word: &&str| {
        let word = word.to_ascii_lowercase();
        DROPS.iter().any(|drop| word.contains(drop))
    };
    let (Some(at), Some(protocol)) = (prefix.iter().position(drops), protocol(carried)) else {
        // A rule that only logs, or lets pass: nothing was dropped, as far as it says.
        return true;
    };
    let port = |name| value(words, name).and_then(|port| port.parse().ok());
    // `[UFW BLOCK]` has a word before it that is of the prefix too.
    let from = if at > 0 && prefix[at - 1].starts_with('[') && !prefix[at - 1].ends_with(']') {
        at - 1
    } else {
        at
    };
    let label = prefix[from..].join(" ");
    let by = format!("the packet filter ({})", label.trim_matches(|c| "[]: ".contains(c)));
    put(cx, protocol, (src, port("SPT=")), (dst, port("DPT=")), &by);
    true
}

/// `trace id 5a.. ip filter input packet: .. ip saddr A ip daddr B .. tcp sport P tcp dport Q ..`,
/// `trace id 5a.. ip filter input rule tcp dport 80 drop (verdict drop)`
fn traced(cx: &mut Cx<'_>, line: &str, words: &[&str]) -> bool {
    let ["trace", "id", id, family, table, chain, kind, ..] = words else { return false };
    let after = |name: &str| {
        let at = words.windows(2).position(|pair| pair.join(" ") == name)?;
        words.get(at + 2).copied()
    };
    if *kind == "packet:" {
        let address = |field: &str| {
            after(&format!("ip {field}")).or_else(|| after(&format!("ip6 {field}"))).and_then(ip)
        };
        let port = |of: &str, field: &str| after(&format!("{of} {field}"))?.parse().ok();
        let of = if words.contains(&"udp") { "udp" } else { "tcp" };
        let ends = address("saddr").zip(address("daddr"));
        if let Some((src, dst)) = ends {
            let (from, to) = ((src, port(of, "sport")), (dst, port(of, "dport")));
            let protocol = if of == "udp" { Protocol::UDP } else { Protocol::TCP };
            cx.block = Block::Trace { id: (*id).to_owned(), protocol, from, to };
        }
        return true;
    }
    let drops = line.contains("verdict drop") || *kind == "policy" && words.contains(&"drop");
    if let (Block::Trace { id: open, protocol, from, to }, true) = (&cx.block, drops)
        && open == id
    {
        let (protocol, from, to) = (*protocol, *from, *to);
        put(cx, protocol, from, to, &format!("nftables, {family} {table} {chain} ({kind})"));
    }
    true
}

/// `.. rule 14/(match) block in on em1: 10.0.0.1.80 > 10.0.0.2.90: S ..`
fn pf(cx: &mut Cx<'_>, line: &str) -> bool {
    let Some((first, rest)) = line.split_once(": ") else { return false };
    // `rule 3/0(match): block in on em0: packet`
    let (before, packet) = match rest.split_once(": ") {
        Some((more, packet)) if more.contains("block ") => (format!("{first} {more}"), packet),
        _ => (first.to_owned(), rest),
    };
    let Some((_, rule)) = before.split_once("rule ").filter(|(_, r)| r.contains("block ")) else {
        return false;
    };
    let (number, how) = rule.split_once('/').unwrap_or((rule, rule));
    let Some((_, how)) = how.split_once("block ") else { return false };
    // What `-v` prints of the header stands before the ends.
    let header = packet.find(" > ").and_then(|ends| packet[..ends].rfind(')'));
    let packet = header.map_or(packet, |at| &packet[at + 1..]);
    let words: Vec<&str> =
        packet.split_whitespace().skip_while(|w| matches!(*w, "IP" | "IP6")).collect();
    let [from, ">", to, rest @ ..] = words.as_slice() else { return false };
    let ends = dotted(from).zip(dotted(to.trim_end_matches(':')));
    let Some((from, to)) = ends else { return false };
    let udp = rest.first().is_some_and(|w| w.trim_end_matches(',').eq_ignore_ascii_case("udp"));
    let protocol = if udp { Protocol::UDP } else { Protocol::TCP };
    put(
        cx,
        protocol,
        from,
        to,
        &format!("pf, rule {number} (block {})", how.trim_end_matches(':')),
    );
    true
}

/// `10.0.0.1.80`
fn dotted(text: &str) -> Option<End> {
    if let Some(alone) = ip(text) {
        return Some((alone, None));
    }
    let (host, port) = text.rsplit_once('.')?;
    Some((ip(host)?, Some(port.parse().ok()?)))
}

/// `10.0.0.1:80`, `10.0.0.1`
pub(in crate::state) fn end(text: &str) -> Option<End> {
    let (address, port) = endpoint(text)?;
    Some((address, (port > 0).then_some(port)))
}

/// `.. 10.0.1.4:38122 (ID:12) <> 10.0.1.9:80 (ID:33) Policy denied DROPPED (TCP Flags: SYN)`
fn hubble(cx: &mut Cx<'_>, line: &str) -> bool {
    let verdict = [" DROPPED (", " DENIED (", " FORWARDED (", " TRACED (", " TRANSLATED ("]
        .iter()
        .find_map(|word| line.split_once(word).map(|(before, after)| (*word, before, after)));
    let Some((verdict, before, carried)) = verdict else { return false };
    let arrow = [" <> ", " -> ", " <- "].iter().find(|arrow| before.contains(**arrow));
    let Some((first, second)) = arrow.and_then(|arrow| before.split_once(*arrow)) else {
        return false;
    };
    if verdict != " DROPPED (" {
        return true;
    }
    let without = |text: &str| text.trim_end_matches(')').rsplit_once(" (").map(|t| t.0.to_owned());
    let from = without(first).unwrap_or_else(|| first.to_owned());
    let from = end(from.split_whitespace().last().unwrap_or(""));
    let to = end(second.split_whitespace().next().unwrap_or(""));
    let Some((from, to)) = from.zip(to) else {
        cx.note("flows by names; print them with: hubble observe --ip-translation=false");
        return true;
    };
    let reason = second.split_once(") ").map_or("", |(_, reason)| reason);
    let protocol = if carried.starts_with("UDP") { Protocol::UDP } else { Protocol::TCP };
    put(cx, protocol, from, to, &format!("Cilium ({reason})"));
    true
}

/// `xx drop (Policy denied) flow 0x2b to endpoint 12, .. identity 1->2: 10.0.1.4:3 -> 10.0.1.9:80 tcp SYN`
fn monitored(cx: &mut Cx<'_>, line: &str, words: &[&str]) -> bool {
    let Some(after) = line.trim_start().strip_prefix("xx drop (") else { return false };
    let reason = after.split(')').next().unwrap_or("");
    let at = words.iter().rposition(|word| *word == "->");
    let ends = at.and_then(|at| {
        let from = end(words.get(at.checked_sub(1)?)?)?;
        let carried = protocol(words.get(at + 2)?)?;
        Some((carried, from, end(words.get(at + 1)?)?))
    });
    if let Some((protocol, from, to)) = ends {
        put(cx, protocol, from, to, &format!("Cilium ({reason})"));
    }
    true
}

/// `0xffff.. 2 [..] kfree_skb_reason(SKB_DROP_REASON_IP_RPFILTER) .. 10.0.0.9:4->10.0.0.100:80(tcp)`
fn pwru(cx: &mut Cx<'_>, line: &str) -> bool {
    let flow = line.split_whitespace().rev().find_map(|word| {
        let (from, to) = word.split_once("->")?;
        let (to, carried) = to.trim_end_matches(')').split_once('(')?;
        Some((protocol(carried)?, end(from)?, end(to)?))
    });
    let Some((protocol, from, to)) = flow.filter(|_| line.trim_start().starts_with("0x")) else {
        return false;
    };
    if let Some((_, reason)) = line.split_once("SKB_DROP_REASON_") {
        let is_name = |c: &char| c.is_ascii_uppercase() || c.is_ascii_digit() || *c == '_';
        let reason: String = reason.chars().take_while(is_name).collect();
        // Freed after use.
        if !matches!(reason.as_str(), "NOT_SPECIFIED" | "CONSUMED" | "") {
            put(cx, protocol, from, to, &format!("the kernel (SKB_DROP_REASON_{reason})"));
        }
    }
    true
}

/// `2 ACCOUNT eni-0a.. SRC DST SPORT DPORT PROTOCOL PACKETS BYTES START END REJECT OK`
fn cloud(cx: &mut Cx<'_>, words: &[&str]) -> bool {
    let [_, _, interface, src, dst, sport, dport, number, packets, _, _, _, action, "OK"] = words
    else {
        return false;
    };
    let ends = ip(src).zip(ip(dst)).zip(sport.parse::<u16>().ok().zip(dport.parse::<u16>().ok()));
    let (Some(((src, dst), (sport, dport))), Ok(number)) = (ends, number.parse::<u8>()) else {
        return false;
    };
    if !interface.starts_with("eni-") || packets.parse::<u64>().is_err() {
        return false;
    }
    if *action == "REJECT" {
        let by = format!("the cloud's security group or network ACL, at {interface} (REJECT)");
        put(cx, Protocol(number), (src, Some(sport)), (dst, Some(dport)), &by);
    }
    matches!(*action, "REJECT" | "ACCEPT")
}

#[cfg(test)]
mod tests {
    use crate::state::model::HostState;
    use crate::state::parse;

    fn dropped(text: &str) -> Vec<(String, String, String, u32)> {
        let mut state = HostState::default();
        assert!(parse(&mut state, "a", text), "{text}");
        let end = |(ip, port): super::End| port.map_or_else(|| ip.to_string(), |p| ip.with_port(p));
        let row = |d: &super::Dropped| (end(d.from), end(d.to), d.by.clone(), d.count);
        state.dropped.iter().map(row).collect()
    }

    #[test]
    fn each_form_names_the_ends_and_who_dropped() {
        let (from, to) = ("203.0.113.9:41000".to_owned(), "10.0.0.100:80".to_owned());
        for (text, by) in [
            (
                "[Tue Mar  5 10:00:01 2024] FW-DROP: IN=eth0 OUT= MAC=52:54 SRC=203.0.113.9 DST=10.0.0.100 LEN=60 TTL=54 ID=1 DF PROTO=TCP SPT=41000 DPT=80 SYN",
                "the packet filter (FW-DROP)",
            ),
            (
                "Mar  5 10:00:01 lb1 kernel: [ 1001.1] [UFW BLOCK] IN=eth0 OUT= SRC=203.0.113.9 DST=10.0.0.100 PROTO=TCP SPT=41000 DPT=80",
                "the packet filter (UFW BLOCK)",
            ),
            (
                "trace id 5a3b inet filter input packet: iif \"eth0\" ip saddr 203.0.113.9 ip daddr 10.0.0.100 ip ttl 54 tcp sport 41000 tcp dport 80 tcp flags == syn\ntrace id 5a3b inet filter input rule tcp dport 80 drop (verdict drop)",
                "nftables, inet filter input (rule)",
            ),
            (
                "Nov 12 10:22:31.904312 rule 14/(match) block in on em1: 203.0.113.9.41000 > 10.0.0.100.80: S 1:1(0) win 5",
                "pf, rule 14 (block in on em1)",
            ),
            (
                "1700000001.100000 rule 3/0(match): block in on em0: 203.0.113.9.41000 > 10.0.0.100.80: Flags [S], seq 1",
                "pf, rule 3 (block in on em0)",
            ),
            (
                "Mar  5 10:11:12.101: 203.0.113.9:41000 (ID:12) <> 10.0.0.100:80 (ID:33) Policy denied DROPPED (TCP Flags: SYN)",
                "Cilium (Policy denied)",
            ),
            (
                "xx drop (Policy denied) flow 0x2b to endpoint 12, ifindex 12, identity 4410->1188: 203.0.113.9:41000 -> 10.0.0.100:80 tcp SYN",
                "Cilium (Policy denied)",
            ),
            (
                "0xffff9a1c01e2d0e8 2 [<empty>(0)] kfree_skb_reason(SKB_DROP_REASON_IP_RPFILTER) netns=1 203.0.113.9:41000->10.0.0.100:80(tcp)",
                "the kernel (SKB_DROP_REASON_IP_RPFILTER)",
            ),
            (
                "2 123456789012 eni-0a1b 203.0.113.9 10.0.0.100 41000 80 6 3 180 1709632800 1709632860 REJECT OK",
                "the cloud's security group or network ACL, at eni-0a1b (REJECT)",
            ),
            (
                r#"{"flow":{"verdict":"DROPPED","IP":{"source":"203.0.113.9","destination":"10.0.0.100"},"l4":{"TCP":{"source_port":41000,"destination_port":80}},"drop_reason_desc":"POLICY_DENIED"}}"#,
                "Cilium (POLICY_DENIED)",
            ),
            (
                r#"{"insertId":"a1","jsonPayload":{"connection":{"src_ip":"203.0.113.9","src_port":41000,"dest_ip":"10.0.0.100","dest_port":80,"protocol":6},"disposition":"DENIED","rule_details":{"reference":"network:default/firewall:deny-web"}}}"#,
                "the cloud's firewall (network:default/firewall:deny-web)",
            ),
        ] {
            assert_eq!(dropped(text), [(from.clone(), to.clone(), by.to_owned(), 1)], "{text}");
            assert_eq!(dropped(&format!("{text}\n{text}"))[0].3, 2, "{text}");
        }
    }

    #[test]
    fn what_passes_was_not_dropped() {
        for text in [
            "[1.2] ACCEPTED: IN=eth0 OUT= SRC=203.0.113.9 DST=10.0.0.100 PROTO=TCP SPT=41000 DPT=80",
            "Mar  5 10:11:12.101: 10.0.0.1:5 (ID:12) -> 10.0.0.2:80 (ID:33) to-endpoint FORWARDED (TCP Flags: SYN)",
            "0xffff9a1c01e2d0e8 2 [<empty>(0)] ip_rcv netns=1 203.0.113.9:41000->10.0.0.100:80(tcp)",
            "2 123456789012 eni-0a1b 203.0.113.9 10.0.0.100 41000 80 6 3 180 1709632800 1709632860 ACCEPT OK",
            "trace id 5a3b inet filter input rule tcp dport 80 accept (verdict accept)",
        ] {
            assert_eq!(dropped(text), [], "{text}");
        }
    }
}
