//! Captures to take.

use crate::diagnose::ToConfirm;
use crate::wire::Ip;

/// A ready capture command for the packets of one service and its real servers.
#[must_use]
pub fn capture_line(name: &str, addresses: &[Ip], port: Option<u16>) -> String {
    let hosts: Vec<String> = addresses.iter().map(|ip| format!("host {ip}")).collect();
    let hosts = (!hosts.is_empty()).then(|| format!("({})", hosts.join(" or ")));
    let port = port.map(|p| format!("(port {p} or icmp or icmp6)"));
    let parts: Vec<String> = hosts.into_iter().chain(port).collect();
    let filter = match parts.join(" and ") {
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
    fn no_address_leaves_no_empty_brackets() {
        let ip = Ip::v4([192, 0, 2, 9]);
        let whole = "tcpdump -i any -s 128 -w x.pcap '(host 192.0.2.9) and (port 80 or icmp or icmp6) or arp'";
        assert_eq!(capture_line("x", &[ip], Some(80)), whole);
        let port = "tcpdump -i any -s 128 -w x.pcap '(port 80 or icmp or icmp6) or arp'";
        assert_eq!(capture_line("x", &[], Some(80)), port);
        assert_eq!(capture_line("x", &[], None), "tcpdump -i any -s 128 -w x.pcap");
    }
}
