//! Commands of ipvsadm(8), on the director.

use super::cluster;
use crate::diagnose::words::Names;
use crate::diagnose::{Fix, Subject};
use crate::state::StatedServer;
use crate::topology::{HostId, Mode, Service, ServiceId};
use crate::trace::Trace;
use crate::wire::Ip;

/// The option of ipvsadm(8) for a mode.
#[must_use]
pub fn forwarding_flag(mode: Mode) -> &'static str {
    match mode {
        Mode::Dr => "-g",
        Mode::Tun => "-i",
        _ => "-m",
    }
}

/// A virtual service in the director's table: `-t 203.0.113.8:80`, `-u 203.0.113.8:53`.
#[derive(Debug, Clone)]
pub struct Virtual {
    name: String,
    flag: &'static str,
}

impl Virtual {
    /// As ipvsadm knows a service.
    #[must_use]
    pub fn of(service: &Service) -> Self {
        let option = if service.protocol.is_udp() { "-u" } else { "-t" };
        Self { name: format!("{option} {}", service.name()), flag: forwarding_flag(service.mode) }
    }

    /// Its line, and those of its real servers.
    #[must_use]
    pub fn list(&self) -> String {
        format!("ipvsadm -Ln {}", self.name)
    }

    /// Gives it another scheduler, with its options.
    #[must_use]
    pub fn schedule(&self, scheduler: &str) -> String {
        format!("ipvsadm -E {} -s {scheduler}", self.name)
    }

    /// One of its real servers, as `address:port`.
    #[must_use]
    pub fn server(&self, server: Server) -> Entry<'_> {
        Entry { service: self, server }
    }
}

/// A real server as ipvsadm wants it: by its own address, or, where that is not known, by
/// `RIP` and a word on whose address that is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    at: String,
    ip: Option<Ip>,
    whose: Option<String>,
}

impl Server {
    /// By address and port.
    #[must_use]
    pub fn at(ip: Ip, port: u16) -> Self {
        Self { at: ip.with_port(port), ip: Some(ip), whose: None }
    }

    /// A host; an address that others have too would be the wrong one.
    #[must_use]
    pub fn host(names: Names<'_>, host: HostId, port: u16) -> Self {
        match names.address(host) {
            Some(ip) => Self::at(ip, port),
            None => Self::unknown(&format!("the own address of {}", names.by_mac(host))),
        }
    }

    /// A subject, as far as it is known.
    #[must_use]
    pub fn subject(subject: &Subject, port: u16) -> Self {
        match (subject.address, subject.mac) {
            (Some(ip), _) => Self::at(ip, subject.port.unwrap_or(port)),
            (None, Some(mac)) => {
                Self::unknown(&format!("the own address of the real server (MAC {mac})"))
            }
            (None, None) => Self { at: "RIP".to_owned(), ip: None, whose: None },
        }
    }

    /// Any: whose it is, the reader knows.
    #[must_use]
    pub fn any() -> Self {
        Self { at: "RIP:RPORT".to_owned(), ip: None, whose: None }
    }

    fn unknown(whose: &str) -> Self {
        Self { at: "RIP".to_owned(), ip: None, whose: Some(whose.to_owned()) }
    }
}

/// A real server in the table of a service.
#[derive(Debug, Clone)]
pub struct Entry<'a> {
    service: &'a Virtual,
    server: Server,
}

impl Entry<'_> {
    fn line(&self, verb: &str, rest: &str) -> String {
        let whose = self.server.whose.as_ref();
        let whose = whose.map_or_else(String::new, |whose| format!("   # RIP: {whose}"));
        format!("ipvsadm {verb} {} -r {}{rest}{whose}", self.service.name, self.server.at)
    }

    /// Puts it in.
    #[must_use]
    pub fn add(&self, weight: u32) -> String {
        self.line("-a", &format!(" {} -w {weight}", self.service.flag))
    }

    /// Puts it in, forwarded as `flag` says, with the weight that ipvsadm gives.
    #[must_use]
    pub fn add_as(&self, flag: &str) -> String {
        self.line("-a", &format!(" {flag}"))
    }

    /// Gives it another weight: at 0 it gets no new connections and keeps its own.
    #[must_use]
    pub fn weigh(&self, weight: u32) -> String {
        self.line("-e", &format!(" {} -w {weight}", self.service.flag))
    }

    /// Gives it the weight back that it had: `before`, where a table states it, else the
    /// one that [`Virtual::list`] printed.
    #[must_use]
    pub fn restore(&self, before: Option<u32>) -> String {
        match before {
            Some(weight) => self.weigh(weight),
            None => format!(
                "{}   # WEIGHT: as '{}' printed it before",
                self.line("-e", &format!(" {} -w WEIGHT", self.service.flag)),
                self.service.list()
            ),
        }
    }

    /// Takes it out.
    #[must_use]
    pub fn delete(&self) -> String {
        self.line("-d", "")
    }
}

