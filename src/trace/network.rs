//! What kind of network captures were taken in, as far as it shows: a cluster, or a cloud.
//!
//! A cluster is known by the devices that its network plugins make, and by names that only
//! it gives; a cloud by hardware addresses that its network has for all, and by addresses
//! that it documents for its own. None of these is a proof of who balances, so nothing but
//! words and next steps go by them.

use super::Trace;
use crate::flow::{Observations, VantageId};
use crate::topology::HostId;
use crate::wire::{Ip, Mac};
use std::net::IpAddr;

/// Whose network it looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cloud {
    /// Alibaba Cloud.
    Alibaba,
    /// Amazon's.
    Aws,
    /// Microsoft's.
    Azure,
    /// Google's.
    Google,
    /// Tencent Cloud.
    Tencent,
    /// One that is not told from others.
    Other,
}

impl Cloud {
    /// As its users call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Alibaba => "Alibaba Cloud",
            Self::Aws => "AWS",
            Self::Azure => "Azure",
            Self::Google => "Google Cloud",
            Self::Tencent => "Tencent Cloud",
            Self::Other => "the cloud",
        }
    }

    /// By a hardware address that a cloud's network has or gives: one for all gateways (Azure,
    /// Alibaba, Tencent), or `42:01` before each IPv4 address, of gateways too (Google).
    fn by_mac(mac: Mac) -> Option<Self> {
        match mac.0 {
            [0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc] => Some(Self::Azure),
            [0xee, 0xff, 0xff, 0xff, 0xff, 0xff] => Some(Self::Alibaba),
            [0xfe, 0xee, ..] => Some(Self::Tencent),
            [0x42, 0x01, ..] => Some(Self::Google),
            _ => None,
        }
    }

    /// By an address that a cloud documents for itself: Azure's health probes and agents; the
    /// ranges of Google's health checks and front ends; what answers for metadata, which is
    /// everybody's, and Amazon's resolver and clock beside it.
    fn by_address(ip: Ip) -> Option<Self> {
        let IpAddr::V4(ip) = ip.addr() else { return None };
        match ip.octets() {
            [168, 63, 129, 16] => Some(Self::Azure),
            [35, 191, ..] | [130, 211, 0..=3, _] => Some(Self::Google),
            [209, 85, 152..=155, _] | [209, 85, 204..=207, _] => Some(Self::Google),
            [169, 254, 169, 253 | 123] => Some(Self::Aws),
            [169, 254, 169, 254] => Some(Self::Other),
            _ => None,
        }
    }
}

/// Connections whose ends are asked.
const ASKED: usize = 1 << 12;

/// Beginnings of names that network plugins of clusters give to devices of theirs, with how many
/// characters follow at least: Calico, Cilium, flannel and the bridge plugin, kube-router and
/// kube-proxy's IPVS, Weave, OVN-Kubernetes, Antrea, the clouds' own.
const DEVICES: &[(&str, usize)] = &[
    ("cali", 6),
    ("vxlan.calico", 0),
    ("wireguard.cali", 0),
    ("lxc_health", 0),
    ("cilium_", 3),
    ("flannel", 2),
    ("cni0", 0),
    ("kube-", 3),
    ("weave", 0),
    ("vethwe", 0),
    ("ovn-k8s-", 2),
    ("antrea-gw", 0),
    ("azv", 8),
    ("gke", 8),
    ("nodelocaldns", 0),
];

/// Whether only a cluster names a device so.
fn is_clusters(device: &str) -> bool {
    let device = device.split('@').next().unwrap_or(device);
    let pod = device
        .strip_prefix("lxc")
        .is_some_and(|rest| rest.len() >= 6 && rest.bytes().all(|b| b.is_ascii_hexdigit()));
    pod || DEVICES
        .iter()
        .any(|(begins, more)| device.strip_prefix(begins).is_some_and(|rest| rest.len() >= *more))
}

