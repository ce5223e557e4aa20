//! Captures to take.

use crate::diagnose::ToConfirm;
use crate::wire::{Ip, Tunnel};

/// A ready capture command for the packets of one service and its real servers: those of
/// a port alone where no address is known.
#[must_use]
pub fn capture_line(name: &str, addresses: &[Ip], port: Option<u16>) -> String {
    line(name, addresses, port, None)
}

/// Bytes of a frame that hold the headers inside of a tunnel too.
const IN_TUNNEL: u16 = 192;

fn line(name: &str, addresses: &[Ip], port: Option<u16>, tunnel: Option<Tunnel>) -> String {
    let hosts: Vec<String> = addresses.iter().map(|ip| format!("host {ip}")).collect();
    let hosts = (!hosts.is_empty()).then(|| format!("({})", hosts.join(" or ")));
    let port = port.map(|p| format!("(port {p} or icmp or icmp6)"));
    let wanted: Vec<String> = hosts.into_iter().chain(port).collect();
    let filter = match wanted.join(" and ") {
        all if all.is_empty() => String::new(),
        some => match tunnel {
            // Addresses and ports of a filter are those of the outer header.
            Some(tunnel) => format!(" '{some} or {} or arp'", carrier(tunnel)),
            None => format!(" '{some} or arp'"),
        },
    };
    let bytes = if tunnel.is_some() { IN_TUNNEL } else { 128 };
    format!("tcpdump -i any -s {bytes} -w {name}.pcap{filter}")
}

/// The packets of a tunnel, for a filter.
fn carrier(tunnel: Tunnel) -> &'static str {
    match tunnel {
        Tunnel::Ip => "ip proto 4 or ip proto 41 or ip6 proto 4 or ip6 proto 41",
        Tunnel::Gre | Tunnel::GreTap => "ip proto 47 or ip6 proto 47",
        Tunnel::Gue | Tunnel::Fou => "udp port 6080 or udp port 5555 or udp port 9886",
        Tunnel::Vxlan => "udp port 4789 or udp port 8472",
        Tunnel::Geneve => "udp port 6081",
    }
}

/// A capture that is missing, of packets that were seen in a tunnel.
#[must_use]
pub fn to_capture_in(
    tunnel: Option<Tunnel>,
    host: String,
    name: &str,
    addresses: &[Ip],
    port: u16,
    why: &str,
) -> ToConfirm {
    ToConfirm { host, command: line(name, addresses, Some(port), tunnel), why: why.to_owned() }
}

/// A capture that is missing.
#[must_use]
pub fn to_capture(host: String, name: &str, addresses: &[Ip], port: u16, why: &str) -> ToConfirm {
    ToConfirm { host, command: capture_line(name, addresses, Some(port)), why: why.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_names_what_is_known() {
        let ip = |last| Ip::from(std::net::IpAddr::from([192, 0, 2, last]));
        let line = |addresses: &[Ip], port| capture_line("rs", addresses, port);
        assert_eq!(
            line(&[ip(1), ip(2)], Some(80)),
            "tcpdump -i any -s 128 -w rs.pcap '(host 192.0.2.1 or host 192.0.2.2) and (port 80 or icmp or icmp6) or arp'"
        );
        assert_eq!(
            line(&[ip(1)], None),
            "tcpdump -i any -s 128 -w rs.pcap '(host 192.0.2.1) or arp'"
        );
        assert_eq!(
            line(&[], Some(80)),
            "tcpdump -i any -s 128 -w rs.pcap '(port 80 or icmp or icmp6) or arp'"
        );
        assert_eq!(line(&[], None), "tcpdump -i any -s 128 -w rs.pcap");
    }

    #[test]
    fn a_filter_on_the_underlay_asks_for_the_tunnel() {
        let ip = Ip::from(std::net::IpAddr::from([192, 0, 2, 1]));
        let asked = to_capture_in(Some(Tunnel::Vxlan), "a node".to_owned(), "rs", &[ip], 80, "");
        assert_eq!(
            asked.command,
            "tcpdump -i any -s 192 -w rs.pcap '(host 192.0.2.1) and (port 80 or icmp or icmp6) or udp port 4789 or udp port 8472 or arp'"
        );
    }
}
