//! Captures to take.

use crate::diagnose::ToConfirm;
use crate::wire::{Ip, Tunnel};

/// Bytes of a frame that hold all headers with their options, and no more of what is said.
const HEADERS: u32 = 128;
/// Bytes of a frame that hold a whole segment of Ethernet: the ClientHello with the name that it
/// asks for, the head of a request.
const WORDS: u32 = 1600;
/// Bytes of a frame that hold the headers inside of a tunnel too.
const IN_TUNNEL: u32 = 192;

/// A ready capture command for the packets of one service and its real servers: those of
/// a port alone where no address is known.
#[must_use]
pub fn capture_line(name: &str, addresses: &[Ip], port: Option<u16>) -> String {
    let ports: Vec<u16> = port.into_iter().collect();
    capture_of(name, Wanted { addresses, ports: &ports, ..Wanted::default() })
}

/// The same of whatever is wanted.
#[must_use]
pub fn capture_of(name: &str, of: Wanted<'_>) -> String {
    let Wanted { addresses, ports, clients, words, tunnel } = of;
    let bytes = match (words, tunnel) {
        (true, _) => WORDS,
        (false, Some(_)) => IN_TUNNEL,
        (false, None) => HEADERS,
    };
    let hosts: Vec<String> = addresses.iter().map(|ip| format!("host {ip}")).collect();
    let hosts = (!hosts.is_empty()).then(|| format!("({})", hosts.join(" or ")));
    let ports: Vec<String> = ports.iter().map(|port| format!("port {port}")).collect();
    let port = (!ports.is_empty()).then(|| format!("({} or icmp or icmp6)", ports.join(" or ")));
    let wanted: Vec<String> = hosts.into_iter().chain(port).collect();
    let clients = clients.iter().map(|ip| format!("host {ip}"));
    // Addresses and ports of a filter are those of the outer header.
    let tunnel = tunnel.map(|tunnel| carrier(tunnel).to_owned());
    let filter = match wanted.join(" and ") {
        all if all.is_empty() => String::new(),
        some => {
            let any = std::iter::once(some).chain(clients).chain(tunnel).chain(["arp".to_owned()]);
            format!(" '{}'", any.collect::<Vec<_>>().join(" or "))
        }
    };
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

/// A capture that is missing.
#[must_use]
pub fn to_capture(host: String, name: &str, addresses: &[Ip], port: u16, why: &str) -> ToConfirm {
    ToConfirm { host, command: capture_line(name, addresses, Some(port)), why: why.to_owned() }
}

/// A capture that is missing, of several services.
#[must_use]
pub fn to_capture_all(host: String, name: &str, of: Wanted<'_>, why: &str) -> ToConfirm {
    ToConfirm { host, command: capture_of(name, of), why: why.to_owned() }
}

/// What a capture is to hold.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wanted<'a> {
    /// Addresses of services and servers.
    pub addresses: &'a [Ip],
    /// Their ports.
    pub ports: &'a [u16],
    /// Clients whose packets are wanted on whatever port: a translation of the service's address keeps theirs.
    pub clients: &'a [Ip],
    /// What is said decides, not who sends to whom.
    pub words: bool,
    /// The tunnel in which its packets were seen.
    pub tunnel: Option<Tunnel>,
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
        let of = Wanted {
            addresses: &[ip(1), ip(2)],
            ports: &[179, 80],
            words: true,
            ..Wanted::default()
        };
        assert_eq!(
            to_capture_all("x".to_owned(), "rs", of, "").command,
            "tcpdump -i any -s 1600 -w rs.pcap '(host 192.0.2.1 or host 192.0.2.2) and (port 179 or port 80 or icmp or icmp6) or arp'"
        );
    }

    #[test]
    fn what_is_translated_is_found_by_its_client() {
        let ip = |last| Ip::from(std::net::IpAddr::from([192, 0, 2, last]));
        let of =
            Wanted { addresses: &[ip(1)], ports: &[80], clients: &[ip(7)], ..Wanted::default() };
        assert_eq!(
            to_capture_all("whoever translates".to_owned(), "director", of, "").command,
            "tcpdump -i any -s 128 -w director.pcap '(host 192.0.2.1) and (port 80 or icmp or icmp6) or host 192.0.2.7 or arp'"
        );
    }

    #[test]
    fn a_filter_on_the_underlay_asks_for_the_tunnel() {
        let ip = Ip::from(std::net::IpAddr::from([192, 0, 2, 1]));
        let tunnel = Some(Tunnel::Vxlan);
        let of = Wanted { addresses: &[ip], ports: &[80], tunnel, ..Wanted::default() };
        assert_eq!(
            to_capture_all("a node".to_owned(), "rs", of, "").command,
            "tcpdump -i any -s 192 -w rs.pcap '(host 192.0.2.1) and (port 80 or icmp or icmp6) or udp port 4789 or udp port 8472 or arp'"
        );
    }
}
