//! Where the time goes: the network's share by segment, and the server's.

use crate::support::expected::samples;
use crate::support::run::whole;

const MS: i64 = 1_000_000;

#[test]
fn a_slow_network_is_not_the_server_and_a_slow_server_not_the_network() {
    for (name, network) in [("slow-network-to-rs", true), ("slow-real-server", false)] {
        let sample = samples().into_iter().find(|s| s.name == name).expect(name);
        let report = &whole(&sample).report;
        let [service] = &report.services[..] else { panic!("{name}: one service") };
        let mut slow = 0;
        for server in &service.real_servers {
            let timing = server.timing.as_ref().expect("the capture shows handshakes");
            let [outside, inside] = &timing.segments[..] else { panic!("{name}: {timing:?}") };
            // By the captures' labels, as files are named here.
            assert_eq!((outside.from.as_str(), outside.to.as_str()), ("client", "director"));
            assert_eq!(inside.from, "director");
            assert!(outside.round_trip_ns < 5 * MS, "{name}: {timing:?}");
            let (network_ns, server_ns) = (inside.round_trip_ns, timing.server_ns.unwrap_or(0));
            let late = if network { network_ns } else { server_ns };
            let other = if network { server_ns } else { network_ns };
            slow += usize::from(late > 100 * MS);
            assert!(other < 10 * MS, "{name}: {timing:?}");
        }
        assert_eq!(slow, 1, "{name}");
    }
}

#[test]
fn each_connection_adds_up() {
    for sample in samples() {
        let report = &whole(&sample).report;
        for connection in &report.connections {
            let Some(timing) = &connection.timing else { continue };
            let connect = timing.connect_ns.expect("said where any is");
            let path: i64 = timing.segments.iter().map(|s| s.round_trip_ns).sum();
            assert!((0..=connect).contains(&path), "{}: {connection:?}", sample.name);
            assert!(timing.server_ns.is_none_or(|ns| ns >= 0), "{}: {connection:?}", sample.name);
        }
    }
}
