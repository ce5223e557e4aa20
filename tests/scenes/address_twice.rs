//! Two hosts that answer ARP for one address, where nothing balances.

use crate::places::*;
use crate::stage::{Nic, Stage, arp};
use crate::talk::{Talk, step};
use crate::{diagnosed, ids};

/// Two hosts have one address and answer ARP for it; the second one refuses what it gets.
fn one_address_twice() -> Stage {
    let other = Nic::new("printer", 0x77);
    let mut stage = Stage::capturing(&["client"]);
    let link = [RS1, other];
    for n in 0..6u16 {
        stage.ask(CLIENT, CLIENT_IP, RS1_IP, &link);
        for owner in link {
            let answer = arp(2, (owner, RS1_IP), (CLIENT.mac, CLIENT_IP));
            stage.unicast(owner, CLIENT, &answer, true);
        }
        let owner = link[usize::from(n % 2)];
        let server = at(RS1_IP, 8080);
        let mut talk = Talk::new(at(CLIENT_IP, 51_000 + n), server);
        let (there, back) = ([step(CLIENT, owner)], [step(owner, CLIENT)]);
        if n % 2 == 0 {
            talk.whole(&mut stage, &there, &back);
        } else {
            let syn = talk.syn();
            stage.carry(&there, &syn);
            stage.carry(&back, &Talk::refusal_of(&syn).ttl(255));
        }
        stage.wait_ms(900);
    }
    stage
}

#[test]
fn one_address_of_two_hosts_is_no_real_servers_vip() {
    let (report, text) = diagnosed(&one_address_twice());
    assert!(ids(&report).contains(&"vip-arp-conflict"), "{text}");
    assert!(!ids(&report).contains(&"dr-arp-problem"), "{text}");
    assert!(!text.contains("ip addr del"), "{text}");
}
