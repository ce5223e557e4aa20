//! Captures to take.

use crate::diagnose::ToConfirm;
use crate::wire::Ip;

/// A ready capture command for the packets of one service and its real servers: those of
/// a port alone where no address is known.
#[must_use]
pub fn capture_line(name: &str, addresses: &[Ip], port: Option<u16>) -> String {
    let hosts: Vec<String> = addresses.iter().map(|ip| format!("host {ip}")).collect();
    let hosts = (!hosts.is_empty()).then(|| format!("({})", hosts.join(" or ")));
    let port = port.map(|p| format!("(port {p} or icmp or icmp6)"));
    let wanted: Vec<String> = hosts.into_iter().chain(port).collect();
    let filter = match wanted.join(" and ") {
        all if all.is_empty() => String::new(),
        some => format!(" '{some} or arp'"),
    };
    format!("tcpdump -i any -s 128 -w {name}.pcap{filter}")
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
}
