//! `nft -j list ruleset` (libnftables-json(5)): chains with their policy, and rules.

use super::iptables::{blank, ports};
use crate::state::context::Cx;
use crate::state::place::Lines;
use crate::state::records::{Rule, Verdict};
use crate::state::text::{ip, prefix};
use crate::wire::Protocol;
use serde::Deserialize;
use serde_json::Value;
use std::collections::HashMap;

/// Bytes in which the name of the document stands.
const HEAD: usize = 64;

/// Whether a text begins as such a document does.
pub(in crate::state) fn begins(text: &str) -> bool {
    let head: String = text.chars().take(HEAD).filter(|c| !c.is_whitespace()).collect();
    head.starts_with("{\"nftables\":")
}

#[derive(Deserialize)]
struct Document {
    nftables: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    chain: Option<Chain>,
    rule: Option<Row>,
}

#[derive(Deserialize)]
struct Chain {
    family: String,
    table: String,
    name: String,
    hook: Option<String>,
    policy: Option<String>,
}

#[derive(Deserialize)]
struct Row {
    family: String,
    table: String,
    chain: String,
    #[serde(default)]
    expr: Vec<Value>,
}

/// Reads the document that begins a text; how many bytes it takes.
pub(in crate::state) fn take(cx: &mut Cx<'_>, text: &str) -> Option<usize> {
    let mut all = serde_json::Deserializer::from_str(text).into_iter::<Document>();
    let document = all.next()?.ok()?;
    let end = all.byte_offset();
    let mut lines = Lines::new(text, cx.at.line);
    let file = cx.at.file;
    let mut hooks: HashMap<(String, String, String), String> = HashMap::new();
    for item in document.nftables {
        if let Some(chain) = item.chain {
            cx.at = lines.of(file, "\"chain\"");
            let name = chain.hook.map_or_else(|| chain.name.clone(), |hook| hook.to_uppercase());
            if let Some(policy) = chain.policy {
                let verdict = if policy == "drop" { Verdict::Drop } else { Verdict::Accept };
                let row = Rule { verdict, policy: true, ..blank(cx, &name) };
                cx.keep(row);
            }
            hooks.insert((chain.family, chain.table, chain.name), name);
        } else if let Some(row) = item.rule {
            cx.at = lines.of(file, "\"rule\"");
            let of = (row.family, row.table, row.chain);
            let name = hooks.get(&of).unwrap_or(&of.2).clone();
            let rule = rule(blank(cx, &name), &row.expr);
            cx.keep(rule);
        }
    }
    Some(end)
}

fn rule(mut rule: Rule, statements: &[Value]) -> Rule {
    for statement in statements.iter().filter_map(Value::as_object).flatten() {
        let (name, value) = statement;
        match name.as_str() {
            "match" => matched(&mut rule, value),
            "counter" => rule.packets = value["packets"].as_u64(),
            "drop" => rule.verdict = Verdict::Drop,
            "accept" => rule.verdict = Verdict::Accept,
            "reject" => rule.verdict = Verdict::Reject,
            "dnat" => {
                let to = value["addr"].as_str().and_then(ip);
                let port = value["port"].as_u64().and_then(|port| u16::try_from(port).ok());
                rule.verdict = Verdict::Dnat(to.map(|to| (to, port.unwrap_or(0))));
            }
            "redirect" => rule.verdict = Verdict::Dnat(None),
            "snat" | "masquerade" => rule.verdict = Verdict::Snat,
            "jump" | "goto" | "log" | "return" => {}
            _ => rule.plain = false,
        }
    }
    rule
}

fn matched(rule: &mut Rule, value: &Value) {
    let payload = &value["left"]["payload"];
    let (of, field) = (payload["protocol"].as_str(), payload["field"].as_str());
    let right = &value["right"];
    let plain = matches!(value["op"].as_str(), Some("==" | "in"));
    let read = plain
        && match (of, field) {
            (Some("ip" | "ip6"), Some("saddr")) => set(&mut rule.from, network(right)),
            (Some("ip" | "ip6"), Some("daddr")) => set(&mut rule.to, network(right)),
            (Some("ip"), Some("protocol")) => set(&mut rule.protocol, protocol(right)),
            (Some("tcp"), Some("dport")) => {
                rule.protocol = Some(Protocol::TCP);
                dport(rule, right)
            }
            (Some("udp"), Some("dport")) => {
                rule.protocol = Some(Protocol::UDP);
                dport(rule, right)
            }
            _ if value["left"]["meta"]["key"] == "l4proto" => {
                set(&mut rule.protocol, protocol(right))
            }
            _ if value["left"]["ct"]["key"] == "state" => list(right).any(|state| state == "new"),
            _ => false,
        };
    rule.plain &= read;
}

