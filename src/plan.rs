//! Which captures to take, before there is any: on which host, of what, and why.
//!
//! A [`Plan`] comes from what an engineer knows of a service (address, port, mode, hosts)
//! and is data alone; renderers write it as text or as a script. One filter serves all
//! hosts: what one vantage shows must be looked for at the others. It refuses to guess
//! hosts that were not named: they stand in the plan by their role.

use crate::topology::{Mode, Role};
use crate::wire::Ip;
use serde::Serialize;

/// A host to capture on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Station {
    /// How to reach it (`lb1`, `root@10.0.0.5`), and the capture's name; its address
    /// stands for it where it has none.
    pub name: Option<String>,
    /// Its own address.
    pub address: Ip,
}

/// What is known of the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Address of the service.
    pub vip: Ip,
    /// Its port.
    pub port: u16,
    /// The port of the real servers, where another.
    pub server_port: Option<u16>,
    /// UDP instead of TCP.
    pub udp: bool,
    /// How packets reach the real servers.
    pub mode: Mode,
    /// Hosts that balance.
    pub directors: Vec<Station>,
    /// Hosts that serve.
    pub real_servers: Vec<Station>,
    /// Hosts that ask.
    pub clients: Vec<Station>,
}

/// What a capture listens on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Listen {
    /// All interfaces, lo with them: no destination MACs (LINUX_SLL2).
    Any,
    /// The interface that leads to an address: whole Ethernet headers.
    Towards(String),
    /// The interface of the default route: the same.
    Default,
}

/// A capture to take, and what to ask its host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Task {
    /// `client`, `director`, `real server`.
    pub role: Role,
    /// Label of the capture, a file's stem.
    pub label: String,
    /// Where `ssh` goes; null where the host was not named.
    pub host: Option<String>,
    /// What it listens on.
    pub listen: Listen,
    /// Bytes of each frame that are kept; 0 keeps all.
    pub snaplen: u32,
    /// What only this vantage shows.
    pub why: &'static str,
    /// Commands whose output lbdiag reads with `--host-state`, one a line.
    pub state: Vec<&'static str>,
}

/// Captures to take, the most telling first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// `ip:port/protocol`.
    pub service: String,
    /// Address of the service.
    pub vip: String,
    /// `nat`, `dr`, `tun`, `fullnat`, `proxy`, `unknown`.
    pub mode: &'static str,
    /// The pcap filter (pcap-filter(7)), the same on every host.
    pub filter: String,
    /// One a host.
    pub tasks: Vec<Task>,
}

const DIRECTOR_STATE: [&str; 9] = [
    "ipvsadm -Sn",
    "ipvsadm -Ln",
    "ipvsadm -Lnc",
    "ip -br addr",
    "ip -br link",
    "ip route show table all",
    "ip neigh",
    "sysctl -a",
    "cat /etc/keepalived/keepalived.conf",
];
const SERVER_STATE: [&str; 6] =
    ["ip -br addr", "ip -br link", "ip route show table all", "ip neigh", "sysctl -a", "nstat -az"];

impl Plan {
    /// Plans the captures of a service.
    #[must_use]
    pub fn of(known: &Known) -> Self {
        let protocol = if known.udp { "udp" } else { "tcp" };
        let mut tasks = known.tasks(&known.directors, Role::Director, "director");
        tasks.extend(known.tasks(&known.real_servers, Role::RealServer, "rs"));
        tasks.extend(known.tasks(&known.clients, Role::Client, "client"));
        // Where the director sees half of each connection, the real servers tell most.
        if matches!(known.mode, Mode::Dr | Mode::Tun) {
            tasks.sort_by_key(|task| task.role != Role::RealServer);
        }
        unique(&mut tasks);
        Self {
            service: format!("{}/{protocol}", known.vip.with_port(known.port)),
            vip: known.vip.to_string(),
            mode: known.mode.name(),
            filter: known.filter(),
            tasks,
        }
    }
}