impl Trace {
    /// Whether hosts are nodes of a cluster, or pods on them: by their own captures and
    /// statements, or, where none of them is known, by any.
    #[must_use]
    pub fn in_cluster(&self, hosts: &[HostId]) -> bool {
        let theirs = |(vantage, _): &(VantageId, &Observations)| {
            let of = self.host_of_vantage(*vantage);
            hosts.is_empty() || of.is_none() || of.is_some_and(|host| hosts.contains(&host))
        };
        let seen = VantageId::each(&self.vantages).filter(theirs).any(|(_, vantage)| {
            vantage.tally.cluster_names > 0 || self.devices(vantage.capture).any(is_clusters)
        });
        let said = |state: &&super::MatchedState| {
            hosts.is_empty() || state.hosts.iter().any(|host| hosts.contains(host))
        };
        seen || self.states.iter().filter(said).any(|state| {
            state.state.interfaces.iter().any(|interface| is_clusters(&interface.name))
        })
    }

    /// Names of the devices of a capture, where it tells them.
    fn devices(&self, capture: usize) -> impl Iterator<Item = &str> {
        let files = self.captures.get(capture).map_or(&[][..], |capture| &capture.files[..]);
        files.iter().flat_map(|file| {
            let named = file.interfaces.iter().filter_map(|interface| interface.name.as_deref());
            let printed = file.text.iter().flat_map(|text| &text.devices).map(String::as_str);
            named.chain(printed)
        })
    }

    /// The name of an interface that a text prints, whose number was given to it in reading.
    #[must_use]
    pub fn printed_device(&self, vantage: VantageId, number: u32) -> Option<&str> {
        let capture = self.captures.get(self.vantages[vantage.index()].capture)?;
        let [file] = &capture.files[..] else { return None };
        let devices = &file.text.as_ref()?.devices;
        devices.get((number as usize).checked_sub(1)?).map(String::as_str)
    }

    /// Whether a MAC is one that a cloud's network has for everybody, so that it names no host.
    #[must_use]
    pub fn is_everybodys(mac: Mac) -> bool {
        matches!(Cloud::by_mac(mac), Some(Cloud::Azure | Cloud::Alibaba | Cloud::Tencent))
    }

    /// The cloud in whose network a capture seems to be taken. Nobody captures on a balancer of
    /// its own.
    #[must_use]
    pub fn cloud(&self) -> Option<Cloud> {
        let hosts = self.topology.hosts.iter();
        let macs = hosts.flat_map(|(_, host)| host.macs.iter());
        let by_mac = macs.filter_map(|mac| Cloud::by_mac(*mac));
        let ends = self.connections.list.iter().take(ASKED).flat_map(|c| {
            [c.front.client.0, c.front.server.0].into_iter().filter_map(Cloud::by_address)
        });
        by_mac.chain(ends).min_by_key(|cloud| *cloud == Cloud::Other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_of_clusters_are_told_from_others() {
        for name in ["cali1a2b3c4d5e6", "lxc0a1b2c3d4e5f", "cni0", "flannel.1", "kube-ipvs0"] {
            assert!(is_clusters(name), "{name}");
        }
        for name in ["eth0", "lxcbr0", "veth1a2b3c", "br0", "docker0", "any", "kube", "calico"] {
            assert!(!is_clusters(name), "{name}");
        }
        assert!(is_clusters("cali1a2b3c4d5e6@if3"));
    }

    #[test]
    fn clouds_are_told_by_what_they_document() {
        let ip = |text: &str| Ip::from(text.parse::<IpAddr>().unwrap());
        assert_eq!(Cloud::by_address(ip("168.63.129.16")), Some(Cloud::Azure));
        assert_eq!(Cloud::by_address(ip("35.191.8.2")), Some(Cloud::Google));
        assert_eq!(Cloud::by_address(ip("130.211.4.1")), None);
        assert_eq!(Cloud::by_address(ip("169.254.169.254")), Some(Cloud::Other));
        let google = Mac([0x42, 1, 10, 132, 0, 5]);
        assert_eq!(Cloud::by_mac(google), Some(Cloud::Google));
        assert_eq!(Cloud::by_mac(Mac([0x02, 0x42, 10, 132, 0, 5])), None);
        let azure = Mac([0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc]);
        assert_eq!(Cloud::by_mac(azure), Some(Cloud::Azure));
    }
}
