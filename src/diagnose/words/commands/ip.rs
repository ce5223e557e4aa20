//! Commands of ip(8) that change something.

use super::step::Step;
use crate::wire::{Ip, Protocol};

/// A routing table of its own, for what leaves by another gateway.
const TABLE: u32 = 100;

/// An address on an interface.
#[derive(Debug, Clone)]
pub struct Address {
    ip: Ip,
    what: String,
    device: String,
}

impl Address {
    /// With the length of its prefix.
    #[must_use]
    pub fn new(ip: Ip, bits: u8, device: &str) -> Self {
        Self { ip, what: format!("{ip}/{bits}"), device: device.to_owned() }
    }

    /// Alone in its prefix: a VIP that is nobody's neighbour.
    #[must_use]
    pub fn single(ip: Ip, device: &str) -> Self {
        Self::new(ip, if ip.is_v4() { 32 } else { 128 }, device)
    }

    /// Puts it there.
    #[must_use]
    pub fn given(&self) -> Step {
        Step::new(self.add(), self.del())
    }

    /// The same of an address of IPv6 that others have too: nobody is asked whether it is
    /// free.
    #[must_use]
    pub fn given_unasked(&self) -> Step {
        Step::new(format!("{} nodad", self.add()), self.del())
    }

    /// Puts it there in the place of the same address with another mask or on another
    /// interface; the old one stays where the new one is there already.
    #[must_use]
    pub fn in_place_of(&self, mask: &str, device: &str) -> Step {
        let old = Self { what: format!("{}/{mask}", self.ip), device: device.to_owned(), ..*self };
        let put = |new: &Self, old: &Self| format!("{} && {}", new.put(), old.del());
        Step::new(put(self, &old), put(&old, self))
    }

    /// Adds it, if it is not there.
    fn put(&self) -> String {
        format!("ip addr replace {} dev {}", self.what, self.device)
    }

    fn add(&self) -> String {
        format!("ip addr add {} dev {}", self.what, self.device)
    }

    fn del(&self) -> String {
        format!("ip addr del {} dev {}", self.what, self.device)
    }
}

/// Packets of a service's answers: they leave a host from one address and port.
#[derive(Debug, Clone)]
pub struct Answers {
    /// The source, or what stands for it.
    pub from: String,
    /// TCP or UDP.
    pub protocol: Protocol,
    /// The source port.
    pub port: u16,
    /// Whether they are of IPv4.
    pub v4: bool,
}

impl Answers {
    /// Sends them by another gateway, and nothing else: the host's default route stays, and
    /// with it whoever is logged in there (ip-rule(8); ports since Linux 4.17).
    #[must_use]
    pub fn leave_by(&self, gateway: &str, why: &str) -> [Step; 3] {
        let ip = if self.v4 { "ip" } else { "ip -6" };
        let (from, port) = (&self.from, self.port);
        let protocol = if self.protocol.is_udp() { "udp" } else { "tcp" };
        let route = |verb: &str| format!("{ip} route {verb} default via {gateway} table {TABLE}");
        let rule = |verb: &str| {
            format!("{ip} rule {verb} from {from} ipproto {protocol} sport {port} lookup {TABLE}")
        };
        [
            Step::look(format!("{ip} route show table {TABLE}"))
                .because("prints nothing, else take another number below"),
            Step::new(route("add"), route("del")).because(why),
            Step::new(rule("add"), rule("del")).because(if self.protocol.is_udp() {
                "Linux 4.17 or later; a socket that is bound to the address"
            } else {
                "Linux 4.17 or later"
            }),
        ]
    }
}

/// The default route as it is, with one more attribute: what else stands in its line, such as a
/// metric, says which route it is (ip-route(8)).
#[must_use]
pub fn default_with(attribute: &str, v4: bool) -> [Step; 2] {
    let ip = if v4 { "ip" } else { "ip -6" };
    [
        Step::look(format!("{ip} route show default")).because("LINE: the whole of what it prints"),
        Step::new(
            format!("{ip} route replace LINE {attribute}"),
            format!("{ip} route replace LINE"),
        ),
    ]
}

/// Makes a neighbour forget whose MAC it took an address for; it asks again.
#[must_use]
pub fn forget_neighbour(ip: Ip) -> [Step; 2] {
    [
        Step::look(format!("ip neigh show {ip}")),
        Step::new(
            format!("ip neigh del {ip} dev IFACE"),
            format!("ip neigh replace {ip} lladdr MAC dev IFACE nud permanent"),
        )
        .back_if("if the first line said PERMANENT; else it is learnt again by itself"),
    ]
}

#[cfg(test)]
mod tests {
    use super::super::step;
    use super::*;

    #[test]
    fn answers_of_one_service_leave_by_another_gateway() {
        let answers =
            Answers { from: "10.0.0.11".to_owned(), protocol: Protocol::TCP, port: 8000, v4: true };
        let fix = step::safe("x", answers.leave_by("10.0.0.2", "the director"));
        assert_eq!(
            fix.command,
            "ip route show table 100   # prints nothing, else take another number below\n\
             ip route add default via 10.0.0.2 table 100   # the director\n\
             ip rule add from 10.0.0.11 ipproto tcp sport 8000 lookup 100   # Linux 4.17 or later"
        );
        assert_eq!(
            fix.undo,
            "ip rule del from 10.0.0.11 ipproto tcp sport 8000 lookup 100\n\
             ip route del default via 10.0.0.2 table 100"
        );
        let v6 = Answers { v4: false, ..answers };
        assert!(step::safe("x", v6.leave_by("::1", "")).command.starts_with("ip -6 route show"));
    }
}
