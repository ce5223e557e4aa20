//! What was dropped, where programs write it as JSON, an object a line: flows of Hubble
//! (`hubble observe -o json`, Cilium's flow.proto) and Google Cloud's log of firewall rules.

use super::dropped::{End, put};
use crate::state::context::Cx;
use crate::state::text::ip;
use crate::wire::Protocol;
use serde_json::Value;

/// Bytes in which the names stand that tell what it is.
const HEAD: usize = 1024;

/// Whether a text begins as such an object does.
pub(in crate::state) fn begins(text: &str) -> bool {
    let mut end = text.len().min(HEAD);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let head = text[..end].lines().next().unwrap_or("");
    head.starts_with("{\"flow\":") || head.starts_with('{') && head.contains("\"jsonPayload\":")
}

/// Reads the object that begins a text; how many bytes it takes.
pub(in crate::state) fn take(cx: &mut Cx<'_>, text: &str) -> Option<usize> {
    let mut all = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    let value = all.next()?.ok()?;
    let end = all.byte_offset();
    let read = match value.get("flow") {
        Some(flow) => hubble(cx, flow),
        None => firewall(cx, &value["jsonPayload"]),
    };
    read.map(|()| end)
}

fn address(value: &Value, port: &Value) -> Option<End> {
    let port = port.as_u64().and_then(|port| u16::try_from(port).ok());
    Some((ip(value.as_str()?)?, port))
}

fn hubble(cx: &mut Cx<'_>, flow: &Value) -> Option<()> {
    if flow["verdict"].as_str()? != "DROPPED" {
        return Some(());
    }
    let (protocol, ports) = match (&flow["l4"]["TCP"], &flow["l4"]["UDP"]) {
        (Value::Null, udp) => (Protocol::UDP, udp),
        (tcp, _) => (Protocol::TCP, tcp),
    };
    let from = address(&flow["IP"]["source"], &ports["source_port"])?;
    let to = address(&flow["IP"]["destination"], &ports["destination_port"])?;
    let reason = flow["drop_reason_desc"].as_str().unwrap_or("no reason given");
    put(cx, protocol, from, to, &format!("Cilium ({reason})"));
    Some(())
}

fn firewall(cx: &mut Cx<'_>, payload: &Value) -> Option<()> {
    let connection = &payload["connection"];
    let from = address(&connection["src_ip"], &connection["src_port"])?;
    let to = address(&connection["dest_ip"], &connection["dest_port"])?;
    let protocol = connection["protocol"].as_u64().and_then(|n| u8::try_from(n).ok())?;
    if payload["disposition"] == "DENIED" {
        let rule = payload["rule_details"]["reference"].as_str().unwrap_or("a rule");
        put(cx, Protocol(protocol), from, to, &format!("the cloud's firewall ({rule})"));
    }
    Some(())
}