fn set<T>(field: &mut Option<T>, value: Option<T>) -> bool {
    *field = value;
    field.is_some()
}

/// One value, or those of a list or a set.
fn list(value: &Value) -> impl Iterator<Item = &Value> {
    let inside = value.as_array().or_else(|| value["set"].as_array());
    let alone = inside.is_none().then_some(value);
    inside.into_iter().flatten().chain(alone)
}

fn network(value: &Value) -> Option<(crate::wire::Ip, u8)> {
    if let Some(text) = value.as_str() {
        return prefix(text);
    }
    let inside = &value["prefix"];
    prefix(&format!("{}/{}", inside["addr"].as_str()?, inside["len"].as_u64()?))
}

fn protocol(value: &Value) -> Option<Protocol> {
    crate::state::text::protocol(value.as_str()?)
}

fn dport(rule: &mut Rule, value: &Value) -> bool {
    let one = |value: &Value| -> Option<Vec<(u16, u16)>> {
        if let Some(range) = value["range"].as_array() {
            let at = |n: usize| range.get(n)?.as_u64().and_then(|port| u16::try_from(port).ok());
            return Some(vec![(at(0)?, at(1)?)]);
        }
        match value {
            Value::Number(_) | Value::String(_) => ports(value.to_string().trim_matches('"'), '-'),
            _ => None,
        }
    };
    let found: Option<Vec<Vec<(u16, u16)>>> = list(value).map(one).collect();
    rule.ports = found.unwrap_or_default().concat();
    !rule.ports.is_empty()
}

#[cfg(test)]
mod tests {
    use crate::state::model::HostState;
    use crate::state::parse;
    use crate::state::records::Verdict;
    use crate::wire::Ip;

    #[test]
    fn chains_and_rules_are_read() {
        let text = r#"{"nftables": [{"metainfo": {"version": "1.0.6", "json_schema_version": 1}},
{"table": {"family": "inet", "name": "filter", "handle": 1}},
{"chain": {"family": "inet", "table": "filter", "name": "in", "handle": 1, "type": "filter", "hook": "input", "prio": 0, "policy": "drop"}},
{"rule": {"family": "inet", "table": "filter", "chain": "in", "handle": 4, "expr": [{"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": {"set": [81, {"range": [90, 99]}]}}}, {"counter": {"packets": 3, "bytes": 180}}, {"drop": null}]}},
{"rule": {"family": "ip", "table": "nat", "chain": "pre", "handle": 4, "expr": [{"match": {"op": "==", "left": {"payload": {"protocol": "ip", "field": "daddr"}}, "right": {"prefix": {"addr": "10.0.0.0", "len": 24}}}}, {"match": {"op": "==", "left": {"meta": {"key": "mark"}}, "right": 1}}, {"dnat": {"addr": "10.0.1.11", "port": 8080}}]}}]}
"#;
        let mut state = HostState::default();
        assert!(parse(&mut state, "a", text));
        assert!(state.notes.is_empty(), "{:?}", state.notes);
        let [policy, drop, dnat] = &state.rules[..] else { panic!("{:?}", state.rules) };
        assert!(policy.policy && policy.verdict == Verdict::Drop && policy.chain == "INPUT");
        assert_eq!((drop.verdict, drop.packets, drop.plain), (Verdict::Drop, Some(3), true));
        assert_eq!((drop.ports.as_slice(), drop.at.line), ([(81, 81), (90, 99)].as_slice(), 4));
        assert_eq!(dnat.to, Some((Ip::v4([10, 0, 0, 0]), 24)));
        assert_eq!(dnat.verdict, Verdict::Dnat(Some((Ip::v4([10, 0, 1, 11]), 8080))));
        assert!(!dnat.plain);
    }
}
