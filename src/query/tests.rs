//! What the language means, on samples.

use super::{Completion, Expr, Fault, Filter, Vocabulary, complete, parse};
use crate::capture;
use crate::diagnose::{Diagnosis, diagnose};
use crate::load::load;
use crate::topology::StatedRoles;
use crate::trace::Trace;
use std::path::Path;
use std::sync::atomic::AtomicU64;

fn sample(name: &str) -> (Trace, Diagnosis) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples").join(name);
    let inputs = capture::inputs(&[path.display().to_string()]).unwrap();
    let trace = load(&inputs.inputs, &StatedRoles::default(), &AtomicU64::new(0)).trace;
    let diagnosis = diagnose(&trace);
    (trace, diagnosis)
}

fn fault(text: &str) -> Fault {
    parse(text).unwrap_err()
}

/// What an expression means, whatever the places of its words.
fn shape(text: &str) -> String {
    fn of(expr: &Expr) -> String {
        let join = |parts: &[Expr], by: &str| parts.iter().map(of).collect::<Vec<_>>().join(by);
        match expr {
            Expr::All(parts) => format!("({})", join(parts, " and ")),
            Expr::Any(parts) => format!("({})", join(parts, " or ")),
            Expr::Not(part) => format!("not {}", of(part)),
            Expr::Term(term) => {
                let values: Vec<&str> = term.values.iter().map(|(v, _)| v.as_str()).collect();
                format!("{:?} {:?} {}", term.field, term.op, values.join(","))
            }
        }
    }
    of(&parse(text).unwrap())
}

#[test]
fn and_binds_closer_than_or_and_may_be_left_out() {
    assert_eq!(shape("a b or c"), shape("(a and b) or c"));
    assert_eq!(shape("not a b"), shape("(not a) and b"));
    assert_eq!(shape("a && !b || c"), shape("(a and not b) or c"));
    assert_ne!(shape("a and b or c"), shape("a and (b or c)"));
    assert_eq!(parse("  ").unwrap(), Expr::All(Vec::new()));
    assert_eq!(shape("duration>1s"), shape("duration > 1s"));
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    assert_eq!(fault("client <").at, 7..8);
    assert_eq!(fault("a )").at, 2..3);
    assert_eq!(fault("a and = b").at, 6..7);
    for text in ["client", "client 10.0.0.1,", "a and", "not", "(a", "\"a", "duration >"] {
        assert!(fault(text).unfinished, "{text}");
    }
    assert!(!fault("a )").unfinished);
    assert!(parse(&"(".repeat(1000)).is_err());
    assert!(parse(&"a ".repeat(10_000)).is_err());
}

#[test]
fn no_text_makes_it_panic() {
    let pieces =
        ["client", " ", "(", ")", "\"", "!", "=", ">", ",", "é", "10.0.0.1", "or", "\u{0}"];
    let words = Vocabulary::default();
    for a in pieces {
        for b in pieces {
            for c in pieces {
                let text = format!("{a}{b}{c}");
                let _ = parse(&text);
                for cursor in 0..=text.len() + 1 {
                    let done = complete(&text, cursor, &words);
                    assert!(text.get(done.replace).is_some(), "{text:?} at {cursor}");
                }
            }
        }
    }
}

/// Numbers of the connections that fit.
fn fits((trace, diagnosis): &(Trace, Diagnosis), text: &str) -> Vec<u32> {
    let filter = Filter::bind(&parse(text).unwrap(), trace, diagnosis).unwrap();
    trace.iter().filter(|(id, _)| filter.fits(trace, *id)).map(|(id, _)| id.0 + 1).collect()
}

#[test]
fn connections_are_chosen_by_what_the_trace_knows() {
    let world = sample("nat-one-rs-gateway-wrong");
    let all = fits(&world, "");
    let of = |keep: &dyn Fn(crate::trace::ConnectionId) -> bool| -> Vec<u32> {
        world.0.iter().map(|(id, _)| id).filter(|id| keep(*id)).map(|id| id.0 + 1).collect()
    };
    let failed = of(&|id| world.0.connection(id).outcome.failed());
    assert!(!failed.is_empty() && failed.len() < all.len());
    assert_eq!(fits(&world, "failed"), failed);
    assert_eq!(fits(&world, "outcome failed"), failed);
    assert_eq!(fits(&world, "not failed").len(), all.len() - failed.len());
    let server = world.0.server(crate::trace::ConnectionId(failed[0] - 1)).unwrap();
    let address = server.address.unwrap();
    let served = of(&|id| world.0.server(id).and_then(|s| s.address) == Some(address));
    assert_eq!(fits(&world, &format!("rs {address}")), served);
    assert_eq!(fits(&world, &format!("rs {address}:80")), served);
    assert!(fits(&world, &format!("rs {address}:81")).is_empty());
    assert_eq!(fits(&world, "rs rs2"), served, "by the name of its capture");
    assert_eq!(fits(&world, "rs != rs2").len(), all.len() - served.len());
    assert_eq!(fits(&world, &format!("finding 1 and rs {address}")), fits(&world, "finding 1"));
    let (one, other) = (fits(&world, "finding any"), fits(&world, "finding none"));
    assert_eq!(one.len() + other.len(), all.len());
    assert_eq!(fits(&world, "id <= 2"), [1, 2]);
    assert_eq!(fits(&world, "client 188.88.88.0/24"), fits(&world, "client 188.88.88.10"));
    assert_eq!(fits(&world, "proto tcp mode nat"), fits(&world, "mode nat and proto = tcp"));
    assert_eq!(fits(&world, "start >= 07:44 and start < 2026-11-21T00:00:00Z"), all);
    assert!(fits(&world, "start < +0s").is_empty());
    assert_eq!(fits(&world, "duration >= 1s or duration < 1s"), all);
    assert!(fits(&world, "bytes > 1G").is_empty());
    assert_eq!(fits(&world, "seen client, director"), all);
}

