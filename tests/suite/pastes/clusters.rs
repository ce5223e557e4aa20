//! Pastes from nodes of a cluster, out of overlays and in front of a cloud.

use super::{
    CLIENT, POD, SERVICE, ack, at_node, back_at_node, data, found, is_well, line, syn, syn_ack,
    told,
};
use crate::support::run::Run;
use std::fmt::Write as _;

#[test]
fn an_overlay_without_hardware_addresses_is_opened() {
    let inner = |out: &mut String, ms: u64, outer: (&str, &str), rest: &str| {
        let (from, to) = outer;
        line(
            out,
            ms,
            "",
            &format!("{from}.27503 > {to}.8472: OTV, flags [I] (0x08), overlay 0, instance 1"),
        );
        writeln!(out, "IP {rest}").unwrap();
    };
    let (a, b) = ("10.9.0.1", "10.9.0.2");
    let mut silent = String::new();
    for (n, ms) in [0, 1000, 3000].into_iter().enumerate() {
        inner(&mut silent, ms, (a, b), &syn("10.42.1.5.40112", POD, n as u64 + 1));
    }
    let run = told(&silent);
    found(&run, "syn-unanswered");
    assert_eq!(run.report.services[0].vip, "10.42.3.9", "{}", run.text);
    let mut well = String::new();
    let client = "10.42.1.5.40112";
    inner(&mut well, 0, (a, b), &syn(client, POD, 1));
    inner(&mut well, 1, (b, a), &syn_ack(POD, client));
    inner(&mut well, 2, (a, b), &ack(client, POD));
    inner(&mut well, 3, (a, b), &data(client, POD, (1, 80), 1));
    inner(&mut well, 4, (b, a), &data(POD, client, (1, 200), 80));
    is_well(&well);
}

/// A pod or a server that refuses, on the capture of who translates, beside one that serves.
fn refused(device: &str) -> Run {
    let mut out = String::new();
    let (client, other, way) = ("10.7.0.20.40900", "10.42.3.10.8080", format!("{device}x"));
    line(&mut out, 0, "eth0  In  ", &syn(client, SERVICE, 1));
    line(&mut out, 0, &format!("{way} Out "), &syn(client, other, 1));
    line(&mut out, 1, &format!("{way} In  "), &syn_ack(other, client));
    line(&mut out, 1, "eth0  Out ", &syn_ack(SERVICE, client));
    for (to, place) in [(SERVICE, "eth0  In  ".to_owned()), (other, format!("{way} Out "))] {
        line(&mut out, 2, &place, &ack(client, to));
        line(&mut out, 3, &place, &data(client, to, (1, 80), 1));
    }
    for (from, place) in [(other, format!("{way} In  ")), (SERVICE, "eth0  Out ".to_owned())] {
        line(&mut out, 4, &place, &data(from, client, (1, 200), 80));
    }
    // Numbers of its own, or both would be one.
    let mut out = out.replace("5000", "7000").replace("9000", "6000");
    at_node(&mut out, 0, device, |to| syn(CLIENT, to, 1));
    back_at_node(&mut out, 1, device, |from| {
        format!("{from} > {CLIENT}: Flags [R.], seq 0, ack 5000001, win 0, length 0")
    });
    told(&out)
}

#[test]
fn a_cluster_is_told_by_its_devices() {
    let run = refused("cali0a1b2c3d4e5");
    found(&run, "connection-refused");
    assert!(run.text.contains("kubectl") && !run.text.contains("ipvsadm -e"), "{}", run.text);
    let run = refused("eth1");
    found(&run, "connection-refused");
    assert!(run.text.contains("ipvsadm -e") && !run.text.contains("kubectl"), "{}", run.text);
}

#[test]
fn an_answer_that_passes_who_translates_is_not_routed_past_him() {
    let mut out = String::new();
    at_node(&mut out, 0, "lxc0a1b2c3d4e5f", |to| syn(CLIENT, to, 1));
    line(&mut out, 1, "lxc0a1b2c3d4e5f In  ", &syn_ack(POD, CLIENT));
    line(&mut out, 1, "eth0  Out ", &syn_ack(POD, CLIENT));
    line(
        &mut out,
        2,
        "eth0  In  ",
        &format!("{CLIENT} > {POD}: Flags [R], seq 5000001, win 0, length 0"),
    );
    let run = told(&out);
    let (finding, _) = found(&run, "nat-return-bypasses-director");
    assert!(finding.explanation.contains("the very host that translated"), "{}", run.text);
    assert!(!run.text.contains("br_netfilter"), "{}", run.text);
}

#[test]
fn a_clouds_balancer_is_not_to_be_captured() {
    let silent = |client: &str| {
        let mut out = String::new();
        for (n, ms) in [0, 1000, 3000].into_iter().enumerate() {
            line(&mut out, ms, "", &syn(client, SERVICE, n as u64 + 1));
        }
        told(&out).text.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let text = silent("209.85.152.40.40112");
    assert!(text.contains("if it is Google Cloud's"), "{text}");
    assert!(text.contains("the director, if it is a machine of yours"), "{text}");
    let text = silent("10.7.0.20.40112");
    assert!(text.contains("on whatever balances, if that is a machine of yours"), "{text}");
}
