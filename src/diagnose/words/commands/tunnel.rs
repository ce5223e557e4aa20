//! The end of a balancer's tunnel on a real server: having one that is up, and letting the
//! tunnel's packets come to it.

use super::netfilter::{Rule, tables};
use super::step::{self, Step};
use super::{kernel, sysctl};
use crate::diagnose::Fix;
use crate::wire::{Ip, Tunnel};

/// An end of a tunnel of one kind, for packets of a service's family.
#[derive(Debug, Clone, Copy)]
pub struct End {
    vip: Ip,
    kind: Tunnel,
}

impl End {
    /// Where packets for a VIP come out.
    #[must_use]
    pub fn of(vip: Ip, kind: Tunnel) -> Self {
        Self { vip, kind }
    }

    /// The interface that the kernel's module makes.
    #[must_use]
    pub fn device(self) -> &'static str {
        match (self.kind, self.vip.is_v4()) {
            (Tunnel::Gre, true) => "gre0",
            (Tunnel::Gre, false) => "ip6gre0",
            (_, true) => "tunl0",
            (_, false) => "ip6tnl0",
        }
    }

    fn modules(self) -> &'static [&'static str] {
        match (self.kind, self.vip.is_v4()) {
            (Tunnel::Gre, true) => &["ip_gre"],
            (Tunnel::Gre, false) => &["ip6_gre"],
            (Tunnel::Gue | Tunnel::Fou, true) => &["ipip", "fou"],
            (Tunnel::Gue | Tunnel::Fou, false) => &["ip6_tunnel", "fou6"],
            (_, true) => &["ipip"],
            (_, false) => &["ip6_tunnel"],
        }
    }

    /// What iptables(8) knows the tunnel's packets by.
    fn protocol(self) -> &'static str {
        match self.kind {
            Tunnel::Gre => "47",
            Tunnel::Gue | Tunnel::Fou => "udp --dport PORT",
            _ if self.vip.is_v4() => "4",
            _ => "41",
        }
    }

    /// The listener of a tunnel in UDP.
    fn listener(self) -> Option<Step> {
        let family = if self.vip.is_v4() { "" } else { " -6" };
        let inside = match self.kind {
            Tunnel::Gue => "gue",
            Tunnel::Fou if self.vip.is_v4() => "ipproto 4",
            Tunnel::Fou => "ipproto 41",
            _ => return None,
        };
        let (add, del) = (
            format!("ip fou add port PORT {inside}{family}"),
            format!("ip fou del port PORT{family}"),
        );
        Some(Step::new(add, del).because("PORT: the UDP port that the tunnel's packets come to"))
    }

    /// Tells whether there is an end that is up, and whether a rule keeps its packets from it.
    #[must_use]
    pub fn shown(self) -> String {
        let device = self.device();
        format!(
            "ip -d link show {device}; ip -br addr show {device}; {} -L INPUT -nvx; nft list ruleset",
            tables(self.vip)
        )
    }

    /// Brings it up.
    #[must_use]
    pub fn opened(self, host: &str) -> Fix {
        let device = self.device();
        let [look, load] = kernel::load(self.modules());
        let mut steps = vec![look, Step::look(format!("ip -br link show {device}")), load];
        steps.extend(self.listener());
        steps.push(
            Step::new(format!("ip link set {device} up"), format!("ip link set {device} down"))
                .back_if("if the second line did not print it as UP or UNKNOWN"),
        );
        // There is no such filter in IPv6.
        if self.vip.is_v4() {
            let of_device = format!("net.ipv4.conf.{device}.rp_filter");
            steps.push(sysctl::step(&[
                ("net.ipv4.conf.all.rp_filter", "0", "1"),
                (&of_device, "0", "1"),
            ]));
        }
        step::safe(format!("{host}, if {device} is missing or DOWN"), steps)
    }

    /// Lets the tunnel's packets in that come from a director.
    #[must_use]
    pub fn let_in(self, host: &str, director: Option<Ip>) -> Fix {
        let from = director.map_or_else(|| "DIP".to_owned(), |ip| ip.to_string());
        let rule =
            Rule::filter(self.vip, "INPUT", format!("-p {} -s {from} -j ACCEPT", self.protocol()));
        let whose = format!(
            "{} the tunnel's source; where nft counts them, its rule is to accept them",
            if director.is_some() { "-s:" } else { "DIP:" }
        );
        step::safe(
            format!("{host}, if a rule counts the tunnel's packets"),
            [rule.inserted().because(&whose)],
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> Ip {
        Ip::from(text.parse::<std::net::IpAddr>().unwrap())
    }

    #[test]
    fn each_kind_has_its_own_device_and_protocol() {
        let vip = ip("203.0.113.8");
        let ipip = End::of(vip, Tunnel::Ip);
        assert!(ipip.opened("10.0.0.11").command.contains("modprobe ipip\nip link set tunl0 up"));
        let rule = ipip.let_in("10.0.0.11", Some(ip("10.0.0.2")));
        assert!(rule.command.starts_with("iptables -I INPUT -p 4 -s 10.0.0.2 -j ACCEPT"));
        assert_eq!(rule.undo, "iptables -D INPUT -p 4 -s 10.0.0.2 -j ACCEPT");
        let gre = End::of(vip, Tunnel::Gre);
        assert!(gre.opened("10.0.0.11").command.contains("modprobe ip_gre\nip link set gre0 up"));
        assert!(gre.let_in("x", None).command.contains("-p 47 -s DIP"));
        let gue = End::of(ip("2001:db8::8"), Tunnel::Gue);
        assert!(gue.opened("x").command.contains("ip fou add port PORT gue -6"));
        assert!(
            gue.let_in("x", None).command.starts_with("ip6tables -I INPUT -p udp --dport PORT")
        );
    }

    #[test]
    fn what_was_there_before_stays() {
        let fix = End::of(ip("203.0.113.8"), Tunnel::Ip).opened("x");
        assert!(fix.command.starts_with("lsmod | grep -wE 'ipip'\nip -br link show tunl0\n"));
        let guarded = |line: &&str| line.contains("   # if ") || line.contains("   # or the value");
        let guarded = fix.undo.lines().filter(guarded).count();
        assert_eq!(guarded, fix.undo.lines().count(), "{}", fix.undo);
    }
}