#[test]
fn breaks_fates_and_what_sets_apart_choose() {
    let world = sample("packet-loss-director-rs");
    let breaks = &world.1.breaks;
    let of = |wanted: crate::breaks::Fate| -> Vec<u32> {
        let ids = world.0.iter().map(|(id, _)| id).filter(|id| breaks.fate(*id) == wanted);
        ids.map(|id| id.0 + 1).collect()
    };
    let suffered = of(crate::breaks::Fate::Suffered);
    assert!(!suffered.is_empty());
    assert_eq!(fits(&world, "suffered"), suffered);
    assert_eq!(fits(&world, "fate suffered"), suffered);
    assert_eq!(fits(&world, "fate well"), of(crate::breaks::Fate::Well));
    assert_eq!(fits(&world, "break any"), suffered, "nothing failed");
    assert_eq!(fits(&world, "break none").len(), fits(&world, "").len() - suffered.len());
    let first = &breaks.groups[0];
    let own: Vec<u32> = first.connections.iter().map(|id| id.0 + 1).collect();
    assert_eq!(fits(&world, "break 1"), own);
    let named = format!("break {} and break {}", first.packet.name(), first.manner.name());
    assert!(own.iter().all(|id| fits(&world, &named).contains(id)));
    let told = breaks.groups.iter().any(|group| !group.apart.is_empty());
    assert_eq!(!fits(&world, "apart any").is_empty(), told);
    for wrong in ["break 99", "break fin", "fate good", "apart moon"] {
        let refused = Filter::bind(&parse(wrong).unwrap(), &world.0, &world.1).unwrap_err();
        assert_eq!(refused.at, wrong.find(' ').unwrap() + 1..wrong.len(), "{wrong}");
    }
}

#[test]
fn a_value_that_names_nothing_is_refused_with_its_place() {
    let (trace, diagnosis) = sample("healthy-nat");
    for (text, at) in [
        ("rs web-b", 3..8),
        ("outcome rest", 8..12),
        ("client 10.0.0", 7..13),
        ("finding 99", 8..10),
        ("nonsense", 0..8),
        ("duration > 1", 11..12),
        ("start > tomorrow", 8..16),
        ("seen nowhere", 5..12),
    ] {
        let why = Filter::bind(&parse(text).unwrap(), &trace, &diagnosis).unwrap_err();
        assert_eq!(why.at, at, "{text}: {}", why.message);
    }
}

#[test]
fn completion_knows_what_may_stand_where() {
    let (trace, diagnosis) = sample("nat-one-rs-gateway-wrong");
    let words = Vocabulary::new(&trace, &diagnosis);
    let at = |text: &str| complete(text, text.len(), &words);
    assert_eq!(at("cl"), Completion { replace: 0..2, words: vec!["client".into()] });
    assert!(at("client ").words.contains(&"188.88.88.10".to_owned()));
    assert_eq!(at("outcome res").words, ["reset"]);
    assert_eq!(at("client 10.0.0.1 ").words, ["and", "or"]);
    assert!(at("client 10.0.0.1 and ").words.contains(&"outcome".to_owned()));
    assert!(at("rs ").words.contains(&"rs2".to_owned()));
    assert!(at("outcome reset, ").words.contains(&"refused".to_owned()));
    assert_eq!(at("duration ").words.first().map(String::as_str), Some(">"));
    assert!(at("finding nat").words.contains(&"nat-return-bypasses-director".to_owned()));
    // Every completed condition can be read.
    for field in at("").words.iter().filter(|word| *word != "not") {
        for value in at(&format!("{field} ")).words {
            let text = format!("{field} {value}");
            match parse(&text) {
                Ok(expr) => {
                    let bound = Filter::bind(&expr, &trace, &diagnosis);
                    assert!(bound.is_ok(), "{text}: {bound:?}");
                }
                Err(why) => assert!(why.unfinished, "{text}: {why:?}"),
            }
        }
    }
}
