//! Who claimed which address by ARP or neighbour discovery, by address and by MAC, of all vantages together.
//!
//! A vantage keeps up to 65,536 claims, and detectors ask for each address that is disputed: none walks over all.

use super::Trace;
use crate::flow::{Binding, VantageId};
use crate::hashed::HashMap;
use crate::wire::{Ip, Mac};

/// Where claims lie: a vantage, and the place among its own.
type Places = Vec<(VantageId, u32)>;

/// Claims by address and by MAC, each in the order of the vantages.
#[derive(Debug, Default)]
pub(super) struct Claims {
    by_address: HashMap<Ip, Places>,
    by_mac: HashMap<Mac, Places>,
}

impl Claims {
    pub(super) fn of(trace: &Trace) -> Self {
        let mut claims = Self::default();
        for (v, vantage) in VantageId::each(&trace.vantages) {
            for (at, binding) in vantage.neighbors.bindings.iter().enumerate() {
                let place = (v, at as u32);
                claims.by_address.entry(binding.ip).or_default().push(place);
                claims.by_mac.entry(binding.mac).or_default().push(place);
            }
        }
        claims
    }
}

impl Trace {
    /// Who claimed an address, with the vantages that saw it.
    pub fn claims_of(&self, ip: Ip) -> impl Iterator<Item = (VantageId, &Binding)> {
        self.claims_at(self.claims().by_address.get(&ip))
    }

    /// Which addresses were claimed by a MAC, with the vantages that saw it.
    pub fn claims_by(&self, mac: Mac) -> impl Iterator<Item = (VantageId, &Binding)> {
        self.claims_at(self.claims().by_mac.get(&mac))
    }

    fn claims(&self) -> &Claims {
        self.claims.get_or_init(|| Claims::of(self))
    }

    fn claims_at<'a>(
        &'a self,
        places: Option<&'a Places>,
    ) -> impl Iterator<Item = (VantageId, &'a Binding)> {
        let places = places.map_or(&[][..], Vec::as_slice);
        places
            .iter()
            .map(|(v, at)| (*v, &self.vantages[v.index()].neighbors.bindings[*at as usize]))
    }
}
