//! Commands of ipvsadm(8), on the director.

use super::step::Step;
use crate::diagnose::Subject;
use crate::diagnose::words::Names;
use crate::topology::{HostId, Mode, RealServer, Service};
use crate::wire::{Ip, Mac};

/// Stands for the option where the mode does not show: an entry that is edited without it
/// is forwarded another way from then on.
const FLAG: &str = "FLAG";
/// Where all that ipvsadm has is kept before it is changed.
const KEPT: &str = "/root/ipvs.before";

/// The option of ipvsadm(8) for a mode.
#[must_use]
pub fn forwarding_flag(mode: Mode) -> &'static str {
    match mode {
        Mode::Dr => "-g",
        Mode::Tun => "-i",
        Mode::Unknown => FLAG,
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

    /// Takes the service out, and no other; all that ipvsadm has is kept before.
    #[must_use]
    pub fn removed(&self) -> [Step; 2] {
        [
            Step::look(format!("ipvsadm -Sn > {KEPT}")),
            Step::new(
                format!("ipvsadm -D {}", self.name),
                format!("grep -wF -e '{}' {KEPT} | ipvsadm -R", self.name),
            ),
        ]
    }

    fn schedule(&self, scheduler: &str) -> String {
        format!("ipvsadm -E {} -s {scheduler}", self.name)
    }

    /// Gives it another scheduler; what it has, with its options, is printed before.
    #[must_use]
    pub fn rescheduled(&self, scheduler: &str, why: &str) -> [Step; 2] {
        [
            Step::look(format!("ipvsadm -Sn | grep -wF -e '{}'", self.name)),
            Step::new(self.schedule(scheduler), self.schedule("SCHEDULER"))
                .because(&format!("{why}; with what the first line printed behind the scheduler (-p, -M, -o), which is lost else"))
                .back_if("SCHEDULER: with its options, as the first line printed it"),
        ]
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
    mac: Option<Mac>,
    host: Option<HostId>,
    whose: Option<String>,
}

impl Server {
    /// By address and port.
    #[must_use]
    pub fn at(ip: Ip, port: u16) -> Self {
        Self { at: ip.with_port(port), ip: Some(ip), ..Self::unnamed("RIP") }
    }

    /// A host; an address that others have too would be the wrong one.
    #[must_use]
    pub fn host(names: Names<'_>, host: HostId, port: u16) -> Self {
        let named = match names.address(host) {
            Some(ip) => Self::at(ip, port),
            None => Self::unknown(&format!("the own address of {}", names.by_mac(host))),
        };
        Self { host: Some(host), ..named }
    }

    /// A subject, as far as it is known.
    #[must_use]
    pub fn subject(subject: &Subject, port: u16) -> Self {
        match (subject.address, subject.mac) {
            (Some(ip), _) => Self::at(ip, subject.port.unwrap_or(port)),
            (None, Some(mac)) => {
                let whose = format!("the own address of the real server (MAC {mac})");
                Self { mac: Some(mac), ..Self::unknown(&whose) }
            }
            (None, None) => Self::unnamed("RIP"),
        }
    }

    /// Any: whose it is, the reader knows.
    #[must_use]
    pub fn any() -> Self {
        Self::unnamed("RIP:RPORT")
    }

    fn unknown(whose: &str) -> Self {
        Self { whose: Some(whose.to_owned()), ..Self::unnamed("RIP") }
    }

    fn unnamed(at: &str) -> Self {
        Self { at: at.to_owned(), ip: None, mac: None, host: None, whose: None }
    }

    /// Its address, where that is known.
    #[must_use]
    pub fn ip(&self) -> Option<Ip> {
        self.ip
    }

    /// As ipvsadm wants it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.at
    }

    /// Whether it is this one.
    #[must_use]
    pub fn is(&self, real: &RealServer) -> bool {
        let same = |a: bool, b: bool| a && b;
        same(self.host.is_some(), self.host == real.host)
            || same(self.ip.is_some(), self.ip == real.address)
            || same(self.mac.is_some(), self.mac == real.mac)
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
        let flag = if rest.contains(FLAG) {
            "   # FLAG: -g where the list says Route, -i Tunnel, -m Masq"
        } else {
            ""
        };
        format!("ipvsadm {verb} {} -r {}{rest}{whose}{flag}", self.service.name, self.server.at)
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

    /// Gives it half of the weight that it has: `before`, where a table states it.
    #[must_use]
    pub fn halve(&self, before: Option<u32>) -> String {
        match before {
            Some(weight @ 2..) => self.weigh(weight / 2),
            _ => format!(
                "{}   # HALF: half of its weight; where that is 1, give the others 2",
                self.line("-e", &format!(" {} -w HALF", self.service.flag)),
            ),
        }
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

    /// Puts it in again as it was before it was taken out.
    #[must_use]
    pub fn put_back(&self) -> String {
        format!(
            "{}   # WEIGHT: as '{}' printed it before",
            self.line("-a", &format!(" {} -w WEIGHT", self.service.flag)),
            self.service.list()
        )
    }

    /// Takes it out.
    #[must_use]
    pub fn delete(&self) -> String {
        self.line("-d", "")
    }
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
