//! `lbdiag ladder`: which connection it draws, and what every way of drawing says alike.

use crate::support::program::{code, parsed, printed, run, stderr};

const HAIRPIN: &str = "samples/hairpin-cloud-slb";
const HEALTHY: &str = "samples/healthy-dr";
const LONG: &str = "samples/client-zero-window";

#[test]
fn without_a_choice_it_draws_what_the_report_draws() {
    let drawn = printed(&["ladder", HAIRPIN]);
    // Alone it has a title of its own.
    let (_, packets) = drawn.split_once('\n').unwrap();
    assert!(printed(&[HAIRPIN]).contains(packets), "{drawn}");
    // Nothing is wrong here, and there is something to draw all the same.
    assert!(printed(&["ladder", HEALTHY]).starts_with("188.88.88.10:"));
}

#[test]
fn a_connection_is_chosen_by_id_by_finding_or_by_client() {
    let of = |args: &[&str]| {
        let text = printed(&[&["ladder"], args, &[HAIRPIN]].concat());
        text.lines().next().unwrap().to_owned()
    };
    let list = parsed(&["connections", "--format", "json", HAIRPIN]);
    for connection in list["connections"].as_array().unwrap() {
        let (id, client) = (connection["id"].to_string(), connection["client"].as_str().unwrap());
        for choice in [&["--connection", &id][..], &["--from", client]] {
            assert!(of(choice).starts_with(&format!("{client} to 203.0.113.8:80")), "{choice:?}");
        }
    }
    let report = parsed(&["--json", HAIRPIN]);
    let first = &report["findings"][0];
    let drawn = of(&["--finding", "1"]);
    let (client, rest) = drawn.split_once(" to ").unwrap();
    assert_eq!(rest, "203.0.113.8:80, finding 1 (l4-self-access-hairpin)");
    let ids = first["affected"]["ids"].as_array().unwrap();
    assert!(
        report["connections"]
            .as_array()
            .unwrap()
            .iter()
            .any(|c| c["client"] == client && ids.contains(&c["id"]))
    );
}

#[test]
fn a_choice_that_leads_nowhere_says_what_there_is() {
    for (args, needle) in [
        (&["--connection", "0", HEALTHY][..], "there are 1 to 6; list them: lbdiag connections"),
        (&["--connection", "99", HEALTHY], "there are 1 to 6"),
        (&["--finding", "1", HEALTHY], "nothing was found"),
        (&["--finding", "99", HAIRPIN], "there are 1 to "),
        (&["--from", "192.0.2.1", HEALTHY], "the nearest clients here: 188.88.88.10"),
        (&["--from", "192.0.2.1", "--finding", "1", HEALTHY], "cannot be used with"),
    ] {
        let output = run(&[&["ladder", "-q"], args].concat());
        assert_eq!(code(&output), Some(2), "{args:?}");
        assert!(output.stdout.is_empty() && stderr(&output).contains(needle), "{args:?}");
    }
}

#[test]
fn full_folds_nothing() {
    let (short, full) = (printed(&["ladder", LONG]), printed(&["ladder", "--full", LONG]));
    let packets = |text: &str| text.lines().filter(|l| l.contains(['▸', '◂', '✗'])).count();
    let folded: usize = short
        .lines()
        .filter_map(|line| line.split_once("… ")?.1.split_once(" packet")?.0.parse::<usize>().ok())
        .sum();
    assert!(folded > 0 && !full.contains('…'), "{full}");
    assert_eq!(packets(&short) + folded, packets(&full));
}

#[test]
fn times_are_since_the_start_the_packet_before_or_of_day() {
    let with = |time: &str| printed(&["ladder", "--time", time, HAIRPIN]);
    let of = |text: &str, frame: &str| {
        let line = text.lines().find(|line| line.ends_with(frame)).unwrap().to_owned();
        line.trim_start_matches([' ', '*', '≈']).split(' ').next().unwrap().to_owned()
    };
    assert_eq!(of(&with("start"), "rs1 #17"), "1.96");
    assert_eq!(of(&with("delta"), "rs1 #17"), "+1.22");
    assert_eq!(of(&with("absolute"), "rs1 #17"), "07:41:51.531256");
    assert!(with("absolute").contains("2026-11-20 UTC on the reference clock"));
    // The report's proof has the same frame at the same instant.
    let report = parsed(&["--json", HAIRPIN]);
    let proof = report["findings"][0]["evidence"].as_array().unwrap();
    let frame = proof.iter().find(|e| e["frame"] == 17).unwrap();
    assert!(frame["time"].as_str().unwrap().contains("T07:41:51.531256"), "{frame}");
}
