//! What is lost is missing behind the place of the loss and nowhere else, and is sent again; merged segments are whole.

use super::decode::{Fault, Tcp};
use super::generator::World;
use super::generator::truth::Outcome;
use super::generator::world::{Between, Loss, Mode, Vantage};
use super::{count, tcp, write};
use std::collections::HashMap;

#[test]
fn what_is_lost_is_seen_before_the_place_and_sent_again() -> Result<(), Fault> {
    use Between::{ClientDirector, DirectorServer, ServerClient};
    for (mode, between) in [
        (Mode::Nat, ClientDirector),
        (Mode::Nat, DirectorServer),
        (Mode::Dr, ClientDirector),
        (Mode::Dr, DirectorServer),
        (Mode::Tun, DirectorServer),
        (Mode::Dr, ServerClient),
    ] {
        let world = World {
            connections: 400,
            packets_per_connection: 13,
            loss: Some(Loss { between, per_mille: 30 }),
            ..World::new(mode)
        };
        let (truth, all, _folder) = write(&world)?;
        assert!((15..200).contains(&truth.lost), "{mode:?} {between:?}: {} lost", truth.lost);
        assert!(truth.connections.iter().all(|c| c.outcome == Outcome::Completed));
        let each: u64 = truth.connections.iter().map(|c| u64::from(c.lost)).sum();
        assert_eq!(each, truth.lost);
        // Every packet arrives once; its sender's side shows it as often as it was sent.
        let vip = (world.network.vip, 80);
        let client = &all["client"];
        let (asked, answered): (Vec<&Tcp>, Vec<&Tcp>) = tcp(client).partition(|t| t.to == vip);
        let servers: Vec<&Tcp> = tcp(&all["rs1"]).chain(tcp(&all["rs2"])).collect();
        let sent_by_servers =
            servers.iter().filter(|tcp| tcp.from == vip || tcp.from.1 == 8000).count() as u64;
        let planned = 400 * 13;
        assert_eq!(
            (asked.len() + answered.len() + servers.len()) as u64,
            2 * planned + truth.lost,
            "{mode:?} {between:?}"
        );
        let repeats = asked.len() as u64 + sent_by_servers - planned;
        assert_eq!(repeats, truth.lost);
        // A repeat has the same sequence number and another IP-ID, and comes after the timeout.
        let mut first: HashMap<_, (u16, u64)> = HashMap::new();
        let mut again = 0;
        for frame in client {
            let Some(tcp) = frame.tcp.as_ref().filter(|t| t.to == vip) else { continue };
            if tcp.payload.is_empty() && !tcp.syn && !tcp.fin {
                continue;
            }
            if let Some((id, at)) = first.insert((tcp.from, tcp.seq), (tcp.id, frame.at)) {
                assert_ne!(id, tcp.id);
                assert!(frame.at - at >= if tcp.syn { 1_000_000_000 } else { 200_000_000 });
                again += 1;
            }
        }
        assert_eq!(again > 0, between != ServerClient);
    }
    Ok(())
}

#[test]
fn merged_segments_are_one_frame_at_their_vantage_alone() -> Result<(), Fault> {
    for (mode, vantage, name) in [
        (Mode::Nat, Vantage::Client, "client"),
        (Mode::Nat, Vantage::Director, "director"),
        (Mode::Dr, Vantage::RealServer, "rs1"),
    ] {
        // The first response has four segments.
        let world = World { connections: 100, packets_per_connection: 13, ..World::new(mode) };
        let merged = World { merged_at: Some(vantage), ..world.clone() };
        let ((_, plain, _a), (_, merged, _b)) = (write(&world)?, write(&merged)?);
        for (host, frames) in &merged {
            let bytes = |frames: &[super::Frame]| -> usize {
                tcp(frames).map(|tcp| tcp.payload.len()).sum()
            };
            assert_eq!(bytes(frames), bytes(&plain[host]));
            let merges = host == name || (name == "rs1" && host == "rs2");
            let passes = count(&plain[host]) - count(frames);
            let share = if name == "rs1" { 50 } else { 100 };
            let arms = if name == "director" { 2 } else { 1 };
            assert_eq!(passes, if merges { 3 * share * arms } else { 0 }, "{host}");
            let largest = tcp(frames).map(|tcp| tcp.payload.len()).max();
            assert_eq!(
                largest,
                Some(if merges {
                    2_400
                } else if host == "director" && mode == Mode::Dr {
                    94
                } else {
                    600
                })
            );
        }
    }
    Ok(())
}