/// Choosing a real server no more, on the director, and its undo.
#[must_use]
pub fn rest(trace: &Trace, service: ServiceId, host: HostId, port: u16, until: &str) -> Fix {
    let (s, names) = (trace.topology.service(service), Names(trace));
    spared(names, s, Server::host(names, host, port), until)
}

/// The same, by what is known of the real server.
#[must_use]
pub fn spared(names: Names<'_>, service: &Service, server: Server, until: &str) -> Fix {
    if cluster::is_clusters(names.0, service) {
        return cluster::spared(server.ip, until);
    }
    let of = Virtual::of(service);
    let before = stated_weight(names.0, service, &server);
    let entry = of.server(server);
    // What was not stated is printed before it is changed, else there is no way back.
    let print = if before.is_none() { format!("{}\n", of.list()) } else { String::new() };
    Fix::safe(
        format!("{}, {until}", names.director(service)),
        format!("{print}{}", entry.weigh(0)),
        entry.restore(before),
    )
    .meanwhile()
}

/// The weight of a real server in the table that a director stated.
fn stated_weight(trace: &Trace, service: &Service, server: &Server) -> Option<u32> {
    let at = |s: &StatedServer| {
        let port = if s.port == 0 { service.port } else { s.port };
        s.address.with_port(port) == server.at
    };
    service.directors.iter().find_map(|director| {
        let said = trace.stated_service(director.host, service)?;
        said.value.servers.iter().find(|s| at(s))?.weight
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topology::Role;
    use crate::wire::{Mac, Protocol};

    fn service(protocol: Protocol, mode: Mode) -> Service {
        let vip: std::net::IpAddr = "203.0.113.8".parse().unwrap();
        Service {
            vip: Ip::from(vip),
            port: 53,
            protocol,
            mode,
            directors: Vec::new(),
            real_servers: Vec::new(),
            connections: 0,
            is_backend: false,
        }
    }

    #[test]
    fn udp_and_modes_have_their_own_options() {
        let of = Virtual::of(&service(Protocol::UDP, Mode::Dr));
        let ip = Ip::from("10.0.0.12".parse::<std::net::IpAddr>().unwrap());
        let entry = of.server(Server::at(ip, 5353));
        assert_eq!(entry.weigh(0), "ipvsadm -e -u 203.0.113.8:53 -r 10.0.0.12:5353 -g -w 0");
        assert_eq!(entry.delete(), "ipvsadm -d -u 203.0.113.8:53 -r 10.0.0.12:5353");
        let of = Virtual::of(&service(Protocol::TCP, Mode::Tun));
        assert_eq!(of.list(), "ipvsadm -Ln -t 203.0.113.8:53");
        assert!(of.server(Server::at(ip, 53)).add(1).ends_with("-r 10.0.0.12:53 -i -w 1"));
    }

    #[test]
    fn without_an_own_address_the_command_says_whose_is_wanted() {
        let of = Virtual::of(&service(Protocol::TCP, Mode::Dr));
        let mac = Mac([0x52, 0x54, 0, 0xd, 0x47, 0x99]);
        let subject = Subject { role: Role::RealServer, mac: Some(mac), ..Subject::default() };
        assert_eq!(
            of.server(Server::subject(&subject, 80)).weigh(0),
            "ipvsadm -e -t 203.0.113.8:53 -r RIP -g -w 0   # RIP: the own address of the real server (MAC 52:54:00:0d:47:99)"
        );
    }
}