impl Known {
    /// Everything of the service on any leg, and what tells about its hosts.
    fn filter(&self) -> String {
        let own = self.server_port.filter(|port| *port != self.port);
        let port = format!("port {}", self.port);
        let ports = own.map_or(port.clone(), |own| format!("({port} or port {own})"));
        let servers: Vec<String> =
            self.real_servers.iter().map(|s| format!("host {}", s.address)).collect();
        let service = format!("host {} and {port}", self.vip);
        let mut filter = match servers.as_slice() {
            [] if self.mode == Mode::Dr || self.mode == Mode::Tun => format!("({service})"),
            // Their addresses are not known, their port is.
            [] => ports,
            [one] => format!("({service}) or ({one} and {ports})"),
            several => format!("({service}) or (({}) and {ports})", several.join(" or ")),
        };
        if self.udp {
            // Later fragments have no ports.
            filter.push_str(" or ip[6:2] & 0x1fff != 0 or ip6 proto 44");
        }
        if matches!(self.mode, Mode::Tun | Mode::Unknown) {
            filter.push_str(" or proto 4 or proto 41 or proto 47 or udp port 6080");
        }
        filter.push_str(" or icmp or icmp6 or arp or proto 112");
        filter
    }

    fn snaplen(&self) -> u32 {
        let header = if self.vip.is_v4() { 20 } else { 40 };
        match self.mode {
            // Requests and their heads tie the two sides of a proxy.
            Mode::Proxy => 0,
            // Link header, both IP headers, TCP with all its options.
            Mode::Tun | Mode::Unknown => (20 + 2 * header + 60u32).next_multiple_of(64),
            _ => (20 + header + 60u32).next_multiple_of(64),
        }
    }

    fn tasks(&self, stations: &[Station], role: Role, label: &str) -> Vec<Task> {
        let task = |n: usize, station: Option<&Station>| {
            let named = station.and_then(|s| s.name.as_deref());
            let stem = named.map(|name| name.rsplit('@').next().unwrap_or(name).to_owned());
            let host = station.map(|s| named.map_or_else(|| s.address.to_string(), str::to_owned));
            let numbered = format!("{label}{}", n + 1);
            let of_role = if role == Role::RealServer || stations.len() > 1 {
                numbered
            } else {
                label.to_owned()
            };
            Task {
                role,
                label: stem.unwrap_or(of_role),
                host,
                listen: self.listen(role),
                snaplen: self.snaplen(),
                why: self.why(role),
                state: match role {
                    Role::Director => DIRECTOR_STATE.to_vec(),
                    Role::RealServer => SERVER_STATE.to_vec(),
                    _ => Vec::new(),
                },
            }
        };
        if stations.is_empty() {
            return vec![task(0, None)];
        }
        stations.iter().enumerate().map(|(n, station)| task(n, Some(station))).collect()
    }

    /// MACs tell the ways in DR; lo and the tunnel's inside show on all interfaces alone.
    fn listen(&self, role: Role) -> Listen {
        let towards = |stations: &[Station]| {
            stations.first().map_or(Listen::Default, |s| Listen::Towards(s.address.to_string()))
        };
        match (role, self.mode) {
            (Role::Client, _) => Listen::Towards(self.vip.to_string()),
            (Role::Director, Mode::Dr | Mode::Tun) => towards(&self.real_servers),
            (Role::RealServer, Mode::Dr) => towards(&self.directors),
            _ => Listen::Any,
        }
    }

    fn why(&self, role: Role) -> &'static str {
        match (role, self.mode) {
            (Role::Client, Mode::Nat) => {
                "what the client really gets: answers from a real server's own address show here, and how long it all takes"
            }
            (Role::Client, _) => {
                "what the client really gets, from which MAC, and how long it all takes"
            }
            (Role::Director, Mode::Dr | Mode::Tun) => {
                "what comes in and to which real server it is sent; answers pass it by"
            }
            (Role::Director, Mode::Proxy) => {
                "both sides of the proxy: which request went to which real server, and which answer it drew"
            }
            (Role::Director, _) => {
                "both sides of every rewrite: what it takes in, sends on and gets back"
            }
            (Role::RealServer, Mode::Dr) => {
                "what arrives, from whose MAC, and where the answer goes; ARP for the VIP"
            }
            (Role::RealServer, Mode::Tun) => {
                "the packet in the tunnel and, behind it, on the tunnel's interface: what the kernel took"
            }
            _ => "what arrives and what it answers, also to itself over lo",
        }
    }
}

