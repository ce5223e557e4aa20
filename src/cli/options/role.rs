//! Addresses as a user writes them, for the options that state a role.
//!
//! Refuses what no host can have (multicast, broadcast, unspecified), since such a role would
//! silently match nothing.

use lbdiag::topology::Who;
use lbdiag::wire::{Ip, Mac};
use std::net::{IpAddr, SocketAddr};

/// An IP address or a MAC.
pub(crate) fn who(text: &str) -> Result<Who, String> {
    match text.parse::<Mac>() {
        Ok(mac) if mac.is_unicast() => Ok(Who::Mac(mac)),
        Ok(_) => Err("this MAC belongs to no single host".to_owned()),
        Err(_) => ip(text, "an IP address (10.0.0.12, 2001:db8::12) or a MAC (52:54:00:0d:47:99)")
            .map(Who::Ip),
    }
}

/// A virtual IP address.
pub(crate) fn vip(text: &str) -> Result<Ip, String> {
    if text.parse::<Mac>().is_ok() {
        return Err("a VIP is an IP address; state a MAC with --director or --real-server".into());
    }
    ip(text, "an IP address (203.0.113.8, 2001:db8::8)")
}

/// A host's own IP address.
pub(crate) fn host(text: &str) -> Result<Ip, String> {
    ip(text, "an IP address (10.0.0.12, 2001:db8::12)")
}

fn ip(text: &str, wanted: &str) -> Result<Ip, String> {
    let bare = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')).unwrap_or(text);
    let Ok(addr) = bare.parse::<IpAddr>() else {
        let hint = match text.parse::<SocketAddr>() {
            Ok(socket) => format!("; leave the port out: {}", socket.ip()),
            Err(_) if text.contains('/') => "; a network cannot be stated, only one address".into(),
            Err(_) if text.contains('%') => "; leave the zone (%...) out".to_owned(),
            Err(_) if text.contains(',') => "; repeat the option for each address".to_owned(),
            Err(_) => String::new(),
        };
        return Err(format!("not {wanted}{hint}"));
    };
    let ip = Ip::from(addr);
    if ip.is_host() { Ok(ip) } else { Err("this address belongs to no single host".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn macs_are_read_in_the_forms_that_tools_print() {
        let wanted = Who::Mac(Mac([0x52, 0x54, 0, 0x0d, 0x47, 0x99]));
        for text in ["52:54:00:0d:47:99", "52-54-00-0D-47-99", "52:54:0:d:47:99", "5254.000d.4799"]
        {
            assert_eq!(who(text), Ok(wanted), "{text}");
        }
    }

    #[test]
    fn addresses_of_both_families_are_read() {
        let is = |text: &str, addr: &str| {
            assert_eq!(who(text), Ok(Who::Ip(Ip::from(addr.parse::<IpAddr>().unwrap()))));
        };
        is("10.0.0.1", "10.0.0.1");
        is("2001:db8::7", "2001:db8::7");
        is("[2001:db8::7]", "2001:db8::7");
        is("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8");
    }

    #[test]
    fn mistakes_are_explained() {
        let told = |text: &str| who(text).unwrap_err();
        assert!(told("lb1").contains("10.0.0.12"));
        assert!(told("10.0.0.1:80").ends_with("leave the port out: 10.0.0.1"));
        assert!(told("[2001:db8::7]:80").ends_with("leave the port out: 2001:db8::7"));
        assert!(told("10.0.0.0/24").contains("network"));
        assert!(told("fe80::1%eth0").contains("zone"));
        assert!(told("10.0.0.1,10.0.0.2").contains("repeat"));
        for none in ["224.0.0.18", "0.0.0.0", "::", "ff02::12", "255.255.255.255"] {
            assert!(told(none).contains("no single host"), "{none}");
        }
        for none in ["ff:ff:ff:ff:ff:ff", "00:00:00:00:00:00", "01:00:5e:00:00:12"] {
            assert!(told(none).contains("no single host"), "{none}");
        }
        assert!(vip("52:54:00:0d:47:99").unwrap_err().contains("--director"));
        for odd in ["", ":::::", "a:b:c:d:e:é", "12345.000d.4799", "1:2:3:4:5:678"] {
            assert!(who(odd).is_err() && vip(odd).is_err(), "{odd:?}");
        }
    }
}
