//! The generator's own random numbers: SplitMix64 and one permutation of 32-bit numbers.
//!
//! A world must come out the same from the same seed on every machine and after every upgrade of a dependency, which no
//! external random number crate promises. Not for secrets.

/// SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    /// A sequence that depends on the seed alone.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 random bits.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        finish(self.0)
    }

    /// A number in `0..bound`; 0 for the bound 0. The bias of the multiplication is below `bound / 2^64`.
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }
}

/// 64 random bits that belong to (`seed`, `number`): what a connection or a spoofed SYN is made of, without being stored.
pub fn at(seed: u64, number: u64) -> u64 {
    finish(
        finish(seed ^ 0x6c62_272e_07bb_0142)
            .wrapping_add(number.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
    )
}

fn finish(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A permutation of the 32-bit numbers that depends on the seed: distinct numbers stay distinct.
/// Each step (add, multiply by an odd number, xor with the own upper half) can be undone.
pub fn permute(seed: u64, number: u32) -> u32 {
    let mut x = number.wrapping_add(seed as u32);
    x = (x ^ (x >> 16)).wrapping_mul(0x7feb_352d).wrapping_add((seed >> 32) as u32);
    x = (x ^ (x >> 15)).wrapping_mul(0x846c_a68b);
    x ^ (x >> 16)
}