/// Labels become files: no two may be alike.
fn unique(tasks: &mut [Task]) {
    for at in 1..tasks.len() {
        let (before, rest) = tasks.split_at_mut(at);
        let Some(task) = rest.first_mut() else { return };
        let plain = task.label.clone();
        let mut n = 2;
        while before.iter().any(|other| other.label == task.label) {
            task.label = format!("{plain}-{n}");
            n += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn station(name: Option<&str>, last: u8) -> Station {
        Station { name: name.map(str::to_owned), address: Ip::v4([10, 0, 0, last]) }
    }

    fn known(mode: Mode) -> Known {
        Known {
            vip: Ip::v4([203, 0, 113, 8]),
            port: 80,
            server_port: None,
            udp: false,
            mode,
            directors: vec![station(Some("root@lb1.example"), 5)],
            real_servers: vec![station(None, 11), station(None, 12)],
            clients: Vec::new(),
        }
    }

    #[test]
    fn what_tells_most_comes_first() {
        let roles = |mode| Plan::of(&known(mode)).tasks.iter().map(|t| t.role).collect::<Vec<_>>();
        assert_eq!(
            roles(Mode::Nat),
            [Role::Director, Role::RealServer, Role::RealServer, Role::Client]
        );
        assert_eq!(
            roles(Mode::Dr),
            [Role::RealServer, Role::RealServer, Role::Director, Role::Client]
        );
    }

    #[test]
    fn ways_are_told_by_macs_and_lo_by_all_interfaces() {
        let listen = |mode| {
            let plan = Plan::of(&known(mode));
            plan.tasks.into_iter().map(|t| (t.label, t.listen)).collect::<Vec<_>>()
        };
        let towards = |ip: &str| Listen::Towards(ip.to_owned());
        assert_eq!(
            listen(Mode::Dr),
            [
                ("rs1".to_owned(), towards("10.0.0.5")),
                ("rs2".to_owned(), towards("10.0.0.5")),
                ("lb1.example".to_owned(), towards("10.0.0.11")),
                ("client".to_owned(), towards("203.0.113.8")),
            ]
        );
        assert!(listen(Mode::Nat).iter().filter(|(_, l)| *l == Listen::Any).count() == 3);
    }

    #[test]
    fn the_filter_lets_through_both_sides_of_the_rewrite() {
        let nat = Known { server_port: Some(8080), ..known(Mode::Nat) };
        assert_eq!(
            Plan::of(&nat).filter,
            "(host 203.0.113.8 and port 80) or ((host 10.0.0.11 or host 10.0.0.12) and (port 80 or port 8080)) or icmp or icmp6 or arp or proto 112"
        );
        let unnamed = Known { real_servers: Vec::new(), ..nat };
        assert!(Plan::of(&unnamed).filter.starts_with("(port 80 or port 8080) or icmp"));
        assert!(Plan::of(&known(Mode::Tun)).filter.contains("proto 4 "));
        assert!(Plan::of(&Known { udp: true, ..known(Mode::Dr) }).filter.contains("0x1fff"));
    }

    #[test]
    fn headers_fit_and_requests_are_whole_behind_a_proxy() {
        let snaplen = |mode| Plan::of(&known(mode)).tasks[0].snaplen;
        assert_eq!([Mode::Nat, Mode::Tun, Mode::Proxy].map(snaplen), [128, 128, 0]);
        let v6 = Known {
            vip: Ip::from(std::net::IpAddr::from([0x2001u16, 0, 0, 0, 0, 0, 0, 8])),
            ..known(Mode::Tun)
        };
        assert_eq!(Plan::of(&v6).tasks[0].snaplen, 192);
    }

    #[test]
    fn no_two_captures_have_one_name() {
        let twice = vec![station(Some("web"), 1), station(Some("a@web"), 2), station(None, 3)];
        let plan = Plan::of(&Known { real_servers: twice, ..known(Mode::Nat) });
        let labels: Vec<&str> = plan.tasks.iter().map(|t| t.label.as_str()).collect();
        assert_eq!(labels, ["lb1.example", "web", "web-2", "rs3", "client"]);
    }
}
