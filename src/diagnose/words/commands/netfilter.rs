//! Commands of iptables(8) and ip6tables(8).

use super::step::Step;
use crate::wire::Ip;

/// The command that rules an address' packets in netfilter.
#[must_use]
pub fn tables(ip: Ip) -> &'static str {
    if ip.is_v4() { "iptables" } else { "ip6tables" }
}

/// A rule, which is put in and taken out again by the same words.
#[derive(Debug, Clone)]
pub struct Rule {
    program: &'static str,
    table: &'static str,
    chain: &'static str,
    spec: String,
}

impl Rule {
    /// A rule of the filter table for packets of an address' family.
    #[must_use]
    pub fn filter(family: Ip, chain: &'static str, spec: impl Into<String>) -> Self {
        Self { program: tables(family), table: "", chain, spec: spec.into() }
    }

    /// A rule of the nat table.
    #[must_use]
    pub fn nat(family: Ip, chain: &'static str, spec: impl Into<String>) -> Self {
        Self { program: tables(family), table: "-t nat ", chain, spec: spec.into() }
    }

    /// A rule of the mangle table.
    #[must_use]
    pub fn mangle(family: Ip, chain: &'static str, spec: impl Into<String>) -> Self {
        Self { program: tables(family), table: "-t mangle ", chain, spec: spec.into() }
    }

    /// A rule that lowers the largest segment that both sides of forwarded connections ask for; `how` is TCPMSS's
    /// own option (iptables-extensions(8)).
    #[must_use]
    pub fn mss(family: Ip, how: &str) -> Self {
        let spec = format!("-p tcp --tcp-flags SYN,RST SYN -j TCPMSS {how}");
        Self::mangle(family, "FORWARD", spec)
    }

    /// A rule of the raw table, which sees packets before they are tracked.
    #[must_use]
    pub fn raw(family: Ip, chain: &'static str, spec: impl Into<String>) -> Self {
        Self { program: tables(family), table: "-t raw ", chain, spec: spec.into() }
    }

    fn line(&self, verb: &str) -> String {
        format!("{} {}{verb} {} {}", self.program, self.table, self.chain, self.spec)
    }

    /// Puts it before all others.
    #[must_use]
    pub fn inserted(&self) -> Step {
        Step::new(self.insert(), self.delete())
    }

    /// Puts it after all others.
    #[must_use]
    pub fn appended(&self) -> Step {
        Step::new(self.append(), self.delete())
    }

    /// Puts it before all others.
    #[must_use]
    pub fn insert(&self) -> String {
        self.line("-I")
    }

    /// Puts it after all others.
    #[must_use]
    pub fn append(&self) -> String {
        self.line("-A")
    }

    /// Takes it out.
    #[must_use]
    pub fn delete(&self) -> String {
        self.line("-D")
    }
}

/// Lets TCP in at a port, from anywhere or from one source. What one table accepts another may
/// still drop, and firewalld has its own: there its own command does it.
#[must_use]
pub fn let_in(family: Ip, from: Option<Ip>, port: u16) -> Step {
    let source = from.map_or_else(String::new, |ip| format!(" -s {ip}"));
    let rule = Rule::filter(family, "INPUT", format!("-p tcp{source} --dport {port} -j ACCEPT"));
    let firewalld = |verb: &str| match from {
        None => format!("firewall-cmd --{verb}-port={port}/tcp"),
        Some(ip) => format!(
            "firewall-cmd --{verb}-rich-rule='rule family={} source address={ip} port port={port} protocol=tcp accept'",
            if ip.is_v4() { "ipv4" } else { "ipv6" }
        ),
    };
    rule.inserted()
        .because(&format!(
            "a rule of nft or firewalld still drops: with firewalld {}",
            firewalld("add")
        ))
        .back_if(&format!("or {}", firewalld("remove")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_goes_as_it_came() {
        let v6: std::net::IpAddr = "2001:db8::8".parse().unwrap();
        let rule = Rule::nat(Ip::from(v6), "POSTROUTING", "-p udp -j MASQUERADE");
        assert_eq!(rule.append(), "ip6tables -t nat -A POSTROUTING -p udp -j MASQUERADE");
        assert_eq!(rule.delete(), "ip6tables -t nat -D POSTROUTING -p udp -j MASQUERADE");
    }

    #[test]
    fn a_port_is_let_in_by_whatever_rules() {
        let v4 = |text: &str| Ip::from(text.parse::<std::net::IpAddr>().unwrap());
        let fix = super::super::step::safe("x", [let_in(v4("10.0.0.8"), None, 80)]);
        assert!(fix.command.starts_with("iptables -I INPUT -p tcp --dport 80 -j ACCEPT   # "));
        assert!(fix.command.ends_with("with firewalld firewall-cmd --add-port=80/tcp"));
        assert!(fix.undo.ends_with("-j ACCEPT   # or firewall-cmd --remove-port=80/tcp"));
        let from = let_in(v4("10.0.0.8"), Some(v4("10.0.0.2")), 80);
        let fix = super::super::step::safe("x", [from]);
        assert!(fix.command.contains("-p tcp -s 10.0.0.2 --dport 80"), "{fix:?}");
        assert!(fix.undo.contains("--remove-rich-rule='rule family=ipv4 source address=10.0.0.2"));
    }
}
