//! Pastes of connections that go on elsewhere.

use super::{SERVICE, found, line, loud, told};
use crate::support::run::Run;

/// Connections that talk for a while, some of them reset at one moment from another distance.
fn moved(cut: &[u32]) -> Run {
    let head = |ttl: u8, from: &str, to: &str, rest: &str| {
        format!(
            "(tos 0x0, ttl {ttl}, id 0, offset 0, flags [DF], proto TCP (6), length 52)\n    {from} > {to}: {rest}"
        )
    };
    let mut out = String::new();
    let client = |n: u32| format!("10.7.0.20.4011{n}");
    for n in 0..6 {
        let (c, at) = (client(n), u64::from(n) * 50);
        line(
            &mut out,
            at,
            "",
            &head(
                64,
                &c,
                SERVICE,
                "Flags [S], seq 5000000, win 64240, options [mss 1460], length 0",
            ),
        );
        line(
            &mut out,
            at + 1,
            "",
            &head(
                61,
                SERVICE,
                &c,
                "Flags [S.], seq 9000000, ack 5000001, win 65160, options [mss 1460], length 0",
            ),
        );
        line(
            &mut out,
            at + 2,
            "",
            &head(64, &c, SERVICE, "Flags [P.], seq 1:80, ack 1, win 502, length 79"),
        );
        line(
            &mut out,
            at + 3,
            "",
            &head(61, SERVICE, &c, "Flags [P.], seq 1:200, ack 80, win 502, length 199"),
        );
    }
    for n in 0..6 {
        let (c, at) = (client(n), 2000 + u64::from(n) * 50);
        line(
            &mut out,
            at,
            "",
            &head(64, &c, SERVICE, "Flags [P.], seq 80:160, ack 200, win 502, length 80"),
        );
        let back = if cut.contains(&n) {
            head(62, SERVICE, &c, "Flags [R], seq 9000200, win 0, length 0")
        } else {
            head(61, SERVICE, &c, "Flags [P.], seq 200:400, ack 160, win 502, length 200")
        };
        line(&mut out, at + 1, "", &back);
    }
    for n in (0..6).filter(|n| !cut.contains(n)) {
        let (c, at) = (client(n), 4000 + u64::from(n) * 50);
        line(
            &mut out,
            at,
            "",
            &head(64, &c, SERVICE, "Flags [P.], seq 160:240, ack 400, win 502, length 80"),
        );
        line(
            &mut out,
            at + 1,
            "",
            &head(61, SERVICE, &c, "Flags [P.], seq 400:600, ack 240, win 502, length 200"),
        );
    }
    told(&out)
}

#[test]
fn some_connections_that_move_at_one_moment() {
    let run = moved(&[1, 3]);
    found(&run, "ecmp-rehash-wrong-server");
    // Who loses all of them lost his table, and one may be anybody's.
    for cut in [&[0, 1, 2, 3, 4, 5][..], &[2]] {
        let run = moved(cut);
        assert!(
            !run.report.findings.iter().any(|f| f.id == "ecmp-rehash-wrong-server"),
            "{}",
            run.text
        );
    }
    assert!(loud(&moved(&[])).is_empty());
}
