//! A VIP that several hosts have, claimed by one of them alone: what is done on the others
//! and on their neighbours.

use super::ip::{self, Address};
use super::step::{self, Step};
use super::sysctl;
use crate::diagnose::Fix;
use crate::wire::Ip;

/// Keeps a real server from answering ARP for the VIP and lets it go on serving it, wherever
/// it has it: the kernel answers for what is on the interface that is asked, whatever
/// `arp_ignore` says.
#[must_use]
pub fn hushed(host: impl Into<String>, vip: Ip) -> Fix {
    let list = format!(
        "ip -br addr show to {vip}   # on lo alone, as /32: that was all; else the next line too, for each other IFACE and MASK that is printed"
    );
    step::disruptive(
        host,
        [
            sysctl::quiet().because("first, or lo is answered for as well"),
            Step::look(list),
            Address::single(vip, "lo").in_place_of("MASK", "IFACE").back_if("if it was moved"),
        ],
    )
}

/// Makes the neighbours forget whose MAC they took VIPs for.
#[must_use]
pub fn forgotten(vips: &[Ip]) -> Fix {
    step::safe(
        "the VIP's neighbours (router, clients on its link), when nobody else answers for it",
        vips.iter().flat_map(|vip| ip::forget_neighbour(*vip)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_moves_and_comes_back() {
        let vip = Ip::from("203.0.113.8".parse::<std::net::IpAddr>().unwrap());
        let fix = hushed("10.0.0.11", vip);
        assert!(fix.command.starts_with("sysctl net.ipv4.conf.all.arp_ignore"), "{fix:?}");
        assert!(fix.command.contains("\nsysctl -w net.ipv4.conf.all.arp_ignore=1"), "{fix:?}");
        assert!(fix.command.ends_with(
            "ip addr replace 203.0.113.8/32 dev lo && ip addr del 203.0.113.8/MASK dev IFACE"
        ));
        assert!(fix.undo.starts_with(
            "ip addr replace 203.0.113.8/MASK dev IFACE && ip addr del 203.0.113.8/32 dev lo   # if it was moved\n"
        ));
        assert!(fix.undo.contains("arp_ignore=0 net.ipv4.conf.all.arp_announce=0"));
    }
}
