//! Captures to take.

use crate::diagnose::ToConfirm;
use crate::wire::Ip;

/// Bytes of a frame that hold all headers with their options, and no more of what is said.
const HEADERS: u32 = 128;
/// Bytes of a frame that hold a whole segment of Ethernet: the ClientHello with the name that it
/// asks for, the head of a request.
const WORDS: u32 = 1600;

/// A ready capture command for the packets of one service and its real servers: those of
/// a port alone where no address is known.
#[must_use]
pub fn capture_line(name: &str, addresses: &[Ip], port: Option<u16>) -> String {
    line(HEADERS, name, addresses, &port.into_iter().collect::<Vec<_>>())
}

fn line(bytes: u32, name: &str, addresses: &[Ip], ports: &[u16]) -> String {
    let hosts: Vec<String> = addresses.iter().map(|ip| format!("host {ip}")).collect();
    let hosts = (!hosts.is_empty()).then(|| format!("({})", hosts.join(" or ")));
    let ports: Vec<String> = ports.iter().map(|port| format!("port {port}")).collect();
    let port = (!ports.is_empty()).then(|| format!("({} or icmp or icmp6)", ports.join(" or ")));
    let wanted: Vec<String> = hosts.into_iter().chain(port).collect();
    let filter = match wanted.join(" and ") {
        all if all.is_empty() => String::new(),
        some => format!(" '{some} or arp'"),
    };
    format!("tcpdump -i any -s {bytes} -w {name}.pcap{filter}")
}

/// A capture that is missing.
#[must_use]
pub fn to_capture(host: String, name: &str, addresses: &[Ip], port: u16, why: &str) -> ToConfirm {
    ToConfirm { host, command: capture_line(name, addresses, Some(port)), why: why.to_owned() }
}

/// A capture that is missing, of several services.
#[must_use]
pub fn to_capture_all(host: String, name: &str, of: Wanted<'_>, why: &str) -> ToConfirm {
    let bytes = if of.words { WORDS } else { HEADERS };
    let command = line(bytes, name, of.addresses, of.ports);
    ToConfirm { host, command, why: why.to_owned() }
}

/// What a capture is to hold.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// Addresses of services and servers.
    pub addresses: &'a [Ip],
    /// Their ports.
    pub ports: &'a [u16],
    /// What is said decides, not who sends to whom.
    pub words: bool,
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
    fn what_is_said_is_not_cut_and_no_service_is_left_out() {
        let ip = |last| Ip::from(std::net::IpAddr::from([192, 0, 2, last]));
        let of = Wanted { addresses: &[ip(1), ip(2)], ports: &[179, 80], words: true };
        assert_eq!(
            to_capture_all("x".to_owned(), "rs", of, "").command,
            "tcpdump -i any -s 1600 -w rs.pcap '(host 192.0.2.1 or host 192.0.2.2) and (port 179 or port 80 or icmp or icmp6) or arp'"
        );
    }
}
