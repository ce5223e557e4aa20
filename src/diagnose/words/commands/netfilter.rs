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
}
