//! Captures to take.

use crate::diagnose::ToConfirm;
use crate::wire::Ip;

/// A ready capture command for the packets of one service and its real servers.
#[must_use]
pub fn capture_line(name: &str, addresses: &[Ip], port: Option<u16>) -> String {
    let hosts: Vec<String> = addresses.iter().map(|ip| format!("host {ip}")).collect();
    let port = port.map_or_else(String::new, |p| format!(" and (port {p} or icmp or icmp6)"));
    format!("tcpdump -i any -s 128 -w {name}.pcap '({}){port} or arp'", hosts.join(" or "))
}

/// A capture that is missing.
#[must_use]
pub fn to_capture(host: String, name: &str, addresses: &[Ip], port: u16, why: &str) -> ToConfirm {
    ToConfirm { host, command: capture_line(name, addresses, Some(port)), why: why.to_owned() }
}
