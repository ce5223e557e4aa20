//! Worlds that tests and benchmarks have long rested on stay the same byte for byte, whatever the generator learns.

use super::decode::Fault;
use super::generator::World;
use super::generator::world::{Clock, Clocks, Flood, FloodFate, Mode};

/// FNV-1a, 64 bits (draft-eastlake-fnv), of all captures in their order.
fn digest(world: &World) -> Result<u64, Fault> {
    let folder = tempfile::tempdir()?;
    let truth = world.write(folder.path())?;
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for capture in &truth.captures {
        for byte in std::fs::read(&capture.path)? {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    Ok(hash)
}

#[test]
fn old_worlds_stay_the_same_byte_for_byte() -> Result<(), Fault> {
    let flood = |fate| Some(Flood { syns: 3_000, same_isn_every: 5, fate });
    let clocks = Clocks {
        client: Clock { offset_ns: 5_000_000, drift_ppm: 10 },
        director: Clock { offset_ns: -7_000, drift_ppm: 0 },
        real_servers: vec![Clock { offset_ns: 3_600_000_000_000, drift_ppm: -30 }],
        ..Clocks::default()
    };
    let skewed = World { clocks, seed: 9, ..World::new(Mode::Dr) };
    let reused = World { clients: 3, ports_per_client: 40, in_flight: 20, ..World::new(Mode::Nat) };
    let long = World {
        packets_per_connection: 23,
        response_segment: 1448,
        real_servers: 5,
        ..reused.clone()
    };
    let flooded = |mode, fate| World { flood: flood(fate), ..World::new(mode) };
    let worlds = [
        (World::new(Mode::Nat), 0xbf06_1a28_ef5f_aeac),
        (World::new(Mode::Dr), 0x658b_8182_04a8_4367),
        (skewed, 0x1a18_41f0_ce9f_3c8f),
        (reused, 0xeb90_d58c_f1d6_304d),
        (long, 0xf9b5_16ac_e961_c8ae),
        (World { packets_per_connection: 6, ..World::new(Mode::Dr) }, 0x7b51_4bde_1b40_67a5),
        (flooded(Mode::Nat, FloodFate::Answered), 0x5161_57d3_92b1_68cc),
        (flooded(Mode::Dr, FloodFate::DroppedAtRealServer), 0xdfbc_e46e_e60a_918e),
    ];
    let found = worlds.iter().map(|(world, _)| digest(world)).collect::<Result<Vec<_>, _>>()?;
    let pinned: Vec<u64> = worlds.iter().map(|(_, pin)| *pin).collect();
    assert_eq!(found, pinned, "{found:#x?}");
    Ok(())
}
