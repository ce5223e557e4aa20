//! Names of ports that systems print where `-n` was not given (/etc/services; the registry of
//! RFC 6335). Those that stand in front of or behind balancers, not all.

/// Sorted by name.
const SERVICES: &[(&str, u16)] = &[
    ("amqp", 5672),
    ("amqps", 5671),
    ("bgp", 179),
    ("bootpc", 68),
    ("bootps", 67),
    ("cslistener", 9000),
    ("dns", 53),
    ("domain", 53),
    ("domain-s", 853),
    ("epmd", 4369),
    ("etcd-client", 2379),
    ("etcd-server", 2380),
    ("ftp", 21),
    ("ftp-data", 20),
    ("geneve", 6081),
    ("git", 9418),
    ("http", 80),
    ("http-alt", 8080),
    ("https", 443),
    ("https-alt", 8443),
    ("imap", 143),
    ("imap2", 143),
    ("imaps", 993),
    ("iscsi-target", 3260),
    ("kerberos", 88),
    ("ldap", 389),
    ("ldaps", 636),
    ("memcache", 11211),
    ("microsoft-ds", 445),
    ("mongodb", 27017),
    ("mqtt", 1883),
    ("ms-sql-s", 1433),
    ("ms-wbt-server", 3389),
    ("munin", 4949),
    ("mysql", 3306),
    ("netbios-dgm", 138),
    ("netbios-ns", 137),
    ("netbios-ssn", 139),
    ("nfs", 2049),
    ("ntp", 123),
    ("openvpn", 1194),
    ("oracle", 1521),
    ("pop3", 110),
    ("pop3s", 995),
    ("postgres", 5432),
    ("postgresql", 5432),
    ("radius", 1812),
    ("radius-acct", 1813),
    ("rdp", 3389),
    ("redis", 6379),
    ("rtsp", 554),
    ("sip", 5060),
    ("sip-tls", 5061),
    ("sips", 5061),
    ("smtp", 25),
    ("smtps", 465),
    ("snmp", 161),
    ("snmp-trap", 162),
    ("snmptrap", 162),
    ("ssh", 22),
    ("submission", 587),
    ("submissions", 465),
    ("sunrpc", 111),
    ("svn", 3690),
    ("syslog", 514),
    ("telnet", 23),
    ("tftp", 69),
    ("tproxy", 8081),
    ("us-cli", 8082),
    ("us-srv", 8083),
    ("vxlan", 4789),
    ("webcache", 8080),
    ("websm", 9090),
    ("www", 80),
    ("x11", 6000),
    ("xmpp-client", 5222),
    ("zabbix-agent", 10050),
    ("zabbix-trapper", 10051),
];

/// The port that a name stands for.
pub(super) fn port(name: &str) -> Option<u16> {
    SERVICES.binary_search_by_key(&name, |(n, _)| n).ok().map(|at| SERVICES[at].1)
}

#[cfg(test)]
mod tests {
    use super::{SERVICES, port};

    #[test]
    fn the_table_is_sorted() {
        assert!(SERVICES.is_sorted_by_key(|(name, _)| *name));
        assert_eq!((port("https"), port("nosuch")), (Some(443), None));
    }
}
